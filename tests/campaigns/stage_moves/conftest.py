"""A country that moves on at a held noon, and letters that wait for it."""

from collections.abc import Iterator

import pytest
import pytest_asyncio

from app import clock
from app.clock import HeldClock
from app.db import Database
from tests.campaigns.stage_moves.moving import NOON, Moving, make_moving


@pytest.fixture
def now() -> Iterator[HeldClock]:
    with clock.held(NOON) as held_clock:
        yield held_clock


@pytest_asyncio.fixture
async def moving(database: Database, now: HeldClock) -> Moving:
    async with database.transaction() as session:
        return await make_moving(session, 6)
