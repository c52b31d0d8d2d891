"""A draft becomes a pack, strictly checked; what does not fit is told part by part, all at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import packs, stages
from app.campaigns.drafts import contents, keeping, translating
from app.campaigns.drafts.contents import (
    CALL,
    COUNTRIES,
    DATES,
    HOW_THEY_SEND,
    LETTER,
    RESOURCES,
    SENDING,
    SHARING,
    TEXTS,
    Content,
    translation_name,
)
from app.campaigns.drafts.keeping import Draft
from app.campaigns.pack_folder import LETTER_FILE, LetterFile, Pack
from app.campaigns.pack_format import NEEDS, AlertFile
from app.errors import DraftMoved, DraftUnfinished
from app.languages import country_name
from app.languages import marked as _
from app.models import Alert, AlertState, StageStep
from app.wording.examining import examination

ENDS = ("opens_at", "closes_at")
BY_ITSELF = {"opens": "00:00", "closes": "23:59"}  # the time of a day that is typed alone
OF_A_STEP = ("stage", "on", "what", "source", "url")
ROLES_OF = {  # of which text of a country
    "postal_address_roles": "postal_address",
    "language_note_roles": "language_note",
}
PART_OF = {  # a key of alert.toml → the part of the draft it comes from
    **dict.fromkeys(("title", "summary", "body"), CALL),
    **dict.fromkeys(("timezone", "opens_at", "closes_at", "write_before"), DATES),
    **dict.fromkeys(("default_roles", "prompts", "expected"), SENDING),
    **dict.fromkeys(HOW_THEY_SEND, SENDING),
    "countries": COUNTRIES,
    "share": SHARING,
    "resources": RESOURCES,
    "texts": TEXTS,
}
DAYS = ("date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact")
NUMBERS = ("int_type", "int_parsing", "int_parsing_size", "greater_than_equal", "less_than_equal")
SENTENCES = {
    "missing": _("Please fill this in."),
    "string_too_short": _("Please fill this in."),
    "string_too_long": _("This is too long."),
    "too_short": _("Please fill this in."),
    "too_long": _("This is too long."),
    "literal_error": _("Please choose one of those that are offered."),
    **dict.fromkeys(DAYS, _("A day is written as 2026-11-22.")),
    **dict.fromkeys(NUMBERS, _("Please write a number from 0 to 100,000,000.")),
}
NOT_LIKE = {"url": _("A web address begins with https:// or http:// and has no spaces.")}
OTHERWISE = _("This is not written the way it has to be.")


@dataclass(frozen=True)
class Fault:
    """What stands in the way of publishing (serious), or should be looked at, and where."""

    section: str
    field: str
    sentence: str
    line: int = 0  # of a letter template; 0: not a line of a text
    serious: bool = True


async def pack_of(session: AsyncSession, draft: Draft) -> Pack:
    """The draft as a pack. Raises DraftUnfinished with every serious fault."""
    steps = await _steps(session, draft)
    found = [one for one in _all_faults(draft, steps) if one.serious]
    if found:
        raise DraftUnfinished(found)
    file = _file(draft, steps)[0]
    assert file is not None
    translations = translating.files(draft, file.model_dump())
    return Pack(file, tuple(_letter_files(draft)), translations)


async def faults(session: AsyncSession, draft: Draft) -> list[Fault]:
    """All that is wrong or should be looked at, in the order of the page, the serious first."""
    found = _all_faults(draft, await _steps(session, draft))
    return sorted(found, key=lambda one: not one.serious)


async def tables(session: AsyncSession, draft: Draft) -> dict[str, Any]:
    """The draft as an alert.toml has it, unchecked: with its campaign, and each country's steps."""
    return _tables(draft, await _steps(session, draft))[0]


async def publish(session: AsyncSession, draft: Draft, *, state: AlertState, by: str) -> Alert:
    """Write the draft into the alert and forget it; letters keep the text that was confirmed.

    Raises DraftUnfinished, DraftMoved when somebody saved meanwhile, or PackBroken when a country
    or letter that has letters is left out.
    """
    await keeping.hold(session, draft.alert)
    # or a step that is dated at this moment would be taken back with the draft's own copy
    await stages.hold(session, draft.alert.campaign)
    if (await keeping.read(session, draft.alert)).seal != draft.seal:
        raise DraftMoved
    pack = await pack_of(session, draft)
    organisation_id = draft.alert.campaign.organisation_id
    alert = await packs.put(session, pack, organisation_id=organisation_id, by=by)
    alert.state = state
    await keeping.drop(session, alert)
    return alert


