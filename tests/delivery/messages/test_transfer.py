"""A body comes back as it was confirmed, whatever lies between."""

import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import settings as pace

from app.delivery.messages import transfer
from app.delivery.routes.envelope import content
from app.errors import MessageRefused
from app.wording.render import LetterText
from tests.delivery.messages.writing import WORD_FOR_WORD, read, written

unhurried = pace(deadline=None)


@unhurried
@given(WORD_FOR_WORD)
@example("")
@example(".\n..\n.\n")
@example("trailing spaces   \n\ttab\t\nFrom me\n \n")
@example("y" * 10_000)
@example("😀👩‍👩‍👧 שלום مرحبا \u202eabc\u202c \u2028 ไทย " * 100)
def test_a_body_comes_back_as_it_went_in(body: str) -> None:
    meant = re.sub("\r\n|\r|\n", "\r\n", body)
    if not meant.endswith("\r\n"):
        meant += "\r\n"
    assert read(written(LetterText("s", body)).raw).get_content() == meant


def test_a_plain_letter_stays_readable_and_a_georgian_one_stays_short() -> None:
    estonian = read(written(LetterText("s", "Lugupeetud peaminister, palun jääge.\n")).raw)
    georgian = read(written(LetterText("s", "გთხოვთ დარჩეთ\n")).raw)
    assert estonian["Content-Transfer-Encoding"] == "quoted-printable"
    assert georgian["Content-Transfer-Encoding"] == "base64"


def test_a_nul_in_the_text_is_refused() -> None:
    with pytest.raises(MessageRefused):
        written(LetterText("s", "a\0b"))


@unhurried
@given(WORD_FOR_WORD)
@example("From the first\nFrom the second\n" + "word " * 14 + "From a fold")
def test_no_line_begins_as_mailbox_files_and_dialogues_use_it(body: str) -> None:
    lines = transfer.encoded(body)[1].split(b"\r\n")
    assert not any(line.startswith(b"From ") for line in lines)
    assert not any(line.startswith(b".") for line in lines)
    assert not any(line.endswith((b" ", b"\t")) for line in lines)


@unhurried
@given(WORD_FOR_WORD)
@example(".\n.a\n" + "." * 200 + "\nword " * 14 + ".a")
def test_a_message_of_ours_is_in_plain_lines_as_it_says(body: str) -> None:
    message = written(LetterText("s", body))
    assert message.is_plain
    assert content(message) == content(replace(message, is_plain=False))


@pytest.mark.parametrize(
    "body", ["", "\n", "a", "a\r", "a\r\r\n", "\r\n\r", "a\rb\nc\r\nd", "õ\r" * 90, "გ\r\n" * 90]
)
def test_however_lines_end_a_reader_gets_the_same(body: str) -> None:
    plain = body.replace("\r\n", "\n").replace("\r", "\n")
    assert transfer.encoded(body) == transfer.encoded(plain)
    assert read(written(LetterText("s", body)).raw).get_content().count("\r\n") == max(
        1, plain.count("\n") + (not plain.endswith("\n"))
    )
