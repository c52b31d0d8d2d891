"""Tables: CSV with commas, semicolons or tabs, and the first sheet of an XLSX workbook."""

import csv
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from io import BytesIO, StringIO
from typing import Any

import python_calamine

from app.contacts.files import columns
from app.contacts.files.entries import MOST, Entry, Found, shortened
from app.contacts.files.rows import COLUMNS
from app.errors import FileRefused, RowRefused

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
KNOWN = frozenset(COLUMNS) | frozenset(columns.PERSON.values())
MOST_COLUMNS = 100
FAR = 9  # digits of a line's number: Python refuses to read one of thousands
UNPACKED = 100 * 1024 * 1024  # bytes; twenty thousand offices take ten
SPREAD = 400 * 1024 * 1024  # bytes that the cells could take, each as long as the longest
NO_WORKBOOK = "it is not a workbook that can be read"
CELL = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]*)([0-9]+)["']""")
TEXT = re.compile(rb"<(?:\w+:)?si[\s>]")

Line = tuple[int, list[str] | str]  # its number, and its cells or why there are none


def of_text(text: str) -> Found:
    """A CSV file. Raises FileRefused when its first line names no columns that we need."""
    marked = re.match(r"sep=([^\r\n])\r?\n", text)  # Excel's own line above the first
    text = text[marked.end() :] if marked else text
    delimiter = marked[1] if marked else _delimiter(text)
    found = _found(_csv_lines(text, delimiter, above=1 if marked else 0))
    found.assumed.append(f"cells parted by {DELIMITERS.get(delimiter, repr(delimiter))}")
    return found


def of_workbook(data: bytes) -> Found:
    """The first sheet. Raises FileRefused, for a bomb before it is unpacked into memory."""
    _check_unpacked(data)
    try:
        sheet = python_calamine.load_workbook(BytesIO(data)).get_sheet_by_index(0)
        rows = sheet.to_python(skip_empty_area=False)
    except BaseException as fault:  # a fault inside the library is no Exception
        if isinstance(fault, KeyboardInterrupt | SystemExit):
            raise
        raise _refused(NO_WORKBOOK) from None
    numbered = ((n, [_plain(cell) for cell in cells]) for n, cells in enumerate(rows, start=1))
    found = _found(numbered)
    found.assumed.append(f"the first sheet, “{sheet.name}”")
    return found


def _delimiter(text: str) -> str:
    """The one by which the first line falls into most columns that we know."""
    first = text.partition("\n")[0]

    def known(delimiter: str) -> int:
        names = first.split(delimiter, MOST_COLUMNS)[:MOST_COLUMNS]
        return sum(columns.column(name) in KNOWN for name in names)

    return max(DELIMITERS, key=known)


def _csv_lines(text: str, delimiter: str, *, above: int) -> Iterator[Line]:
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            yield above + reader.line_num, str(fault)
            continue
        yield above + reader.line_num, cells


def _found(lines: Iterator[Line]) -> Found:
    head, unread = _head(next(lines, (1, "it is empty")))
    given = frozenset(head)
    found = Found()
    if unread:
        found.assumed.append(f"columns that we do not keep: {', '.join(unread[:12])}")
    for number, cells in lines:
        if isinstance(cells, str):
            found.entries.append(Entry(number, {}, "", given, fault=cells))
        elif any(cell.strip() for cell in cells):
            found.entries.append(_entry(number, cells, head, given))
        if len(found.entries) > MOST:
            raise _refused(f"it has more than {MOST} lines")
    return found


def _head(line: Line) -> tuple[list[str], list[str]]:
    """Our columns in the file's order, and the names of those that we do not keep."""
    number, names = line
    if isinstance(names, str):
        raise FileRefused([RowRefused("", number, names)])
    if len(names) > MOST_COLUMNS:
        raise _refused(f"its first line names more than {MOST_COLUMNS} columns")
    head = [columns.column(name) for name in names]
    if "email" not in head or not {"office", "name", "last_name"} & set(head):
        wanted = ",".join(COLUMNS)
        raise _refused(f"its first line must name the columns; ours are {wanted}")
    twice = sorted({one for one in head if one in KNOWN and head.count(one) > 1})
    if twice:
        raise _refused(f"two columns are both {twice[0]}")
    unread = [shortened(name)[:40] for name, ours in zip(names, head, strict=True)
              if ours not in KNOWN and name.strip()]  # fmt: skip
    return head, unread


def _entry(number: int, cells: list[str], head: Sequence[str], given: frozenset[str]) -> Entry:
    plain = [cell.strip() for cell in cells[: len(head)]]
    more = any(cell.strip() for cell in cells[len(head) :])
    fault = f"column {len(head) + 1}: there is no such column" if more else ""
    found = dict(zip(head, plain, strict=False))
    return Entry(number, found, cells, given, name=columns.person(found), fault=fault)


def _plain(cell: Any) -> str:
    """A cell as somebody would have typed it."""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell)


def _check_unpacked(data: bytes) -> None:
    """A workbook is a zip: small outside, it may be endless inside.

    One cell far out makes the library lay out all cells before it, and one long text is copied
    into each cell that names it, so both are looked for in the files as they are.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as packed:
            parts = packed.infolist()
            if sum(one.file_size for one in parts) > UNPACKED:
                raise _refused("it would unpack to more than 100 MB")
            # reading finds out a part that is larger than the zip says
            read = [(one.filename.lower(), packed.read(one)) for one in parts]
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, OSError, ValueError):
        raise _refused(NO_WORKBOOK) from None
    sheets = [part for name, part in read if "worksheets/" in name]
    texts = [part for name, part in read if "sharedstrings" in name]
    for part in (*sheets, *texts):
        if part[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\x00" in part[:100]:
            raise _refused(NO_WORKBOOK)
    longest = max((len(text) for part in texts for text in TEXT.split(part)), default=0)
    cells = max((_cells(sheet) for sheet in sheets), default=0)
    if longest * cells > SPREAD:
        raise _refused("its cells would take more than 400 MB")


def _cells(sheet: bytes) -> int:
    """How many cells name their place. Raises FileRefused when one lies far out."""
    n = 0
    for place in CELL.finditer(sheet):
        n += 1
        far = len(place[2]) > FAR or int(place[2]) > MOST + 1
        if far or _column_number(place[1]) > MOST_COLUMNS:
            raise _refused(f"it has cells beyond line {MOST} or column {MOST_COLUMNS}")
    return max(n, sheet.count(b"<c"))


def _column_number(letters: bytes) -> int:
    """A is 1, AA is 27."""
    n = 0
    for letter in letters.upper()[:8]:
        n = n * 26 + letter - 64
    return n


def _refused(reason: str) -> FileRefused:
    return FileRefused([RowRefused("", 1, reason)])
