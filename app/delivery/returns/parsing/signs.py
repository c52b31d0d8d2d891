"""How a message is known that no person wrote: automatic replies, returns in plain words."""

import re
import unicodedata
from email import message_from_bytes
from email.message import Message
from email.utils import parseaddr
from itertools import takewhile
from typing import NamedTuple

from flufl.bounce import all_failures

from app.delivery.outcome import spoken
from app.delivery.returns.parsing import parts
from app.delivery.returns.parsing.reports import Recipient

MACHINES = frozenset(
    {
        *("mailer-daemon", "mailerdaemon", "postmaster", "mail-daemon"),
        *("mail-delivery-system", "mail-delivery-subsystem"),
    }
)
EXCHANGE = re.compile(r"microsoftexchange[0-9a-f]{16,}")  # its own mailbox, which returns mail
# the subjects that programs of our six languages give an automatic reply, without accents
SUBJECTS = re.compile(
    r"(\[[^\]]{1,20}\] ?)*("
    r"auto(matic(ally generated)?)?[ -]?(reply|response|answer)\b|autoresponder\b"
    r"|out of (the )?office\b|ooo\b|away from (the|my) (office|desk)|on (annual )?leave\b"
    r"|automaat(ne )?vastus|kontorist (v|ä)aljas|(olen )?puhkusel\b|puhkuse teade"
    r"|automatiska atbilde|arpus biroja|(esmu )?prombutne\b|(esmu )?atvalinajuma\b"
    r"|automatinis (atsakymas|atsakas)|(nesu|ne) (biure|darbe)\b|atostog(os|auju|ose)\b"
    r"|(automatyczna odpowiedz|odpowiedz automatyczna|autoodpowiedz)|poza biurem\b"
    r"|(jestem )?na urlopie\b|nieobecnosc( w biurze)?\b|powiadomienie o nieobecnosci"
    r"|automaattinen vastaus|automaattivastaus|poissaolo(viesti|ilmoitus)"
    r"|(olen )?(poissa toimistosta|lomalla)\b|en ole paikalla"
    r")",
    re.IGNORECASE,
)
# Polish l with a stroke has no accent to take away
STROKES = str.maketrans("łŁøØđĐ", "lLoOdD")
NOT_YET = re.compile(
    r"delayed|still (being )?(trying|retried)|will (keep|continue) (on )?trying|not yet been"
    r"|warning message only|(do|need) not (need to )?resend",
    re.IGNORECASE,
)
STATUS = r"[45]\.\d{1,3}\.\d{1,3}(?!\d|\.\d)"  # RFC 3463 2; and any date may look so
# a reply and a status together, which nobody writes but a server: RFC 2034 4
BOTH = re.compile(rf"(?<![\d.\-/:+])[45]\d\d[ \-]+#?({STATUS})")
# what introduces a status where it stands alone
ALONE = re.compile(
    rf"(?:#|>: ?|\bdsn=|\b(?:smtp;|(?:status|code)(?: code)? ?[:=]) ?)({STATUS})", re.IGNORECASE
)
# what SMTP says no with (RFC 5321 4.2.3), where somebody is said to say it and words follow; any
# other number is somebody's count, or their telephone
REPLY = re.compile(
    r"(?:^[\s<>#]*|[:;>'\"(] ?|\b(?:said|error|code|returned|response|reply|status|with) )"
    r"(421|45[0-5]|5(?:2[13]|41|5[0-6]|71))(?=[ \-]+[A-Za-z(<\"'])",
    re.IGNORECASE,
)
# below such a line follows our own letter, and whatever its supporter wrote
RETURNED = re.compile(
    r"[ \t]*[-=_]{2}.*(copy|original|returned|undelivered|below)|Received: |Return-Path: ",
    re.IGNORECASE,
)
LONGEST_LINE = 500
LONGEST_TEXT = 50_000


def is_automatic(message: Message) -> bool:
    """Whether a program answered or sends in bulk (RFC 3834 5, and those that came before it)."""
    submitted = parts.header(message, "Auto-Submitted").lower()
    if submitted and not re.match(r"no\b", submitted):
        return True
    if parts.headers(message, "X-Autoreply", "X-Autorespond", "X-Auto-Reply-From"):
        return True
    precedence = parts.header(message, "Precedence").lower()
    if precedence in {"auto_reply", "auto-reply", "bulk", "junk", "list"}:
        return True
    if parts.headers(message, "List-Id", "List-Unsubscribe"):
        return True
    return bool(SUBJECTS.match(_without_accents(parts.header(message, "Subject"))))


def is_automatic_by_name(message: Message) -> bool:
    """Whether it calls itself an automatic reply, whoever seems to send it."""
    replies = parts.headers(message, "X-Autoreply", "X-Autorespond")
    return bool(replies or SUBJECTS.match(_without_accents(parts.header(message, "Subject"))))


