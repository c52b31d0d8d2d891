"""What is written of the directory is read again as it was, byte for byte the same each time."""

import csv
from datetime import date
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.contacts.files import rows as files
from app.contacts.files import writing
from app.contacts.files.reading import read_file
from app.contacts.files.rows import ContactRow
from app.wording.templates import ROLES

LINES = (
    some.text(
        some.characters(exclude_categories=["Cc", "Cs"]) | some.sampled_from("\\;,:\"'=žņł \u2028"),
        max_size=90,
    )
    .map(str.strip)
    .filter(lambda line: not line.startswith(files.FORMULA))
)


@some.composite
def rows(draw: some.DrawFn) -> ContactRow:
    source = draw(some.sampled_from(["", "https://xa.example/a,b;c?d=é\\n"]))
    day = draw(some.sampled_from(["", "2026-11-22"])) if source else ""
    return files.row_of(
        {
            "country": draw(some.sampled_from(["EE", "LV", "XA"])),
            "office": draw(LINES.filter(bool)),
            "role": draw(some.sampled_from(ROLES)),
            "institution": draw(LINES.filter(bool)),
            "institution_local": draw(LINES),
            "email": draw(some.sampled_from(["a@xa.example", "o'neil+b=c@xa.example"])),
            "languages": draw(some.sampled_from(["et", "et en", "sr-Latn fi"])),
            "evidence": "made-up",
            "source_url": source,
            "checked_on": day,
        }
    )


@pytest.mark.parametrize("kind", writing.KINDS)
@given(
    some_rows=some.lists(
        rows(), min_size=1, max_size=4, unique_by=lambda row: (row.country, row.office)
    )
)
def test_a_file_of_the_directory_says_what_the_directory_says(
    kind: str, some_rows: list[ContactRow]
) -> None:
    write, _ = writing.KINDS[kind]
    data = write(some_rows)
    found = read_file(f"contacts.{kind}", data)
    assert found.refused == ()
    assert list(found.rows) == some_rows
    assert write(found.rows) == data


def test_a_vcards_lines_are_folded_between_characters() -> None:
    row = files.row_of(
        dict(zip(files.COLUMNS, ["EE", "ä" * 150, "speaker", "õ" * 90, "", "a@xa.example", "et",
                                 "made-up", "", ""], strict=True))
    )  # fmt: skip
    lines = writing.as_vcards([row]).split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert all(line.decode() is not None for line in lines)


def test_a_row_comes_back_from_the_database_as_it_was() -> None:
    found = read_file("a.csv", b"office,country,email\nPresident,EE,a@xa.example\n").rows[0]
    again = files.taken_out(files.kept(found))
    assert again == found
    assert again.model_fields_set == {"office", "country", "email"}
    whole = files.row_of(
        dict(zip(files.COLUMNS, ["EE", "A", "speaker", "B", "", "a@xa.example", "et", "made-up",
                                 "https://xa.example/", "2026-11-22"], strict=True))
    )  # fmt: skip
    assert files.taken_out(files.kept(whole)) == whole
    assert whole.checked_on == date(2026, 11, 22)


def test_what_was_refused_can_be_opened_in_a_spreadsheet() -> None:
    text = writing.refused_as_csv([{"line": 3, "reason": "email: x", "stood": 'a,"b"'}])
    assert text.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(StringIO(text.decode("utf-8-sig"))))
    assert lines == [["line", "reason", "what stood there"], ["3", "email: x", 'a,"b"']]


@pytest.mark.parametrize("sign", files.FORMULA)
def test_no_cell_of_the_directory_is_a_formula(sign: str) -> None:
    whole = dict(zip(files.COLUMNS, ["EE", "A", "speaker", "B", "C", "a@xa.example", "et",
                                     "made-up", "", ""], strict=True))  # fmt: skip
    for column in ("office", "institution", "institution_local", "email"):
        with pytest.raises(ValueError, match=f"{column}: it begins with"):
            files.row_of(whole | {column: f"{sign}{whole[column]}"})
    (line,) = list(
        csv.reader(
            StringIO(
                writing.refused_as_csv(
                    [{"line": 3, "reason": "x", "stood": f'{sign}HYPERLINK("https://x.example")'}]
                ).decode("utf-8-sig")
            )
        )
    )[1:]
    assert line[2].startswith("'")
