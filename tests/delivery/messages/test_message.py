"""A letter and a notice as mail programs read them, and the address their bounces come to."""

import re
from datetime import timedelta
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import settings as pace

from app import clock
from app.delivery.messages import message
from app.errors import MessageRefused
from app.models import Notice, Submission
from app.outbox.notices import NoticeClaim
from app.tokens import stop_url
from app.wording.render import LetterText
from tests.delivery.messages.writing import (
    NOON,
    SETTINGS,
    WORD_FOR_WORD,
    claim,
    name_and_address,
    read,
    typed,
    written,
)

unhurried = pace(deadline=None)


def test_a_letter_is_from_us_and_answered_to_its_supporter() -> None:
    sent = written()
    parsed = read(sent.raw)
    assert parsed.keys() == [
        "From",
        "Reply-To",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "MIME-Version",
        "Content-Type",
        "Content-Language",
        "Content-Transfer-Encoding",
    ]
    assert name_and_address(sent.raw, "From") == (
        "Mari Mägi (via Mine Ban Campaign)",
        "letters@letters.example.org",
    )
    assert name_and_address(sent.raw, "Reply-To") == ("Mari Mägi", "mari@example.org")
    assert parsed["To"] == "pm@example.org"
    assert parsed["Date"].datetime == NOON
    assert parsed["Message-ID"] == "<0123456789abcdef@letters.example.org>"
    assert parsed["Content-Language"] == "et"
    assert sent.rcpt_to == "pm@example.org"
    assert sent.mail_from == message.bounce_address("b", 7, SETTINGS)
    assert sent.envelope_id == "0123456789abcdef@letters.example.org"


def test_a_reflected_letter_reaches_only_its_supporter() -> None:
    sent = written(delivery="reflect")
    parsed = read(sent.raw)
    assert sent.rcpt_to == "mari@example.org"
    assert parsed["To"] == "mari@example.org"
    assert parsed["X-Intended-Recipient"] == "pm@example.org"


def test_a_notice_says_that_a_machine_wrote_it() -> None:
    notice = NoticeClaim(
        Notice(id=9, message_id="<n.1@letters.example.org>"),
        Submission(name="Mari Mägi", email="mari@example.org", language="et"),
    )
    with clock.held(NOON):
        sent = message.of_notice(notice, LetterText("Palun kinnita", "Tere!\n"), SETTINGS)
    parsed = read(sent.raw)
    assert parsed["Auto-Submitted"] == "auto-generated"
    assert parsed["Reply-To"] is None
    assert parsed["From"] == "Mine Ban Campaign <letters@letters.example.org>"
    assert sent.rcpt_to == "mari@example.org"
    assert sent.envelope_id == "n.1@letters.example.org"
    assert message.read_bounce_address(sent.mail_from, SETTINGS) == message.BounceAddress(
        "notice", 9
    )


@unhurried
@given(typed, typed, WORD_FOR_WORD)
def test_every_line_is_short_plain_and_ends_in_crlf(name: str, subject: str, body: str) -> None:
    raw = written(LetterText(subject, body), name=name).raw
    assert raw.isascii()
    assert b"\0" not in raw
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) <= 78
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    # an encoded-word's limit, RFC 2047 2
    assert all(len(word) <= 75 for word in re.findall(rb"=\?\S+\?=", raw))


def test_a_message_id_that_is_not_one_is_refused() -> None:
    with pytest.raises(MessageRefused):
        written(message_id="<a@b>\r\nBcc: <c@example.org>")


def test_each_letter_is_dated_when_it_was_written() -> None:
    text = LetterText("Please stay", "Dear Minister,\n")
    with clock.held(NOON) as held:
        for seconds in (0, 1, 3600, -7200):
            held.at = NOON + timedelta(seconds=seconds, microseconds=250_000)
            raw = message.of_letter(claim(), text, SETTINGS).raw
            assert read(raw)["Date"].datetime == NOON + timedelta(seconds=seconds)


def test_a_bounce_address_is_readable_and_cannot_be_forged() -> None:
    address = message.bounce_address("b", 123, SETTINGS)
    assert re.fullmatch(r"letters\+b-123-[0-9a-f]{12}@letters\.example\.org", address)
    found = message.BounceAddress("letter", 123)
    assert message.read_bounce_address(address, SETTINGS) == found
    assert message.read_bounce_address(address.upper(), SETTINGS) == found
    mac = address.partition("@")[0][-12:]
    for forged in (
        f"letters+b-124-{mac}@letters.example.org",
        f"letters+n-123-{mac}@letters.example.org",
        f"letters+b-123-{mac}@example.org",
        "letters@letters.example.org",
        "",
    ):
        assert message.read_bounce_address(forged, SETTINGS) is None


def test_another_secret_reads_nothing() -> None:
    address = message.bounce_address("n", 5, SETTINGS)
    other = SETTINGS.model_copy(update={"secret_key": "another secret"})
    assert message.read_bounce_address(address, other) is None


UNASKED = ["reminder", "stage_moved", "failed"]


def noticed(kind: str, url: str = "https://write.example.org") -> EmailMessage:
    to = Submission(name="Mari", email="m@example.org", language="et", public_id="a" * 16)
    claim = NoticeClaim(Notice(id=9, kind=kind, message_id="<n.1@letters.example.org>"), to)
    settings = SETTINGS.model_copy(update={"public_url": url})
    return read(message.of_notice(claim, LetterText("Tere", "Tere!\n"), settings).raw)


@pytest.mark.parametrize("kind", UNASKED)
def test_mail_that_nobody_asked_for_just_now_is_stopped_with_one_click(kind: str) -> None:
    parsed = noticed(kind)
    (link,) = re.findall(r"<(https://write\.example\.org/stop/\S+)>", parsed["List-Unsubscribe"])
    settings = SETTINGS.model_copy(update={"public_url": "https://write.example.org"})
    assert link == stop_url(settings, "a" * 16)
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize("kind", ["confirm", "duplicate", "copy"])
def test_what_follows_at_once_from_ones_own_press_is_no_list(kind: str) -> None:
    assert {"List-Unsubscribe", "List-Unsubscribe-Post"}.isdisjoint(noticed(kind).keys())


def test_a_stop_link_stays_whole_however_long_our_address_is() -> None:
    root = "https://" + "long-name." * 12 + "example.org"
    found = noticed("reminder", root)["List-Unsubscribe"]
    assert found.startswith(f"<{root}/stop/")
    assert " " not in found
    assert noticed("reminder", "https://kirjoita-sähköposti.fi")["List-Unsubscribe"] is None


@pytest.mark.parametrize(("kind", "shown"), [("confirm", ""), ("reminder", ""), ("copy", "Mari")])
def test_a_name_is_shown_only_where_the_address_is_proven(kind: str, shown: str) -> None:
    assert parseaddr(noticed(kind)["To"]) == (shown, "m@example.org")