def moments_of(draft: Draft) -> dict[str, Any]:
    """`timezone`, `opens_at`, `closes_at`, `write_before`, as far as they can be read."""
    return _moments(draft)[0]


def _all_faults(draft: Draft, steps: Sequence[StageStep]) -> list[Fault]:
    found = _file(draft, steps)[1] + _of_translations(draft, steps)
    if draft.alert.kind != "letters":
        return found
    with_step = {step.country for step in steps}
    found += _countries(draft, with_step)
    for name, source in draft.letters.items():
        found += _letter(draft, name, source)
    return found


def _countries(draft: Draft, with_step: set[str]) -> list[Fault]:
    codes = {
        one["code"]: one.get("name") or country_name(one["code"], "en")
        for one in draft.content(COUNTRIES)["countries"]
    }
    written = {name.partition(".")[0] for name in draft.letters}
    found = []
    if not codes:
        found.append(Fault(COUNTRIES, "countries", _("Choose at least one country to write to.")))
    if not draft.content(SENDING)["default_roles"]:
        words = _("Choose at least one kind of office that is ticked from the start.")
        found.append(Fault(SENDING, "default_roles", words))
    for n, (code, named) in enumerate(codes.items()):
        if code not in written:
            words = f"No letter to {named} is written yet."
            found.append(Fault(COUNTRIES, f"countries.{n}", words))
        if code not in with_step:
            words = f"It is not said yet at which stage {named} stands, so nothing can be asked."
            found.append(Fault(COUNTRIES, f"countries.{n}", words))
    for code in sorted(written - set(codes)):
        words = (
            f"There is a letter to {country_name(code, 'en')}, which is not among the countries."
        )
        found.append(Fault(COUNTRIES, "countries", words))
    return found


def _of_translations(draft: Draft, steps: Sequence[StageStep]) -> list[Fault]:
    found = translating.findings(draft, _tables(draft, steps)[0])
    return [
        Fault(translation_name(one.language), one.place, one.sentence, serious=one.serious)
        for one in found
    ]


def _letter(draft: Draft, name: str, source: str) -> list[Fault]:
    stages = [stage["key"] for stage in draft.alert.campaign.stages]
    findings = examination.examine(
        source,
        name=name,
        language=name.partition(".")[2],
        stages=stages,
        others={other: text for other, text in draft.letters.items() if other != name},
    )
    return [
        Fault(f"{LETTER}{name}", one.place, one.sentence, line=one.line, serious=one.serious)
        for one in findings
    ]


# ── alert.toml ──


def _file(draft: Draft, steps: Sequence[StageStep]) -> tuple[AlertFile | None, list[Fault]]:
    tables, found = _tables(draft, steps)
    if found:
        return None, found
    try:
        # not strict: what was typed is text
        return AlertFile.model_validate(tables, strict=False), []
    except ValidationError as fault:
        # what a whole alert needs is told at its parts, in words of the page
        told = [one for one in fault.errors() if NEEDS not in one["msg"]]
        return None, _no_twins(map(_fault, told))


def _tables(draft: Draft, steps: Sequence[StageStep]) -> tuple[dict[str, Any], list[Fault]]:
    alert, campaign = draft.alert, draft.alert.campaign
    moments, found = _moments(draft)
    with_letters = alert.kind == "letters"
    sending = draft.content(SENDING) if with_letters else {}
    tables: dict[str, Any] = {
        "slug": alert.slug,
        "kind": alert.kind,
        **draft.content(CALL),
        **moments,
        "made_up": alert.made_up,
        "prompts": [one for one in sending.get("prompts", ()) if one.strip()],
        "default_roles": sending.get("default_roles", ()),
        "expected": "".join(str(sending.get("expected", "")).split()) or 0,
        **{name: sending[name] for name in HOW_THEY_SEND if name in sending},
        "campaign": {name: getattr(campaign, name) for name in ("slug", "title", "aim", "stages")},
        "countries": _tables_of_countries(draft, steps) if with_letters else [],
        "resources": [
            one | {"on": one.get("on") or None} for one in draft.content(RESOURCES)["resources"]
        ],
        "share": draft.content(SHARING)["share"],
        "texts": [] if with_letters else draft.content(TEXTS)["texts"],
    }
    return tables, found


