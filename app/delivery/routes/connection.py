"""One connection to one server, used for many messages; every ending of a dialogue is an outcome.

The worker uses a relay's `Connection` and the mx route's `Direct` alike, as a `Sender`:

    outcome = await sender.send(message, following=the_next_message_or_None)
    await sender.close()

Where the server offers PIPELINING (RFC 2920) the content of one message and the envelope of the
`following` one travel together, so that a letter costs one round trip. The next `send` should
then be of that same object: any other message costs a new connection, for a server that waits
for content can only be left by hanging up. Of a following envelope on its way when a connection
breaks nothing is said until it is sent itself: it was never begun.

`Unreached` speaks of the server and of no letter. `Deferred.began_data`: the content may have
arrived.
"""

from time import monotonic
from typing import Protocol

from app.delivery.messages.message import Message
from app.delivery.outcome import Deferred, Outcome, Taken, Unreached, spoken
from app.delivery.routes.envelope import commands, content
from app.delivery.routes.handshake import Line, open_line
from app.delivery.routes.relays import Relay, Server
from app.delivery.routes.verdict import UNAVAILABLE, Stage, refused
from app.delivery.routes.wire import Reply
from app.errors import MessageRefused

__all__ = ["END_OF_DATA", "LETTERS_A_CONNECTION", "Connection", "Relay", "Sender", "slowest"]

# seconds that a server may take, RFC 5321 4.5.3.2; GREETING: until it has let us in
GREETING = 300.0
REPLIES: dict[Stage, float] = {"RSET": 300.0, "MAIL": 300.0, "RCPT": 300.0, "DATA": 120.0}
DATA_BLOCK = 180.0
END_OF_DATA = 600.0

LETTERS_A_CONNECTION = 1000
GOODBYE = 5.0
GO_ON = 354
STAGES: tuple[Stage, ...] = ("MAIL", "RCPT", "DATA")
Refusal = tuple[Stage, Reply]


def slowest(timeout: float, data_timeout: float) -> float:
    """The seconds that one `send` may take at most, by either route."""
    # a kept connection that is lost, a new one, MAIL, RCPT, DATA, the reply to the data; and DNS
    return 5 * timeout + data_timeout + 30


class Sender(Protocol):
    """What hands messages over, one after the other."""

    async def send(self, message: Message, following: Message | None = None) -> Outcome:
        """Raises MessageRefused when its envelope cannot be written."""

    async def close(self) -> None:
        """Say goodbye; the next `send` begins anew."""


class Broken(Exception):
    """The line was lost, or stayed silent for too long, at that stage."""

    def __init__(self, stage: Stage, fault: OSError) -> None:
        lost = "The server took nothing for too long"
        super().__init__(str(fault) or (lost if isinstance(fault, TimeoutError) else "Lost"))
        self.stage = stage
        self.silent = isinstance(fault, TimeoutError)


