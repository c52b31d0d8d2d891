"""vCards (RFC 6350, and the older 3.0 and 2.1): one card, one office.

The one library for this took half a millisecond a card: twenty thousand of them ten seconds.
"""

import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.contacts.files.entries import MOST, Entry, Found
from app.errors import FileRefused, RowRefused
from app.wording.templates import ROLES

OURS = {  # what a card has no property for (RFC 6350 6.10)
    "X-INSTITUTION-LOCAL": "institution_local",
    "X-EVIDENCE": "evidence",
    "X-CHECKED-ON": "checked_on",
}
PLAIN = {"EMAIL": "email", "TITLE": "office", "SOURCE": "source_url"} | OURS
COUNTRY_OF_ADR = 6  # the seventh part of an address


@dataclass(frozen=True)
class Property:
    name: str
    parameters: str  # in capitals
    value: str


def is_vcard(text: str) -> bool:
    return text.lstrip().upper().startswith("BEGIN:VCARD")


def of_text(text: str) -> Found:
    """Raises FileRefused when there are more cards than we take."""
    found = Found(assumed=["vCards"])
    card: list[Property] = []
    begins = 0
    for number, line in _unfolded(text):
        one = _property(line)
        if one.name == "BEGIN":
            card, begins = [], number
        elif one.name == "END" and begins:
            found.entries.append(_entry(begins, card))
            begins = 0
        elif one.name:
            card.append(one)
        if len(found.entries) > MOST:
            raise FileRefused([RowRefused("", 1, f"it has more than {MOST} cards")])
    if begins:
        found.entries.append(Entry(begins, {}, "", frozenset(), fault="the card does not end"))
    return found


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Each logical line with the number of its first line (RFC 6350 3.2)."""
    kept: list[str] = []
    begins = 1
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), start=1):
        soft = bool(kept) and kept[-1].endswith("=") and "QUOTED-PRINTABLE" in kept[0].upper()
        if kept and (soft or line[:1] in {" ", "\t"}):
            kept.append(f"\n{line}" if soft else line[1:])
            continue
        if kept:
            yield begins, "".join(kept)
        kept, begins = [line], number
    yield begins, "".join(kept)


def _property(line: str) -> Property:
    """`item1.EMAIL;TYPE=work:pm@xa.example`; a line that is none gives an empty name."""
    at = line.find(":")
    while at >= 0 and line.count('"', 0, at) % 2:  # a colon inside a quoted parameter
        at = line.find(":", at + 1)
    if at < 0:
        return Property("", "", "")
    name, _, parameters = line[:at].upper().partition(";")
    value = line[at + 1 :]
    if "QUOTED-PRINTABLE" in parameters:
        value = quopri.decodestring(value.encode("utf-8", "replace")).decode("utf-8", "replace")
    return Property(name.rpartition(".")[2].strip(), parameters, value)


def _entry(number: int, card: list[Property]) -> Entry:
    cells: dict[str, str] = {}
    languages: list[str] = []
    name = ""
    for one in sorted(card, key=lambda one: "PREF" not in one.parameters):
        if one.name in PLAIN:
            cells.setdefault(PLAIN[one.name], _plain(one.value))
        elif one.name == "ORG":
            cells.setdefault("institution", ", ".join(filter(None, _parts(one.value))))
        elif one.name == "ADR" and len(parts := _parts(one.value)) > COUNTRY_OF_ADR:
            cells.setdefault("country", parts[COUNTRY_OF_ADR])
        elif one.name == "ROLE" and _plain(one.value) in ROLES:
            cells.setdefault("role", _plain(one.value))
        elif one.name == "LANG":
            languages.append(_plain(one.value))
        elif one.name == "FN":
            name = name or _plain(one.value)
    if languages:
        cells["languages"] = " ".join(languages)
    stood = [f"{one.name} {one.value}" for one in card]
    person = name if cells.get("office", name) != name else ""
    cells.setdefault("office", name)
    return Entry(number, cells, stood, frozenset(cells), name=person)


def _parts(value: str) -> list[str]:
    """Parted by semicolons that are not escaped."""
    return [_plain(part) for part in re.split(r"(?<!\\)(?:\\\\)*;", value)]


def _plain(value: str) -> str:
    """Without its escapes (RFC 6350 3.4)."""
    if "\\" not in value:
        return value.strip()
    return re.sub(
        r"\\(.)", lambda found: " " if found[1] in "nN" else found[1], value, flags=re.DOTALL
    ).strip()
