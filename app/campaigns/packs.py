"""A pack becomes rows, and rows become a pack.

Loading the same pack twice changes nothing; a letter's changed text becomes a new revision,
because letters that wait keep the words their supporter confirmed.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app import clock
from app.campaigns import stages
from app.campaigns.offices import newest_templates
from app.campaigns.other_languages import rows
from app.campaigns.pack_folder import (
    ALERT_FILE,
    LetterFile,
    Pack,
    check_stages,
    load_folder,
    write_folder,
)
from app.campaigns.pack_format import AlertFile, Part
from app.campaigns.stage_moves import noticing
from app.errors import Missing, PackBroken
from app.models import (
    Alert,
    AlertCountry,
    AlertState,
    Campaign,
    Letter,
    LetterStatus,
    LetterTemplate,
    StageStep,
    Target,
)
from app.outbox import queue
from app.settings import TRIED_OUT
from app.wording import templates

__all__ = ["Pack", "load_folder", "put", "take_out", "write_folder"]

# what an alert, a country and a step hold under the same name in the file and in the table
OF_AN_ALERT = (
    *("kind", "title", "summary", "timezone", "opens_at", "closes_at", "made_up", "body"),
    *("prompts", "default_roles", "write_before", "expected"),
    *("own_mailbox", "editable", "refused_words"),
)
LISTS_OF_AN_ALERT = ("resources", "share", "texts")
OF_A_COUNTRY = (
    *("name", "added_on", "record", "postal_address", "language_note", "reply_note"),
    *("postal_address_roles", "language_note_roles"),
)
OF_A_STEP = ("stage", "on", "what", "source", "url")


async def put(
    session: AsyncSession,
    pack: Pack,
    *,
    organisation_id: int,
    state: AlertState = AlertState.PUBLISHED,
    by: str = "alerts load",
) -> Alert:
    """Write a pack into the tables. `state` is for a new alert; one that is there keeps its own.
    A country that stands at another stage now has its waiting letters held, on record as `by`.

    Raises PackBroken when its campaign has no stages for the letters, when it leaves out a country
    or a letter that supporters have already used, or when its names are another organisation's.
    """
    await check_names(session, pack, organisation_id)
    campaign = await _put_campaign(session, pack, organisation_id)
    known = [stage["key"] for stage in campaign.stages]
    if pack.letters and not known:
        raise PackBroken(
            f"{ALERT_FILE}: campaign: no stages yet; load the pack that has them first"
        )
    check_stages(pack, known)
    moved = [
        country.code
        for country in pack.alert.countries
        # a pack that has no steps leaves them alone
        if country.stages and await stages.write(session, campaign, country.code, country.stages)
    ]
    alert = await _put_alert(session, pack.alert, campaign, state)
    await _put_countries(session, alert, pack, by)
    await _put_letters(session, alert, pack)
    standing = await _file(session, alert, campaign) if pack.translations else pack.alert
    await rows.put(session, alert, pack.translations, standing.model_dump())
    for country in moved:
        await noticing.notice(session, campaign, country, by=by)
    return alert


async def check_names(session: AsyncSession, pack: Pack, organisation_id: int) -> None:
    """Raises PackBroken when the alert or its campaign is another organisation's.

    The sentence says no more than that the name is not free.
    """
    file = pack.alert
    owners = await _owners(session, pack)
    for name, owner in (
        (f"slug: “{file.slug}”", owners[0]),
        (f"campaign: “{file.campaign.slug}”", owners[1]),
    ):
        if owner not in {None, organisation_id}:
            raise PackBroken(f"{ALERT_FILE}: {name} is taken here: choose another name")


async def owner(session: AsyncSession, pack: Pack) -> int | None:
    """The organisation whose alert or campaign this is; None when both are new here."""
    of_alert, of_campaign = await _owners(session, pack)
    return of_alert or of_campaign


async def _owners(session: AsyncSession, pack: Pack) -> tuple[int | None, int | None]:
    file = pack.alert
    of_campaign = select(Campaign.organisation_id)
    of_alert = of_campaign.join(Alert, Alert.campaign_id == Campaign.id)
    return (
        await session.scalar(of_alert.where(Alert.slug == file.slug)),
        await session.scalar(of_campaign.where(Campaign.slug == file.campaign.slug)),
    )


async def take_out(session: AsyncSession, slug: str) -> Pack:
    """The alert as a pack that stands alone: with its campaign, whole. Raises Missing."""
    alert = await session.scalar(
        select(Alert).options(selectinload(Alert.campaign)).where(Alert.slug == slug)
    )
    if alert is None:
        raise Missing("alert", slug)
    file = await _file(session, alert, alert.campaign)
    letters = await newest_templates(session, alert.id)
    return Pack(
        file,
        tuple(LetterFile(one.country, one.language, one.source) for one in letters),
        tuple(rows.of_row(one, file.model_dump()) for one in alert.translations),
    )


async def _file(session: AsyncSession, alert: Alert, campaign: Campaign) -> AlertFile:
    """The alert's own file, with what stands in the tables of its campaign and its countries."""
    found = await stages.steps_of(session, campaign)
    ours = select(AlertCountry).where(AlertCountry.alert_id == alert.id)
    countries = await session.scalars(ours.order_by(AlertCountry.position))
    tables = _taken(alert, (*OF_AN_ALERT, *LISTS_OF_AN_ALERT)) | {
        "slug": alert.slug,
        "campaign": _taken(campaign, ("slug", "title", "aim", "stages")),
        "countries": [_country(one, found) for one in countries],
    }
    zone = ZoneInfo(alert.timezone)
    for moment in ("opens_at", "closes_at"):
        tables[moment] = tables[moment] and tables[moment].astimezone(zone)
    # not strict: a resource's date comes out of JSON as text
    return AlertFile.model_validate(tables, strict=False)


