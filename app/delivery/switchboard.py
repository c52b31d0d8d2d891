"""Which server each of a worker's senders talks to, and when it may.

Our own relays are shared with all other workers, by weight, so many connections at once and so
many messages a second. A relay that does not let us in rests, and the letters with it: they are
neither tried nor held against anybody.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Protocol, cast

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import Database
from app.delivery.outcome import Unreached
from app.delivery.routes.connection import Connection, Sender
from app.delivery.routes.relays import Relay, share_out
from app.outbox.pacing import relays as pacing
from app.settings import Settings

log = structlog.get_logger()

REST = 5.0  # seconds until a server is tried again that nobody else speaks to
LOOK_EVERY = 10.0  # seconds between two looks at how the relays are shared
LOOK_AGAIN = 1.0  # the same while one of them rests, or others have a share
LATEST = timedelta(seconds=0.1)  # by so much a turn may be late
TURNS_A_SECOND = 10  # so often a worker fetches turns, and as many of them as that makes


class Lines(Protocol):
    """The lines of a worker's senders, numbered from 0."""

    changed: asyncio.Event

    def line(self, number: int) -> Hashable | None:
        """Where the sender of that number leads; None: it rests."""

    def dial(self, number: int) -> Sender:
        """A connection to there, opened when it is used."""

    def hung_up(self, number: int) -> None:
        """That sender closed the connection it had dialled."""

    async def look(self) -> None:
        """See now and then how things are."""

    async def turn(self, line: Hashable) -> float:
        """Seconds to wait until one more message may begin there; the turn is taken."""

    async def not_let_in(self, line: Hashable, outcome: Unreached) -> None:
        """Leave it alone for a while."""

    def let_in(self, line: Hashable) -> bool:
        """It took our words; whether it had not before, so that the others are to be told."""

    async def tell(self, line: Hashable) -> None:
        """Tell everybody that it lets us in again."""

    async def leave(self) -> None:
        """Give back what was shared."""


class AlwaysOpen:
    """Lines that nobody shares: to the sandbox mailbox, or straight to the offices' servers."""

    def __init__(self, senders: Callable[[], Sender], connections: int) -> None:
        self.senders, self.connections = senders, connections
        self.changed = asyncio.Event()

    def line(self, number: int) -> Hashable | None:
        return "always" if number < self.connections else None

    def dial(self, number: int) -> Sender:
        return self.senders()

    def hung_up(self, number: int) -> None: ...

    async def look(self) -> None: ...

    async def turn(self, line: Hashable) -> float:
        return 0.0

    async def not_let_in(self, line: Hashable, outcome: Unreached) -> None:
        log.warning("nobody answers", why=outcome.reply)
        await asyncio.sleep(REST)

    def let_in(self, line: Hashable) -> bool:
        return False

    async def tell(self, line: Hashable) -> None: ...

    async def leave(self) -> None: ...


class Switchboard:
    """Lines to our own relays. `data_timeout`: seconds for the answer to the end of data."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        worker: str,
        relays: Sequence[Relay],
        data_timeout: float,
    ) -> None:
        self.settings, self.database, self.worker = settings, database, worker
        self.relays, self.data_timeout = relays, data_timeout
        self.changed = asyncio.Event()
        self._lines: tuple[Relay, ...] = ()
        self._dialled: dict[int, Relay] = {}  # by the number of the sender
        self._ailing: set[str] = set()
        self._let_in_at: dict[str, float] = {}
        self._turns: dict[str, deque[datetime]] = {}
        self._looked_at = -float("inf")

    def line(self, number: int) -> Relay | None:
        return self._lines[number] if number < len(self._lines) else None

    def dial(self, number: int) -> Sender:
        self._dialled[number] = self._lines[number]
        return Connection(
            self._lines[number],
            hello=self.settings.mail_domain,
            timeout=self.settings.smtp_timeout,
            data_timeout=self.data_timeout,
        )

    def hung_up(self, number: int) -> None:
        self._dialled.pop(number, None)

    async def look(self) -> None:
        well = bool(self._lines) and not self._ailing
        if monotonic() - self._looked_at < (LOOK_EVERY if well else LOOK_AGAIN):
            return
        async with self.database.transaction() as session:
            states = await pacing.states(session, [relay.name for relay in self.relays])
            usable = [relay for relay in self.relays if pacing.usable(states[relay.name])]
            self._ailing = {name for name, state in states.items() if state.failures}
            wanted = Counter(share_out(usable, self.settings.connections))
            granted = {relay: await self._share(session, relay, wanted[relay]) for relay in usable}
        self._looked_at = monotonic()
        self._set_lines(tuple(relay for relay, n in granted.items() for _ in range(n)))

    async def _share(self, session: AsyncSession, relay: Relay, wanted: int) -> int:
        if relay.name in self._ailing:
            wanted = min(wanted, 1)  # one knocks; the others would only be refused as well
        if not self.settings.paced:
            return wanted
        at_once = relay.connections or self.settings.per_relay_connections
        return await pacing.share(
            session,
            relay.name,
            self.worker,
            wanted=wanted,
            at_once=at_once,
            dialled=sum(one == relay for one in self._dialled.values()),
        )

    async def turn(self, line: Hashable) -> float:
        if not self.settings.paced:
            return 0.0
        relay = _relay(line)
        turns = self._turns.setdefault(relay.name, deque())
        # a turn that nobody took in time is gone: several at once would be more than may leave
        while turns and turns[0] < clock.now() - LATEST:
            turns.popleft()
        if not turns:
            turns.extend(await self._fetch_turns(relay))
        return (turns.popleft() - clock.now()).total_seconds()

    async def _fetch_turns(self, relay: Relay) -> list[datetime]:
        """The next few; nobody takes one of them before all workers know that they are taken."""
        per_second = relay.per_second or self.settings.per_relay_second
        n = max(1, int(per_second / TURNS_A_SECOND))
        async with self.database.transaction() as session:
            return await pacing.turns(session, relay.name, per_second, n)

    async def not_let_in(self, line: Hashable, outcome: Unreached) -> None:
        relay = _relay(line)
        log.warning("a relay does not let us in", relay=relay.name, why=outcome.reply)
        lately = monotonic() - self._let_in_at.get(relay.name, -float("inf")) < LOOK_EVERY
        if lately and self._lines.count(relay) > 1 and outcome.why != "refused":
            # it has only too many of us: one line less, until the next look
            at = self._lines.index(relay)
            self._set_lines(self._lines[:at] + self._lines[at + 1 :])
            self._looked_at = monotonic()
            return
        self._set_lines(tuple(line for line in self._lines if line is not relay))
        why = f"{outcome.why}: {outcome.reply}"
        async with self.database.transaction() as session:
            await pacing.not_let_in(session, relay.name, why)

    def let_in(self, line: Hashable) -> bool:
        name = _relay(line).name
        self._let_in_at[name] = monotonic()
        return name in self._ailing

    async def tell(self, line: Hashable) -> None:
        relay = _relay(line)
        self._ailing.discard(relay.name)
        async with self.database.transaction() as session:
            await pacing.let_in(session, relay.name)
        self._looked_at = -float("inf")
        log.info("a relay lets us in again", relay=relay.name)

    async def leave(self) -> None:
        async with self.database.transaction() as session:
            await pacing.leave(session, self.worker)

    def _set_lines(self, lines: tuple[Relay, ...]) -> None:
        if lines != self._lines:
            self._lines = lines
            self.changed.set()


def _relay(line: Hashable) -> Relay:
    """A line of ours is the relay that it leads to."""
    return cast(Relay, line)
