"""Writes the RFC 5322 form of a letter or a notice, and the address its bounce comes back to.

From is ours and Reply-To is the supporter's: a government's server checks whether our domain may
send for the From address, and an answer goes to the person who wrote.
"""

import base64
import binascii
import hmac
import re
from dataclasses import dataclass
from email.utils import format_datetime

from app import clock
from app.delivery.messages.headers import address_line, ascii_address, seal, text_line
from app.errors import MessageRefused
from app.outbox.claims import Claim
from app.outbox.notices import NoticeClaim
from app.settings import Delivery, Settings
from app.wording.render import LetterText

ASCII = bytes(range(0x80))
MESSAGE_ID = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")
BOUNCE = re.compile(r"letters\+([bn])-([0-9]{1,18})-([0-9a-f]{12})@(.+)")
KINDS = {"b": "letter", "n": "notice"}


@dataclass(frozen=True)
class Message:
    """An envelope and the octets that go in it."""

    mail_from: str
    rcpt_to: str
    raw: bytes


@dataclass(frozen=True)
class BounceAddress:
    """What a bounce is about. `kind`: letter or notice."""

    kind: str
    id: int


def of_letter(claim: Claim, text: LetterText, settings: Settings) -> Message:
    """The message to the office, or under reflect to the supporter. Raises MessageRefused."""
    letter, submission = claim.letter, claim.submission
    office = ascii_address(claim.contact.email)
    reflected = letter.delivery == Delivery.REFLECT
    sender = f"{submission.name} (via {settings.organisation_name})"
    recipient = ascii_address(submission.email) if reflected else office
    lines = {
        "From": address_line("From", f"letters@{settings.mail_domain}", sender),
        "Reply-To": address_line("Reply-To", submission.email, submission.name),
        "To": address_line("To", recipient),
        "Subject": text_line("Subject", text.subject),
    }
    if reflected:
        lines["X-Intended-Recipient"] = address_line("X-Intended-Recipient", office)
    lines |= _identity(letter.message_id, claim.template.language)
    envelope_sender = bounce_address("b", letter.id, settings)
    return Message(envelope_sender, recipient, _written(lines, text.body))


def of_notice(claim: NoticeClaim, text: LetterText, settings: Settings) -> Message:
    """The message to the supporter. Raises MessageRefused."""
    notice, submission = claim.notice, claim.submission
    sender = f"letters@{settings.mail_domain}"
    lines = {
        "From": address_line("From", sender, settings.organisation_name),
        "To": address_line("To", submission.email, submission.name),
        "Subject": text_line("Subject", text.subject),
        "Auto-Submitted": "Auto-Submitted: auto-generated\r\n",  # RFC 3834 5
    }
    lines |= _identity(notice.message_id, submission.language)
    envelope_sender = bounce_address("n", notice.id, settings)
    recipient = ascii_address(submission.email)
    return Message(envelope_sender, recipient, _written(lines, text.body))


def bounce_address(kind: str, number: int, settings: Settings) -> str:
    """The envelope sender: readable, and signed so that nobody can forge a bounce.

    Random-looking addresses get blocked. `kind`: b for a letter, n for a notice.
    """
    mac = _mac(kind, number, settings)
    return f"letters+{kind}-{number}-{mac}@{settings.mail_domain}"


def read_bounce_address(address: str, settings: Settings) -> BounceAddress | None:
    """What a bounce to this address is about; None when we never wrote such an address."""
    # the case of a local part is ours to choose, and some servers do not keep it
    found = BOUNCE.fullmatch(address.strip().lower())
    if not found or found[4] != settings.mail_domain.lower():
        return None
    kind, number = found[1], int(found[2])
    if not hmac.compare_digest(found[3], _mac(kind, number, settings)):
        return None
    return BounceAddress(KINDS[kind], number)


def _mac(kind: str, number: int, settings: Settings) -> str:
    return hmac.new(settings.secret, f"bounce:{kind}-{number}".encode(), "sha256").hexdigest()[:12]


def _identity(message_id: str, language: str) -> dict[str, str]:
    if not MESSAGE_ID.fullmatch(message_id):
        raise MessageRefused("its Message-ID is not one")
    return {
        "Date": f"Date: {format_datetime(clock.now())}\r\n",
        "Message-ID": f"Message-ID: {message_id}\r\n",
        "MIME-Version": "MIME-Version: 1.0\r\n",
        "Content-Type": "Content-Type: text/plain; charset=utf-8\r\n",
        "Content-Language": text_line("Content-Language", language),
    }


def _written(lines: dict[str, str], body: str) -> bytes:
    encoding, encoded = _encoded(body)
    lines["Content-Transfer-Encoding"] = f"Content-Transfer-Encoding: {encoding}\r\n"
    head = seal("".join(lines.values()).encode("ascii"), list(lines))
    return head + b"\r\n" + encoded


def _encoded(body: str) -> tuple[str, bytes]:
    """The body in lines of at most 78 octets, all of it ASCII: every server carries it unharmed."""
    if "\0" in body:
        raise MessageRefused("its text holds a NUL")
    text = body.replace("\r\n", "\n").replace("\r", "\n")
    if not text.endswith("\n"):
        text += "\n"
    octets = text.replace("\n", "\r\n").encode()
    if len(octets.translate(None, ASCII)) * 2 > len(octets):
        return "base64", base64.encodebytes(octets).replace(b"\n", b"\r\n")
    quoted = b"\n" + binascii.b2a_qp(octets, istext=True)
    # a mailbox file would put a > before it
    return "quoted-printable", quoted.replace(b"\nFrom ", b"\n=46rom ")[1:]
