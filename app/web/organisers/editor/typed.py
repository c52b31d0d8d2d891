"""The parts of a draft as a form posts them: nothing is refused for being unfinished, only for
being longer than it may be, and then what was typed comes back."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from starlette.datastructures import FormData

from app import clock
from app.campaigns.drafts.contents import (
    CALL,
    COUNTRIES,
    DATES,
    RESOURCES,
    ROLES_OF_A_COUNTRY,
    SENDING,
    SHARING,
    TEXTS,
    Content,
)
from app.models import OwnMailbox
from app.wording.templates import ROLES

LINE, TEXT, BODY = 200, 2_000, 60_000  # characters
LIST_OF_WORDS = 6_000
MOST_ROWS = 100  # in one list
FIELDS = {  # of a part, each with the longest it may be
    CALL: {"title": LINE, "summary": TEXT, "body": BODY},
    DATES: dict.fromkeys(
        ("timezone", "opens_on", "opens_at", "closes_on", "closes_at", "write_before"), LINE
    ),
    SENDING: {"expected": LINE, "own_mailbox": LINE, "refused_words": LIST_OF_WORDS},
}
OF_A_COUNTRY = {
    "code": LINE,
    "name": LINE,
    "added_on": LINE,
    "record": TEXT,
    "postal_address": TEXT,
    "language_note": TEXT,
    "reply_note": TEXT,
    **dict.fromkeys(ROLES_OF_A_COUNTRY, LINE),
}
LISTS = {  # of a part: the list's name, and the fields of a row
    COUNTRIES: ("countries", OF_A_COUNTRY),
    SENDING: ("prompts", {"text": TEXT}),
    SHARING: ("share", {"channel": LINE, "text": TEXT}),
    RESOURCES: (
        "resources",
        {"title": LINE, "publisher": LINE, "on": LINE, "url": 500, "note": TEXT},
    ),
    TEXTS: ("texts", {"key": LINE, "title": LINE, "use": TEXT, "audience": LINE, "text": TEXT}),
}
TICKED = ("default_roles", "editable")
CHOSEN = {"channel", "audience", "key"}  # a row that has only these was never written
MANY_LINES = {"summary", "body", "note", "use", "text", "refused_words"} | (
    OF_A_COUNTRY.keys() - {"code", "name", "added_on", *ROLES_OF_A_COUNTRY}
)
# control characters, but not the line feed and the tab; and halves of characters
NOT_TYPED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True)
class TooLong:
    """`most`: characters of a field, or rows of a list."""

    most: int
    rows: bool = False


@dataclass(frozen=True)
class Typed:
    """A part as it was typed. `faults`: by the field's name on the page."""

    content: Content
    faults: Mapping[str, TooLong] = field(default_factory=dict)


def read(section: str, data: FormData) -> Typed:
    """Every field of a part, tidied of what no keyboard types, in the order its rows ask for."""
    content: Content = {
        name: _tidy(str(data.get(f"{section}-{name}", "")), name)
        for name in FIELDS.get(section, ())
    }
    faults = {
        f"{section}-{name}": TooLong(most)
        for name, most in FIELDS.get(section, {}).items()
        if len(content[name]) > most
    }
    if section == SENDING:
        content["expected"] = "".join(content["expected"].split())  # 2 000, as people write it
        wanted = set(map(str, data.getlist("sending-default_roles")))
        content["default_roles"] = [role for role in ROLES if role in wanted]
        content |= _how_they_send(content, data)
    if section in LISTS:
        name, fields = LISTS[section]
        rows = _rows(data, name, fields)
        faults |= _too_long(rows, name, fields)
        content[name] = _finished(section, rows, data)
    return Typed(content, faults)


def anchor(section: str, place: str) -> str:
    """The field of the page that a fault's place means: countries.0.record, title, opens_at."""
    parts = place.split(".")
    if section in LISTS and parts[0] == LISTS[section][0] and len(parts) > 1:
        if section == SENDING:
            return f"prompts-{parts[1]}-text"
        return "-".join(parts)
    known = {*FIELDS.get(section, ()), *(TICKED if section == SENDING else ())}
    for name in (parts[0], re.sub("_at$", "_on", place)):
        if name in known:
            return f"{section}-{name}"
    return section


