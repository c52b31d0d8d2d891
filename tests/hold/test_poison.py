"""One letter that cannot be written or kills its worker ends as failed, and holds nobody back."""

from datetime import timedelta

from sqlalchemy import update

from app import clock
from app.db import Database
from app.models import Attempt, Event, Letter, LetterTemplate
from app.outbox import claims
from app.settings import Settings
from tests.grounds.letters import make_alert, make_queued_letters
from tests.grounds.rows import all_of, counted, statuses
from tests.grounds.smtp import SmtpServer
from tests.grounds.working import until, working

AN_HOUR = timedelta(hours=1)
LEASE = timedelta(minutes=5)


async def poisoned(database: Database) -> Letter:
    """Six letters to three offices, of which the first one's template breaks after queueing."""
    async with database.transaction() as session:
        made = await make_alert(session)
        letters = await make_queued_letters(session, 6, ground=made, delivery="live")
        columns = LetterTemplate.__table__.columns
        alike = {one.key: getattr(made.template, one.key) for one in columns if one.key != "id"}
        broken = LetterTemplate(**alike | {"revision": 2, "source": "no fence, {{ and no end"})
        session.add(broken)
        await session.flush()
        poison = letters[0]
        await session.execute(
            update(Letter).where(Letter.id == poison.id).values(template_id=broken.id)
        )
    return poison


async def test_a_template_broken_after_queueing_fails_its_letter_and_holds_nobody_back(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    poison = await poisoned(database)
    one_by_one = live.model_copy(update={"connections": 1})
    async with working(one_by_one, database):

        async def settled() -> bool:
            return await counted(database) == {"failed": 1, "handed_over": 5}

        await until(settled)
    (broken,) = await all_of(database, Letter, Letter.status == "failed")
    assert broken.id == poison.id
    assert poison.message_id.encode() not in b"".join(one.raw for one in smtp_server.received)


async def test_what_broke_it_can_be_read_in_its_history(database: Database, live: Settings) -> None:
    poison = await poisoned(database)
    async with working(live, database):

        async def failed() -> bool:
            return (await statuses(database)).get("failed") == 1

        await until(failed)
    (attempt,) = await all_of(database, Attempt, Attempt.letter_id == poison.id)
    assert (attempt.outcome, attempt.code, attempt.host) == ("failed", None, "")
    assert "EE.en, line 1" in attempt.reply
    (event,) = await all_of(database, Event, Event.what == "failed")
    assert (event.letter_id, event.note) == (poison.id, attempt.reply)


async def test_a_letter_that_kills_its_worker_is_put_ahead_and_the_third_time_failed(
    database: Database, live: Settings
) -> None:
    """A worker that dies leaves no attempt on record: only its leases run out."""
    async with database.transaction() as session:
        made = await make_alert(session, targets=1)
        (poison,) = await make_queued_letters(session, 1, ground=made, delivery="live")
    waits = []
    with clock.held(clock.now()) as held:
        for _ in range(claims.CRASHES):
            async with database.transaction() as session:
                (claimed,) = await claims.claim(
                    session, worker="w", delivery="live", limit=9, lease=LEASE, settings=live
                )
            assert claimed.letter.id == poison.id
            held.advance(LEASE + timedelta(seconds=1))
            async with database.transaction() as session:
                assert await claims.recover(session, by="another") == 1
            (letter,) = await all_of(database, Letter)
            waits.append((letter.status, letter.not_before - held.at))
            held.advance(letter.not_before - held.at)
    assert waits == [("queued", timedelta()), ("queued", AN_HOUR), ("failed", timedelta())]
    assert await counted(database) == {"failed": 1}
    assert (await all_of(database, Event))[-1].note == "its worker was lost; it may have been sent"
