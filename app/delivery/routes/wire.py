"""The line to a server once it is open: groups of commands out, replies in, one time-out each.

aiosmtplib opens the connection and signs in; the wire takes its transport over, for aiosmtplib
waits for every reply before the next command and costs half a millisecond a message.
"""

import asyncio
from collections import deque
from functools import lru_cache
from typing import NamedTuple

CODES = {str(code).encode(): code for code in range(200, 600)}
LONGEST_REPLY = 32_768  # octets; no honest one comes near
MOST_REPLIES = 16  # unread; we never ask for as many
GARBLED = 0


class Reply(NamedTuple):
    """`code` is GARBLED where what came was no reply; nothing after it can be trusted."""

    code: int
    text: str


class Wire(asyncio.Protocol):
    """Reads replies as they come, in whatever pieces. Lost connections raise ConnectionError."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._replies: deque[Reply] = deque()
        self._lines: list[str] = []  # of a reply that goes on
        self._rest = b""  # of a line that goes on
        self._waiter: asyncio.Future[None] | None = None
        self._until = 0.0  # of the loop's time: how long the waiter waits
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0
        self._lost = transport.is_closing()
        self._deaf = False
        self._is_full = False  # the network takes no more until it says so
        self._room = asyncio.Event()
        transport.set_protocol(self)

    @property
    def quiet(self) -> bool:
        """Open, and nothing was said that nobody asked for."""
        return not (self._lost or self._replies or self._rest or self._lines)

    @property
    def lost(self) -> bool:
        return self._lost

    @property
    def heard(self) -> deque[Reply]:
        """The replies that nobody has taken yet."""
        return self._replies

    async def write(self, octets: bytes, seconds: float) -> None:
        """Hand over to the network. Raises TimeoutError when it takes nothing for so long."""
        if not self.put(octets):
            await self.room(seconds)

    def put(self, octets: bytes) -> bool:
        """The same without waiting; whether there is room for more. Raises ConnectionError."""
        if self._lost:
            raise ConnectionError("Connection lost")
        self._transport.write(octets)
        return not self._is_full

    async def room(self, seconds: float) -> None:
        """Wait until there is. Raises TimeoutError, ConnectionError."""
        async with asyncio.timeout(seconds):
            await self._room.wait()
        if self._lost:
            raise ConnectionError("Connection lost")

    async def reply(self, seconds: float) -> Reply:
        """The next reply. Raises TimeoutError, ConnectionError."""
        if not self._replies:
            if self._lost:
                raise ConnectionError("Connection lost")
            self._waiter = self._loop.create_future()
            self._watch(seconds)
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._replies.popleft()

    def drop(self) -> None:
        """Hang up at once; what has not left yet never will."""
        self._lost = True
        self._transport.abort()
        if self._timer:
            self._timer.cancel()

    # ── what the loop tells us ──

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._read(line)
        if len(self._replies) > MOST_REPLIES or self._holds_too_much:
            self._garbled(b"The server talks without end")
        if self._replies and self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._lost = True
        self._room.set()
        if self._timer:
            self._timer.cancel()
        if self._waiter and not self._waiter.done():
            self._waiter.set_exception(ConnectionError("Connection lost"))

    def pause_writing(self) -> None:
        self._is_full = True
        self._room.clear()

    def resume_writing(self) -> None:
        self._is_full = False
        self._room.set()

    @property
    def _holds_too_much(self) -> bool:
        lines = sum(len(line) + 1 for line in self._lines) if self._lines else 0
        return len(self._rest) + lines > LONGEST_REPLY

    def _read(self, line: bytes) -> None:
        if self._deaf:
            return
        reply, last = _line(line)
        if reply.code == GARBLED:
            self._garbled(line)
        elif not last:
            self._lines.append(reply.text)
        elif self._lines:
            self._replies.append(Reply(reply.code, "\n".join([*self._lines, reply.text])))
            self._lines.clear()
        else:
            self._replies.append(reply)

    def _garbled(self, line: bytes) -> None:
        self._deaf = True
        self._rest = b""
        self._lines.clear()
        self._replies.append(Reply(GARBLED, line.strip().decode("utf-8", "replace")))

    def _watch(self, seconds: float) -> None:
        """Wait for so long. A timer that rings too early is set anew when it does: one for every
        reply would cost more than reading it."""
        self._until = self._loop.time() + seconds
        if self._timer and self._rings_at > self._until:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._set_timer()

    def _set_timer(self) -> None:
        self._rings_at = self._until
        self._timer = self._loop.call_at(self._until, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() < self._until:
            self._set_timer()
        else:
            self._waiter.set_exception(TimeoutError("The server did not answer in time"))


@lru_cache(maxsize=256)  # a server says the same few lines over and over
def _line(line: bytes) -> tuple[Reply, bool]:
    """What it says by itself, and whether the reply ends here: RFC 5321 4.2."""
    code, mark = CODES.get(line[:3], GARBLED), line[3:4]
    if mark not in b" -\r":
        code = GARBLED
    return Reply(code, line[4:].strip().decode("utf-8", "replace")), mark != b"-"
