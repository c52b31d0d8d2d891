"""What goes over the line is what was meant: commands that end where they end, content too."""

import re

import pytest
from aiosmtpd.smtp import SMTP
from hypothesis import given
from hypothesis import strategies as st

from app.delivery.messages.message import Message
from app.delivery.routes.envelope import Offers, commands, content, xtext
from app.errors import MessageRefused

ASCII = st.text(st.characters(max_codepoint=126), max_size=60)


def un_xtext(text: str) -> str:
    return re.sub(r"\+([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), text)


def received(octets: bytes) -> bytes:
    """As a server undoes it, RFC 5321 4.5.2."""
    assert octets.endswith(b"\r\n.\r\n") or octets == b".\r\n"
    lines = octets.removesuffix(b".\r\n").split(b"\r\n")
    return b"\r\n".join(line.removeprefix(b".") for line in lines)


@given(ASCII)
def test_xtext_comes_back_as_it_was(text: str) -> None:
    written = xtext(text)
    assert un_xtext(written) == text
    assert re.fullmatch(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*", written)


def test_xtext_keeps_what_needs_no_care() -> None:
    assert xtext("pm+office=1 x@example.org") == "pm+2Boffice+3D1+20x@example.org"


LINES = st.lists(st.sampled_from([b"", b".", b"..", b"a", b".a", b"a.", b"x" * 300]), max_size=9)


@given(LINES)
def test_lines_arrive_as_they_were_written(lines: list[bytes]) -> None:
    raw = b"".join(line + b"\r\n" for line in lines)
    assert received(content(Message("", "", raw))) == (raw or b"\r\n")


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a", b"\0"]), max_size=12))
def test_no_content_ends_before_its_end(parts: list[bytes]) -> None:
    """Neither where a strict server sees the end nor where a careless one does."""
    octets = content(Message("", "", b"".join(parts)))
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", octets)
    for end in (b"\r\n.\r\n", b"\n.\n", b"\n.\r\n"):
        assert end not in octets[:-1].removesuffix(b"\r\n.\r")
    assert not octets[:-3].startswith(b".\r\n")


def test_the_content_of_a_plain_message_is_not_touched() -> None:
    raw = b"Subject: Please stay\r\n\r\nDear Minister\r\n"
    assert content(Message("", "", raw)) == raw + b".\r\n"


@given(st.text(max_size=20), st.text(max_size=20))
def test_an_address_is_one_word_of_a_command_or_refused(sender: str, recipient: str) -> None:
    message = Message(sender, recipient, b"", envelope_id="7")
    try:
        lines = commands(message, Offers(dsn=True))
    except MessageRefused:
        return
    assert [line.count(b"\r\n") for line in lines] == [1, 1, 1]
    assert lines[0] == f"MAIL FROM:<{sender}> RET=HDRS ENVID=7\r\n".encode()
    assert lines[1].startswith(f"RCPT TO:<{recipient}> ".encode())
    assert len(lines[1].split()) == 4


@pytest.mark.parametrize(
    "address", ["a b@c", "a>@c", "<a@c", "a\r\nb@c", "ä@c", "a\0@c", "a" * 999]
)
def test_an_address_that_no_server_reads_is_refused(address: str) -> None:
    with pytest.raises(MessageRefused):
        commands(Message("us@example.org", address, b""), Offers())


def test_an_envelope_id_is_cut_to_what_a_server_keeps() -> None:
    mail, _, _ = commands(Message("a@b", "c@d", b"", envelope_id="=" * 90), Offers(dsn=True))
    identity = mail.decode().split("ENVID=")[1].strip()
    assert len(identity) <= 100
    assert set(un_xtext(identity)) == {"="}


def test_the_longest_envelope_fits_a_command_line() -> None:
    """Ours with its options, by the limits of a strict server: RFC 5321 4.5.3.1.4, RFC 3461 4."""
    bounce = "letters+b-" + "9" * 18 + "-0123456789ab@" + "d" * 60 + ".example.org"
    message = Message(bounce, "p" * 64 + "@" + "d" * 180, b"", envelope_id="9" * 40)
    mail, rcpt, _ = commands(message, Offers(dsn=True))
    assert len(mail) <= SMTP.command_size_limit + 100
    assert len(rcpt) <= SMTP.command_size_limit + 500
