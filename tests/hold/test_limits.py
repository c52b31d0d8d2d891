"""Four workers and a restart in the middle: what the receiving server sees of our limits."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from app import clock
from app.db import Database
from app.delivery import worker
from app.models import Attempt
from app.outbox import claims
from app.outbox.pacing import choices, limits
from app.settings import Settings, Switch
from tests.grounds.letters import make_alert, make_queued_letters
from tests.grounds.rows import all_of, counted, statuses
from tests.grounds.smtp import SmtpServer
from tests.grounds.worker_process import KILLED, processes, start
from tests.grounds.working import running_clock, until, working

# a Wednesday, ten in Tallinn: the peak of the day
TEN = datetime(2027, 11, 24, 8, tzinfo=UTC)
AN_HOUR = timedelta(hours=1)
NO_LIMIT = 10**8
WORKERS = 4


# ── a relay: so many at once, and so many a second, of real time ──

A_SECOND = 8
AT_ONCE = 3
LETTERS = 28
LATENESS = 0.25  # seconds by which a busy machine may be late for a turn


@pytest.mark.thorough
async def test_a_relay_sees_no_more_at_once_and_in_any_second_than_it_allows(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    async with database.transaction() as session:
        made = await make_alert(session)
        await make_queued_letters(session, LETTERS, ground=made, delivery="live")
    later = TEN - datetime.now(UTC)
    await _restarted_in_the_middle(database, _of_a_relay(live), smtp_server, later)
    assert await counted(database) == await statuses(database) == {"handed_over": LETTERS}

    begun = sorted(one.started_at - later for one in await all_of(database, Attempt))
    arrived = sorted(one.at for one in smtp_server.received)
    assert 1 < smtp_server.most_open <= AT_ONCE
    slack = _most_late(begun, arrived) + LATENESS
    for times in (begun, arrived):
        spans = [
            (last - first).total_seconds()
            for first, last in zip(times, times[A_SECOND:], strict=False)
        ]
        assert min(spans) > 1 - slack
        # and over all of it exactly: nothing is ever made up for
        assert (times[-1] - times[0]).total_seconds() > (len(times) - 1) / A_SECOND - slack


def _of_a_relay(live: Settings) -> Settings:
    return live.model_copy(
        update={
            "pacing": Switch.ON,
            "connections": 2,
            "per_mailbox_hour": NO_LIMIT,
            "per_mailbox_day": NO_LIMIT,
            "per_host_hour": NO_LIMIT,
            "per_relay_second": A_SECOND,
            "per_relay_connections": AT_ONCE,
        }
    )


async def _restarted_in_the_middle(
    database: Database, settings: Settings, server: SmtpServer, later: timedelta
) -> None:
    """Of four workers one is killed and one stopped, and two others come."""
    with processes() as running:

        def begin(name: str) -> None:
            running.append(start(settings, name, lease=2.0, later=later))

        for n in range(WORKERS):
            begin(f"worker-{n}")
        await server.has_received(LETTERS // 3, within=20)
        running[0].kill()
        running[1].terminate()
        running[0].join(10)
        running[1].join(10)
        assert (running[0].exitcode, running[1].exitcode) == (KILLED, 0)
        begin("worker-4")
        begin("worker-5")

        async def all_sent() -> bool:
            return await counted(database) == {"handed_over": LETTERS}

        await until(all_sent)


def _most_late(begun: Sequence[datetime], arrived: Sequence[datetime]) -> float:
    """How unequal the ways from a turn to the server were, in seconds."""
    ways = [(there - here).total_seconds() for here, there in zip(begun, arrived, strict=False)]
    return max(ways) - min(ways)


# ── mailboxes and their host: an hour and more of held clock ──

PER_MAILBOX, PER_HOST = 4, 16
SLOW = "keep-the-treaty-0@example.org"  # the other has what it leaves of their host
STEP = timedelta(seconds=150)


async def test_no_mailbox_and_no_host_gets_more_in_any_hour_than_its_limit(
    database: Database,
    live: Settings,
    smtp_server: SmtpServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paced = live.model_copy(
        update={
            "pacing": Switch.ON,
            "connections": 1,
            "per_mailbox_hour": NO_LIMIT,
            "per_host_hour": PER_HOST,
            "per_relay_second": 10_000,
        }
    )
    looks = _Looks(monkeypatch)
    with clock.held(TEN) as held:
        async with database.transaction() as session:
            made = await make_alert(session, targets=2)
            await make_queued_letters(session, 60, ground=made, delivery="live")
            slow = choices.Choice(per_hour=PER_MAILBOX)
            await choices.pace_mailbox(session, SLOW, slow, by="test")
        arrived: list[tuple[datetime, str]] = []
        for names in ("abcd", "cdef"):  # all are restarted in the middle
            async with _workers(paced, names):
                until_then = held.at + AN_HOUR * 0.55
                while held.at < until_then:
                    await looks.all_of(names)
                    await _settled(database)
                    arrived += [(held.at, one) for one in _letters(smtp_server)[len(arrived) :]]
                    held.advance(STEP)
    _check_hours([at for at, _ in arrived], PER_HOST)
    _check_hours([at for at, email in arrived if email == SLOW], PER_MAILBOX)


def _letters(server: SmtpServer) -> list[str]:
    """The offices of the letters that arrived; notices go to supporters."""
    recipients = [one.rcpt_to[0] for one in server.received]
    return [one for one in recipients if one.startswith("keep-the-treaty-")]


async def test_the_first_letter_of_a_mailbox_has_its_turn_by_a_clock_that_runs(
    database: Database, live: Settings
) -> None:
    """Two moments asked one after the other are not the same: nothing ever left."""
    paced = live.model_copy(update={"pacing": Switch.ON, "per_host_hour": NO_LIMIT})
    with running_clock(TEN - datetime.now(UTC)):
        async with database.transaction() as session:
            made = await make_alert(session, targets=3)
            await make_queued_letters(session, 6, ground=made, delivery="live")
        async with database.transaction() as session:
            found = await claims.claim(
                session, worker="w", delivery="live", limit=9, lease=AN_HOUR, settings=paced
            )
    assert len({one.contact.email for one in found}) == len(found) == 3


def _check_hours(times: list[datetime], limit: int) -> None:
    """No hour holds more, one does not follow the other too soon, and the pace is used."""
    hours = [sum(at <= one < at + AN_HOUR for one in times) for at in times]
    assert 0.7 * limit <= max(hours) <= limit
    gaps = [later - sooner for sooner, later in zip(times, times[1:], strict=False)]
    # by how much a turn may come later than without jitter, the next may follow sooner
    assert min(gaps) >= 0.75 * AN_HOUR * limits.spacing(limit)


class _Looks:
    """Knows since when each worker has looked at what is due; looking goes on as it was."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.looked: dict[str, datetime] = {}
        look = worker.Worker._claim

        async def noted(one: worker.Worker) -> int:
            began = clock.now()
            found = await look(one)
            self.looked[one.name] = began  # and what it took is committed
            return found

        monkeypatch.setattr(worker.Worker, "_claim", noted)
        monkeypatch.setattr(worker, "POLL", 0.1)

    async def all_of(self, names: str) -> None:
        """Wait until each of them has looked at this moment."""
        async with asyncio.timeout(20):
            while any(self.looked.get(name, TEN) < clock.now() for name in names):
                await asyncio.sleep(0.005)


@asynccontextmanager
async def _workers(settings: Settings, names: str) -> AsyncIterator[None]:
    """Each with a way of its own to the database, as in a process of its own."""
    databases = [Database(settings.database, pool_size=2) for _ in names]
    async with AsyncExitStack() as stack:
        for name, own in zip(names, databases, strict=True):
            stack.push_async_callback(own.close)
            await stack.enter_async_context(working(settings, own, name=name))
        yield


async def _settled(database: Database) -> None:
    async def none_sending() -> bool:
        return "sending" not in await statuses(database)

    async with asyncio.timeout(20):
        while not await none_sending():
            await asyncio.sleep(0.005)
