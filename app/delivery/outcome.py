"""How an attempt ended. Each of these is ordinary, so each is a value and not an exception."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal, NamedTuple

from app.outbox.claims import Claim
from app.outbox.notices import NoticeClaim
from app.outbox.telling.alarms import AlarmClaim

ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\S)")  # RFC 3463 2
Why = Literal["connect", "tls", "sign-in", "refused"]
LONGEST_REPLY = 2000
LONGEST_QUEUE_ID = 100
# what servers call a message they took, in their 250: each with what such a reply holds, for to
# look for that costs next to nothing
QUEUE_IDS = tuple(
    (held, re.compile(pattern, re.IGNORECASE))
    for held, pattern in (
        ("id=", r"\bid=([!-~]{4,})"),  # Exim
        ("internalid=", r"\[InternalId=([0-9]+)"),  # Exchange
        # Sendmail, Proofpoint
        ("accepted", r"^(?:2\.\d\.\d )?([!-~]{8,}) Message accepted for delivery"),
        # Postfix, Haraka, and most
        ("queued", r"\bqueued\b[a-z ]{0,40}?(?: as:?|:| \() *([!-~]{4,})"),
        ("gsmtp", r"([!-~]{4,}) - gsmtp$"),  # Gmail
        ("qp ", r"\bqp (\d+)$"),  # qmail
        ("ok", r"^(?:2\.\d\.\d )?ok:? ([0-9a-z-]{16,})$"),  # Amazon
    )
)
QUEUE_ID_EDGES = "<>()[].,;:'\""


@dataclass(frozen=True)
class Answer:
    """What the server said: `reply` in its own words, `tls` the version or empty.

    Without a `code` the words are ours. `by_exchange`: the server is one that the MX of the
    recipient's domain names, so what it says is the government's own answer.
    """

    word: ClassVar[str]
    code: int | None = None
    reply: str = ""
    host: str = ""
    tls: str = ""
    by_exchange: bool = False

    @property
    def enhanced(self) -> str:
        """The enhanced status code that the reply begins with, or an empty text."""
        found = ENHANCED.match(self.reply)
        return found.group() if found else ""


@dataclass(frozen=True)
class Taken(Answer):
    """The server answered 250 to the end of the data."""

    word = "taken"

    @property
    def queue_id(self) -> str:
        """What the server calls the message from now on, or an empty text."""
        return queue_id(self.reply)


@dataclass(frozen=True)
class Deferred(Answer):
    """Not now. `began_data`: the message may have arrived, for the reply to it was lost."""

    word = "deferred"
    began_data: bool = False


@dataclass(frozen=True)
class Rejected(Answer):
    """The server will not take this message for this address."""

    word = "rejected"


@dataclass(frozen=True)
class Unreached(Answer):
    """A relay cannot be reached, or does not let us in: its own affair, and no letter's.

    It took nothing of the message, which goes back as it was. `why`: what it did not let us do;
    "refused": to send, whatever the message.
    """

    word = "unreached"
    why: Why = "connect"


@dataclass(frozen=True)
class Failed(Answer):
    """Our own fault. `surprise`: nobody foresaw it, so it is worth another try or two."""

    word = "failed"
    surprise: bool = False


Outcome = Taken | Deferred | Rejected | Failed | Unreached
Work = Claim | NoticeClaim | AlarmClaim


class Finished(NamedTuple):
    """An attempt that has ended and is not written down yet. `address`: the one it went to."""

    work: Work
    outcome: Outcome
    address: str
    started_at: datetime
    ended_at: datetime


def queue_id(reply: str) -> str:
    """What the server calls the message it took, as far as its 250 says so."""
    low = reply.lower()
    for held, pattern in QUEUE_IDS:
        if held in low and (found := pattern.search(reply)):
            return found[1].strip(QUEUE_ID_EDGES)[:LONGEST_QUEUE_ID]
    return ""


def spoken(reply: str) -> str:
    """A server's words as a database can keep them: no NUL, no half characters, not endless."""
    kept = reply.replace("\0", " ").encode("utf-8", "replace").decode()
    return kept[:LONGEST_REPLY]


def name_of(work: Work) -> str:
    """What a log line may say of it: no name, no address."""
    return f"letter {work.letter.id}" if isinstance(work, Claim) else f"notice {work.notice.id}"
