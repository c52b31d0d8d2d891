"""XLSX: read as it looks, and never unpacked when it is a bomb."""

import time
import zipfile
from contextlib import suppress
from datetime import date
from io import BytesIO

import pytest

from app.contacts.files.reading import read_file
from app.contacts.files.rows import COLUMNS
from app.errors import FileRefused
from tests.contacts.files import workbooks

ROW = ("EE", "President", "president", "Kantselei", "Välis", "p@xa.example", "et en", "made-up",
       "https://xa.example/", 46348)  # fmt: skip


def test_a_workbook_is_read_with_its_dates() -> None:
    found = read_file("offices.xlsx", workbooks.of_rows(COLUMNS, ROW))
    (row,) = found.rows
    assert (row.country, row.institution_local) == ("EE", "Välis")
    assert row.checked_on == date(2026, 11, 22)
    assert "the first sheet, “Offices”" in found.assumed


def test_its_broken_rows_are_told_by_their_number() -> None:
    found = read_file("offices.xlsx", workbooks.of_rows(COLUMNS, ROW, ROW, ("EE", "Speaker")))
    assert [(one.line, one.reason.partition(";")[0]) for one in found.refused] == [
        (3, "EE, President stands in line 2"),
        (4, "role: not one of prime_minister, defence, foreign, president, speaker, committee"),
    ]


def test_a_cell_far_out_is_refused_and_not_laid_out() -> None:
    far = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"/></row>'
    began = time.monotonic()
    with pytest.raises(FileRefused, match="beyond line 100000 or column 100"):
        read_file("bomb.xlsx", workbooks.workbook(far))
    assert time.monotonic() - began < 5  # it would take all memory first


def test_one_long_text_in_every_cell_is_refused() -> None:
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 5000))
    with pytest.raises(FileRefused, match="more than 400 MB"):
        read_file("bomb.xlsx", workbooks.workbook(cells, ["x" * 1_000_000]))


def test_a_zip_that_unpacks_to_hundreds_of_megabytes_is_refused() -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for n in range(11):
            archive.writestr(f"xl/worksheets/sheet{n}.xml", b" " * 10_000_000)
    assert len(packed.getvalue()) < 1_000_000
    with pytest.raises(FileRefused, match="unpack to more than 100 MB"):
        read_file("bomb.xlsx", packed.getvalue())


def test_a_zip_that_lies_about_its_size_is_refused() -> None:
    data = workbooks.of_rows(COLUMNS, ROW)
    size = data.rindex(b"PK\x01\x02") + 24  # of the last part, as the list at the end says
    lied = data[:size] + (1).to_bytes(4, "little") + data[size + 4 :]
    with pytest.raises(FileRefused, match="not a workbook"):
        read_file("lies.xlsx", lied)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"PK\x03\x04 and no more", "not a workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel file"),
    ],
)
def test_another_file_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(FileRefused, match=why):
        read_file("offices.xlsx", data)


@pytest.mark.parametrize("at", range(60, 460, 40))
def test_a_damaged_workbook_is_refused_wherever_the_damage_is(at: int) -> None:
    damaged = bytearray(workbooks.of_rows(COLUMNS, ROW))
    damaged[at] ^= 0xFF
    with suppress(FileRefused):  # or it is a part that nobody reads
        read_file("damaged.xlsx", bytes(damaged))


def test_a_cell_of_a_line_whose_number_nobody_can_read_is_refused() -> None:
    with pytest.raises(FileRefused, match="beyond line 100000 or column 100"):
        read_file("bomb.xlsx", workbooks.workbook(f'<row r="1"><c r="A{"9" * 5000}"/></row>'))
