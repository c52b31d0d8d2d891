"""An organiser decides about held letters: they go as they were written, or are called off."""

from sqlalchemy import update

from app import chores
from app.campaigns.stage_moves import deciding
from app.clock import HeldClock
from app.db import Database
from app.delivery import attempt
from app.models import Alert, Event, Letter, Notice, StageMove
from app.outbox import claims, notices, queue
from app.reporting import recount
from app.settings import Settings
from app.wording.notices import write
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
    voted,
    write_steps,
)
from tests.grounds.databases import once
from tests.grounds.rows import all_of, counted, statuses


async def agree(database: Database, moving: Moving) -> None:
    """The kept counts are what a recount finds."""
    assert await counted(database) == await statuses(database)
    async with database.reading() as session:
        found = await recount.differences(session, moving.ground.alert.id)
    # nobody of the ground's supporters went through the door that counts them
    assert [one for one in found if not one.startswith("supporters")] == []


@once
async def test_as_written_means_that_they_leave_and_are_not_held_again(
    database: Database, moving: Moving, settings: Settings, now: HeldClock
) -> None:
    async with database.transaction() as session:
        await write_steps(session, moving, ANNOUNCED, voted(TODAY))
    [move] = await moves(database)
    async with database.transaction() as session:
        found = await session.get_one(StageMove, move.id)
        assert await deciding.send_as_written(session, found, by=ANNA) == 6
        assert await deciding.send_as_written(session, found, by=ANNA) is None
        done = await deciding.call_off(session, found, by=ANNA, mail_domain="x.example")
        assert done is None
    for _ in range(3):
        now.advance(A_MINUTE)
        await chores.do_all(settings, database)
    assert await held(database) == set()
    assert len(await claimed(database, settings)) == 6
    assert [one.what for one in await all_of(database, Event)].count("released") == 6
    await agree(database, moving)


@once
async def test_what_is_called_off_is_cancelled_and_its_supporters_are_told_once(
    database: Database, moving: Moving, settings: Settings
) -> None:
    async with database.transaction() as session:
        twice = (await letters(database))[:2]
        # two letters of one form: one mail
        await session.execute(
            update(Letter)
            .where(Letter.id == twice[1].id)
            .values(submission_id=twice[0].submission_id)
        )
        await write_steps(session, moving, ANNOUNCED, voted(TODAY))
    [move] = await moves(database)
    async with database.transaction() as session:
        found = await session.get_one(StageMove, move.id)
        done = await deciding.call_off(session, found, by=ANNA, mail_domain="x.example")
        assert done == deciding.CalledOff(6, 0)
        again = await deciding.call_off(session, found, by=ANNA, mail_domain="x.example")
        assert again is None
    assert await statuses(database) == {"cancelled": 6}
    assert await held(database) == set()
    put = await all_of(database, Notice)
    assert [one.kind for one in put] == ["stage_moved"] * 5
    [move] = await moves(database)
    assert (move.decision, move.decided_by) == ("cancelled", ANNA)
    await agree(database, moving)


@once
async def test_the_mail_says_what_happened_where_it_is_known_from_and_what_to_do(
    database: Database, moving: Moving, settings: Settings
) -> None:
    async with database.transaction() as session:
        await write_steps(session, moving, ANNOUNCED, voted(TODAY))
    [move] = await moves(database)
    async with database.transaction() as session:
        found = await session.get_one(StageMove, move.id)
        await deciding.call_off(session, found, by=ANNA, mail_domain="x.example")
    async with database.transaction() as session:
        claimed = await notices.claim(
            session, worker="w", delivery="sandbox", limit=1, lease=A_MINUTE
        )
        [one] = claimed
        assert isinstance(one, notices.NoticeClaim)
        text = write(one.notice, one.submission, one.letters, moved=one.moved, settings=settings)
        assert attempt.write(one, settings).rcpt_to == one.submission.email
    words = " ".join(text.body.split())
    said = "Your letter was not sent: Estonia has moved on, and a new one is ready"
    assert text.subject == said
    for said in (
        "something has happened in Estonia: Voted, 22 November 2026.",
        "Parliament voted to leave.",
        "Source: The record of the sitting https://example.org/vote",
        "it was not sent, and it is not counted. It was to: - keep-the-treaty office",
        "This is practice: nothing left this machine.",
        f"{settings.public_url}/alerts/keep-the-treaty",
    ):
        assert said in words


@once
async def test_the_mail_of_an_alert_that_has_ended_offers_no_letter(
    database: Database, moving: Moving, settings: Settings
) -> None:
    async with database.transaction() as session:
        await session.execute(update(Alert).values(state="closed"))
        await write_steps(session, moving, ANNOUNCED, voted(TODAY))
    [move] = await moves(database)
    async with database.transaction() as session:
        found = await session.get_one(StageMove, move.id)
        await deciding.call_off(session, found, by=ANNA, mail_domain="x.example")
        await session.flush()
        [one] = await notices.claim(
            session, worker="w", delivery="sandbox", limit=1, lease=A_MINUTE
        )
        assert isinstance(one, notices.NoticeClaim)
        text = write(one.notice, one.submission, one.letters, moved=one.moved, settings=settings)
    assert text.subject == "Your letter was not sent: Estonia has moved on"
    assert "takes no new letters any more" in " ".join(text.body.split())
    assert "/alerts/keep-the-treaty" not in text.body


async def test_what_was_at_a_server_when_it_was_called_off_is_called_off_when_it_comes_back(
    database: Database, moving: Moving, settings: Settings, now: HeldClock
) -> None:
    leaving = await claimed(database, settings, limit=3)
    async with database.transaction() as session:
        await write_steps(session, moving, ANNOUNCED, voted(TODAY))
    [move] = await moves(database)
    async with database.transaction() as session:
        found = await session.get_one(StageMove, move.id)
        done = await deciding.call_off(session, found, by=ANNA, mail_domain="x.example")
    assert done == deciding.CalledOff(3, 3)
    left, *back = leaving
    async with database.transaction() as session:
        await queue.move(
            session, [Letter.id == left], frm=queue.SENDING, to=queue.HANDED_OVER, by="w"
        )
        await claims.give_back(session, "w", back)
    now.advance(A_MINUTE)
    assert await claimed(database, settings) == []
    await chores.do_all(settings, database)
    assert await statuses(database) == {"cancelled": 5, "handed_over": 1}
    assert await held(database) == set()
    [move] = await moves(database)
    assert move.decision == "cancelled"
    told = (Notice.kind == "stage_moved",)
    assert len(await all_of(database, Notice, *told)) == 5
    await agree(database, moving)


async def test_a_move_whose_letters_have_all_ended_wants_no_decision(
    database: Database, moving: Moving, settings: Settings, now: HeldClock
) -> None:
    async with database.transaction() as session:
        await write_steps(session, moving, ANNOUNCED, voted(TODAY))
    now.advance(A_MINUTE)
    await chores.do_all(settings, database)
    assert [one.decision for one in await moves(database)] == [""]
    async with database.transaction() as session:
        everything = [Letter.alert_id == moving.ground.alert.id]
        await queue.move(session, everything, frm=queue.QUEUED, to=queue.CANCELLED, by="supporter")
    await chores.do_all(settings, database)
    assert [one.decision for one in await moves(database)] == ["over"]
    assert await held(database) == set()
