"""A letter template as the fields of a form: read from its text leniently, written back whole."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.wording import templates
from app.wording.templates import FENCE, ROLES

STARTS = Path(__file__).parents[2] / "templates" / "starts"
FOREIGN = "There is no start in this language yet: what stands here is English."
PLACES = ("subjects", "openings", "reasons", "closings")
NEEDED = ("subjects", "openings", "closings")  # a letter can do without reasons of its own
ENDS_OF_LINES = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
NOT_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class VariantFields:
    """One of several texts for a place; without stages or roles it fits them all."""

    text: str
    stages: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class LetterFields:
    """What a form shows of a template, complete or not."""

    reviewed: bool = False
    note: str = ""
    salutations: Mapping[str, str] = field(default_factory=dict)  # by role
    subjects: tuple[VariantFields, ...] = ()
    openings: tuple[VariantFields, ...] = ()
    reasons: tuple[VariantFields, ...] = ()
    closings: tuple[VariantFields, ...] = ()
    asks: Mapping[str, str] = field(default_factory=dict)  # by stage
    body: str = ""

    def variants(self, place: str) -> tuple[VariantFields, ...]:
        """Those of one of PLACES."""
        found: tuple[VariantFields, ...] = getattr(self, place)
        return found


def read(source: str) -> LetterFields:
    """The fields of a template's text; what is missing or of another kind is left empty.

    Raises TemplateBroken when the text cannot be taken apart at all.
    """
    head, body, _ = templates.split(source, "the letter")
    found = templates.tables(head, "the letter")
    return tidied(
        LetterFields(
            reviewed=found.get("reviewed") is True,
            note=_text(found.get("note")),
            salutations=_texts(found.get("salutations")),
            asks=_texts(found.get("asks")),
            body=body,
            **{place: tuple(_variants(found.get(place))) for place in PLACES},
        )
    )


def write(fields: LetterFields) -> str:
    """The same template as a text, always readable, whatever was typed."""
    kept = tidied(fields)
    lines = [FENCE, f"reviewed = {str(kept.reviewed).lower()}"]
    lines += [f"note = {_string(kept.note)}"] if kept.note else []
    lines += ["", "[salutations]", *_pairs(kept.salutations)]
    for place in PLACES:
        variants = kept.variants(place)
        if not variants and place in NEEDED:
            lines += ["", f"[[{place}]]", 'text = ""']  # the place may not be gone
        for one in variants:
            lines += ["", f"[[{place}]]", f"text = {_string(one.text)}"]
            lines += [f"stages = {_list(one.stages)}"] if one.stages else []
            lines += [f"roles = {_list(one.roles)}"] if one.roles else []
    lines += ["", "[asks]", *_pairs(kept.asks), FENCE, kept.body]
    return "\n".join(lines) + "\n"


def blank(language: str, country_name: str, stages: Sequence[str]) -> LetterFields:
    """A short letter to begin from, with the language's forms of address; its gaps stand in
    square brackets."""
    file = STARTS / f"{language}.txt"
    known = file.is_file()
    found = read((file if known else STARTS / "en.txt").read_text("utf-8"))
    ask = found.asks["each"].replace("COUNTRY", country_name)
    asks = dict.fromkeys(stages, ask)
    return replace(found, asks=asks, note=found.note if known else FOREIGN)


def tidied(fields: LetterFields) -> LetterFields:
    """Line breaks of one kind, no control characters, and nothing that is empty."""
    return LetterFields(
        reviewed=fields.reviewed,
        note=clean(fields.note).strip(),
        salutations=_given(fields.salutations),
        asks=_given(fields.asks),
        body=clean(fields.body).strip("\n"),
        **{place: tuple(_tidied(fields.variants(place))) for place in PLACES},
    )


def clean(text: str) -> str:
    """Text as a letter can hold it."""
    return NOT_TEXT.sub("", ENDS_OF_LINES.sub("\n", text))


def _tidied(variants: Iterable[VariantFields]) -> Iterable[VariantFields]:
    for one in variants:
        text = clean(one.text).strip()
        if text:
            stages, roles = (tuple(filter(None, map(clean, x))) for x in (one.stages, one.roles))
            yield VariantFields(text, stages, roles)


def _given(texts: Mapping[str, str]) -> dict[str, str]:
    """Roles first, in their order; the rest in the order it came."""
    known = [*(role for role in ROLES if role in texts), *(x for x in texts if x not in ROLES)]
    kept = {clean(key): clean(texts[key]).strip() for key in known}
    return {key: text for key, text in kept.items() if text}


def _text(found: Any) -> str:
    return found if isinstance(found, str) else ""


def _texts(found: Any) -> dict[str, str]:
    return {key: _text(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _variants(found: Any) -> Iterable[VariantFields]:
    for one in found if isinstance(found, list) else ():
        if isinstance(one, dict):
            stages, roles = (_words(one.get(key)) for key in ("stages", "roles"))
            yield VariantFields(_text(one.get("text")), stages, roles)


def _words(found: Any) -> tuple[str, ...]:
    return tuple(map(_text, found)) if isinstance(found, list) else ()


# ── TOML ──


def _pairs(texts: Mapping[str, str]) -> list[str]:
    return [
        f"{key if BARE_KEY.fullmatch(key) else _one_line(key)} = {_string(text)}"
        for key, text in texts.items()
    ]


def _list(words: Iterable[str]) -> str:
    return f"[{', '.join(map(_one_line, words))}]"


def _string(text: str) -> str:
    """Over several lines where it has them, as a person would write it."""
    if "\n" not in text or FENCE in text:  # a fence on a line of its own would end the front matter
        return _one_line(text)
    escaped = text.replace("\\", "\\\\")
    if '"""' in text or text.endswith('"'):
        escaped = escaped.replace('"', '\\"')
    return f'"""\n{escaped}"""'


def _one_line(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
