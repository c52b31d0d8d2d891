"""The worker: claims what is due, lets its senders talk, settles what has gathered.

No transaction is open while a server is spoken to. What a worker holds is bounded, so that one
that dies leaves few letters that may go twice; what it holds stays its own for as long as it
lives, for it renews its leases.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Coroutine, Hashable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Any

import structlog

from app import clock
from app.db import Database
from app.delivery import sandbox
from app.delivery.attempt import Prepared, attempt, prepare
from app.delivery.holding import Holding
from app.delivery.outcome import Deferred, Taken, Unreached, Work
from app.delivery.practice.beside import Side, beside
from app.delivery.routes.connection import END_OF_DATA, Connection, Sender
from app.delivery.routes.direct import Direct
from app.delivery.routes.exchanges import SMTP_PORT, Finder
from app.delivery.routes.relays import relays_of
from app.delivery.settle import Settler, reason
from app.delivery.switchboard import AlwaysOpen, Lines, Switchboard
from app.outbox import claims, notices
from app.outbox.pacing import calendars
from app.settings import Delivery, Route, Settings

log = structlog.get_logger()

POLL = 0.5  # seconds between two looks at an outbox with nothing to send
IDLE = 10.0  # seconds without work after which a connection is closed
LONGEST_PAUSE = 60.0
MOST_AT_ONCE = 500  # letters in one claim, however fast they leave
AT_A_STRETCH = 50  # messages written before others have their turn
LET_IN = (Taken, Deferred)  # a relay that refuses a letter may refuse them all


async def run(
    settings: Settings,
    database: Database,
    *,
    name: str | None = None,
    stop: asyncio.Event,
    data_timeout: float = END_OF_DATA,
    port: int = SMTP_PORT,
) -> None:
    """Send letters and notices until `stop` is set; then finish what was begun.

    `data_timeout`: seconds a server may take to answer the end of data; `port`: of the offices'
    own servers.
    """
    settings.check()
    name = name or worker_name()
    if settings.paced:
        await asyncio.to_thread(calendars.warm)

    async def work(side: Side, named: str, until: asyncio.Event) -> None:
        async with _lines(side.lines, database, named, data_timeout, port) as lines:
            await Worker(side.claims, database, lines, name=named, stop=until).work()

    async with beside(settings, database, name, stop, work):
        await work(Side(settings, settings), name, stop)


@asynccontextmanager
async def _lines(
    settings: Settings, database: Database, name: str, data_timeout: float, port: int
) -> AsyncIterator[Lines]:
    """Where the letters go; in the sandbox nothing leaves this machine, whatever route is set."""
    hello, timeout = settings.mail_domain, settings.smtp_timeout
    if settings.delivery is Delivery.SANDBOX:
        async with sandbox.serving(settings.database) as mailbox:
            to_mailbox = partial(
                Connection, mailbox, hello=hello, timeout=timeout, data_timeout=data_timeout
            )
            yield AlwaysOpen(to_mailbox, settings.connections)
    elif settings.route is Route.MX:
        finder = Finder(settings.nameserver)
        straight = partial(
            Direct, finder, hello=hello, timeout=timeout, data_timeout=data_timeout, port=port
        )
        yield AlwaysOpen(straight, settings.connections)
    else:
        yield Switchboard(
            settings,
            database,
            worker=name,
            relays=relays_of(settings),
            data_timeout=max(timeout, data_timeout),
        )


def worker_name() -> str:
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(3)}"


class Worker:
    """One process's share of the outbox: a claimer, as many senders as connections, a settler."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        lines: Lines,
        *,
        name: str,
        stop: asyncio.Event,
    ) -> None:
        self.settings, self.database, self.lines = settings, database, lines
        self.name, self.stop = name, stop
        self.lease = timedelta(seconds=settings.lease_seconds)
        self.paced = settings.paced
        # letter after letter over one connection in one breath, where no limit comes between
        self.together = not self.paced and not isinstance(lines, AlwaysOpen)
        self._todo: asyncio.Queue[Prepared | None] = asyncio.Queue()
        self._settler = Settler(database, settings, worker=name, settled=self._settled)
        self._look = asyncio.Event()  # there is room for more, or it is time to stop
        self._held = Holding(name, self.lease)
        self._appetite = 2 * settings.connections
        self._renewed_at = -float("inf")
        self._ended = False

    async def work(self) -> None:
        """Claim, talk, settle, until told to stop."""
        log.info("worker begins", worker=self.name, delivery=str(self.settings.delivery))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._settler.run())
            tasks.create_task(self._watch())
            senders = [
                tasks.create_task(self._send(number)) for number in range(self.settings.connections)
            ]
            await self._claim_until_stopped()
            self._ended = True
            self._put_aside()
            await self._until_finished(senders)
            self._settler.end()
        await self._leave()
        log.info("worker ends", worker=self.name)

    async def _until_finished(self, senders: list[asyncio.Task[None]]) -> None:
        """A dialogue may be slow in ending; meanwhile its letter stays ours."""
        while (await asyncio.wait(senders, timeout=1.0))[1]:
            try:
                await self._renew_now_and_then()
            except Exception as error:
                log.warning("could not renew its leases", worker=self.name, error=reason(error))

    async def _leave(self) -> None:
        try:
            await self.lines.leave()
        except Exception as error:
            log.warning("could not give its share back", worker=self.name, error=reason(error))

    def _settled(self, works: list[Work]) -> None:
        self._held.drop(works)
        self._look.set()

    async def _watch(self) -> None:
        await self.stop.wait()
        self._look.set()
        self.lines.changed.set()

    # ── claim ──

    async def _claim_until_stopped(self) -> None:
        pause = POLL
        while not self.stop.is_set():
            self._look.clear()
            try:
                await self._renew_now_and_then()
                await self.lines.look()
                claimed = await self._claim()
            except Exception as error:
                log.warning("could not claim", worker=self.name, error=reason(error))
                await self._rest(pause)
                # not for so long that others believe us lost while we rest
                pause = min(pause * 2, LONGEST_PAUSE, self.lease.total_seconds() / 4)
                continue
            pause = POLL
            if not claimed:
                await self._until(self._look, POLL)

    async def _claim(self) -> int:
        """Notices first, then letters: only what free senders can begin soon."""
        if self.lines.line(0) is None:
            self._put_aside()  # nobody lets us in: what waits here waits better in the outbox
            return 0
        room = 2 * self._appetite - len(self._held)
        if room < self._appetite:
            return 0
        delivery, starved = str(self.settings.delivery), self._todo.empty()
        until = clock.now() + self.lease
        async with self.database.transaction() as session:
            claimed: list[Work] = list(
                await notices.claim(
                    session, worker=self.name, delivery=delivery, limit=room, lease=self.lease
                )
            )
            if room > len(claimed):
                claimed += await claims.claim(
                    session,
                    worker=self.name,
                    delivery=delivery,
                    limit=room - len(claimed),
                    lease=self.lease,
                    settings=self.settings,
                )
        self._held.take(claimed, until)
        for number, work in enumerate(claimed, 1):
            self._todo.put_nowait(prepare(work, self.settings))
            if number % AT_A_STRETCH == 0:
                await asyncio.sleep(0)
        self._grow(full=len(claimed) == room, starved=starved)
        return len(claimed)

    def _grow(self, *, full: bool, starved: bool) -> None:
        """Larger claims where senders wait for them; small ones again when little is due."""
        least = 2 * self.settings.connections
        if full and starved:
            self._appetite = min(2 * self._appetite, MOST_AT_ONCE)
        elif not full:
            self._appetite = max(self._appetite // 2, least)

    async def _renew_now_and_then(self) -> None:
        """Hold on to what is ours, and take back what lost workers held."""
        if monotonic() - self._renewed_at < min(15.0, self.lease.total_seconds() / 4):
            return
        async with self.database.transaction() as session:
            until = await self._held.renew(session)
            recovered = await claims.recover(session, by=self.name)
            recovered += await notices.recover(session)
        self._renewed_at = monotonic()
        self._held.renewed(until)
        if recovered:
            log.warning("recovered what lost workers held", worker=self.name, n=recovered)

    # ── talk ──

    async def _send(self, number: int) -> None:
        """One sender: one line, one message after the other."""
        sender: Sender | None = None
        line: Hashable | None = None
        while not self._ended:
            if self.lines.line(number) != line or sender is None:
                if sender:
                    await sender.close()
                    self.lines.hung_up(number)
                line, sender = self.lines.line(number), None
                if line is None:
                    await self._wait_for_a_line()
                    continue
                sender = self.lines.dial(number)
            current = await self._next(sender)
            if current is not None and line is not None:
                await self._talk(line, sender, current)
        if sender:
            await sender.close()

    async def _talk(self, line: Hashable, sender: Sender, first: Prepared) -> None:
        """One message, and those that go along with it in the same breath."""
        current: Prepared | None = first
        while current:
            if self.paced and not await self._turn(line):
                self._settler.give_back(current.work)
                return
            if self._held.nearly_out(current.work):
                self._settler.give_back(current.work)
                return
            following = self._following()
            finished = await attempt(current, following, sender)
            if isinstance(finished.outcome, Unreached):
                if finished.outcome.why == "refused":
                    self._settler.settle(finished)
                else:
                    self._settler.give_back(current.work)
                if following:
                    self._settler.give_back(following.work)
                await self._tell(self.lines.not_let_in(line, finished.outcome))
                return
            self._settler.settle(finished)
            if isinstance(finished.outcome, LET_IN) and self.lines.let_in(line):
                await self._tell(self.lines.tell(line))
            if following and self.stop.is_set():
                self._settler.give_back(following.work)
                return
            current = following

    async def _turn(self, line: Hashable) -> bool:
        """Wait for it; False when there is none before it is time to stop."""
        wait: float | None = None
        while wait is None:
            try:
                wait = await self.lines.turn(line)
            except Exception as error:
                if self.stop.is_set():
                    return False
                log.warning("could not take a turn", worker=self.name, error=reason(error))
                await self._rest(POLL)
        if wait > 0:
            await self._rest(wait)
            return not self.stop.is_set()
        return True

    async def _tell(self, telling: Coroutine[Any, Any, None]) -> None:
        """What the other workers may know; when nobody can be told, they find out themselves."""
        try:
            await telling
        except Exception as error:
            log.warning("could not tell the others", worker=self.name, error=reason(error))

    def _following(self) -> Prepared | None:
        """The next message, if it waits already; none is taken out of another sender's hands."""
        if not self.together or self._todo.qsize() < self.settings.connections:
            return None
        return self._todo.get_nowait()

    async def _wait_for_a_line(self) -> None:
        self.lines.changed.clear()
        if not self._ended:
            await self._until(self.lines.changed, POLL)

    async def _next(self, sender: Sender) -> Prepared | None:
        try:
            async with asyncio.timeout(IDLE):
                return await self._todo.get()
        except TimeoutError:
            await sender.close()
            return None

    def _put_aside(self) -> None:
        """What nobody has begun goes back; at the end each sender finds it."""
        while not self._todo.empty():
            waiting = self._todo.get_nowait()
            if waiting:
                self._settler.give_back(waiting.work)
        if self._ended:
            for _ in range(self.settings.connections):
                self._todo.put_nowait(None)

    # ── wait ──

    async def _rest(self, seconds: float) -> None:
        await self._until(self.stop, seconds)

    async def _until(self, event: asyncio.Event, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass
