"""A real SMTP server on this machine, with moods that can be changed while it runs."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import Event, Thread
from typing import Any, Literal

from aiosmtpd.smtp import SMTP, Envelope, Session

from app import clock

Point = Literal["GREETING", "MAIL", "RCPT", "DATA"]


@dataclass(frozen=True)
class Received:
    """A message whose data came in whole."""

    mail_from: str
    rcpt_to: list[str]
    raw: bytes
    at: datetime


@dataclass
class Mood:
    """What the server does at one point of a dialogue instead of agreeing."""

    does: Literal["answers", "drops", "hangs"]
    reply: str = ""
    times: int | None = None  # None: until told otherwise


class SmtpServer:
    """Listens on a loopback port; the test changes its moods and reads what it received."""

    def __init__(self) -> None:
        self.port = 0
        self.received: list[Received] = []  # answered with 250
        self.unanswered: list[Received] = []  # the data came in; no 250 went out
        self.asked: list[str] = []  # every RCPT TO, whatever came of it
        self.connections = 0
        self.open = 0
        self.most_open = 0
        self.seconds_per_message = 0.0
        self.refusing_starttls = False
        self._moods: dict[tuple[Point, str], Mood] = {}

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

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

    def refuses_starttls(self) -> None:
        """Offer STARTTLS and answer 454 to whoever asks for it."""
        self.refusing_starttls = True

    def agrees(self) -> None:
        """Forget every mood."""
        self._moods.clear()
        self.refusing_starttls = False

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
            return mood
        return None


class _Hooks:
    """aiosmtpd's questions, answered as the server's mood is."""

    def __init__(self, server: SmtpServer) -> None:
        self.server = server

    async def handle_EHLO(  # noqa: N802
        self, smtp: SMTP, session: Session, envelope: Envelope, host: str, replies: list[str]
    ) -> list[str]:
        session.host_name = host
        if self.server.refusing_starttls:
            return [*replies[:-1], "250-STARTTLS", replies[-1]]
        return replies

    async def handle_MAIL(  # noqa: N802
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        mood = self.server.mood("MAIL", [])
        if mood:
            return mood.reply
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.server.asked.append(address)
        mood = self.server.mood("RCPT", [address])
        if mood:
            return mood.reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, smtp: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        message = Received(
            envelope.mail_from or "",
            envelope.rcpt_tos,
            envelope.original_content or b"",
            clock.now(),
        )
        await asyncio.sleep(self.server.seconds_per_message)
        mood = self.server.mood("DATA", envelope.rcpt_tos)
        if mood is None:
            self.server.received.append(message)
            return f"250 2.0.0 OK queued as {len(self.server.received)}"
        self.server.unanswered.append(message)
        if mood.does == "answers":
            return mood.reply
        if mood.does == "drops" and smtp.transport:
            smtp.transport.close()
        await asyncio.Event().wait()  # until the connection is gone
        return ""


class _Dialogue(SMTP):
    """One connection: counted, and greeted as the server's mood is."""

    def __init__(self, server: SmtpServer) -> None:
        self.server = server
        super().__init__(_Hooks(server), enable_SMTPUTF8=True, hostname="localhost")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.server.connections += 1
        self.server.open += 1
        self.server.most_open = max(self.server.most_open, self.server.open)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.server.open -= 1
        super().connection_lost(error)

    async def _handle_client(self) -> None:
        mood = self.server.mood("GREETING", [])
        if mood is None:
            await super()._handle_client()
            return
        await self.push(mood.reply)
        if self.transport:
            self.transport.close()

    async def smtp_STARTTLS(self, argument: str) -> None:  # noqa: N802
        await self.push("454 4.7.0 TLS not available due to a temporary reason")


@contextmanager
def running() -> Iterator[SmtpServer]:
    """A server in a thread of its own, so that other processes can reach it too."""
    server, listening = SmtpServer(), Event()
    loop = asyncio.new_event_loop()
    thread = Thread(target=_serve, args=(loop, server, listening), daemon=True)
    thread.start()
    if not listening.wait(5):
        raise TimeoutError("the SMTP server of the tests did not start")
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


def _serve(loop: asyncio.AbstractEventLoop, server: SmtpServer, listening: Event) -> None:
    asyncio.set_event_loop(loop)
    listener: Any = loop.run_until_complete(
        loop.create_server(lambda: _Dialogue(server), "127.0.0.1", 0)
    )
    server.port = listener.sockets[0].getsockname()[1]
    listening.set()
    loop.run_forever()
    listener.close()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
