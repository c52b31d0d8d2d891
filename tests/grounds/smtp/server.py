"""What the test says to the server and reads from it: its moods, and what it received."""

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Point = Literal["GREETING", "MAIL", "RCPT", "DATA"]
HERE = "127.0.0.1"
GREYLISTED = "451 4.7.1 greylisted, try again later"
GARBAGE = "what do you want"


@dataclass(frozen=True)
class Received:
    """A message whose data came in whole. `options`: of MAIL and RCPT; `tls`: the version."""

    mail_from: str
    rcpt_to: list[str]
    raw: bytes
    at: datetime
    options: list[str] = field(default_factory=list)
    tls: str = ""


@dataclass
class Mood:
    """What the server does at one point of a dialogue instead of agreeing."""

    does: Literal["answers", "drops", "hangs"]
    reply: str = ""
    times: int | None = None  # None: until told otherwise
    then: deque[str] = field(default_factory=deque)  # what it says after that, one each


class SmtpServer:
    """Listens on a loopback port; the test changes its moods and reads what it received."""

    def __init__(self, host: str = HERE) -> None:
        self.host = host
        self.port = 0
        self.received: list[Received] = []  # answered with 250
        self.unanswered: list[Received] = []  # the data came in; no 250 went out
        self.asked: list[str] = []  # every RCPT TO, whatever came of it
        self.commands: list[str] = []  # every command, as it was heard
        self.connections = 0
        self.open = 0
        self.most_open = 0
        self.seconds_per_message = 0.0
        self.seconds_per_reply = 0.0
        self.pipelining = True
        self.dsn = False
        self.refusing_starttls = False
        self.breaking_starttls = False
        self.greylisting = False
        self.tls: ssl.SSLContext | None = None  # STARTTLS is offered with it
        self.passwords: dict[str, str] = {}  # AUTH is offered with them
        self.met: list[Point] = []  # where somebody met a mood, one each time
        self._moods: dict[tuple[Point, str], Mood] = {}
        self._met: set[tuple[str, str]] = set()

    @property
    def url(self) -> str:
        return f"smtp://{self.host}:{self.port}"

    def answers(
        self, reply: str, *, at: Point = "RCPT", to: str = "", times: int | None = None
    ) -> None:
        """Say `reply` at that point: to everybody or to one recipient, always or n times."""
        self._moods[at, to.lower()] = Mood("answers", reply, times)

    def rejects(self, reply: str = "550 5.1.1 no such user", *, to: str = "") -> None:
        self.answers(reply, at="RCPT", to=to)

    def greets(self, reply: str = "421 4.3.2 not now", *, times: int | None = None) -> None:
        self.answers(reply, at="GREETING", times=times)

    def drops_after_data(self, *, to: str = "", times: int | None = None) -> None:
        """Take the whole message, then close the connection without a word."""
        self._moods["DATA", to.lower()] = Mood("drops", times=times)

    def never_answers(self, *, to: str = "", times: int | None = None) -> None:
        """Take the whole message, then stay silent until the client gives up."""
        self._moods["DATA", to.lower()] = Mood("hangs", times=times)

    def drops(self, *, at: Point, to: str = "", times: int | None = None) -> None:
        """Close the connection at that point without a word."""
        self._moods[at, to.lower()] = Mood("drops", times=times)

    def hangs(self, *, at: Point) -> None:
        """Stay silent from that point on, until the client gives up."""
        self._moods[at, ""] = Mood("hangs")

    def closes_at_once(self, *, times: int | None = None) -> None:
        """Hang up on everybody who calls, before any greeting."""
        self.drops(at="GREETING", times=times)

    def answers_garbage(self, *, at: Point, times: int | None = None) -> None:
        """Say something that is no reply of SMTP."""
        self.answers(GARBAGE, at=at, times=times)

    def changes_its_mind(self, *replies: str, at: Point, to: str = "") -> None:
        """Say these one after the other, each once, and agree after that."""
        first, *others = replies
        self._moods[at, to.lower()] = Mood("answers", first, 1, deque(others))

    def greylists(self) -> None:
        """Defer every envelope that it has not seen before."""
        self.greylisting = True

    def tarpits(self, seconds: float) -> None:
        """Take so long for every reply."""
        self.seconds_per_reply = seconds

    def refuses_starttls(self) -> None:
        """Offer STARTTLS and answer 454 to whoever asks for it."""
        self.refusing_starttls = True

    def breaks_starttls(self) -> None:
        """Offer STARTTLS, say yes to it, and then speak no TLS."""
        self.breaking_starttls = True

    def agrees(self) -> None:
        """Forget every mood."""
        self._moods.clear()
        self.refusing_starttls = self.breaking_starttls = self.greylisting = False
        self.seconds_per_reply = self.seconds_per_message = 0.0

    async def has_received(self, number: int, *, within: float = 10) -> list[Received]:
        """Wait until that many messages were taken. Raises TimeoutError."""
        async with asyncio.timeout(within):
            # no event: another thread fills the list
            while len(self.received) < number:
                await asyncio.sleep(0.01)
        return self.received

    def mood(self, at: Point, to: list[str]) -> Mood | None:
        """The mood at this point, one recipient's own first; counts down its times."""
        for name in [*(address.lower() for address in to), ""]:
            mood = self._moods.get((at, name))
            if mood is None or mood.times == 0:
                continue
            if mood.times is not None:
                mood.times -= 1
            if mood.times == 0 and mood.then:
                self._moods[at, name] = Mood("answers", mood.then.popleft(), 1, mood.then)
            self.met.append(at)
            return mood
        return None

    def knows(self, mail_from: str, rcpt_to: str) -> bool:
        """Whether this envelope came before; from now on it did."""
        met = (mail_from, rcpt_to) in self._met
        self._met.add((mail_from, rcpt_to))
        return met
