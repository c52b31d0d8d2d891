"""The database keeps its promises on both dialects."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import cast

import pytest
from sqlalchemy import Table, insert, select, update
from sqlalchemy.exc import StatementError

from app.db import Database, add_up
from app.models import AuditLine, Bucket, SupporterCount

COUNTS = cast(Table, SupporterCount.__table__)
KEY = {"scope": "alert", "ref": 1, "delivery": "sandbox"}


async def count(database: Database) -> int:
    async with database.reading() as session:
        return (await session.scalars(select(SupporterCount.n))).one()


async def test_forty_increments_at_once_lose_none(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(insert(COUNTS).values(n=0, **KEY))

    async def one_more() -> None:
        async with database.transaction() as session:
            await session.execute(update(COUNTS).values(n=COUNTS.c.n + 1))

    await asyncio.gather(*(one_more() for _ in range(40)))

    assert await count(database) == 40


async def test_forty_read_and_then_write_transactions_lose_none(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(insert(COUNTS).values(n=0, **KEY))

    async def read_then_write() -> None:
        async with database.transaction() as session:
            found = (await session.scalars(select(SupporterCount).with_for_update())).one()
            await asyncio.sleep(0)
            found.n += 1

    await asyncio.gather(*(read_then_write() for _ in range(40)))

    assert await count(database) == 40


async def test_a_reader_does_not_block_a_writer(database: Database) -> None:
    async with database.reading() as reader:
        before = (await reader.scalars(select(AuditLine))).all()
        async with asyncio.timeout(3), database.transaction() as writer:
            writer.add(AuditLine(at=datetime.now(UTC), by="a test", sentence="wrote"))
    assert before == []
    async with database.reading() as session:
        assert len((await session.scalars(select(AuditLine))).all()) == 1


async def test_a_writer_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(LookupError):
        async with database.transaction() as session:
            await session.execute(insert(COUNTS).values(n=1, **KEY))
            raise LookupError
    async with database.reading() as session:
        assert (await session.scalars(select(SupporterCount))).all() == []


async def test_what_a_reader_writes_is_not_kept(database: Database) -> None:
    async with database.reading() as session:
        await session.execute(insert(COUNTS).values(n=1, **KEY))
    async with database.reading() as session:
        assert (await session.scalars(select(SupporterCount))).all() == []


async def test_a_moment_comes_back_aware_and_in_utc(database: Database) -> None:
    tallinn = timezone(timedelta(hours=3))
    at = datetime(2026, 7, 1, 12, 30, 15, 123456, tzinfo=tallinn)
    async with database.transaction() as session:
        session.add(Bucket(key="one", next_at=at))
    async with database.reading() as session:
        found = (await session.scalars(select(Bucket.next_at))).one()
    assert found == at
    assert found.utcoffset() == timedelta(0)


async def test_a_moment_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="needs its time zone"):
        async with database.transaction() as session:
            session.add(Bucket(key="one", next_at=datetime(2026, 7, 1)))
            await session.flush()


async def test_adding_up_makes_a_row_and_then_adds_to_it(database: Database) -> None:
    for n in (2, 3):
        async with database.transaction() as session:
            add_up(session, COUNTS, [{**KEY, "n": n}])
    assert await count(database) == 5


async def test_adding_up_takes_the_same_key_twice_in_one_call(database: Database) -> None:
    async with database.transaction() as session:
        add_up(session, COUNTS, [{**KEY, "n": 1}, {**KEY, "n": -3}, {**KEY, "n": 4}])
        add_up(session, COUNTS, [])
    assert await count(database) == 2


async def test_two_that_add_up_in_opposite_orders_do_not_wait_for_ever(database: Database) -> None:
    rows = [{**KEY, "ref": ref, "n": 1} for ref in range(1, 9)]

    async def add(ordered: list[dict[str, object]]) -> None:
        async with database.transaction() as session:
            add_up(session, COUNTS, ordered)

    async with asyncio.timeout(10):
        await asyncio.gather(*(add(rows[:: 1 if turn % 2 else -1]) for turn in range(10)))

    async with database.reading() as session:
        assert set((await session.scalars(select(SupporterCount.n))).all()) == {10}
