"""However a letter comes back to the queue, it does not leave with what a country was asked before
it moved on, and everything stays counted."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app import chores
from app.campaigns.stage_moves import deciding, noticing
from app.clock import HeldClock
from app.db import Database
from app.letters import erasure
from app.models import Letter, StageMove
from app.outbox import claims, freezes, operating, places, queue
from app.settings import Settings
from tests.campaigns.stage_moves.moving import (
    A_MINUTE,
    ANNA,
    ANNOUNCED,
    TODAY,
    Moving,
    claimed,
    held,
    letters,
    moves,
    notified,
    voted,
    write_steps,
)
from tests.campaigns.stage_moves.test_deciding import agree
from tests.grounds.databases import once
from tests.grounds.letters import make_queued_letters
from tests.grounds.rows import statuses


async def _step(database: Database, letter_id: int, frm: str, to: str) -> None:
    async with database.transaction() as session:
        which = [Letter.id == letter_id]
        await queue.move(
            session, which, frm=queue.LetterStatus(frm), to=queue.LetterStatus(to), by="test"
        )


async def _failed(database: Database, letter_id: int) -> None:
    await _step(database, letter_id, "queued", "sending")
    await _step(database, letter_id, "sending", "failed")


async def _at(session: AsyncSession, scope: freezes.Scope, ref: object) -> places.Place:
    return await places.find(session, scope, str(ref), delivery="sandbox")


@pytest.mark.parametrize("scope", ["letter", "alert"])
async def test_what_had_failed_when_its_country_moved_on_is_held_when_it_is_queued_again(
    database: Database, moving: Moving, settings: Settings, now: HeldClock, scope: freezes.Scope
) -> None:
    first = (await letters(database))[0].id
    await _failed(database, first)
    async with database.transaction() as session:
        assert await write_steps(session, moving, ANNOUNCED, voted(TODAY)) == 5
        [move] = await noticing.undecided(session, moving.campaign.id, "EE")
        await deciding.call_off(session, move, by=ANNA, mail_domain="x.example")
    now.advance(timedelta(hours=1))
    async with database.transaction() as session:
        place = await _at(session, scope, first if scope == "letter" else "keep-the-treaty")
        assert (await operating.queue_again(session, place, by=ANNA)).n == 1
        assert await noticing.look_again(session, place, by=ANNA) == 1
    await chores.do_all(settings, database)
    assert await claimed(database, settings) == []
    assert await held(database) == {first}
    [_, again] = await moves(database)
    assert (again.from_stage, again.to_stage, again.decided_at) == ("announced", "voted", None)
    await agree(database, moving)


@once
async def test_what_an_organiser_had_frozen_by_hand_waits_for_the_decision_when_it_is_let_go(
    database: Database, moving: Moving, settings: Settings, now: HeldClock
) -> None:
    first = (await letters(database))[0].id
    async with database.transaction() as session:
        await freezes.freeze(session, scope="letter", ref=first, why="A doubt", by=ANNA)
        await write_steps(session, moving, ANNOUNCED, voted(TODAY))
    now.advance(timedelta(hours=1))
    async with database.transaction() as session:
        place = await _at(session, "letter", first)
        await operating.release(session, place, by=ANNA)
        assert await noticing.look_again(session, place, by=ANNA) == 1
    [move] = await moves(database)
    assert len(await held(database)) == 6
    async with database.transaction() as session:
        found = await session.get_one(StageMove, move.id)
        assert await deciding.send_as_written(session, found, by=ANNA) == 6
    async with database.transaction() as session:
        place = await _at(session, "letter", first)
        assert await noticing.look_again(session, place, by=ANNA) == 0
    assert len(await claimed(database, settings)) == 6


@once
async def test_one_that_is_let_go_out_of_a_move_by_hand_is_not_taken_back(
    database: Database, moving: Moving, settings: Settings, now: HeldClock
) -> None:
    first = (await letters(database))[0].id
    async with database.transaction() as session:
        await write_steps(session, moving, ANNOUNCED, voted(TODAY))
    async with database.transaction() as session:
        place = await _at(session, "letter", first)
        await operating.release(session, place, by=ANNA)
        assert await noticing.look_again(session, place, by=ANNA) == 0
    assert await claimed(database, settings) == [first]


async def test_every_way_out_of_a_hold_ends_counted_and_a_move_of_which_nothing_waits_is_over(
    database: Database, moving: Moving, settings: Settings, now: HeldClock
) -> None:
    async with database.transaction() as session:
        found = await claims.claim(
            session, worker="w", delivery="sandbox", limit=2, lease=A_MINUTE, settings=settings
        )
    rejected, lost = [claim.letter.id for claim in found]
    rest = [one for one in await letters(database) if one.id not in {rejected, lost}]
    withdrawn, forgotten, called_off, left = [one.id for one in rest]
    async with database.transaction() as session:
        assert await write_steps(session, moving, ANNOUNCED, voted(TODAY)) == 6
    await _step(database, rejected, "sending", "rejected")
    now.advance(timedelta(hours=2))
    async with database.transaction() as session:
        assert await claims.recover(session, by="w2") == 1
        assert await write_steps(session, moving, ANNOUNCED, voted(TODAY), notified(TODAY)) == 0
    assert await claimed(database, settings) == []
    await _step(database, withdrawn, "queued", "cancelled")
    async with database.transaction() as session:
        # the ground's people have keys of their own, not those of their addresses
        await erasure._erase(session, rest[1].person_key)
        place = await _at(session, "letter", called_off)
        await operating.call_off(session, place, why="A doubt", by=ANNA)
    await chores.do_all(settings, database)
    assert await held(database) >= {lost, left}
    async with database.transaction() as session:
        [move] = await noticing.undecided(session, moving.campaign.id, "EE")
        done = await deciding.call_off(session, move, by=ANNA, mail_domain="x.example")
    assert done == deciding.CalledOff(2, 0)
    await chores.do_all(settings, database)
    assert await held(database) == set()
    assert await statuses(database) == {"rejected": 1, "cancelled": 5}
    await agree(database, moving)


@once
@pytest.mark.parametrize("days", [1, 200, 364, 400])
async def test_however_late_somebody_decides_they_leave_then(
    database: Database, moving: Moving, settings: Settings, now: HeldClock, days: int
) -> None:
    async with database.transaction() as session:
        await write_steps(session, moving, ANNOUNCED, voted(TODAY))
    now.advance(timedelta(days=days))
    assert await claimed(database, settings) == []
    [move] = await moves(database)
    async with database.transaction() as session:
        found = await session.get_one(StageMove, move.id)
        assert await deciding.send_as_written(session, found, by=ANNA) == 6
    assert len(await claimed(database, settings)) == 6


async def test_of_two_who_decide_at_the_same_moment_one_is_heard(
    database: Database, moving: Moving, settings: Settings
) -> None:
    async with database.transaction() as session:
        await write_steps(session, moving, ANNOUNCED, voted(TODAY))
    [move] = await moves(database)

    async def send() -> object:
        async with database.transaction() as session:
            found = await session.get_one(StageMove, move.id)
            return await deciding.send_as_written(session, found, by=ANNA)

    async def call_off() -> object:
        async with database.transaction() as session:
            found = await session.get_one(StageMove, move.id)
            return await deciding.call_off(session, found, by=ANNA, mail_domain="x.example")

    done = await asyncio.gather(send(), call_off(), send(), call_off())
    assert len([one for one in done if one is not None]) == 1
    assert await held(database) == set()
    assert len(await statuses(database)) == 1
    await agree(database, moving)


@pytest.mark.parametrize("database_kind", ["postgresql"])
async def test_what_is_found_while_somebody_decides_is_let_go_with_the_others(
    database: Database, moving: Moving, settings: Settings
) -> None:
    async with database.transaction() as session:
        await write_steps(session, moving, ANNOUNCED, voted(TODAY))
        await make_queued_letters(session, 1, ground=moving.ground)
    [move] = await moves(database)

    async def send() -> None:
        async with database.transaction() as session:
            found = await session.get_one(StageMove, move.id)
            await deciding.send_as_written(session, found, by=ANNA)

    async with database.transaction() as session:
        assert await noticing.notice(session, moving.campaign, "EE", by=ANNA) == 1
        sending = asyncio.create_task(send())
        await asyncio.sleep(0.3)
    await sending
    assert await held(database) == set()
    assert len(await claimed(database, settings)) == 7
