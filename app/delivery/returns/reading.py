"""Tells apart what comes back by mail. It asks no database, and no bytes make it raise."""

import re
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parseaddr
from enum import StrEnum

from app.delivery.outcome import spoken
from app.delivery.returns.parsing import parts, reports, signs
from app.delivery.returns.parsing.reports import Recipient

OURS = re.compile(r"letters\+[bn]-\d{1,18}-[0-9a-f]{12}@[a-z0-9.-]+", re.IGNORECASE)
MESSAGE_ID = re.compile(r"<[^<>\s]{1,198}>")
MOST_IDS = 20


class Kind(StrEnum):
    """What a returned message is. The last two wait for a person."""

    REPORT = "report"  # a delivery report, RFC 3464
    BOUNCE = "bounce"  # a mail server's own words, in no standard form
    AUTOMATIC = "automatic"  # out of office and the like; never a bounce
    COMPLAINT = "complaint"  # a feedback report, RFC 5965
    REPLY = "reply"  # a person answers
    UNMATCHED = "unmatched"  # understood, and about nothing that we can prove we sent
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Read:
    """A returned message as understood.

    `addresses`: where it came to, as far as they look like our signed ones; `message_ids`: of
    the messages it speaks of; `sender`: whom an answer goes to; `words`: a reply's own text;
    `of_forward`: it returns a reply that we had passed on; `doubtful`: nothing but the address
    it names speaks for a bounce, so that must be the office's.
    """

    kind: Kind
    recipients: tuple[Recipient, ...] = ()
    reporting_mta: str = ""
    addresses: tuple[str, ...] = ()
    message_ids: tuple[str, ...] = ()
    sender: str = ""
    sender_name: str = ""
    subject: str = ""
    words: str = ""
    feedback: str = ""
    of_forward: bool = False
    doubtful: bool = False


def read(raw: bytes) -> Read:
    """What this message is, and what it says. Any bytes at all give an answer."""
    try:
        message = parts.take_apart(raw)
        return _read(raw, message) if message is not None else Read(Kind.UNREADABLE)
    except Exception:  # the standard parser has surprises of its own; a person reads what is left
        return Read(Kind.UNREADABLE)


def _read(raw: bytes, message: Message) -> Read:
    machine = signs.is_of_machine(message)
    report = reports.find(message, by_machine=signs.named_as_machine(message))
    if report:
        ids = _ids_of_returned(message)
        if report.envelope_id:
            ids = (f"<{report.envelope_id.strip('<>')}>", *ids)
        return Read(
            Kind.REPORT,
            recipients=report.recipients,
            reporting_mta=report.reporting_mta,
            addresses=_addresses(message),
            message_ids=ids,
            of_forward=_returns_forward(message),
        )
    feedback = _feedback(message)
    if feedback is not None:
        return feedback
    if machine and not signs.is_automatic_by_name(message):
        heard = signs.bounce(raw, message)
        if heard:
            return Read(
                Kind.BOUNCE,
                recipients=(heard.told,),
                doubtful=not heard.sure,
                addresses=_addresses(message),
                message_ids=_ids_of_returned(message),
                of_forward=_returns_forward(message),
            )
    return _written_by_somebody(message, machine=machine)


def _written_by_somebody(message: Message, *, machine: bool) -> Read:
    """An automatic reply, a person's, or nothing that can be read."""
    name, sender = parseaddr(next(iter(parts.headers(message, "Reply-To", "From")), ""))
    receipt = any(
        one.get_content_type().endswith("disposition-notification") for one in message.walk()
    )
    if receipt or signs.is_automatic(message):
        kind = Kind.AUTOMATIC
    elif machine and signs.has_no_sender(message) and not signs.named_as_machine(message):
        kind = Kind.AUTOMATIC  # who answers for somebody leaves the envelope empty, RFC 3834 3.3
    elif machine or "@" not in sender:
        kind = Kind.UNREADABLE
    else:
        kind = Kind.REPLY
    return Read(
        kind,
        addresses=_addresses(message),
        message_ids=_ids_answered(message),
        sender=spoken(sender)[:320],
        sender_name=spoken(name)[:200],
        subject=spoken(parts.header(message, "Subject")),
        words=_plain_text(message) if kind is Kind.REPLY else "",
    )


def _feedback(message: Message) -> Read | None:
    """A complaint by way of a feedback loop: RFC 5965 3."""
    for leaf in parts.leaves(message):
        if leaf.get_content_type() != "closed/feedback-report":
            continue
        fields = BytesHeaderParser().parsebytes(parts.octets_of(leaf).lstrip())
        returned_path = parts.header(fields, "Original-Mail-From")
        return Read(
            Kind.COMPLAINT,
            addresses=(*_addresses(message), *OURS.findall(returned_path)),
            message_ids=_ids_of_returned(message),
            feedback=spoken(parts.header(fields, "Feedback-Type").lower())[:20],
            reporting_mta=spoken(parts.header(fields, "Reporting-MTA").split(";")[-1].strip())[
                :255
            ],
        )
    return None


def _addresses(message: Message) -> tuple[str, ...]:
    """Where it came to, the surest first."""
    told = parts.headers(
        message, "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To"
    )
    return tuple(found for value in told for found in OURS.findall(value))


def _ids_answered(message: Message) -> tuple[str, ...]:
    told = parts.headers(message, "In-Reply-To", "References")
    return tuple(found for value in told for found in MESSAGE_ID.findall(value))[:MOST_IDS]


def _ids_of_returned(message: Message) -> tuple[str, ...]:
    found = [one for headers in _returned(message) for one in parts.headers(headers, "Message-ID")]
    return (*(one for line in found for one in MESSAGE_ID.findall(line)), *_ids_answered(message))[
        :MOST_IDS
    ]


def _returns_forward(message: Message) -> bool:
    """Whether what comes back is a person's reply, which we passed on and do not keep."""
    return any(
        parts.header(headers, "Auto-Submitted").lower().startswith("auto-forwarded")
        for headers in _returned(message)
    )


def _returned(message: Message) -> list[Message]:
    """The headers of each message that this one brings back."""
    return [
        BytesHeaderParser().parsebytes(parts.octets_of(one).lstrip())
        for one in parts.leaves(message)
        if one.get_content_type() in parts.RETURNED_TYPES
    ]


def _plain_text(message: Message) -> str:
    for leaf in parts.leaves(message):
        if leaf.get_content_type() == "text/plain" and not leaf.get_filename():
            return parts.text_of(leaf).replace("\0", " ")
    return ""
