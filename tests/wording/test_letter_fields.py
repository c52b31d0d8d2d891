"""A letter's fields become a text and come back the same, whatever was typed into them."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as pace
from hypothesis import strategies as st

from app.errors import TemplateBroken
from app.wording import letter_fields
from app.wording.examining.examination import examine
from app.wording.letter_fields import LetterFields, VariantFields, read, tidied, write
from app.wording.templates import ROLES, parse

SHIPPED = sorted((Path(__file__).parents[2] / "templates" / "letters").glob("*/*.txt"))
ODD = [
    '"',
    '"""',
    "'''",
    "\\",
    "\\n",
    "+++",
    "\n+++\n",
    "\r\n",
    "\r",
    "\x00",
    "\x1b",
    "\u2028",
    "=",
    "[[",
]
typed = st.one_of(
    st.text(max_size=30),
    st.lists(st.sampled_from([*ODD, " ", "\n", "õ", "😀", "{{ name }}", "#"]), max_size=12).map(
        "".join
    ),
)
keys = st.one_of(st.sampled_from(ROLES), typed)
variants = st.lists(
    st.builds(
        VariantFields,
        text=typed,
        stages=st.lists(typed, max_size=2).map(tuple),
        roles=st.lists(typed, max_size=2).map(tuple),
    ),
    max_size=2,
).map(tuple)
letters = st.builds(
    LetterFields,
    reviewed=st.booleans(),
    note=typed,
    salutations=st.dictionaries(keys, typed, max_size=3),
    subjects=variants,
    openings=variants,
    reasons=variants,
    closings=variants,
    asks=st.dictionaries(keys, typed, max_size=3),
    body=typed,
)


@pace(max_examples=60)
@given(letters)
def test_what_is_written_reads_as_what_was_typed(fields: LetterFields) -> None:
    source = write(fields)
    assert read(source) == tidied(fields)
    assert write(read(source)) == source


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_a_letter_that_ships_is_written_back_byte_for_byte(file: Path) -> None:
    source = file.read_text("utf-8")
    assert write(read(source)) == source


def test_what_is_half_done_can_be_read_and_what_is_no_letter_cannot() -> None:
    assert read("+++\n+++\n") == LetterFields()
    odd = read('+++\nreviewed = "yes"\nsubjects = [1, {text = 2}]\nasks = 3\n+++\n\nHello\n')
    assert odd == LetterFields(body="Hello")
    for broken in ("", "Hello", "+++\nx", "+++\nx = \n+++\n", "+++\n" + "a." * 20_000 + "a=1\n+++"):
        with pytest.raises(TemplateBroken):
            read(broken)


@pytest.mark.parametrize("language", ["en", "et", "lv", "lt", "pl", "fi", "de"])
def test_a_start_works_at_once_and_says_what_is_to_be_filled(language: str) -> None:
    fields = letter_fields.blank(language, "Estonia", ("announced", "voted"))
    source = write(fields)
    assert parse(source).stages == ("announced", "voted")
    found = examine(source, name="EE.xx", language=language, stages=("announced", "voted"))
    serious = {one.place for one in found if one.serious}
    assert serious == {"subjects.1", "asks.announced", "asks.voted"}
    assert all("looks like a gap" in one.sentence for one in found if one.serious)
    assert ("Estonia" in fields.asks["voted"]) == (language in {"en", "de"})
    assert ("is English" in fields.note) == (language == "de")
    argued = replace(fields, reasons=(VariantFields("One."), VariantFields("Two.", ("voted",))))
    more = examine(write(argued), name="EE.xx", language=language, stages=("announced", "voted"))
    assert {one.place for one in more if one.serious} == serious