def is_of_machine(message: Message) -> bool:
    """Whether a mail server speaks: by its name, or for want of an envelope sender."""
    return named_as_machine(message) or has_no_sender(message)


def named_as_machine(message: Message) -> bool:
    """Whether it comes from one of the names that mail servers use."""
    name, address = parseaddr(parts.header(message, "From"))
    local = address.partition("@")[0].lower()
    said = {local, name.lower().replace(" ", "-")}
    marks = parts.headers(message, "X-Failed-Recipients", "X-MS-Exchange-Message-Is-Ndr")
    return bool(said & MACHINES or EXCHANGE.fullmatch(local) or marks)


def has_no_sender(message: Message) -> bool:
    """Whether the envelope sender was empty, as the server that took the message noted it."""
    paths = parts.headers(message, "Return-Path")
    return bool(paths) and paths[0].replace(" ", "") == "<>"


def brings_back(message: Message) -> bool:
    """Whether it holds a message that was sent before, or that one's headers."""
    return any(one.get_content_type() in parts.RETURNED_TYPES for one in parts.leaves(message))


class Heard(NamedTuple):
    """What became of a message. `sure`: a mail server is known to say so; else it has to name
    the right address."""

    told: Recipient
    sure: bool


def bounce(raw: bytes, message: Message) -> Heard | None:
    """What a mail server says in its own way became of a message, if that can be made out.

    An empty envelope makes no mail server: whoever is on leave answers with one too, and writes
    of days, rooms and telephones (RFC 3834 3.3).
    """
    by_name, returned = named_as_machine(message), brings_back(message)
    if not (by_name or returned or not is_automatic(message)):
        return None
    delayed, failed = _by_flufl(raw)
    text, subject = _text(message), parts.header(message, "Subject")
    enhanced, words = _code(text, alone=by_name) if by_name or returned else ("", "")
    kind = (enhanced or words)[:1]
    not_yet = (by_name or kind) and NOT_YET.search(f"{subject}\n{text}")
    waits = not failed and bool(delayed or kind == "4" or not_yet)
    if not (failed or waits or kind):
        return None
    sure = by_name or bool(kind)
    if not kind:
        kind, words = ("4" if waits else "5"), subject
    told = Recipient(
        action="delayed" if waits else "failed",
        enhanced=enhanced or f"{kind}.0.0",  # undefined, RFC 3463 3.1: only the class is known
        diagnostic=spoken(words)[:500],
        final=spoken(next(iter(sorted(failed or delayed)), ""))[:320],
    )
    return Heard(told, sure)


def _by_flufl(raw: bytes) -> tuple[set[str], set[str]]:
    """The addresses that flufl.bounce finds in a message: for a while, and for good."""
    try:
        delayed, failed = all_failures(message_from_bytes(_short(raw)))
    except Exception:  # its readers were written for what servers send, not for what anybody can
        return set(), set()
    return {_address(one) for one in delayed}, {_address(one) for one in failed}


def _short(raw: bytes) -> bytes:
    """The top, where a server writes: over a megabyte some of flufl's patterns take hours."""
    lines = [line[:LONGEST_LINE] for line in raw[:LONGEST_TEXT].replace(b"\r", b"").split(b"\n")]
    return re.sub(rb"\n{4,}", b"\n\n\n", b"\n".join(lines))


def _address(found: bytes | str) -> str:
    return found.decode("utf-8", "replace") if isinstance(found, bytes) else found


def _text(message: Message) -> str:
    """What the server wrote itself, up to the returned message."""
    written = [
        parts.text_of(one)
        for one in parts.leaves(message)
        if one.get_content_type() in {"text/plain", "text/html"}
    ]
    text = "\n".join(written)[:LONGEST_TEXT]
    lines = (line[:LONGEST_LINE] for line in text.split("\n"))
    return "\n".join(takewhile(lambda line: not RETURNED.match(line), lines))


def _code(text: str, *, alone: bool) -> tuple[str, str]:
    """The code in a text, and the line it stands in: (enhanced, the words from the code on).

    `alone`: a status without a reply before it is believed too, and a reply without a status.
    """
    for line in text.split("\n"):
        if both := BOTH.search(line):
            return both[1], line[both.start() :].strip()
        reply = REPLY.search(line) if alone else None
        status = ALONE.search(line) if alone else None
        if status or reply:
            start = reply.start(1) if reply else 0
            return (status[1] if status else ""), line[start:].strip()
    return "", ""


def _without_accents(text: str) -> str:
    bare = unicodedata.normalize("NFKD", text.translate(STROKES))
    return "".join(one for one in bare if not unicodedata.combining(one)).strip()
