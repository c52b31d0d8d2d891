"""How an attempt ended. Each of these is ordinary, so each is a value and not an exception."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from app.outbox.claims import Claim
from app.outbox.notices import NoticeClaim

ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\S)")  # RFC 3463 2
LONGEST_REPLY = 2000


@dataclass(frozen=True)
class Answer:
    """What the server said: `reply` in its own words, `tls` the version or empty."""

    word: ClassVar[str]
    code: int | None = None
    reply: str = ""
    host: str = ""
    tls: str = ""

    @property
    def enhanced(self) -> str:
        """The enhanced status code that the reply begins with, or an empty text."""
        found = ENHANCED.match(self.reply)
        return found.group() if found else ""


@dataclass(frozen=True)
class Taken(Answer):
    """The server answered 250 to the end of the data."""

    word = "taken"


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
class Failed(Answer):
    """Our own fault. `surprise`: nobody foresaw it, so it is worth another try or two."""

    word = "failed"
    surprise: bool = False


Outcome = Taken | Deferred | Rejected | Failed
Work = Claim | NoticeClaim


@dataclass(frozen=True)
class Finished:
    """An attempt that has ended and is not written down yet. `address`: the one it went to."""

    work: Work
    outcome: Outcome
    address: str
    started_at: datetime
    ended_at: datetime


def spoken(reply: str) -> str:
    """A server's words as a database can keep them: no NUL, no half characters, not endless."""
    kept = reply.replace("\0", " ").encode("utf-8", "replace").decode()
    return kept[:LONGEST_REPLY]


def name_of(work: Work) -> str:
    """What a log line may say of it: no name, no address."""
    return f"letter {work.letter.id}" if isinstance(work, Claim) else f"notice {work.notice.id}"
