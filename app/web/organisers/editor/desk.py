"""What the editor's page shows of a draft: its parts, what is missing, and what it leads to."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from fastapi import Request
from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import languages
from app.campaigns import alerts, stages
from app.campaigns.drafts import assembling, contents, translating
from app.campaigns.drafts.assembling import Fault
from app.campaigns.drafts.contents import COUNTRIES, DATES, LETTER, TRANSLATION
from app.campaigns.drafts.keeping import Draft, Section
from app.contacts import directory
from app.errors import TemplateBroken
from app.models import Alert, Contact, Target
from app.web.organisers.editor import typed
from app.web.organisers.editor.differences import Difference
from app.web.pages import reader_language
from app.wording.templates import ROLES, parse


@dataclass(frozen=True)
class Part:
    """A part on the page. `errors`: by field; `theirs`: what somebody else saved meanwhile."""

    section: Section
    errors: Mapping[str, str] = field(default_factory=dict)
    theirs: Section | None = None
    differences: Sequence[Difference] = ()
    unsaved: bool = False  # what stands in the fields was not taken


@dataclass(frozen=True)
class Note:
    """Something to put right or to look at, and where on the page."""

    sentence: str
    href: str
    serious: bool


@dataclass(frozen=True)
class Addresses:
    """How many offices of a country can be reached, and how many addresses somebody checked."""

    n: int = 0
    checked: int = 0


@dataclass(frozen=True)
class LetterLine:
    """A letter template in the table. `state`: missing, broken, unreviewed or reviewed."""

    language: str
    state: str
    serious: int = 0
    looks: int = 0


async def context(
    session: AsyncSession, request: Request, draft: Draft, changed: Part | None = None
) -> dict[str, Any]:
    """All that `organise/editor/edit.html` needs; `changed` stands in for its part of the draft."""
    reader = reader_language(request)
    parts = {name: Part(draft.sections[name]) for name in contents.names(draft.alert)}
    if changed:
        parts[changed.section.name] = changed
    faults = await assembling.faults(session, draft)
    found = notes(draft.alert, faults, reader)
    here: dict[str, Any] = {
        "alert": draft.alert,
        "draft": draft,
        "parts": parts,
        "notes": found,
        "serious": sum(note.serious for of_part in found.values() for note in of_part),
        "zones": _zones(draft.content(DATES)["timezone"]),
        "roles": ROLES,
        "tongues": await tongues(session, draft),
        "page_languages": languages.LANGUAGES,
        "language_name": lambda code: languages.language_name_in(code, reader),
    }
    if draft.alert.kind != "letters":
        return here
    return here | await _of_letters(session, draft, faults, reader)


async def tongues(session: AsyncSession, draft: Draft) -> list[translating.Standing]:
    """How far each language of the pages is, and any other that the draft has."""
    tables = await assembling.tables(session, draft)
    codes = dict.fromkeys([*languages.LANGUAGES, *draft.translations])
    return [translating.standing(draft, tables, code) for code in codes if code != languages.SOURCE]


def notes(alert: Alert, faults: Sequence[Fault], reader: str) -> dict[str, list[Note]]:
    """By part; the letters' together under `letters`, what is wrong with translations under
    `languages`."""
    said = languages.translations(reader).gettext
    found: dict[str, list[Note]] = defaultdict(list)
    for one in faults:
        if one.section.startswith(LETTER):
            name = one.section.removeprefix(LETTER)
            href = f"/organise/alerts/{alert.slug}/edit/letters/{name}#{one.field}"
            found["letters"].append(Note(f"{name}: {said(one.sentence)}", href, one.serious))
        elif one.section.startswith(TRANSLATION):
            if not one.serious:
                continue  # the table of languages says it
            language = one.section.removeprefix(TRANSLATION)
            href = f"/organise/alerts/{alert.slug}/edit/languages/{language}#{one.field}"
            found["languages"].append(Note(said(one.sentence), href, one.serious))
        else:
            href = f"#{typed.anchor(one.section, one.field)}"
            found[one.section].append(Note(said(one.sentence), href, one.serious))
    return found


async def _of_letters(
    session: AsyncSession, draft: Draft, faults: Sequence[Fault], reader: str
) -> dict[str, Any]:
    rows = draft.content(COUNTRIES)["countries"]
    codes = [row["code"] for row in rows]
    names = {
        row["code"]: row.get("name") or languages.country_name(row["code"], reader) for row in rows
    }
    known = await reachable(session)
    standing = await stages.standings(session, draft.alert.campaign, alerts.today(draft.alert))
    return {
        "names": names,
        "directory": known,
        "to_add": sorted(
            (languages.country_name(code, reader), code, one)
            for code, one in known.items()
            if code not in codes
        ),
        "standing": {code: standing[code] for code in codes if code in standing},
        "letters": await _letters(session, draft, codes, faults),
        "languages_to_add": _languages(reader),
    }


async def _letters(
    session: AsyncSession, draft: Draft, codes: Sequence[str], faults: Sequence[Fault]
) -> dict[str, list[LetterLine]]:
    """Of each country: the letters there are, and those that its offices would rather read."""
    read: dict[str, list[str]] = defaultdict(list)
    for target, contact in await directory.for_countries(session, codes):
        read[target.country] += contact.languages
    found: dict[str, list[LetterLine]] = {}
    for code in codes:
        written = [one[3:] for one in draft.letters if one.startswith(f"{code}.")]
        lines = [_letter(draft, f"{code}.{language}", faults) for language in written]
        missing = dict.fromkeys(one for one in read[code] if one not in written)
        found[code] = [*lines, *(LetterLine(one, "missing") for one in missing)]
    return found


def _letter(draft: Draft, name: str, faults: Sequence[Fault]) -> LetterLine:
    ours = [one for one in faults if one.section == f"{LETTER}{name}"]
    serious = sum(one.serious for one in ours)
    try:
        state = "reviewed" if parse(draft.letters[name], name).front.reviewed else "unreviewed"
    except TemplateBroken:
        state = "broken"
    return LetterLine(name.partition(".")[2], state, serious, len(ours) - serious)


async def reachable(session: AsyncSession) -> dict[str, Addresses]:
    """Every country with an office that can be reached."""
    rows = await session.execute(
        select(Target.country, func.count(Contact.id), func.count(Contact.checked_on))
        .join(Contact, and_(Contact.target_id == Target.id, Contact.retired_at.is_(None)))
        .group_by(Target.country)
    )
    return {country: Addresses(n, checked) for country, n, checked in rows}


def _zones(chosen: str) -> list[str]:
    """Those with a place in their name, and whatever was chosen."""
    known = _known_zones()
    return list(known) if chosen in known else [chosen, *known]


@lru_cache(maxsize=1)
def _known_zones() -> tuple[str, ...]:
    places = ("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
    return ("UTC", *sorted(one for one in available_timezones() if one.split("/")[0] in places))


@lru_cache(maxsize=16)
def _languages(reader: str) -> tuple[tuple[str, str], ...]:
    """Every language with a code of two letters, by what the reader calls it."""
    known = languages.locale(reader).languages
    found = ((code, str(name)) for code, name in known.items() if len(code) == 2)
    return tuple(sorted(found, key=lambda one: one[1].casefold()))