def _how_they_send(content: Content, data: FormData) -> Content:
    """What supporters may do themselves; a word that is refused stands once."""
    chosen = content["own_mailbox"]
    words = [" ".join(line.split()) for line in content["refused_words"].split("\n")]
    once = {word.casefold(): word for word in reversed(words) if word}
    return {
        "own_mailbox": chosen if chosen in [*OwnMailbox] else str(OwnMailbox.OFFERED),
        "editable": "sending-editable" in data,
        "refused_words": [*reversed(once.values())],
    }


def _rows(data: FormData, name: str, fields: Mapping[str, int]) -> list[dict[str, str]]:
    """The rows that are not empty and not taken out, by their number and then as they stand."""
    shape = re.compile(rf"{name}-(\d{{1,4}})-(\w+)", re.ASCII)
    found: dict[int, dict[str, str]] = {}
    for key, value in data.multi_items():
        if place := shape.fullmatch(key):
            row = found.setdefault(int(place[1]), {})
            # boxes that share a name: all that are ticked
            row[place[2]] = f"{row[place[2]]} {value}" if place[2] in row else str(value)
    kept = [
        (_number(row.get("order", "")), index, row)
        for index, row in sorted(found.items())
        if not row.get("gone") and _is_written(row, fields)
    ]
    return [
        {one: _tidy(row.get(one, ""), one) for one in fields}
        for _, _, row in sorted(kept, key=lambda one: one[:2])
    ]


def _is_written(row: Mapping[str, str], fields: Mapping[str, int]) -> bool:
    return any(row.get(name, "").strip() for name in fields if name not in CHOSEN)


def _number(text: str) -> float:
    plain = text.isascii() and text.isdecimal() and len(text) < 10
    return int(text) if plain else float("inf")


def _too_long(
    rows: list[dict[str, str]], name: str, fields: Mapping[str, int]
) -> dict[str, TooLong]:
    found = {
        f"{name}-{n}-{one}": TooLong(most)
        for n, row in enumerate(rows)
        for one, most in fields.items()
        if len(row[one]) > most
    }
    return found | ({name: TooLong(MOST_ROWS, rows=True)} if len(rows) > MOST_ROWS else {})


def _finished(section: str, rows: list[dict[str, str]], data: FormData) -> list[object]:
    """The rows as a draft keeps them."""
    if section == SENDING:
        return [row["text"] for row in rows]
    if section == COUNTRIES:
        return [*_countries(rows, str(data.get("add", "")))]
    if section == TEXTS:
        return [*_with_keys(rows)]
    return [*rows]


def _countries(rows: list[dict[str, str]], add: str) -> list[Content]:
    """Each country once; the one that was just chosen begins today."""
    if re.fullmatch("[A-Z]{2}", add):
        empty = dict.fromkeys(OF_A_COUNTRY, "")
        rows = [*rows, empty | {"code": add, "added_on": clock.now().date().isoformat()}]
    once = {row["code"]: row for row in reversed(rows)}
    return [
        {name: text for name, text in row.items() if text or name != "name"}
        | {name: [one for one in ROLES if one in row[name].split()] for name in ROLES_OF_A_COUNTRY}
        for row in reversed(once.values())
    ]


def _with_keys(rows: list[dict[str, str]]) -> Iterable[dict[str, str]]:
    """A text's key is its address on the page: made of its title once, and kept."""
    taken: set[str] = set()
    for row in rows:
        key = row["key"] or _slug(row["title"])
        n, free = 1, key
        while free in taken:
            n += 1
            free = f"{key}-{n}"
        taken.add(free)
        yield row | {"key": free}


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:30].strip("-") or "text"


def _tidy(text: str, name: str) -> str:
    return tidy(text, many_lines=name in MANY_LINES)


def tidy(text: str, *, many_lines: bool) -> str:
    """Without characters that PostgreSQL or a page cannot take; one line where it is a line."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return NOT_TYPED.sub("", text if many_lines else " ".join(text.split()))