def _country(row: AlertCountry, steps: Sequence[StageStep]) -> dict[str, Any]:
    ours = [_taken(step, OF_A_STEP) for step in steps if step.country == row.country]
    return _taken(row, OF_A_COUNTRY) | {"code": row.country, "stages": ours}


async def _put_campaign(session: AsyncSession, pack: Pack, organisation_id: int) -> Campaign:
    """The pack that brings the stages has the last word on its campaign."""
    part = pack.alert.campaign
    campaign = await session.scalar(select(Campaign).where(Campaign.slug == part.slug))
    if campaign is None:
        campaign = Campaign(organisation_id=organisation_id, slug=part.slug)
        session.add(campaign)
    elif campaign.stages and not part.stages:
        return campaign
    _set(campaign, {"title": part.title, "aim": part.aim, "stages": _rows(part.stages)})
    await session.flush()
    return campaign


async def _put_alert(
    session: AsyncSession, part: AlertFile, campaign: Campaign, state: AlertState
) -> Alert:
    alert = await session.scalar(select(Alert).where(Alert.slug == part.slug))
    if alert is None:
        alert = Alert(slug=part.slug, state=state, created_at=clock.now())
        session.add(alert)
    lists = {name: _rows(getattr(part, name)) for name in LISTS_OF_AN_ALERT}
    _set(alert, _taken(part, OF_AN_ALERT) | lists | {"campaign_id": campaign.id})
    await session.flush()
    return alert


async def _put_countries(session: AsyncSession, alert: Alert, pack: Pack, by: str) -> None:
    ours = select(AlertCountry).where(AlertCountry.alert_id == alert.id)
    kept = {row.country: row for row in await session.scalars(ours)}
    for position, country in enumerate(pack.alert.countries):
        row = kept.pop(country.code, None)
        if row is None:
            row = AlertCountry(alert_id=alert.id, country=country.code)
            session.add(row)
        _set(row, _taken(country, OF_A_COUNTRY) | {"position": position})
    for code, gone in kept.items():
        await _check_unused(session, alert, code, Target.country == code)
        await _call_off_tries(session, alert, code, by)
        await session.delete(gone)
    await session.flush()


async def _put_letters(session: AsyncSession, alert: Alert, pack: Pack) -> None:
    newest = await newest_templates(session, alert.id)
    kept = {(row.country, row.language): row for row in newest}
    numbers = await _revisions(session, alert)
    for letter in pack.letters:
        place = letter.country, letter.language
        row = kept.pop(place, None)
        if row is None or row.source != letter.source:
            session.add(_revision(alert, letter, numbers.get(place, 0) + 1))
    for country, language in kept:
        same = (LetterTemplate.country == country, LetterTemplate.language == language)
        await _check_unused(session, alert, f"{country}.{language}.txt", *same)
        # an empty one: what was tried out keeps the revision it was written from
        gone = LetterFile(country, language, "")
        session.add(_revision(alert, gone, numbers[country, language] + 1))
    await session.flush()


async def _revisions(session: AsyncSession, alert: Alert) -> dict[tuple[str, str], int]:
    """The highest number by country and language, of those taken away too."""
    place = LetterTemplate.country, LetterTemplate.language
    highest = select(*place, func.max(LetterTemplate.revision)).group_by(*place)
    found = await session.execute(highest.where(LetterTemplate.alert_id == alert.id))
    return {(country, language): number for country, language, number in found}


def _revision(alert: Alert, letter: LetterFile, number: int) -> LetterTemplate:
    source = letter.source
    return LetterTemplate(
        alert_id=alert.id,
        country=letter.country,
        language=letter.language,
        revision=number,
        reviewed=bool(source) and templates.parse(source, letter.name).front.reviewed,
        source=source,
        created_at=clock.now(),
    )


async def _call_off_tries(session: AsyncSession, alert: Alert, country: str, by: str) -> None:
    """What was tried out and waits would find its country gone."""
    of_country = select(Target.id).where(Target.country == country)
    tried = [Letter.delivery.in_(TRIED_OUT), Letter.target_id.in_(of_country)]
    for frm in (LetterStatus.HELD, LetterStatus.QUEUED):
        await queue.move(
            session,
            [Letter.alert_id == alert.id, *tried],
            frm=frm,
            to=LetterStatus.CANCELLED,
            by=by,
            note="its alert no longer writes to that country",
        )


async def _check_unused(
    session: AsyncSession, alert: Alert, what: str, *of_it: ColumnElement[bool]
) -> None:
    """Raises PackBroken where supporters have used it; those who tried it out are none."""
    used = await session.scalar(
        select(Letter.id)
        .join(Target, Target.id == Letter.target_id)
        .join(LetterTemplate, LetterTemplate.id == Letter.template_id)
        .where(Letter.alert_id == alert.id, Letter.delivery.not_in(TRIED_OUT), *of_it)
        .limit(1)
    )
    if used:
        raise PackBroken(
            f"{alert.slug}: {what} is gone from the pack, but has letters: put it back"
        )


def _taken(row: object, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _set(row: object, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)


def _rows(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """As JSON with every key, so that a page can ask for one that was left out."""
    return [part.model_dump(mode="json") for part in parts]