class Connection:
    """Opened when there is something to send, kept for the next message, opened anew after faults.

    `hello`: the name we greet with; `timeout` caps what a server may take for each reply but the
    one to the data, and for letting us in, in seconds; `opening`: if that is to be less;
    `letters`: how many go over one connection.
    """

    def __init__(
        self,
        relay: Server,
        *,
        hello: str,
        timeout: float,
        data_timeout: float = END_OF_DATA,
        opening: float = GREETING,
        letters: int = LETTERS_A_CONNECTION,
    ) -> None:
        self.relay, self.hello, self.letters = relay, hello, letters
        self.timeout, self.opening = timeout, min(timeout, opening, GREETING)
        self._patience = {stage: min(timeout, most) for stage, most in REPLIES.items()}
        self._patience["END"] = data_timeout
        self._block = min(timeout, DATA_BLOCK)
        self._line: Line | None = None
        self._tls = ""
        self._dialogues = 0
        self._ahead: Message | None = None  # its envelope is on its way
        self._refused = False  # the server still holds an envelope

    async def send(self, message: Message, following: Message | None = None) -> Outcome:
        """One dialogue: MAIL, RCPT, DATA; and the envelope of `following`, where that saves time.

        Raises MessageRefused when the envelope cannot be written.
        """
        until = monotonic() + self.timeout
        try:
            outcome = await self._dialogue(message, following)
            # a kept connection that the server has hung up meanwhile says nothing of this message
            if outcome is None and monotonic() < until:
                outcome = await self._dialogue(message, following)
        except BaseException:
            self._drop()  # somewhere in a dialogue: the next message needs a new one
            raise
        return outcome or self._deferred("Connection lost")

    async def close(self) -> None:
        """Say goodbye, if there is anybody to say it to."""
        try:
            if self._line and not self._ahead:
                await self._line.wire.write(b"QUIT\r\n", GOODBYE)
                await self._line.wire.reply(GOODBYE)
        except OSError:
            pass
        finally:
            self._drop()

    # ── a dialogue ──

    async def _dialogue(self, message: Message, following: Message | None) -> Outcome | None:
        """None when a kept connection was lost before any content of this message was sent."""
        if self._line and self._ahead is message:
            self._dialogues += 1
        elif unreached := await self._ready():
            return unreached
        try:
            if self._goes_on(message):
                return await self._content(message, following)
            refusal = await self._envelope(message)
            if refusal is None:
                return await self._content(message, following)
        except Broken as broken:
            self._drop()
            began = broken.stage == "END"
            if self._kept and not began and not broken.silent:
                return None
            return self._deferred(str(broken), began_data=began)
        return self._answered(*refusal)

    async def _ready(self) -> Unreached | None:
        """An open connection without an envelope."""
        if self._line:
            full = self._dialogues >= self.letters
            if self._ahead or not self._line.wire.quiet:
                self._drop()
            elif full or (self._refused and not await self._reset()):
                await self.close()
        if self._line is None:
            line = await open_line(self.relay, hello=self.hello, seconds=self.opening)
            if isinstance(line, Unreached):
                return line
            self._line, self._tls = line, line.tls
            self._dialogues, self._refused = 0, False
        self._dialogues += 1
        return None

    async def _reset(self) -> bool:
        try:
            await self._write(b"RSET\r\n", "RSET")
            self._refused = (await self._hear("RSET")).code != 250
        except Broken:
            self._drop()
        return not self._refused

    async def _envelope(self, message: Message) -> Refusal | None:
        """None when the server waits for the content; else the first refusal."""
        sent, self._ahead = self._ahead is message, None
        together = self._open.offers.pipelining
        lines = commands(message, self._open.offers) if not sent else ()
        if together and not sent:
            await self._write(b"".join(lines), "MAIL")
        refusal: Refusal | None = None
        for number, stage in enumerate(STAGES):
            try:
                if not together:
                    await self._write(lines[number], stage)
                reply = await self._hear(stage)
            except Broken:
                if refusal is None:
                    raise
                self._drop()
                break
            agreed = _agreed(stage, reply)
            if agreed and refusal and stage == "DATA":
                await self._nothing_follows()
            if not agreed and refusal is None:
                refusal = stage, reply
            if refusal and (not together or _ends_it(refusal[1])):
                break
        return refusal

    def _goes_on(self, message: Message) -> bool:
        """Take the answers to an envelope that was sent ahead, if all of them are there and good:
        mostly they are."""
        if self._ahead is not message:
            return False
        heard = self._open.wire.heard
        if len(heard) < len(STAGES) or not all(map(_agreed, STAGES, heard)):
            return False
        for _ in STAGES:
            heard.popleft()
        self._ahead = None
        return True

    async def _nothing_follows(self) -> None:
        """End the data of an envelope that was refused, whatever comes of it: RFC 2920 3.1."""
        try:
            await self._write(b".\r\n", "END")
            await self._hear("END")
        except Broken:
            self._drop()

    async def _content(self, message: Message, following: Message | None) -> Outcome | None:
        ahead = self._envelope_of(following)
        octets, wire = content(message) + ahead, self._open.wire
        if wire.lost or wire.heard:  # it spoke out of turn: what it says next answers nothing
            raise Broken("DATA", ConnectionError("Connection lost"))
        self._ahead = following if ahead else None
        try:
            if not wire.put(octets):
                await wire.room(self._block)
            reply = await wire.reply(self._patience["END"])
        except OSError as fault:
            raise Broken("END", fault) from fault
        if not 200 <= reply.code < 300:
            return self._answered("END", reply)
        server = self.relay
        return Taken(reply.code, spoken(reply.text), server.host, self._tls, server.by_exchange)

    def _envelope_of(self, following: Message | None) -> bytes:
        """What may travel along with the content before it."""
        if following is None or not self._open.offers.pipelining or self._dialogues >= self.letters:
            return b""
        try:
            return b"".join(commands(following, self._open.offers))
        except MessageRefused:
            return b""  # it will be told when it is its turn

    def _answered(self, stage: Stage, reply: Reply) -> Outcome | None:
        """The verdict; None when the server had only grown tired of a kept connection."""
        self._refused = stage != "END"
        if _ends_it(reply):
            self._drop()
        if reply.code == UNAVAILABLE and stage != "END" and self._kept:
            return None
        outcome = refused(self.relay, self._tls, stage, reply)
        if isinstance(outcome, Unreached):
            self._drop()
        return outcome

    # ── the line ──

    @property
    def _open(self) -> Line:
        if self._line is None:
            raise Broken("MAIL", ConnectionError("Connection lost"))
        return self._line

    @property
    def _kept(self) -> bool:
        return self._dialogues > 1

    async def _write(self, octets: bytes, stage: Stage) -> None:
        try:
            await self._open.wire.write(octets, self._block)
        except OSError as fault:
            raise Broken(stage, fault) from fault

    async def _hear(self, stage: Stage) -> Reply:
        try:
            return await self._open.wire.reply(self._patience[stage])
        except OSError as fault:
            raise Broken(stage, fault) from fault

    def _deferred(self, reply: str, *, began_data: bool = False) -> Deferred:
        relay = self.relay
        words = spoken(reply)
        return Deferred(None, words, relay.host, self._tls, relay.by_exchange, began_data)

    def _drop(self) -> None:
        if self._line:
            self._line.wire.drop()
        self._line = self._ahead = None


def _agreed(stage: Stage, reply: Reply) -> bool:
    return reply.code == GO_ON if stage == "DATA" else 200 <= reply.code < 300


def _ends_it(reply: Reply) -> bool:
    """After a goodbye, or words that are no answer to what we asked, nothing can be trusted."""
    return reply.code == UNAVAILABLE or reply.code < 400
