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
from app.delivery.messages.headers import ascii_address, sealed, sealed_address, sealed_text
from app.delivery.messages.transfer import encoded
from app.errors import MessageRefused
from app.models import NoticeKind, Submission
from app.outbox.claims import Claim
from app.outbox.notices import NoticeClaim
from app.outbox.telling.alarms import AlarmClaim
from app.settings import TO_THE_WRITER, Settings
from app.tokens import stop_url
from app.wording.render import LetterText

# printable, no longer than a line, and nothing in it that a reader would decode
MESSAGE_ID = re.compile(r"<(?!.*=\?)[!-;=?-~]{1,200}@[!-;=?-~]{1,255}>")
BOUNCE = re.compile(r"letters\+([bn])-([0-9]{1,18})-([0-9a-f]{12})@(.+)")
# anybody can have these sent to a stranger, so they do not carry the name that was typed
ASKING = frozenset({NoticeKind.CONFIRM, NoticeKind.REMINDER})
# no answer to what the person did a moment ago
UNASKED = frozenset({NoticeKind.REMINDER, NoticeKind.STAGE_MOVED, NoticeKind.FAILED})
KINDS = {"b": "letter", "n": "notice"}


@dataclass(frozen=True)
class Message:
    """An envelope and the octets that go in it. `envelope_id`: what a delivery report names.

    `is_plain`: known to be in lines that end in CRLF and do not begin with a dot.
    """

    mail_from: str
    rcpt_to: str
    raw: bytes
    envelope_id: str = ""
    is_plain: bool = False


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
    raw = _written(
        [
            sealed_address("From", f"letters@{settings.mail_domain}", sender),
            sealed_address("Reply-To", submission.email, name),
            sealed_address("To", recipient),
            sealed_text("Subject", text.subject),
            sealed_address("X-Intended-Recipient", office) if reflected else b"",
        ],
        letter.message_id,
        claim.template.language,
        text.body,
    )
    envelope_sender = bounce_address("b", letter.id, settings)
    return Message(envelope_sender, recipient, raw, letter.message_id[1:-1], is_plain=True)


def of_notice(claim: NoticeClaim | AlarmClaim, text: LetterText, settings: Settings) -> Message:
    """The message to the supporter or the organiser. Raises MessageRefused."""
    notice, to = claim.notice, claim.to
    sender = f"letters@{settings.mail_domain}"
    raw = _written(
        [
            sealed_address("From", sender, settings.organisation_name),
            sealed_address("To", to.email, "" if notice.kind in ASKING else to.name),
            sealed_text("Subject", text.subject),
            sealed_text("Auto-Submitted", "auto-generated"),  # RFC 3834 5
            *_stopped_by(claim, settings),
        ],
        notice.message_id,
        to.language,
        text.body,
    )
    envelope_sender = bounce_address("n", notice.id, settings)
    recipient = ascii_address(to.email)
    return Message(envelope_sender, recipient, raw, notice.message_id[1:-1], is_plain=True)


def _stopped_by(claim: NoticeClaim | AlarmClaim, settings: Settings) -> list[bytes]:
    """How a mail program ends such mail with one click: RFC 8058 3.1."""
    if claim.notice.kind not in UNASKED or not isinstance(claim.to, Submission):
        return []
    url = stop_url(settings, claim.to.public_id)
    if not url.isascii():  # RFC 2369 2
        return []
    return [
        sealed("List-Unsubscribe", f"List-Unsubscribe: <{url}>\r\n"),  # whole: no program mends it
        sealed_text("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ]


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


def _written(head: list[bytes], message_id: str, language: str, body: str) -> bytes:
    """`head`: the sealed lines that this kind of message begins with. Raises MessageRefused."""
    if not MESSAGE_ID.fullmatch(message_id):
        raise MessageRefused("its Message-ID is not one")
    encoding, octets = encoded(body)
    second = int(clock.now().timestamp())
    named = f"Message-ID: {message_id}\r\n".encode("ascii")  # the pattern is its seal
    return b"".join([*head, _date_line(second), named, _form(language, encoding), octets])


@lru_cache(maxsize=4)
def _date_line(second: int) -> bytes:
    return sealed_text("Date", format_datetime(datetime.fromtimestamp(second, UTC)))


@lru_cache(maxsize=64)
def _form(language: str, encoding: str) -> bytes:
    """What is said of the body, and the empty line before it."""
    lines = {
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Language": language,
        "Content-Transfer-Encoding": encoding,
    }
    return b"".join([*(sealed_text(name, said) for name, said in lines.items()), b"\r\n"])
