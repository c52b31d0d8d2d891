"""Many letters are made in one statement, and they are letters like any other."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select

from app.bench import depth
from app.bench.depth import Outbox
from app.bench.ground import deep, filling
from app.bench.ground.offices import OFFICES
from app.bench.ground.processes import CannotMeasure
from app.db import Database
from app.delivery import attempt
from app.models import Letter, SendCount
from app.outbox import claims

DEEP = 1_000


@pytest.fixture
async def outbox(database: Database, database_url: str, tmp_path: Path) -> Outbox:
    settings = filling.settings(tmp_path, database_url)
    await deep.fill(database_url, settings, DEEP)
    return Outbox(DEEP, database, settings)


async def test_most_letters_are_for_the_frozen_office_and_the_counts_say_so(
    outbox: Outbox,
) -> None:
    async with outbox.database.reading() as session:
        rows = await session.execute(
            select(Letter.target_id, func.count()).group_by(Letter.target_id)
        )
        kept = await session.execute(select(SendCount.target_id, SendCount.n))
        letters = {row.target_id: row[1] for row in rows}
        assert letters == {row.target_id: row.n for row in kept}
    assert len(letters) == OFFICES
    assert sum(letters.values()) == DEEP
    assert max(letters.values()) == DEEP * 0.8


async def test_the_indexes_are_those_of_a_migrated_database(outbox: Outbox) -> None:
    async with outbox.database.engine.connect() as connection:
        found = await connection.run_sync(lambda sync: inspect(sync).get_indexes("letter"))
    assert {index.name for index in Letter.__table__.indexes} <= {one["name"] for one in found}


async def test_a_claimed_letter_is_one_that_can_leave_and_the_claim_is_not_kept(
    outbox: Outbox,
) -> None:
    for _ in range(2):
        async with outbox.database.reading() as session:
            claimed = await claims.claim(
                session,
                worker="test",
                delivery="live",
                limit=depth.CLAIM,
                lease=timedelta(hours=1),
                settings=outbox.settings,
            )
        assert len(claimed) == DEEP * 0.2  # none of the frozen office
    assert b"Message-ID" in attempt.write(claimed[0], outbox.settings).raw
    with pytest.raises(CannotMeasure, match="200 letters claimed instead of 500"):
        await depth._claim(outbox)


async def test_reading_the_counts_takes_a_moment(outbox: Outbox) -> None:
    assert 0 < await depth._read_counts(outbox) < 60


def test_a_claim_from_many_is_compared_with_a_claim_from_few() -> None:
    few = Outbox(10_000, None, None, [9, 9, 9, 0.010, 0.012, 0.011], [0.001] * 6, 100)
    many = Outbox(5_000_000, None, None, [9, 9, 9, 0.022, 0.020, 0.060], [0.003] * 6, 120)
    claim, _, counted, _, memory, _ = depth._lines("sqlite", few, many)
    assert claim.ratio == pytest.approx(2.0)
    assert (claim.met, counted.met, memory.met) == (False, False, True)
    assert counted.measured == pytest.approx(3.0)
