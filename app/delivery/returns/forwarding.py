"""Passes a person's answer on to the supporter whose letter it answers; no copy stays here.

From is ours, for our relay may not send in the office's name; Reply-To is the answering person's,
so that the two can go on without us.
"""

import base64
import hashlib
from email.parser import BytesHeaderParser
from email.utils import format_datetime

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.delivery.messages.headers import address_line, ascii_address, seal, text_line
from app.delivery.messages.message import Message
from app.delivery.outcome import Outcome, Rejected, Taken, Unreached
from app.delivery.returns.parsing.parts import header
from app.delivery.returns.reading import Read
from app.delivery.routes.connection import Connection, Sender
from app.delivery.routes.direct import Direct
from app.delivery.routes.exchanges import Finder
from app.delivery.routes.relays import relays_of
from app.errors import ComeAgain, MessageRefused, TakesNoAnswers
from app.languages import marked as _
from app.languages import translations
from app.models import Letter, SandboxMessage, Submission
from app.settings import Delivery, Route, Settings

PATIENCE = 60.0  # seconds for one reply of the relay, while the answering server waits for ours
PATIENCE_AT_THE_END = 180.0
SUBJECT = _("An answer to your letter")
NOTE = _(
    "This answer to one of your letters came to our address instead of yours, so we pass it on to"
    " you. It says that it comes from %(sender)s. We keep no copy of it; the whole message is"
    " attached as it came. To write back, simply reply to this mail: your words go to that"
    " address, not to us."
)


async def supporter_of(session: AsyncSession, letter_id: int) -> Submission:
    """Whom an answer to this letter is for. Raises TakesNoAnswers where they were forgotten."""
    found = await session.scalars(
        select(Submission)
        .join(Letter, Letter.submission_id == Submission.id)
        .where(Letter.id == letter_id)
    )
    submission = found.one()
    if submission.erased_at:
        raise TakesNoAnswers
    return submission


def write(raw: bytes, read: Read, submission: Submission, settings: Settings) -> Message:
    """The answer as it goes to the supporter. Raises MessageRefused."""
    ours = f"letters@{settings.mail_domain}"
    mark = hashlib.sha256(raw).hexdigest()[:32]  # the same answer again is the same message
    sender = f"{read.sender_name or read.sender} (via {settings.organisation_name})"
    say = translations(submission.language).gettext
    lines = {
        "From": address_line("From", ours, sender),
        "Reply-To": _reply_to(read),
        "To": address_line("To", submission.email, submission.name),
        "Subject": text_line("Subject", read.subject or say(SUBJECT)),
        "Auto-Submitted": "Auto-Submitted: auto-forwarded\r\n",
        "Date": f"Date: {format_datetime(clock.now())}\r\n",
        "Message-ID": f"Message-ID: <f.{mark}@{settings.mail_domain}>\r\n",
        "MIME-Version": "MIME-Version: 1.0\r\n",
        "Content-Type": f'Content-Type: multipart/mixed; boundary="=_{mark}"\r\n',
    }
    lines = {name: line for name, line in lines.items() if line}
    head = seal("".join(lines.values()).encode("ascii"), list(lines))
    note = say(NOTE) % {"sender": read.sender}
    body = _body(raw, f"{note}\n\n{read.words}".rstrip() + "\n", f"--=_{mark}".encode())
    return Message(ours, ascii_address(submission.email), head + b"\r\n" + body)


def _reply_to(read: Read) -> str:
    """Empty where no server of ours can write to that address; the attached message has it."""
    try:
        return address_line("Reply-To", read.sender, read.sender_name)
    except MessageRefused:
        return ""


def _body(raw: bytes, text: str, boundary: bytes) -> bytes:
    """What is read at once, and the message itself, which may not be encoded: RFC 2046 5.2.1."""
    encoding = b"7bit" if raw.isascii() else b"8bit"
    return b"\r\n".join(
        [
            boundary,
            b"Content-Type: text/plain; charset=utf-8",
            b"Content-Transfer-Encoding: base64",
            b"",
            base64.encodebytes(_octets(text)).replace(b"\n", b"\r\n"),
            boundary,
            b"Content-Type: message/rfc822",
            b"Content-Transfer-Encoding: " + encoding,
            b"",
            raw,
            boundary + b"--",
            b"",
        ]
    )


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "replace").replace(b"\n", b"\r\n")


def leaves_this_machine(submission: Submission, settings: Settings) -> bool:
    """Practice stays practice: neither the service nor the letter may be in the sandbox."""
    return Delivery.SANDBOX not in {settings.delivery, submission.delivery}


async def send(message: Message, settings: Settings) -> None:
    """Hand it over as letters are, through the first relay that lets us in.

    Raises ComeAgain, or TakesNoAnswers where it is refused.
    """
    outcome: Outcome = Unreached()
    for sender in _senders(settings):
        try:
            outcome = await sender.send(message)
        except MessageRefused as refusal:
            raise ComeAgain(f"the answer could not be passed on: {refusal}") from None
        finally:
            await sender.close()
        if not isinstance(outcome, Unreached):
            break
    if isinstance(outcome, Rejected):
        raise TakesNoAnswers(f"the answer could not be passed on: {outcome.reply}")
    if not isinstance(outcome, Taken):
        raise ComeAgain(f"the answer could not be passed on yet: {outcome.reply}")


def _senders(settings: Settings) -> list[Sender]:
    """Connections for this one message, in the order to try them; answers are few. Raises
    ComeAgain without any relay."""
    hello = settings.mail_domain
    timeout = min(PATIENCE, settings.smtp_timeout)
    at_the_end = min(PATIENCE_AT_THE_END, settings.smtp_timeout)
    if settings.route is Route.MX:
        finder = Finder(settings.nameserver)
        return [Direct(finder, hello=hello, timeout=timeout, data_timeout=at_the_end)]
    relays = relays_of(settings)
    if not relays:
        raise ComeAgain("no relay is set that could pass an answer on")
    each = timeout / len(relays)  # to let us in: the answering server waits for ours
    return [
        Connection(relay, hello=hello, timeout=timeout, data_timeout=at_the_end, opening=each)
        for relay in relays
    ]


async def keep_in_sandbox(session: AsyncSession, message: Message) -> None:
    """Put it where everything lands that does not leave this machine."""
    headers = BytesHeaderParser().parsebytes(message.raw)
    await session.execute(
        insert(SandboxMessage).values(
            received_at=clock.now(),
            mail_from=message.mail_from,
            rcpt_to=message.rcpt_to,
            subject=header(headers, "Subject"),
            message_id=headers["Message-ID"],
            raw=message.raw,
        )
    )
