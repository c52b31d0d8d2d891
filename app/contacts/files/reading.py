"""A contact file of any kind becomes rows that can be taken and entries that cannot, each told.

reading = read_file("offices.xlsx", data)       # in a thread: seconds for a large one
reading.rows, reading.refused, reading.assumed
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from app.contacts.files import columns, objects, tables, texts, vcards
from app.contacts.files.entries import Entry, Found, Refused, as_it_stood, printable, shortened
from app.contacts.files.rows import COLUMNS, ContactRow, partly, row_of
from app.errors import FileRefused, RowRefused

LARGEST_FILE = 10 * 1024 * 1024  # bytes
ZIP, OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
REASON = 500  # characters
STEP = 250  # entries between two words on how far it is

Progress = Callable[[int, int], None]  # so many of so many


@dataclass(frozen=True)
class Reading:
    """`assumed`: how the file was understood, in half sentences."""

    rows: tuple[ContactRow, ...]
    refused: tuple[Refused, ...]
    assumed: tuple[str, ...]


def read_file(name: str, data: bytes, progress: Progress = lambda done, total: None) -> Reading:
    """Raises FileRefused with one reason when it is no contact file at all."""
    try:
        found = _found(data)
    except FileRefused as fault:
        damaged = name.lower().endswith(".xlsx") and not data.startswith((ZIP, OLD_EXCEL))
        told = _refused(tables.NO_WORKBOOK) if damaged else fault
        raise FileRefused([RowRefused(name, one.line, one.reason) for one in told.rows]) from None
    if not found.entries:
        raise FileRefused([RowRefused(name, 1, "there is no contact in it")])
    return _checked(found, progress)


def _found(data: bytes) -> Found:
    if len(data) > LARGEST_FILE:
        raise _refused("it is larger than 10 MB")
    if data.startswith(ZIP):
        return tables.of_workbook(data)
    if data.startswith(OLD_EXCEL):
        raise _refused("it is an old Excel file: save it as XLSX or CSV")
    text, encoding = texts.decoded(data)
    if vcards.is_vcard(text):
        found = vcards.of_text(text)
    elif text.lstrip()[:1] in {"{", "["}:
        found = objects.of_text(text)
    else:
        found = tables.of_text(text)
    return replace(found, assumed=[f"text in {encoding}", *found.assumed])


def _checked(found: Found, progress: Progress) -> Reading:
    rows: list[ContactRow] = []
    refused: list[Refused] = []
    lines: dict[tuple[str, str], int] = {}
    total = len(found.entries)
    for n, (entry, cells) in enumerate(_named_apart(found.entries)):
        if n % STEP == 0:
            progress(n, total)
        try:
            row = _row(entry, cells)
            first = lines.setdefault((row.country, row.office), entry.line)
            if first != entry.line:
                raise ValueError(f"{row.country}, {row.office} stands in line {first}")
            rows.append(row)
        except ValueError as fault:
            reason = printable(str(fault))[:REASON]
            refused.append(Refused(entry.line, reason, as_it_stood(entry.stood)))
    progress(total, total)
    return Reading(tuple(rows), tuple(refused), tuple(map(shortened, found.assumed)))


def _named_apart(entries: Iterable[Entry]) -> Iterable[tuple[Entry, dict[str, str]]]:
    """Several persons may hold one title (Member of Parliament): each gets their name to it."""
    completed = [(entry, columns.complete(entry)) for entry in entries]
    persons = Counter(_office(cells) for entry, cells in completed if entry.name)
    for entry, cells in completed:
        named = entry.name and entry.name != cells.get("office")
        if named and persons[_office(cells)] > 1:
            cells["office"] = f"{cells['office']} {entry.name}"
        yield entry, cells


def _office(cells: dict[str, str]) -> tuple[str, str]:
    return cells.get("country", ""), cells.get("office", "")


def _row(entry: Entry, cells: dict[str, str]) -> ContactRow:
    if entry.fault:
        raise ValueError(entry.fault)
    try:
        row = row_of(cells)
        return row if entry.given.issuperset(COLUMNS) else partly(row, entry.given & set(COLUMNS))
    except ValueError as fault:
        if "role" in cells or "role" in entry.given:
            raise
        raise ValueError(f"{fault}, and the office's name does not say it") from None


def _refused(reason: str) -> FileRefused:
    return FileRefused([RowRefused("", 1, reason)])
