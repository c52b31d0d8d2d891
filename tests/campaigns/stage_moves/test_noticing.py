"""A country moves on: the letters that ask for what was asked before wait for a decision."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from app import chores, clock
from app.campaigns.stage_moves import deciding, looking, noticing
from app.clock import HeldClock
from app.db import Database
from app.models import AuditLine, Event, Freeze, Letter, StageMove
from app.outbox import freezes, queue
from app.settings import Settings
from tests.campaigns.stage_moves.moving import (
    A_MINUTE,
    ANNA,
    ANNOUNCED,
    NOON,
    TODAY,
    TOMORROW,
    Moving,
    claimed,
    held,
    letters,
    make_moving,
    moves,
    notified,
    voted,
    write_steps,
)
from tests.grounds.databases import once
from tests.grounds.letters import make_queued_letters
from tests.grounds.rows import all_of


@once
async def test_a_move_holds_what_waits_and_nothing_that_is_confirmed_later(
    database: Database, moving: Moving, settings: Settings
) -> None:
    async with database.transaction() as session:
        assert await write_steps(session, moving, ANNOUNCED, voted(TODAY)) == 6
        later = (await make_queued_letters(session, 1, ground=moving.ground))[0]
        await session.execute(update(Letter).where(Letter.id == later.id).values(stage="voted"))
    assert len(await held(database)) == 6
    assert await claimed(database, settings) == [later.id]
    [move] = await moves(database)
    assert (move.country, move.from_stage, move.to_stage) == ("EE", "announced", "voted")
    history = await all_of(database, Event, Event.what == "frozen")
    assert len(history) == 6
    assert "Estonia has moved on to “Voted”" in history[0].note
    said = [line.sentence for line in await all_of(database, AuditLine, AuditLine.by == ANNA)]
    assert said[-1] == (
        "Estonia moved from “Announced” to “Voted”: 6 letters held until somebody decides"
        " (campaign “keep-the-treaty-campaign”)"
    )


@once
async def test_another_source_for_the_same_step_holds_nothing(
    database: Database, moving: Moving, settings: Settings
) -> None:
    better = ANNOUNCED.model_copy(update={"source": "A better paper"})
    async with database.transaction() as session:
        assert await write_steps(session, moving, better) == 0
    assert await held(database) == set()
    assert len(await claimed(database, settings)) == 6


@once
async def test_a_dated_step_is_noticed_when_its_day_comes_where_the_alert_lives(
    database: Database, moving: Moving, settings: Settings, now: HeldClock
) -> None:
    async with database.transaction() as session:
        assert await write_steps(session, moving, ANNOUNCED, voted(TOMORROW)) == 0
    seen = []
    # midnight in Tallinn is 22:00 UTC
    for at in (
        NOON,
        datetime(2026, 11, 22, 21, 59, tzinfo=UTC),
        datetime(2026, 11, 22, 22, 0, 5, tzinfo=UTC),
    ):
        now.at = at
        await chores.do_all(settings, database)
        seen.append(len(await held(database)))
    assert seen == [0, 0, 6]
    [move] = await moves(database)
    assert move.by == "the clock"


@once
async def test_a_move_that_was_noticed_is_not_looked_for_every_minute(
    database: Database, moving: Moving, now: HeldClock
) -> None:
    async with database.transaction() as session:
        await write_steps(session, moving, ANNOUNCED, voted(TODAY))
        await session.execute(update(Letter).values(stage="voted"))
    now.advance(timedelta(minutes=6))
    async with database.transaction() as session:
        before = len(await all_of(database, StageMove))
        found = (await noticing._waiting(session))[0][0]
        assert not await noticing._is_due(session, [found], "EE")
        assert await noticing.notice_days(session) == 0
    assert len(await all_of(database, StageMove)) == before


async def test_who_confirmed_while_the_steps_were_changed_is_found_a_minute_later(
    database: Database, moving: Moving, now: HeldClock
) -> None:
    async with database.transaction() as session:
        await write_steps(session, moving, ANNOUNCED, voted(TODAY))
        late = (await make_queued_letters(session, 1, ground=moving.ground))[0]
    now.advance(A_MINUTE)
    async with database.transaction() as session:
        assert await noticing.notice_days(session) == 1
    assert late.id in await held(database)
    assert len(await moves(database)) == 1


async def test_a_letter_that_was_leaving_and_comes_back_stays_held(
    database: Database, moving: Moving, settings: Settings, now: HeldClock
) -> None:
    leaving = await claimed(database, settings, limit=2)
    async with database.transaction() as session:
        assert await write_steps(session, moving, ANNOUNCED, voted(TODAY)) == 6
    async with database.transaction() as session:
        await queue.move(
            session,
            [Letter.id.in_(leaving)],
            frm=queue.SENDING,
            to=queue.QUEUED,
            by="w",
            note="451 4.3.0",
            values={"worker": "", "lease_until": None},
        )
    now.advance(timedelta(hours=1))
    assert await claimed(database, settings) == []
    async with database.transaction() as session:
        found = (await looking.undecided(session, 1))[0]
        assert found.letters == 6


@once
async def test_a_hold_that_stood_before_stays_what_it_was(
    database: Database, moving: Moving, settings: Settings
) -> None:
    first = (await letters(database))[0].id
    async with database.transaction() as session:
        await freezes.freeze(session, scope="letter", ref=first, why="A doubt", by=ANNA)
        assert await write_steps(session, moving, ANNOUNCED, voted(TODAY)) == 5
    [move] = await moves(database)
    async with database.transaction() as session:
        found = await session.get_one(StageMove, move.id)
        assert await deciding.send_as_written(session, found, by=ANNA) == 5
    assert await held(database) == {first}


@once
async def test_a_country_that_moves_on_twice_waits_for_one_decision(
    database: Database, moving: Moving, settings: Settings, now: HeldClock
) -> None:
    async with database.transaction() as session:
        await write_steps(session, moving, ANNOUNCED, voted(TODAY))
    now.advance(A_MINUTE)
    async with database.transaction() as session:
        assert await write_steps(session, moving, ANNOUNCED, voted(TODAY), notified(TODAY)) == 0
    [move] = await moves(database)
    assert (move.from_stage, move.to_stage, move.decision) == ("announced", "notified", "")
    assert len(await held(database)) == 6


@once
async def test_a_step_that_is_taken_back_lets_the_letters_go(
    database: Database, moving: Moving, settings: Settings, now: HeldClock
) -> None:
    async with database.transaction() as session:
        await write_steps(session, moving, ANNOUNCED, voted(TODAY))
    now.advance(A_MINUTE)
    async with database.transaction() as session:
        await write_steps(session, moving, ANNOUNCED)
    assert await held(database) == set()
    assert [one.decision for one in await moves(database)] == ["undone"]
    now.advance(A_MINUTE)
    async with database.transaction() as session:
        assert await write_steps(session, moving, ANNOUNCED, voted(TODAY)) == 6
    assert len(await held(database)) == 6


@once
async def test_rehearsal_letters_are_nobodys_decision(database: Database, now: HeldClock) -> None:
    async with database.transaction() as session:
        moving = await make_moving(session)
        await make_queued_letters(session, 2, ground=moving.ground, delivery="rehearsal")
    async with database.transaction() as session:
        assert await write_steps(session, moving, ANNOUNCED, voted(TODAY)) == 0
    assert await held(database) == set()


async def test_an_alert_far_away_is_held_when_its_own_day_comes(
    database: Database, moving: Moving, settings: Settings, now: HeldClock
) -> None:
    async with database.transaction() as session:
        other = await make_moving(session, 2, slug="far-away")
        other.ground.alert.timezone = "America/New_York"
        other.ground.alert.campaign_id = moving.campaign.id
        await session.flush()
        await write_steps(session, moving, ANNOUNCED, voted(TOMORROW))
    seen = []
    for at in (
        datetime(2026, 11, 22, 22, 1, tzinfo=UTC),
        datetime(2026, 11, 23, 4, 59, tzinfo=UTC),
        datetime(2026, 11, 23, 5, 1, tzinfo=UTC),
    ):
        now.at = at
        async with database.transaction() as session:
            await noticing.notice_days(session)
        seen.append(len(await held(database)))
    assert seen == [6, 6, 8]
    assert len(await moves(database)) == 1


@once
async def test_what_would_change_is_known_before_anything_is_written(
    database: Database, moving: Moving
) -> None:
    async with database.transaction() as session:
        steps = [ANNOUNCED, voted(TODAY)]
        [change] = await looking.changes(session, moving.campaign, "EE", steps)
        assert (change.now, change.then, change.waiting) == ("Announced", "Voted", 6)
        [ask] = change.asks
        assert (ask.now, ask.then) == ("- keep the treaty.", "- do not deposit it.")
        later = [ANNOUNCED, voted(TOMORROW)]
        assert await looking.changes(session, moving.campaign, "EE", later) == []
    assert await held(database) == set()


@once
async def test_every_letter_that_was_held_can_say_why(database: Database, moving: Moving) -> None:
    async with database.transaction() as session:
        await write_steps(session, moving, ANNOUNCED, voted(TODAY))
        found = (await session.scalars(select(Freeze))).all()
    assert {one.why for one in found} == {
        "Estonia has moved on to “Voted”: the organisers decide whether the letter goes as it was"
        " written"
    }


async def test_what_is_held_stands_out_of_the_way_and_comes_back_when_it_is_let_go(
    database: Database, moving: Moving, settings: Settings
) -> None:
    """A claim would else look past every letter that waits for a decision."""
    async with database.transaction() as session:
        await write_steps(session, moving, ANNOUNCED, voted(TODAY))
    far = clock.now() + timedelta(days=300)
    assert all(letter.not_before > far for letter in await letters(database))
    async with database.transaction() as session:
        assert await freezes.release(session, scope="letter", ref=1, by=ANNA)
    assert await claimed(database, settings) == [1]
