"""The lines to our own relays: their turns, and what the workers know of each other."""

import asyncio
from datetime import datetime, timedelta

import pytest

from app import clock
from app.db import Database
from app.delivery import switchboard as looking
from app.delivery.routes.relays import Relay
from app.delivery.switchboard import Switchboard
from app.settings import Delivery, Settings, Switch
from tests.grounds.databases import once

RELAY = Relay("relay.example", 587)


@pytest.fixture
def paced(settings: Settings) -> Settings:
    return settings.model_copy(update={"delivery": Delivery.LIVE, "pacing": Switch.ON})


def switchboard(settings: Settings, database: Database, worker: str = "one") -> Switchboard:
    return Switchboard(settings, database, worker=worker, relays=(RELAY,), data_timeout=1)


async def moments(lines: Switchboard, n: int) -> list[datetime]:
    """When each of n messages that want to begin now may do so."""
    waits = await asyncio.gather(*(lines.turn(RELAY) for _ in range(n)))
    return sorted(clock.now() + timedelta(seconds=wait) for wait in waits)


async def test_senders_that_ask_at_once_get_a_turn_each(
    database: Database, paced: Settings
) -> None:
    with clock.held(clock.now()):
        lines = switchboard(paced, database)
        begun = await moments(lines, 12)
    assert begun[-1] - begun[0] >= timedelta(seconds=1)
    gaps = [after - before for before, after in zip(begun, begun[1:], strict=False)]
    assert min(gaps) > timedelta(seconds=0.1)


@once
async def test_turns_that_nobody_took_are_gone(database: Database, paced: Settings) -> None:
    """Kept, they would all be taken at once after a quiet hour, on top of the next ones."""
    fast = paced.model_copy(update={"per_relay_second": 50.0})
    with clock.held(clock.now()) as time:
        lines = switchboard(fast, database)
        await moments(lines, 1)
        time.advance(timedelta(hours=1))
        begun = await moments(lines, 60)
    inside = [one for one in begun if one - begun[0] < timedelta(seconds=1)]
    assert len(inside) <= 50


async def test_a_turn_that_was_not_committed_is_nobodys(
    database: Database, paced: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = switchboard(paced, database)
    taken = await moments(lines, 1)
    monkeypatch.setattr(database, "transaction", _gone)
    with pytest.raises(ConnectionError):
        await lines.turn(RELAY)
    monkeypatch.undo()
    (later,) = await moments(lines, 1)
    assert later > taken[0]


async def test_a_newcomer_waits_until_the_connections_are_closed(
    database: Database, paced: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(looking, "LOOK_AGAIN", 0.0)
    four = paced.model_copy(update={"connections": 4, "per_relay_connections": 4})
    first, second = switchboard(four, database), switchboard(four, database, "two")

    async def lines() -> tuple[int, int]:
        await first.look()
        await second.look()
        return sum(map(_leads, [first] * 4, range(4))), sum(map(_leads, [second] * 4, range(4)))

    assert await lines() == (4, 0)
    for number in range(4):
        first.dial(number)
    assert await lines() == (2, 0), "it gives way, and talks to the end first"
    first.hung_up(2)
    assert await lines() == (2, 1)
    first.hung_up(3)
    assert await lines() == (2, 2)


def _leads(lines: Switchboard, number: int) -> bool:
    return lines.line(number) is not None


def _gone() -> None:
    raise ConnectionError("away")
