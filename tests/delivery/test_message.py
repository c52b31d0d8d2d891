"""What people type comes back as they typed it, and never as a header."""

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as pace
from hypothesis import strategies as st

from app import clock
from app.delivery.messages import headers, message
from app.errors import MessageRefused
from app.models import Contact, Letter, LetterTemplate, Notice, Submission, Target
from app.outbox.claims import Claim
from app.outbox.notices import NoticeClaim
from app.settings import Settings
from app.wording.render import LetterText

SETTINGS = Settings(
    _env_file=None,
    secret_key="a secret for tests only",
    mail_domain="letters.example.org",
    organisation_name="Mine Ban Campaign",
)
NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
typed = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
unhurried = pace(deadline=None)
WORD_FOR_WORD = typed.filter(lambda text: "\0" not in text)


def claim(**changes: Any) -> Claim:
    values = {
        "name": "Mari Mägi",
        "email": "mari@example.org",
        "office": "pm@example.org",
        "delivery": "sandbox",
        "message_id": "<0123456789abcdef@letters.example.org>",
    } | changes
    return Claim(
        letter=Letter(id=7, message_id=values["message_id"], delivery=values["delivery"]),
        submission=Submission(name=values["name"], email=values["email"], language="en"),
        target=Target(),
        contact=Contact(email=values["office"]),
        template=LetterTemplate(language="et"),
        country=None,  # type: ignore[arg-type]  # a message does not ask for it
    )


def written(text: LetterText | None = None, **changes: Any) -> message.Message:
    with clock.held(NOON):
        return message.of_letter(
            claim(**changes), text or LetterText("Please stay", "Dear Minister,\n"), SETTINGS
        )


def read(raw: bytes) -> EmailMessage:
    parsed = message_from_bytes(raw, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    assert parsed.defects == []
    return parsed


def name_and_address(raw: bytes, header: str) -> tuple[str, str]:
    """As a mail program reads them: Python's newer parser puts spaces between encoded words."""
    name, address = parseaddr(message_from_bytes(raw)[header])
    return str(make_header(decode_header(name))), address


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
    assert message.read_bounce_address(sent.mail_from, SETTINGS) == message.BounceAddress(
        "notice", 9
    )


@unhurried
@given(typed)
@example("=?utf-8?q?Hi=0ABcc:_x@y?=")
@example("Hello\r\nBcc: everybody@example.org")
@example("a long subject of plain words that has to be folded at least once, or even twice or so")
def test_a_subject_comes_back_as_it_went_in(subject: str) -> None:
    raw = written(LetterText(subject, "text")).raw
    assert read(raw)["Subject"] == headers.clean(subject)
    assert len(message_from_bytes(raw).keys()) == 10


@unhurried
@given(typed)
@example('Mari "the Voice" \\ Mägi')
@example("Mari, <everybody@example.org>")
@example("=?utf-8?q?=0D=0ABcc:_x@y?=")
def test_a_name_comes_back_as_it_went_in(name: str) -> None:
    raw = written(name=name).raw
    assert name_and_address(raw, "Reply-To") == (headers.clean(name), "mari@example.org")
    sender = headers.clean(f"{name} (via Mine Ban Campaign)")
    assert name_and_address(raw, "From") == (sender, "letters@letters.example.org")
    assert len(message_from_bytes(raw).keys()) == 10


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


@unhurried
@given(typed)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert headers.clean(headers.clean(text)) == headers.clean(text)


def test_what_reorders_letters_is_kept_in_a_body_and_removed_from_a_header() -> None:
    parsed = read(written(LetterText("gnp.\u202etxt", "abc\u202edef\n")).raw)
    assert parsed["Subject"] == "gnp.txt"
    assert parsed.get_content() == "abc\u202edef\r\n"


def test_a_plain_letter_stays_readable_and_a_georgian_one_stays_short() -> None:
    estonian = read(written(LetterText("s", "Lugupeetud peaminister, palun jääge.\n")).raw)
    georgian = read(written(LetterText("s", "გთხოვთ დარჩეთ\n")).raw)
    assert estonian["Content-Transfer-Encoding"] == "quoted-printable"
    assert georgian["Content-Transfer-Encoding"] == "base64"


def test_a_nul_in_the_text_is_refused() -> None:
    with pytest.raises(MessageRefused):
        written(LetterText("s", "a\0b"))


def test_headers_that_read_otherwise_than_meant_are_refused() -> None:
    with pytest.raises(MessageRefused):
        headers.seal(b"Subject: a\r\nBcc: b@example.org\r\n", ["Subject"])
    with pytest.raises(MessageRefused):
        headers.seal(b"Subject: a\r\n\r\nBcc: b\r\n", ["Subject", "Bcc"])
    with pytest.raises(MessageRefused):
        headers.seal(b"Subject: a\0b\r\n", ["Subject"])


def test_a_message_id_that_is_not_one_is_refused() -> None:
    with pytest.raises(MessageRefused):
        written(message_id="<a@b>\r\nBcc: <c@example.org>")


def test_an_international_domain_is_written_as_servers_know_it() -> None:
    assert headers.ascii_address("mari@mägi.example.org") == "mari@xn--mgi-qla.example.org"


@pytest.mark.parametrize(
    "address",
    ["mägi@example.org", "no address", "a@b@c", "=?utf-8?q?a?=@example.org", "a@b\r\nBcc: c@d"],
)
def test_an_address_that_not_every_server_can_carry_is_refused(address: str) -> None:
    with pytest.raises(MessageRefused):
        headers.ascii_address(address)


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
