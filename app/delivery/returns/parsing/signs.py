"""How a message is known that no person wrote: automatic replies, returns in plain words."""

import re
import unicodedata
from email import message_from_bytes
from email.message import Message
from email.utils import parseaddr
from itertools import takewhile

from flufl.bounce import all_failures

from app.delivery.outcome import spoken
from app.delivery.returns.parsing import parts
from app.delivery.returns.parsing.reports import Recipient, code_in

MACHINES = frozenset({"mailer-daemon", "mailerdaemon", "postmaster", "mail-daemon"})
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
# what SMTP says no with (RFC 5321 4.2.3), alone in a text; any other number is somebody's count
REPLY = re.compile(
    r"(?<![\d.\-/:])(421|45[0-5]|5(2[13]|41|5[0-6]|71))(?=[ \-]+#?[A-Za-z(<45\"'])(?!-\d)"
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
    return bool(said & MACHINES or parts.headers(message, "X-Failed-Recipients"))


def has_no_sender(message: Message) -> bool:
    """Whether the envelope sender was empty, as the server that took the message noted it."""
    paths = parts.headers(message, "Return-Path")
    return bool(paths) and paths[0].replace(" ", "") == "<>"


def bounce(raw: bytes, message: Message) -> Recipient | None:
    """What a mail server says in its own way became of a message, if that can be made out."""
    delayed, failed = _by_flufl(raw)
    text, subject = _text(message), parts.header(message, "Subject")
    enhanced, words = _code(text)
    kind = (enhanced or words)[:1]
    waits = not failed and bool(delayed or kind == "4" or NOT_YET.search(f"{subject}\n{text}"))
    if not (failed or waits or kind):
        return None
    if not kind:
        kind, words = ("4" if waits else "5"), subject
    return Recipient(
        action="delayed" if waits else "failed",
        enhanced=enhanced or f"{kind}.0.0",  # undefined, RFC 3463 3.1: only the class is known
        diagnostic=spoken(words)[:500],
        final=spoken(next(iter(sorted(failed or delayed)), ""))[:320],
    )


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


def _code(text: str) -> tuple[str, str]:
    """The code in a text, and the line it stands in: (enhanced, the words from the code on)."""
    for line in text.split("\n"):
        reply, enhanced = REPLY.search(line), code_in(line)
        if enhanced[:1] in {"4", "5"} or reply:
            start = reply.start() if reply else 0
            return (enhanced if enhanced[:1] in {"4", "5"} else ""), line[start:].strip()
    return "", ""


def _without_accents(text: str) -> str:
    bare = unicodedata.normalize("NFKD", text.translate(STROKES))
    return "".join(one for one in bare if not unicodedata.combining(one)).strip()
