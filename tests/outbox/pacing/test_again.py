"""Letters that were tried before go first: behind all others they would be put off for ever."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, update

from app import clock
from app.db import Database
from app.delivery import settle
from app.delivery.outcome import Deferred, Finished, Taken
from app.models import Letter
from app.outbox import claims, freezes
from app.outbox.claims import Claim
from app.outbox.pacing import lanes
from app.settings import Settings
from tests.grounds.databases import once
from tests.grounds.letters import Ground, make_alert, make_queued_letters
from tests.grounds.rows import all_of, statuses

ME = "w1"
TEN = datetime(2027, 11, 24, 8, tzinfo=UTC)  # a Wednesday, ten in Tallinn
A_MINUTE = timedelta(minutes=1)
PACED = Settings(_env_file=None, pacing="on", per_mailbox_hour=20, per_host_hour=100_000)
UNPACED = Settings(_env_file=None, pacing="off")


async def put(database: Database, n: int, targets: int = 1) -> Ground:
    async with database.transaction() as session:
        made = await make_alert(session, targets=targets)
        await make_queued_letters(session, n, ground=made)
    return made


async def claimed(database: Database, settings: Settings, limit: int = 100) -> list[Claim]:
    how: dict[str, Any] = {"worker": ME, "delivery": "sandbox", "lease": timedelta(days=1)}
    async with database.transaction() as session:
        return await claims.claim(session, limit=limit, settings=settings, **how)


async def tried(database: Database, ids: list[int], **values: Any) -> None:
    """As an attempt leaves them that put them off."""
    async with database.transaction() as session:
        changes = {"attempts": 1, "first_attempt_at": clock.now()} | values
        await session.execute(update(Letter).where(Letter.id.in_(ids)).values(**changes))


async def test_a_server_that_puts_strangers_off_for_minutes_gets_every_letter(
    database: Database,
) -> None:
    """It knows a sender again for half an hour: by then not half of the others had their turn."""
    await put(database, 24)
    first: dict[int, datetime] = {}
    with clock.held(TEN) as held:
        while held.at < TEN + timedelta(hours=6):
            ended = []
            for work in await claimed(database, PACED):
                since = held.at - first.setdefault(work.letter.id, held.at)
                known = 3 * A_MINUTE <= since <= 30 * A_MINUTE
                said = Taken(250) if known else Deferred(451, "4.7.1 greylisted")
                ended.append(Finished(work, said, work.contact.email, held.at, held.at))
            async with database.transaction() as session:
                await settle.settle(session, ended, worker=ME, settings=PACED)
            held.advance(4 * A_MINUTE)
        assert await statuses(database) == {"handed_over": 24}


@pytest.mark.parametrize("settings", [PACED, UNPACED], ids=["paced", "unpaced"])
async def test_what_was_tried_comes_before_what_waits_for_longer(
    database: Database, settings: Settings
) -> None:
    with clock.held(TEN) as held:
        await put(database, 9)
        ids = [letter.id for letter in await all_of(database, Letter)]
        await tried(database, ids[5:6], not_before=TEN + 2 * A_MINUTE)
        await tried(database, ids[6:7], not_before=TEN + 1 * A_MINUTE)
        await tried(database, ids[7:8], not_before=TEN + 60 * A_MINUTE)
        await tried(database, ids[8:], not_before=TEN)
        async with database.transaction() as session:
            await freezes.freeze(session, scope="letter", ref=ids[8], why="x", by="us")
        held.advance(5 * A_MINUTE)
        taken = []
        for _ in range(9):
            taken += [work.letter.id for work in await claimed(database, settings, limit=1)]
            held.advance(5 * A_MINUTE)
    assert taken == [ids[6], ids[5], *ids[:5]], "one is not due, one is frozen"


async def test_no_letter_comes_twice_in_a_claim_and_none_is_left_behind(
    database: Database,
) -> None:
    await put(database, 60, targets=3)
    ids = [letter.id for letter in await all_of(database, Letter)]
    await tried(database, ids[::4])
    some = [work.letter.id for work in await claimed(database, UNPACED, limit=12)]
    assert len(set(some)) == len(some) == 12
    rest = [work.letter.id for work in await claimed(database, UNPACED)]
    assert sorted(some + rest) == ids


async def test_offices_at_one_address_share_what_was_tried_before(database: Database) -> None:
    with clock.held(TEN) as held:
        await put(database, 6, targets=2)
        letters = await all_of(database, Letter)
        await tried(database, [letters[4].id], not_before=TEN + A_MINUTE)
        held.advance(2 * A_MINUTE)
        async with database.transaction() as session:
            found = await lanes.of_delivery(session, "sandbox")
            assert Counter(lane.again for lane in found) == {True: 1, False: 1}
            order = await lanes.first(session, "sandbox", found, 4)
    assert order == [letters[4].id, *(one.id for one in letters[:3])]


async def test_a_lane_without_them_is_asked_once(database: Database) -> None:
    await put(database, 6, targets=2)
    (one, *_) = await all_of(database, Letter)
    await tried(database, [one.id])
    asked: list[str] = []
    event.listen(
        database.engine.sync_engine, "before_cursor_execute", lambda *said: asked.append(said[2])
    )
    async with database.transaction() as session:
        found = await lanes.of_delivery(session, "sandbox")
        for lane in found:
            asked.clear()
            assert len(await lanes.first(session, "sandbox", [lane], 3)) == 3
            assert len(asked) == (2 if lane.target_id == one.target_id else 1)


@once
@pytest.mark.parametrize("newest", ["ix_letter_lane", "ix_letter_again"])
async def test_each_question_is_answered_from_its_own_index(
    database: Database, newest: str
) -> None:
    """Where SQLite sees no difference it takes the one that was made last."""
    (index,) = [one for one in Letter.__table__.indexes if one.name == newest]  # type: ignore[attr-defined]
    async with database.engine.begin() as connection:
        await connection.run_sync(index.drop)
        await connection.run_sync(index.create)
    asked: list[tuple[str, tuple[Any, ...]]] = []
    event.listen(
        database.engine.sync_engine, "before_cursor_execute", lambda *said: asked.append(said[2:4])
    )
    lane = lanes.Lane(1, 1, 9, "EE", "a@example.org", None, None, None, again=True)
    async with database.reading() as session:
        await lanes.of_delivery(session, "sandbox")
        await lanes.first(session, "sandbox", [lane], 3)
        has_again, *_, again, due = [one for one in asked if one[0].startswith("SELECT")]
        plans = []
        reading = await session.connection()
        for statement, values in (has_again, again, due):
            rows = await reading.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            plans.append(" ".join(row[-1] for row in rows))
    all_again = "COVERING INDEX ix_letter_again"
    for plan, name in zip(plans, (all_again, all_again, "INDEX ix_letter_lane"), strict=True):
        assert f"SEARCH letter USING {name} (" in plan
