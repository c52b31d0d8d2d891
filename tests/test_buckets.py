"""So many per so long: counted once, whoever counts."""

import asyncio
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from app import buckets, clock
from app.db import Database

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


async def take(
    database: Database, key: str = "visitor:a", *, every: timedelta = MINUTE, burst: int = 1
) -> timedelta | None:
    async with database.transaction() as session:
        return await buckets.take(session, key, every=every, burst=burst)


async def test_the_second_of_two_waits_until_one_has_come_back(database: Database) -> None:
    with clock.held(MONDAY) as held:
        assert await take(database) is None
        held.advance(timedelta(seconds=20))
        assert await take(database) == timedelta(seconds=40)
        held.advance(timedelta(seconds=40))
        assert await take(database) is None


async def test_a_burst_is_taken_at_once_and_comes_back_one_by_one(database: Database) -> None:
    with clock.held(MONDAY) as held:
        taken = [await take(database, burst=3) for _ in range(4)]
        assert taken == [None, None, None, MINUTE]
        held.advance(MINUTE)
        assert [await take(database, burst=3) for _ in range(2)] == [None, MINUTE]


async def test_a_refusal_costs_nothing(database: Database) -> None:
    with clock.held(MONDAY) as held:
        await take(database)
        for _ in range(5):
            await take(database)
        held.advance(MINUTE)
        assert await take(database) is None


async def test_a_long_rest_saves_up_no_more_than_a_burst(database: Database) -> None:
    with clock.held(MONDAY) as held:
        await take(database, burst=2)
        held.advance(timedelta(days=1))
        taken = [await take(database, burst=2) for _ in range(3)]
        assert taken == [None, None, MINUTE]


async def test_two_keys_do_not_wait_for_each_other(database: Database) -> None:
    assert await take(database, "visitor:a") is None
    assert await take(database, "visitor:b") is None


async def test_takers_at_the_same_moment_get_what_there_is_and_no_more(
    database: Database,
) -> None:
    taken = await asyncio.gather(
        *(take(database, every=timedelta(hours=1), burst=5) for _ in range(12))
    )
    assert sum(wait is None for wait in taken) == 5


@tried(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    gaps=st.lists(st.integers(0, 200), min_size=1, max_size=12),
    burst=st.integers(1, 4),
    number=st.uuids(),
)
def test_no_stretch_of_time_ever_sees_more_than_the_limit(
    database_url: str, gaps: list[int], burst: int, number: object
) -> None:
    """In any window of n·every, at most n + burst are allowed."""
    allowed = asyncio.run(_allowed(database_url, gaps, burst, f"visitor:{number}"))
    for first, start in enumerate(allowed):
        for last, end in enumerate(allowed[first:], first):
            assert last - first + 1 <= (end - start) // MINUTE + burst


async def _allowed(url: str, gaps: list[int], burst: int, key: str) -> list[datetime]:
    database = Database(url)
    moments = []
    with clock.held(MONDAY) as held:
        for gap in gaps:
            held.advance(timedelta(seconds=gap))
            if await take(database, key, burst=burst) is None:
                moments.append(clock.now())
    await database.close()
    return moments
