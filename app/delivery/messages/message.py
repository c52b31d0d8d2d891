"""Writes the RFC 5322 form of a letter or a notice, and the address its bounce comes back to.

From is ours and Reply-To is the supporter's: a government's server checks whether our domain may
send for the From address, and an answer goes to the person who wrote.
"""

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from app import clock
from app.delivery.messages.headers import address_line, ascii_address, sealed, text_line
from app.delivery.messages.transfer import encoded
from app.errors import MessageRefused
from app.outbox.claims import Claim
from app.outbox.notices import NoticeClaim
from app.outbox.telling.alarms import AlarmClaim
from app.settings import TO_THE_WRITER, Settings
from app.wording.render import LetterText

MESSAGE_ID = re.compile(r"<[!-;=?-~]+@[!-;=?-~]+>")
BOUNCE = re.compile(r"letters\+([bn])-([0-9]{1,18})-([0-9a-f]{12})@(.+)")
KINDS = {"b": "letter", "n": "notice"}


@dataclass(frozen=True)
class Message:
    """An envelope and the octets that go in it. `envelope_id`: what a delivery report names."""

    mail_from: str
    rcpt_to: str
    raw: bytes
    envelope_id: str = ""


@dataclass(frozen=True)
class BounceAddress:
    """What a bounce is about. `kind`: letter or notice."""

    kind: str
    id: int


def of_letter(claim: Claim, text: LetterText, settings: Settings) -> Message:
    """The message to the office, or under reflect and trial to the supporter.

    Raises MessageRefused.
    """
    letter, submission, name = claim.letter, claim.submission, claim.submission.name
    office = ascii_address(claim.contact.email)
    reflected = letter.delivery in TO_THE_WRITER
    sender = f"{name} (via {settings.organisation_name})"
    recipient = ascii_address(submission.email) if reflected else office
    lines = {
        "From": address_line("From", f"letters@{settings.mail_domain}", sender),
        "Reply-To": address_line("Reply-To", submission.email, name),
        "To": f"To: {recipient}\r\n",
        "Subject": text_line("Subject", text.subject),
    }
    if reflected:
        lines["X-Intended-Recipient"] = address_line("X-Intended-Recipient", office)
    lines |= _identity(letter.message_id, claim.template.language)
    envelope_sender = bounce_address("b", letter.id, settings)
    raw = _written(lines, text.body)
    return Message(envelope_sender, recipient, raw, letter.message_id[1:-1])


def of_notice(claim: NoticeClaim | AlarmClaim, text: LetterText, settings: Settings) -> Message:
    """The message to the supporter or the organiser. Raises MessageRefused."""
    notice, to = claim.notice, claim.to
    sender = f"letters@{settings.mail_domain}"
    lines = {
        "From": address_line("From", sender, settings.organisation_name),
        "To": address_line("To", to.email, to.name),
        "Subject": text_line("Subject", text.subject),
        "Auto-Submitted": "Auto-Submitted: auto-generated\r\n",  # RFC 3834 5
    }
    lines |= _identity(notice.message_id, to.language)
    envelope_sender = bounce_address("n", notice.id, settings)
    recipient = ascii_address(to.email)
    raw = _written(lines, text.body)
    return Message(envelope_sender, recipient, raw, notice.message_id[1:-1])


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
    signed = _signer(settings.secret).copy()
    signed.update(f"{kind}-{number}".encode())
    return signed.hexdigest()[:12]


@lru_cache(maxsize=4)
def _signer(secret: bytes) -> hmac.HMAC:
    return hmac.new(secret, b"bounce:", "sha256")


def _identity(message_id: str, language: str) -> dict[str, str]:
    if not MESSAGE_ID.fullmatch(message_id):
        raise MessageRefused("its Message-ID is not one")
    return {
        "Date": _date_line(int(clock.now().timestamp())),
        "Message-ID": f"Message-ID: {message_id}\r\n",
        "MIME-Version": "MIME-Version: 1.0\r\n",
        "Content-Type": "Content-Type: text/plain; charset=utf-8\r\n",
        "Content-Language": text_line("Content-Language", language),
    }


@lru_cache(maxsize=4)
def _date_line(second: int) -> str:
    return f"Date: {format_datetime(datetime.fromtimestamp(second, UTC))}\r\n"


def _written(lines: dict[str, str], body: str) -> bytes:
    encoding, octets = encoded(body)
    lines["Content-Transfer-Encoding"] = f"Content-Transfer-Encoding: {encoding}\r\n"
    head = b"".join(sealed(name, line) for name, line in lines.items())
    return head + b"\r\n" + octets
