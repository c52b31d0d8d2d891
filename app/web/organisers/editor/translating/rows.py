"""Each English text beside its translation, in groups as the alert's page has them; and what a form
of them posts."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from starlette.datastructures import FormData

from app import languages
from app.campaigns.drafts.contents import Content
from app.campaigns.other_languages import texts
from app.web.organisers.editor.typed import BODY, LINE, TooLong, tidy

MOST = 6_000  # characters; a translation may be longer than the English
NOTE = "note"
SEAL = re.compile("[0-9a-f]{16}", re.ASCII)
LABELS = {
    "title": "Title",
    "summary": "Summary",
    "body": "The call itself",
    "aim": "Its aim",
    "label": "Name",
    "meaning": "What it means",
    "lead": "Above the form; {country} and {date} are filled in",
    "name": "Name",
    "record": "Its record",
    "postal_address": "Why the postal address is asked",
    "language_note": "About the language",
    "reply_note": "About the answer",
    "use": "How to use it",
    "text": "Text",
    "prompts": "Question",
    "share": "Share text",
    "resource_notes": "What it is good for",
}


@dataclass(frozen=True)
class Row:
    """A text to translate. `changed`: its English is another one than when it was translated;
    `otherwise`: what stands there when the field is left empty."""

    place: str
    label: str
    english: str
    text: str
    seal: str
    changed: bool
    missing: bool
    otherwise: str = ""

    @property
    def lines(self) -> int:
        """Of the field; 0: a field of one line."""
        longest = max(self.english, self.text, key=len)
        return 0 if is_line(self.place) else min(24, 2 + len(longest) // 65 + longest.count("\n"))


@dataclass(frozen=True)
class Typed:
    """A translation as it was typed. `faults`: by place."""

    content: Content
    faults: Mapping[str, TooLong] = field(default_factory=dict)


def groups(
    tables: Mapping[str, Any], content: Content, language: str
) -> Iterator[tuple[str, list[Row]]]:
    """(heading, rows) in the order of the page; only where there is something to translate."""
    known = texts.english(tables)
    told, made_from = content.get("texts", {}), content.get("of", {})
    changed = set(texts.changed(told, made_from, known))
    missing = set(texts.missing(told, known))
    labels = {one["key"]: str(one["label"]) for one in tables["campaign"]["stages"]}
    rows = [
        Row(
            place,
            _label(place, labels),
            english,
            told.get(place, ""),
            texts.seal(english),
            changed=place in changed,
            missing=place in missing,
            otherwise=_otherwise(place, language),
        )
        for place, english in known.items()
        if english.strip()
    ]
    names = _names(tables)
    for heading, ours in groupby(rows, key=lambda row: _heading(row.place, names)):
        yield heading, list(ours)


def read(data: FormData, known: Mapping[str, str], standing: Content) -> Typed:
    """`known`: the English; `standing`: what was saved before. Of what has no English at this
    moment nothing is forgotten."""
    before, seals = standing.get("texts", {}), standing.get("of", {})
    shown = [place for place, english in known.items() if english.strip()]
    told = {place: text for place, text in before.items() if place not in shown}
    of = {place: seals[place] for place in told if place in seals}
    for place in shown:
        if text := tidy(str(data.get(place, "")), many_lines=not is_line(place)):
            told[place] = text
            of[place] = _made_from(data, place, known[place])
            if text == before.get(place) and f"right-{place}" not in data:
                of[place] = seals.get(place, of[place])
    note = tidy(str(data.get(NOTE, "")), many_lines=True)
    faults = {
        place: TooLong(_most(place)) for place in shown if len(told.get(place, "")) > _most(place)
    }
    faults |= {NOTE: TooLong(MOST)} if len(note) > MOST else {}
    if not (told or note):
        return Typed({}, faults)
    reviewed = "reviewed" in data
    return Typed({"reviewed": reviewed, "note": note, "texts": told, "of": of}, faults)


def is_line(place: str) -> bool:
    return place.rpartition(".")[2] in {"title", "label", "name"}


def _made_from(data: FormData, place: str, english: str) -> str:
    """The seal of the English that the form showed: it may have changed while it was typed."""
    posted = str(data.get(f"of-{place}", ""))
    return posted if SEAL.fullmatch(posted) else texts.seal(english)


def _most(place: str) -> int:
    if is_line(place):
        return LINE
    return BODY if place.rpartition(".")[2] in {"body", "text"} else MOST


def _heading(place: str, names: Mapping[str, str]) -> str:
    parts = place.split(".")
    if parts[0] in {"countries", "texts"}:
        return names[".".join(parts[:2])]
    headings = {
        "prompts": "Questions that help people find their own words",
        "campaign": "The campaign and its stages",
        "share": "Share texts",
        "resource_notes": "To read on",
    }
    return headings.get(parts[0], "The call")


def _names(tables: Mapping[str, Any]) -> dict[str, str]:
    countries = {f"countries.{one['code']}": str(one["name"]) for one in tables["countries"]}
    return countries | {f"texts.{one['key']}": str(one["title"]) for one in tables["texts"]}


def _label(place: str, stages: Mapping[str, str]) -> str:
    parts = place.split(".")
    if parts[-1].isdigit():
        return f"{LABELS[parts[0]]} {parts[-1]}"
    if parts[0] == "countries" and parts[2] == "stages":
        return f"What happened: {stages.get(parts[3], parts[3])}"
    if "stages" in parts:
        return f"Stage “{stages.get(parts[2], parts[2])}”: {LABELS[parts[-1]]}"
    return LABELS[parts[-1]]


def _otherwise(place: str, language: str) -> str:
    parts = place.split(".")
    if parts[-1] != "name" or language not in languages.LANGUAGES:
        return ""
    return languages.country_name(parts[1], language, " ").strip()
