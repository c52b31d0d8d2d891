"""The worker: claims what is due, lets its senders talk, settles what has gathered.

No transaction is open while a server is spoken to. What a worker holds is bounded, so that one
that dies leaves few letters that may go twice.
"""

import asyncio
import os
import secrets
import socket
from datetime import timedelta
from time import monotonic

import structlog

from app import clock
from app.db import Database
from app.delivery import sandbox
from app.delivery.attempt import attempt
from app.delivery.outcome import Work
from app.delivery.routes.connection import END_OF_DATA, Connection, Relay
from app.delivery.settle import Settler, reason
from app.errors import SettingsRefused
from app.outbox import claims, notices
from app.outbox.claims import Claim
from app.settings import Delivery, Settings

log = structlog.get_logger()

POLL = 0.5  # seconds between two looks at an outbox with nothing to send
IDLE = 10.0  # seconds without work after which a connection is closed
LONGEST_PAUSE = 60.0


async def run(
    settings: Settings,
    database: Database,
    *,
    name: str | None = None,
    stop: asyncio.Event,
    data_timeout: float = END_OF_DATA,
) -> None:
    """Send letters and notices until `stop` is set; then finish what was begun."""
    settings.check()
    worker = Worker(
        settings, database, name=name or worker_name(), stop=stop, data_timeout=data_timeout
    )
    if settings.delivery is Delivery.SANDBOX:
        # whatever relay is set: in the sandbox nothing leaves this machine
        async with sandbox.serving(settings.database) as relay:
            await worker.work(relay)
        return
    if worker.lease <= worker.slowest:
        raise SettingsRefused(
            f"ONE_EMAIL_LEASE_SECONDS must be more than {worker.slowest.total_seconds():.0f}: as"
            " long as the slowest dialogue may take"
        )
    await worker.work(Relay.from_url(settings.smtp_url))


def worker_name() -> str:
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(3)}"


class Worker:
    """One process's share of the outbox: a claimer, as many senders as connections, a settler."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        name: str,
        stop: asyncio.Event,
        data_timeout: float = END_OF_DATA,
    ) -> None:
        self.settings, self.database, self.name, self.stop = settings, database, name, stop
        self.data_timeout = max(settings.smtp_timeout, data_timeout)
        self.lease = timedelta(seconds=settings.lease_seconds)
        # MAIL, RCPT and DATA may each be slow, and so may the greeting before them
        self.slowest = timedelta(seconds=4 * settings.smtp_timeout + self.data_timeout)
        self._todo: asyncio.Queue[Work | None] = asyncio.Queue()
        self._settler = Settler(database, worker=name, settled=self._settled)
        self._look = asyncio.Event()  # there is room for more, or it is time to stop
        self._held = 0
        self._recovered_at = -float("inf")

    async def work(self, relay: Relay) -> None:
        """Claim, talk, settle, until told to stop."""
        log.info("worker begins", worker=self.name, delivery=str(self.settings.delivery))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._settler.run())
            tasks.create_task(self._watch())
            senders = [
                tasks.create_task(self._send(relay)) for _ in range(self.settings.connections)
            ]
            await self._claim_until_stopped()
            self._put_aside()
            await asyncio.wait(senders)
            self._settler.end()
        log.info("worker ends", worker=self.name)

    def _settled(self, works: int) -> None:
        self._held -= works
        self._look.set()

    async def _watch(self) -> None:
        await self.stop.wait()
        self._look.set()

    # ── claim ──

    async def _claim_until_stopped(self) -> None:
        pause = POLL
        while not self.stop.is_set():
            self._look.clear()
            try:
                await self._recover_now_and_then()
                claimed = await self._claim()
            except Exception as error:
                log.warning("could not claim", worker=self.name, error=reason(error))
                await self._rest(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            pause = POLL
            if not claimed:
                await self._until(self._look, POLL)

    async def _claim(self) -> int:
        """Notices first, then letters: only what free senders can begin soon."""
        connections = self.settings.connections
        room = min(3 * connections - self._held, 2 * connections)
        if room < connections:
            return 0
        delivery, lease = str(self.settings.delivery), self.lease
        hour = timedelta(hours=1)
        every = hour / self.settings.per_mailbox_hour if self.settings.paced else None
        async with self.database.transaction() as session:
            claimed: list[Work] = list(
                await notices.claim(
                    session, worker=self.name, delivery=delivery, limit=room, lease=lease
                )
            )
            if room > len(claimed):
                claimed += await claims.claim(
                    session,
                    worker=self.name,
                    delivery=delivery,
                    limit=room - len(claimed),
                    lease=lease,
                    every=every,
                )
        self._held += len(claimed)
        for work in claimed:
            self._todo.put_nowait(work)
        return len(claimed)

    async def _recover_now_and_then(self) -> None:
        if monotonic() - self._recovered_at < min(15.0, self.settings.lease_seconds / 2):
            return
        async with self.database.transaction() as session:
            recovered = await claims.recover(session, by=self.name)
            recovered += await notices.recover(session)
        self._recovered_at = monotonic()
        if recovered:
            log.warning("recovered what lost workers held", worker=self.name, n=recovered)

    # ── talk ──

    async def _send(self, relay: Relay) -> None:
        """One sender: one connection, one message after the other."""
        connection = Connection(
            relay,
            hello=self.settings.mail_domain,
            timeout=self.settings.smtp_timeout,
            data_timeout=self.data_timeout,
        )
        try:
            while (work := await self._next(connection)) is not None:
                if self._lease_nearly_out(work):
                    self._settler.give_back(work)
                else:
                    self._settler.settle(await attempt(work, connection, self.settings))
                # a relay that is down, or does not let us in, is not hurried
                if connection.failures:
                    await self._rest(min(2.0**connection.failures, LONGEST_PAUSE))
        finally:
            await connection.close()

    async def _next(self, connection: Connection) -> Work | None:
        try:
            async with asyncio.timeout(IDLE):
                return await self._todo.get()
        except TimeoutError:
            await connection.close()
            return await self._todo.get()

    def _lease_nearly_out(self, work: Work) -> bool:
        outgoing = work.letter if isinstance(work, Claim) else work.notice
        # one dialogue at its slowest must end within the lease, or another worker sends it too
        # (`run` sees to it that a lease before a real relay is long enough for that)
        needed = self.slowest if self.lease > self.slowest else self.lease / 4
        return outgoing.lease_until is None or outgoing.lease_until - clock.now() < needed

    def _put_aside(self) -> None:
        """What nobody has begun goes back; after it each sender finds the end."""
        while not self._todo.empty():
            work = self._todo.get_nowait()
            if work:
                self._settler.give_back(work)
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
