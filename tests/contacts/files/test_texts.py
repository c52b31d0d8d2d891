"""A file's bytes become the letters that somebody typed, whatever program saved them."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as some

from app.contacts.files import texts
from app.errors import FileRefused

BALTIC = (
    "EE,Välisministeerium,õ,š,ž\nLV,Ārlietu ministrija,ķēniņš,ģ\n"
    "LT,Užsienio reikalų ministerija,ąčęėįšųūž"
)
POLISH = "PL,Kancelaria Prezesa Rady Ministrów,wójt@gmina.pl\nPL,Żółć, gęślą jaźń, ŁÓDŹ"


@pytest.mark.parametrize(
    ("text", "encoding", "named"),
    [
        (BALTIC, "utf-8", "UTF-8"),
        (BALTIC, "utf-8-sig", "UTF-8"),
        (BALTIC, "utf-16", "UTF-16"),
        (BALTIC, "utf-16-le", "UTF-16"),
        (BALTIC, "utf-16-be", "UTF-16"),
        (BALTIC, "windows-1257", "windows-1257 (Baltic)"),
        (f"{BALTIC} „taip“", "iso-8859-13", "ISO 8859-13 (Baltic)"),
        (POLISH, "windows-1250", "windows-1250 (Polish and Central European)"),
        (POLISH, "iso-8859-2", "ISO 8859-2 (Polish and Central European)"),
    ],
)
def test_the_letters_come_back_and_the_page_is_named(text: str, encoding: str, named: str) -> None:
    found, read_as = texts.decoded(text.encode(encoding))
    assert found == text
    if encoding != "iso-8859-13":  # its letters stand where those of windows-1257 do
        assert read_as == named


@given(
    words=some.lists(some.text(alphabet="aeõäöüšžāčēģīķļņūąęėįų", min_size=1), min_size=1),
    page=some.sampled_from(["windows-1257", "iso-8859-13"]),
)
def test_baltic_words_are_never_taken_for_others(words: list[str], page: str) -> None:
    text = f"office,email\n{' '.join(words)},info@office.ee\n"
    data = text.encode(page)
    assume(not _is_utf_8(data))
    assert texts.decoded(data)[0] == text


@given(words=some.lists(some.text(alphabet="aeąćęłńóśźż", min_size=1), min_size=1),
       page=some.sampled_from(["windows-1250", "iso-8859-2"]))  # fmt: skip
def test_polish_words_neither(words: list[str], page: str) -> None:
    text = f"office,email\n{' '.join(words)},info@office.pl\n"
    data = text.encode(page)
    assume(not _is_utf_8(data))  # “ćąą” alone is “湹” as well: nobody could tell
    assert texts.decoded(data)[0] == text


def _is_utf_8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("data", [b"\x81\x8d\x90", b"%PDF-1.7\n\xb5\xb6\xa4\x93", b"a\xff\xd8\xb2"])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(FileRefused, match="not UTF-8"):
        texts.decoded(data)
