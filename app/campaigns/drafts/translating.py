"""A draft's texts in other languages: what is missing, older than the English, or cannot stand."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from app.campaigns.drafts.contents import Content
from app.campaigns.drafts.keeping import Draft
from app.campaigns.other_languages import rows, texts
from app.campaigns.other_languages.file_format import Translation, without_url
from app.languages import language_name_in
from app.languages import marked as _
from app.models import AlertTranslation

# many languages begin a sentence with a day or a year and a full stop, and Markdown counts on
A_LIST = re.compile(r"(?m)^ {0,3}\d{1,9}\. ")
OF_A_LIST = _(
    "A line that begins with a number and a full stop becomes a numbered list. Where it is a date,"
    " write a backslash before the full stop: 18\\. märtsil."
)


@dataclass(frozen=True)
class Standing:
    """How far a language is. `n`: of texts that there are to translate."""

    language: str
    n: int
    missing: Sequence[str]  # places, in the order of the page
    changed: Sequence[str]  # the English is another one than when they were translated
    reviewed: bool
    begun: bool


@dataclass(frozen=True)
class Finding:
    """At a text's place, or of the whole translation (no place)."""

    language: str
    place: str
    sentence: str
    serious: bool = False


def standing(draft: Draft, tables: Mapping[str, Any], language: str) -> Standing:
    """`tables`: of the draft as an alert.toml."""
    content = draft.translations.get(language, {})
    known, told = texts.english(tables), content.get("texts", {})
    return Standing(
        language,
        n=len(texts.wanted(known)),
        missing=texts.missing(told, known),
        changed=texts.changed(told, content.get("of", {}), known),
        reviewed=bool(content.get("reviewed")),
        begun=bool(content),
    )


def findings(draft: Draft, tables: Mapping[str, Any]) -> Iterator[Finding]:
    """What is wrong with the translations; what is only missing holds nothing up."""
    for language, content in draft.translations.items():
        for place, sentence in _wrong(language, content, tables):
            yield Finding(language, place, sentence, serious=True)
        if A_LIST.search(content["texts"].get("body", "")) and not A_LIST.search(tables["body"]):
            yield Finding(language, "body", OF_A_LIST)
        for sentence in _to_see(standing(draft, tables, language)):
            yield Finding(language, "", sentence)


def files(draft: Draft, tables: Mapping[str, Any]) -> tuple[Translation, ...]:
    """For a pack. Raises pydantic's ValidationError where there is a serious finding."""
    return tuple(_file(*one, tables) for one in draft.translations.items())


def shown(draft: Draft, tables: Mapping[str, Any]) -> list[AlertTranslation]:
    """Rows in no session, as a page asks for them, without what cannot stand."""
    made = []
    for language, content in draft.translations.items():
        wrong = dict(_wrong(language, content, tables))
        kept = {place: text for place, text in content["texts"].items() if place not in wrong}
        row = AlertTranslation(language=language, reviewed=bool(content["reviewed"]))
        row.content = texts.nested(kept, tables)
        made.append(row)
    return made


def _wrong(language: str, content: Content, tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from without_url(content["texts"], tables)
    try:
        _file(language, content, tables)
    except ValidationError as fault:
        for one in fault.errors():
            yield _place(one["loc"]), _said(one)


def _to_see(found: Standing) -> Iterator[str]:
    named = language_name_in(found.language, "en")
    if found.missing:
        yield f"{named}: {len(found.missing)} of {found.n} texts are not translated yet."
    if found.changed:
        yield f"{named}: {len(found.changed)} texts are older than the English."
    if not found.reviewed:
        yield f"{named}: no native reader has approved it yet."


def _file(language: str, content: Content, tables: Mapping[str, Any]) -> Translation:
    return rows.translation(
        language,
        reviewed=bool(content["reviewed"]),
        note=str(content["note"]),
        told=content["texts"],
        made_from=content["of"],
        tables=tables,
    )


def _place(loc: tuple[int | str, ...]) -> str:
    """A fault's way in the file as a text's place: lists are counted from one."""
    parts = [str(one + 1) if isinstance(one, int) else one for one in loc]
    if parts[0] == "share":
        parts = parts[:2]
    return ".".join(parts[1:] if parts[0] == "begun" else parts)


def _said(error: Any) -> str:
    if error["type"] == "string_too_long":
        return _("This is too long.")
    return str(error["msg"]).removeprefix("Value error, ")
