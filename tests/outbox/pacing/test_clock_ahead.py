"""A clock that once ran ahead: what it wrote holds nobody back when it has been put right."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app import clock
from app.db import Database
from app.models import Letter, LetterStatus, Mailbox, MailHost
from app.outbox import claims, queue
from app.outbox.pacing import relays
from app.reporting import boxes
from app.reporting.outbox import hosts
from app.settings import Settings
from tests.grounds.letters import make_alert, make_queued_letters

TEN = datetime(2027, 11, 24, 8, tzinfo=UTC)  # a Wednesday, ten in Tallinn
NEXT_YEAR = TEN + timedelta(days=366)
A_MINUTE = timedelta(minutes=1)
RELAY = "relay:587"


def paced(**changes: Any) -> Settings:
    return Settings(_env_file=None, **({"pacing": "on", "per_mailbox_hour": 20} | changes))


@pytest.fixture
def held() -> Iterator[clock.HeldClock]:
    with clock.held(TEN) as time:
        yield time


async def put(database: Database, n: int) -> None:
    async with database.transaction() as session:
        made = await make_alert(session, targets=1)
        await make_queued_letters(session, n, ground=made)


async def left(database: Database, settings: Settings) -> int:
    """How many letters leave at this moment."""
    how: dict[str, Any] = {"worker": "w", "delivery": "sandbox", "limit": 100}
    async with database.transaction() as session:
        found = await claims.claim(session, lease=timedelta(days=1), settings=settings, **how)
        which = [Letter.id.in_([one.letter.id for one in found])]
        frm, to = LetterStatus.SENDING, LetterStatus.HANDED_OVER
        await queue.move(session, which, frm=frm, to=to, by="w")
    return len(found)


@pytest.mark.parametrize("per_hour", [20, 36_000])
async def test_a_mailbox_gets_its_letters_when_the_clock_is_right_again(
    database: Database, held: clock.HeldClock, per_hour: int
) -> None:
    settings = paced(per_mailbox_hour=per_hour, per_host_hour=per_hour)
    together = max(1, per_hour // 3600)
    await put(database, 5 * together)
    held.at = NEXT_YEAR
    assert await left(database, settings) == together
    held.at = TEN + A_MINUTE
    async with database.reading() as session:
        (line,) = await hosts.of_delivery(session, settings)
        (box,) = (await boxes.load(session, settings)).by_email.values()
        foretold = (await boxes.load(session, settings)).waiting(box, 0).next_at
    assert (line.next_at, foretold) == (held.at, held.at)
    assert await left(database, settings) == together
    assert await left(database, settings) == 0, "from here on it keeps its pace"
    async with database.reading() as session:
        at = (await session.scalars(select(Mailbox.last_at))).one()
        host_at = (await session.scalars(select(MailHost.last_at))).one()
    assert at is not None
    assert host_at is not None
    assert max(at, host_at) - held.at < timedelta(seconds=1)
    held.advance(10 * A_MINUTE)
    assert await left(database, settings) == together


async def test_the_last_turns_of_a_day_are_no_clocks_fault(
    database: Database, held: clock.HeldClock
) -> None:
    """Ten go together, and the last of their turns comes when it opens again, after a weekend."""
    settings = paced(per_mailbox_hour=36_000, per_host_hour=10**6)
    await put(database, 40)
    closes = TEN + timedelta(days=2, hours=8)  # Friday, six in Tallinn
    held.at = closes - timedelta(seconds=0.5)
    assert await left(database, settings) == 10
    (mailbox,) = [one for one in await _mailboxes(database) if one.last_at]
    assert mailbox.last_at > closes
    held.at = closes - timedelta(seconds=0.1)
    assert await left(database, settings) == 0


async def test_a_relay_is_used_when_the_clock_is_right_again(
    database: Database, held: clock.HeldClock
) -> None:
    held.at = NEXT_YEAR
    async with database.transaction() as session:
        await relays.turns(session, RELAY, 10, 3)
    held.at = TEN
    async with database.transaction() as session:
        assert await relays.turns(session, RELAY, 10, 1) == [TEN]
        (second,) = await relays.turns(session, RELAY, 10, 1)
        assert TEN < second < TEN + timedelta(seconds=1)


async def test_nobody_rests_or_gives_way_until_a_year_that_a_clock_made_up(
    database: Database, held: clock.HeldClock
) -> None:
    ours = {"wanted": 5, "at_once": 10}
    held.at = NEXT_YEAR
    async with database.transaction() as session:
        await relays.states(session, [RELAY])
        await relays.not_let_in(session, RELAY, "sign-in: 535")
        assert await relays.share(session, RELAY, "lost", wanted=10, at_once=10) == 10
    held.at = TEN
    async with database.transaction() as session:
        assert relays.usable((await relays.states(session, [RELAY]))[RELAY])
        assert await relays.share(session, RELAY, "w", **ours) == 5
        await relays.not_let_in(session, RELAY, "sign-in: 535")
        assert not relays.usable((await relays.states(session, [RELAY]))[RELAY])


async def test_turns_of_a_slow_relay_may_be_taken_long_before_they_come(
    database: Database, held: clock.HeldClock
) -> None:
    async with database.transaction() as session:
        taken = [(await relays.turns(session, RELAY, 0.01, 1))[0] for _ in range(20)]
    assert taken[-1] - held.at > timedelta(minutes=30)
    assert len(set(taken)) == 20


async def _mailboxes(database: Database) -> list[Mailbox]:
    async with database.reading() as session:
        return list(await session.scalars(select(Mailbox)))