def _tables_of_countries(draft: Draft, steps: Sequence[StageStep]) -> list[Content]:
    return [
        one
        | {name: one.get(name, []) if one.get(of) else [] for name, of in ROLES_OF.items()}
        | {"name": one.get("name") or country_name(one["code"], "en")}
        | {
            "stages": [
                {name: getattr(step, name) for name in OF_A_STEP}
                for step in steps
                if step.country == one["code"]
            ]
        }
        for one in draft.content(COUNTRIES)["countries"]
    ]


def _moments(draft: Draft) -> tuple[dict[str, Any], list[Fault]]:
    """The moments as alert.toml has them, or what is wrong with those that were typed."""
    found: list[Fault] = []
    dates = draft.content(DATES)
    try:
        zone = ZoneInfo(dates["timezone"])
    except (KeyError, ValueError, OSError):
        return {}, [Fault(DATES, "timezone", _("There is no such time zone."))]
    moments: dict[str, Any] = {"timezone": dates["timezone"]}
    for name in ("opens", "closes"):
        day, hour = dates.get(f"{name}_on", ""), dates.get(f"{name}_at", "")
        if not day:
            if hour and name == "closes":
                words = _("Say on which day it closes, or leave its time empty too.")
                found.append(Fault(DATES, "closes_on", words))
            continue
        if kept := _as_it_stands(draft.alert, dates, name):
            moments[f"{name}_at"] = kept.astimezone(zone)
            continue
        wrong = _unreadable(name, day, hour)
        found += wrong
        if not wrong:
            clock_time = time.fromisoformat(hour or BY_ITSELF[name])
            moments[f"{name}_at"] = datetime.combine(date.fromisoformat(day), clock_time, zone)
    if "opens_at" not in moments and not found:
        found.append(Fault(DATES, "opens_on", _("Say when it opens.")))
    if dates.get("write_before"):
        moments["write_before"] = dates["write_before"]
    # in UTC: in one zone the clocks are compared, and an hour in autumn comes twice
    both = [moments[name].astimezone(UTC) for name in ENDS if name in moments]
    if any(second <= first for first, second in pairwise(both)):
        found.append(Fault(DATES, "closes_on", _("It has to close after it opens.")))
    return moments, found


def _unreadable(name: str, day: str, hour: str) -> list[Fault]:
    """What is no day, and what is no time."""
    found = []
    try:
        date.fromisoformat(day)
    except ValueError:
        found.append(Fault(DATES, f"{name}_on", _("A day is written as 2026-11-22.")))
    try:
        time.fromisoformat(hour or BY_ITSELF[name])
    except ValueError:
        found.append(Fault(DATES, f"{name}_at", _("A time is written as 17:30.")))
    return found


def _as_it_stands(alert: Alert, dates: Content, name: str) -> datetime | None:
    """The alert's own moment where nobody typed another one: a form knows no seconds, and not
    which of the two hours it is when the clocks go back."""
    standing = contents.dates_of(alert)
    same = all(dates.get(one) == standing[one] for one in ("timezone", f"{name}_on", f"{name}_at"))
    moment: datetime | None = getattr(alert, f"{name}_at")
    return moment if same else None


def _fault(error: Any) -> Fault:
    place = [str(part) for part in error["loc"]]
    section = PART_OF.get(place[0], CALL) if place else CALL
    ours = error["type"] == "value_error"  # a reason of our own, in plain words
    otherwise = str(error["msg"]).removeprefix("Value error, ") if ours else OTHERWISE
    sentence = SENTENCES.get(error["type"]) or NOT_LIKE.get(place[-1], otherwise)
    return Fault(section, ".".join(place), sentence)


def _no_twins(found: Iterable[Fault]) -> list[Fault]:
    return list(dict.fromkeys(found))


def _letter_files(draft: Draft) -> Iterable[LetterFile]:
    for name, source in draft.letters.items():
        parts = LETTER_FILE.fullmatch(f"{name}.txt")
        if parts:
            yield LetterFile(parts["country"], parts["language"], source)


async def _steps(session: AsyncSession, draft: Draft) -> Sequence[StageStep]:
    found = await session.scalars(
        select(StageStep)
        .where(StageStep.campaign_id == draft.alert.campaign_id)
        .order_by(StageStep.on, StageStep.id)
    )
    return found.all()
