"""A letter template as a form posts it, and what its page shows of it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import FormData

from app.languages import marked as _
from app.wording import letter_fields
from app.wording.examining.fitting import MOST_VARIANTS
from app.wording.letter_fields import PLACES, LetterFields, VariantFields
from app.wording.templates import LONGEST_SOURCE, ROLES

LONGEST = {"note": 2_000, "body": 40_000}  # characters; of every other text:
LONGEST_PIECE = 5_000
TOO_LONG = _("This is too long: %(n)s characters, and at most %(most)s fit. Nothing was cut.")
TOO_MUCH = _(
    "All texts together are too long: %(n)s characters, and at most %(most)s fit. This is the"
    " longest of them. Nothing was cut."
)

_variant = re.compile(rf"({'|'.join(PLACES)})\.(\d{{1,4}})", re.ASCII)
_keyed = re.compile(r"(salutations|asks)\.(.{1,80})")


@dataclass(frozen=True)
class TooLong:
    """What is said at a field: `sentence` with `n` and `most` filled in."""

    sentence: str
    n: int
    most: int


@dataclass(frozen=True)
class Typed:
    """A letter as it was typed. `faults`: by place. `numbers`: what the form calls a variant."""

    fields: LetterFields
    faults: Mapping[str, TooLong] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)

    @property
    def source(self) -> str:
        return letter_fields.write(self.fields)


@dataclass(frozen=True)
class Told:
    """A finding as the page shows it: `anchor` is the field it belongs to."""

    anchor: str
    sentence: str
    serious: bool
    line: int = 0


def read(data: FormData) -> Typed:
    """Every text of the form, tidied of what no letter can hold; empty ones are left out."""
    posted = _variants(data)
    kept = {place: [one for one in posted[place] if one[1].text] for place in PLACES}
    keyed: dict[str, dict[str, str]] = {"salutations": {}, "asks": {}}
    for name, value in data.multi_items():
        if found := _keyed.fullmatch(name):
            keyed[found[1]][found[2]] = str(value)
    fields = letter_fields.tidied(
        LetterFields(
            reviewed=bool(data.get("reviewed")),
            note=str(data.get("note", "")),
            body=str(data.get("body", "")),
            salutations=keyed["salutations"],
            asks=keyed["asks"],
            **{place: tuple(one for _, one in kept[place]) for place in PLACES},
        )
    )
    numbers = {
        f"{place}.{n}": f"{place}.{number}"
        for place in PLACES
        for n, (number, _) in enumerate(kept[place], 1)
    }
    return Typed(fields, _too_long(fields), numbers)


def _variants(data: FormData) -> dict[str, list[tuple[int, VariantFields]]]:
    """By place, each with its number in the form; `.stages` and `.roles` are ticks."""
    found: dict[str, list[tuple[int, VariantFields]]] = {place: [] for place in PLACES}
    for name, value in data.multi_items():
        if part := _variant.fullmatch(name):
            stages, roles = (
                tuple(map(str, data.getlist(f"{name}.{ticks}"))) for ticks in ("stages", "roles")
            )
            text = letter_fields.clean(str(value)).strip()
            found[part[1]].append((int(part[2]), VariantFields(text, stages, roles)))
    return {place: sorted(some, key=lambda one: one[0]) for place, some in found.items()}


def _too_long(fields: LetterFields) -> dict[str, TooLong]:
    """The texts that are longer than they may be, or else the longest of too many."""
    texts = dict(texts_of(fields))
    found = {
        place: TooLong(TOO_LONG, len(text), most)
        for place, text in texts.items()
        if len(text) > (most := LONGEST.get(place, LONGEST_PIECE))
    }
    if found:
        return found
    whole = len(letter_fields.write(fields))
    if whole <= LONGEST_SOURCE:
        return {}
    longest = max(texts, key=lambda place: len(texts[place]))
    return {longest: TooLong(TOO_MUCH, whole, LONGEST_SOURCE)}


def texts_of(fields: LetterFields) -> Iterable[tuple[str, str]]:
    """Every text by its place, in the order of the page."""
    yield "note", fields.note
    for role, text in fields.salutations.items():
        yield f"salutations.{role}", text
    for place in PLACES:
        for n, one in enumerate(fields.variants(place), 1):
            yield f"{place}.{n}", one.text
    for stage, text in fields.asks.items():
        yield f"asks.{stage}", text
    yield "body", fields.body


def compared(fields: LetterFields) -> dict[str, str]:
    """Every text, and for whom it is, to show where two organisers differ."""
    found = {"reviewed": "yes" if fields.reviewed else "no", **dict(texts_of(fields))}
    for place in PLACES:
        for n, one in enumerate(fields.variants(place), 1):
            only = ", ".join([*one.stages, *one.roles])
            found[f"{place}.{n}"] += f"\n(only: {only})" if only else ""
    return found


def rows(
    fields: LetterFields, stages: Sequence[Mapping[str, Any]], beside: LetterFields | None
) -> dict[str, Any]:
    """What the page goes through, text by text, with what the other letter says there."""
    other = dict(texts_of(beside)) if beside else {}
    known = [str(one["key"]) for one in stages]
    roles = [*ROLES, *(one for one in fields.salutations if one not in ROLES)]
    return {
        "salutations": roles,
        "salutation_places": [f"salutations.{role}" for role in roles],
        "asks": [*known, *(one for one in fields.asks if one not in known)],
        "labels": {str(one["key"]): one for one in stages},
        "variants": {place: _with_an_empty_one(fields, place, beside) for place in PLACES},
        "other": other,
    }


def _with_an_empty_one(
    fields: LetterFields, place: str, beside: LetterFields | None
) -> list[VariantFields]:
    """One more than there is, and no fewer rows than the letter beside it has."""
    own = fields.variants(place)
    least = min(max(len(own) + 1, len(beside.variants(place)) if beside else 0), MOST_VARIANTS)
    return [*own, *(VariantFields("") for _ in range(least - len(own)))]


def anchor(place: str, fields: LetterFields) -> str:
    """The id of the field that a finding's place means."""
    known = {place for place, _ in texts_of(fields)} | {*PLACES, "reviewed"}
    known |= {f"salutations.{role}" for role in ROLES}
    parts = place.split(".")
    for n in range(len(parts), 0, -1):
        if ".".join(parts[:n]) in known:
            return ".".join(parts[:n])
    return place if parts[0] == "asks" and len(parts) > 1 else "letter"
