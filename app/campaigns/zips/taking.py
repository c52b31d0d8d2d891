"""A pack becomes a draft: what would be new is known before anything is written, and nothing that
is public changes before somebody publishes it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app import audit
from app.campaigns import packs, stages
from app.campaigns.drafts import contents, keeping
from app.campaigns.drafts.contents import Content
from app.campaigns.drafts.keeping import Draft
from app.campaigns.other_languages.rows import content_of
from app.campaigns.other_languages.texts import english
from app.campaigns.pack_folder import Pack
from app.campaigns.pack_format import Part as Table
from app.campaigns.zips.reading import Bundle
from app.contacts import comparing
from app.contacts.comparing import Comparison
from app.errors import Overtaken, PackBroken
from app.models import (
    Alert,
    AlertCountry,
    AlertState,
    AlertTranslation,
    Campaign,
    LetterTemplate,
)

How = Literal["new", "changed", "gone", "same"]


@dataclass(frozen=True)
class Part:
    """A part of the draft: as it stands, and as the pack has it."""

    name: str
    how: How
    theirs: Content
    yours: Content


@dataclass(frozen=True)
class Offices:
    """The addresses that a pack brings for a country; taken where the directory has none."""

    country: str
    n: int
    taken: bool


@dataclass(frozen=True)
class Plan:
    """What loading a pack would do. `alert`: the one it belongs to, None when it is new here.

    `other_steps`: countries that stand elsewhere in our campaign than the pack says; a pack does
    not change that. `seal`: of the draft that was looked at.
    """

    bundle: Bundle
    alert: Alert | None
    campaign: Campaign | None
    parts: Sequence[Part]
    contacts: Sequence[Offices]
    other_steps: Sequence[str]
    seal: str


@dataclass(frozen=True)
class Taken:
    """The alert whose draft holds the pack now, and how many addresses are new."""

    alert: Alert
    contacts: int


async def plan(session: AsyncSession, bundle: Bundle, organisation_id: int) -> Plan:
    """What would be new or changed. Raises PackBroken when the pack cannot be taken here."""
    pack = bundle.pack
    await packs.check_names(session, pack, organisation_id)
    alert = await _alert(session, pack)
    if alert and alert.kind != pack.alert.kind:
        raise PackBroken(f"“{alert.slug}” is here already, and of another kind")
    draft = await keeping.read(session, alert) if alert else None
    campaign = alert.campaign if alert else await _campaign(session, pack)
    offices = [
        Offices(code, len(rows), _is_new(await comparing.compare(session, rows)))
        for code, rows in sorted(bundle.contacts.items())
    ]
    others = await _other_steps(session, pack, campaign) if campaign else []
    parts = _parts(draft, parts_of(pack))
    return Plan(bundle, alert, campaign, parts, offices, others, draft.seal if draft else "")


async def take(
    session: AsyncSession, bundle: Bundle, organisation_id: int, *, seal: str, by: str
) -> Taken:
    """Write a pack into the draft of its alert, or into a new alert that nobody sees yet.

    Raises PackBroken, TemplateBroken, or Overtaken when the draft is no longer the one that was
    looked at.
    """
    found = await plan(session, bundle, organisation_id)
    if found.seal != seal:
        raise Overtaken(found, {})
    if found.alert:
        alert = found.alert
        await _into_draft(session, alert, found.parts, by=by)
    else:
        pack = _without_steps(bundle.pack) if found.campaign else bundle.pack
        put = {"organisation_id": organisation_id, "state": AlertState.DRAFT}
        alert = await packs.put(session, pack, **put, by=by)  # type: ignore[arg-type]
    n = await take_contacts(session, bundle, by=by)
    more = f", and {n} addresses of offices" if n else ""
    said = f"Loaded the pack of “{alert.slug}” as a draft{more}"
    await audit.note(session, by, said, organisation_id=organisation_id)
    return Taken(alert, n)


async def take_contacts(session: AsyncSession, bundle: Bundle, *, by: str) -> int:
    """Add the offices of countries that the directory knows nothing of; gives how many.

    What stands in it stays: all organisations share it, and an import compares line by line.
    """
    n = 0
    for _, rows in sorted(bundle.contacts.items()):
        compared = await comparing.compare(session, rows)
        if _is_new(compared):
            await comparing.take(session, compared, by=by)
            n += len(compared.added)
    return n


def parts_of(pack: Pack) -> dict[str, Content]:
    """The pack as the parts of a draft, as if it had been typed."""
    file = pack.alert
    countries = [
        AlertCountry(country=one.code, **one.model_dump(exclude={"code", "stages"}))
        for one in file.countries
    ]
    alert = Alert(
        **file.model_dump(exclude={"campaign", "countries", "resources", "share", "texts"}),
        **{name: _rows(getattr(file, name)) for name in packs.LISTS_OF_AN_ALERT},
        countries=countries,
        translations=_translations(pack),
    )
    letters = [
        LetterTemplate(country=one.country, language=one.language, source=one.source)
        for one in pack.letters
    ]
    return contents.of_alert(alert, letters)


def _translations(pack: Pack) -> list[AlertTranslation]:
    known = english(pack.alert.model_dump())
    return [
        AlertTranslation(
            language=one.language,
            reviewed=one.file.reviewed,
            content=content_of(one.file, known),
        )
        for one in pack.translations
    ]


def _parts(draft: Draft | None, yours: dict[str, Content]) -> list[Part]:
    theirs = {name: one.content for name, one in draft.sections.items()} if draft else {}
    return [
        Part(
            name, _how(theirs.get(name), yours.get(name)), theirs.get(name, {}), yours.get(name, {})
        )
        for name in dict.fromkeys([*yours, *theirs])
    ]


def _how(theirs: Content | None, yours: Content | None) -> How:
    if theirs == yours:
        return "same"
    if theirs is None:
        return "new"
    return "gone" if yours is None else "changed"


async def _into_draft(
    session: AsyncSession, alert: Alert, parts: Sequence[Part], *, by: str
) -> None:
    draft = await keeping.read(session, alert)
    for part in parts:
        section = draft.sections.get(part.name) or draft.removed.get(part.name)
        version = section.version if section else 0
        if part.how == "gone":
            await keeping.remove(session, alert, part.name, version=version, by=by)
        elif part.how != "same":
            await keeping.save(session, alert, part.name, part.yours, version=version, by=by)


async def _alert(session: AsyncSession, pack: Pack) -> Alert | None:
    return await session.scalar(
        select(Alert)
        .options(selectinload(Alert.campaign), selectinload(Alert.countries))
        .where(Alert.slug == pack.alert.slug)
    )


async def _campaign(session: AsyncSession, pack: Pack) -> Campaign | None:
    """The campaign that it would join; one that has no stages yet takes those of the pack."""
    slug = pack.alert.campaign.slug
    found = await session.scalar(select(Campaign).where(Campaign.slug == slug))
    return found if found and found.stages else None


async def _other_steps(session: AsyncSession, pack: Pack, campaign: Campaign) -> list[str]:
    """The countries whose steps are others in our campaign than in the pack."""
    ours: dict[str, set[object]] = {}
    for step in await stages.steps_of(session, campaign):
        ours.setdefault(step.country, set()).add((step.stage, step.on))
    return [
        one.code
        for one in pack.alert.countries
        if one.stages
        and {(step.stage, step.on) for step in one.stages} != ours.get(one.code, set())
    ]


def _without_steps(pack: Pack) -> Pack:
    """A draft changes nothing of a campaign that other alerts belong to."""
    file = pack.alert
    campaign = file.campaign.model_copy(update={"stages": []})
    countries = [one.model_copy(update={"stages": []}) for one in file.countries]
    changed = {"campaign": campaign, "countries": countries}
    return replace(pack, alert=file.model_copy(update=changed))


def _is_new(found: Comparison) -> bool:
    return bool(found.added) and not (found.changed or found.retired or found.unchanged)


def _rows(tables: Sequence[Table]) -> list[dict[str, object]]:
    return [one.model_dump(mode="json") for one in tables]
