"""A message as the octets that go over the line: its commands, its options, its content."""

import re
from dataclasses import dataclass
from functools import lru_cache

from app.delivery.messages.message import Message
from app.errors import MessageRefused

ADDRESS = re.compile(r"[!-;=?-~]{0,320}")  # what may stand between < and >, and nothing else
LINE_END = re.compile(rb"\r\n|\r|\n")
UNSAFE = re.compile(r"[^!-*,-<>-~]")  # in xtext, RFC 3461 4
HALF_AN_ESCAPE = re.compile(r"\+[0-9A-F]?$")
DATA = b"DATA\r\n"
LONGEST_ENVELOPE_ID = 100  # RFC 3461 4.4


@dataclass(frozen=True, slots=True)
class Offers:
    """What the server can do beyond the plain: RFC 2920, RFC 3461."""

    pipelining: bool = False
    dsn: bool = False


def commands(message: Message, offers: Offers) -> tuple[bytes, bytes, bytes]:
    """MAIL, RCPT and DATA. Raises MessageRefused where an address cannot stand in a command.

    With an envelope id a delivery report is asked for, where the server offers that.
    """
    reported = offers.dsn and bool(message.envelope_id)
    mail = f"MAIL FROM:<{_readable(message.mail_from)}>"
    if reported:
        mail += f" RET=HDRS ENVID={_cut(xtext(message.envelope_id))}"
    return f"{mail}\r\n".encode("ascii"), _rcpt(message.rcpt_to, reported), DATA


@lru_cache(maxsize=1024)  # there are many letters to an office
def _rcpt(address: str, reported: bool) -> bytes:
    rcpt = f"RCPT TO:<{_readable(address)}>"
    if reported:
        rcpt += f" NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;{xtext(address)}"
    return f"{rcpt}\r\n".encode("ascii")


def _readable(address: str) -> str:
    if not ADDRESS.fullmatch(address):
        raise MessageRefused("its envelope holds an address that no server can read")
    return address


def content(message: Message) -> bytes:
    """The data with its end: every line ends in CRLF, and a dot that begins one is doubled.

    A bare CR or LF would let the words of a letter end it and begin another in some servers.
    """
    raw = message.raw
    if message.is_plain:
        return raw + b".\r\n"
    if not raw.count(b"\r\n") == raw.count(b"\r") == raw.count(b"\n"):
        raw = LINE_END.sub(b"\r\n", raw)
    if b"\r\n." in raw:
        raw = raw.replace(b"\r\n.", b"\r\n..")
    if raw.startswith(b"."):
        raw = b"." + raw
    return raw + (b".\r\n" if raw.endswith(b"\r\n") else b"\r\n.\r\n")


def xtext(text: str) -> str:
    """As an option of a command can carry it: RFC 3461 4. The text is ASCII."""
    return UNSAFE.sub(lambda found: f"+{ord(found.group()):02X}", text)


def _cut(written: str) -> str:
    """What a server must keep of it, and no half of an escape."""
    if len(written) <= LONGEST_ENVELOPE_ID:
        return written
    return HALF_AN_ESCAPE.sub("", written[:LONGEST_ENVELOPE_ID])
