"""A supporter's letters: where each is, what the server said, why one waits."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import event, insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import Database
from app.models import Attempt, Contact
from app.outbox import freezes, queue
from app.reporting import receipts
from tests.reporting.rows import a_submission, an_alert, write

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def attempt(session: AsyncSession, letter_id: int, number: int, reply: str) -> None:
    await session.execute(
        insert(Attempt).values(
            letter_id=letter_id,
            number=number,
            worker="w",
            started_at=NOON,
            ended_at=NOON + timedelta(seconds=number),
            outcome="deferred" if reply.startswith("4") else "taken",
            address="pm@example.org",
            host="mx.example.org",
            tls="TLSv1.3",
            code=int(reply[:3]),
            enhanced="",
            reply=reply,
        )
    )


async def test_a_line_has_the_last_attempt_and_the_whole_history(database: Database) -> None:
    async with database.transaction() as session:
        with clock.held(NOON):
            grounds = await an_alert(session)
            first, _ = await write(session, grounds, "one", queue.HANDED_OVER, queue.QUEUED)
            await attempt(session, first, 1, "451 later")
            await attempt(session, first, 2, "250 taken")
    async with database.reading() as session:
        waiting, left = await receipts.of_submission(session, grounds.submissions[0].id)
    assert (left.letter_id, left.country, left.office) == (first, "EE", "Prime Minister (stop)")
    assert (left.status, left.status_at, left.institution) == (
        "handed_over",
        NOON,
        "An Institution",
    )
    assert left.last is not None
    assert (left.last.reply, left.last.host, left.last.tls) == (
        "250 taken",
        "mx.example.org",
        "TLSv1.3",
    )
    assert [line.what for line in left.events] == ["held", "queued", "handed_over"]
    assert (waiting.status, waiting.last) == ("queued", None)


async def test_a_frozen_letter_says_why_it_waits_and_one_that_left_does_not(
    database: Database,
) -> None:
    async with database.transaction() as session:
        grounds = await an_alert(session)
        _, second = await write(session, grounds, "one", queue.HANDED_OVER, queue.QUEUED)
        contact = grounds.contacts[1]
        for scope, ref, why in (
            ("contact", contact.id, "the address is being checked"),
            ("alert", grounds.alert.id, "the parliament voted"),
            ("letter", second, "an old hold"),
        ):
            await freezes.freeze(session, scope=scope, ref=ref, why=why, by="anna@example.org")
        await freezes.release(session, scope="letter", ref=second, by="anna@example.org")
        await freezes.freeze(session, scope="alert", ref=999, why="another alert", by="anna")
        waiting, left = await receipts.of_submission(session, grounds.submissions[0].id)
        assert waiting.frozen
        assert not left.frozen
        await freezes.release(session, scope="contact", ref=contact.id, by="anna@example.org")
        waiting, _ = await receipts.of_submission(session, grounds.submissions[0].id)
        assert waiting.frozen, "the hold on its alert still stands"
        await freezes.release(session, scope="alert", ref=grounds.alert.id, by="anna@example.org")
        waiting, _ = await receipts.of_submission(session, grounds.submissions[0].id)
        assert not waiting.frozen


async def test_a_live_letter_to_an_unchecked_address_says_so(database: Database) -> None:
    async with database.transaction() as session:
        grounds = await an_alert(session)
        await write(session, grounds, "one", queue.QUEUED, queue.QUEUED, delivery="live")
        await write(session, grounds, "one", queue.QUEUED, delivery="sandbox")
        await session.execute(
            update(Contact).filter_by(id=grounds.contacts[0].id).values(checked_on=date(2026, 3, 1))
        )
    live, practice = grounds.submissions
    async with database.reading() as session:
        unchecked, checked = await receipts.of_submission(session, live.id)
        [sandbox] = await receipts.of_submission(session, practice.id)
    assert [unchecked.unchecked, checked.unchecked, sandbox.unchecked] == [True, False, False]


async def test_a_form_without_letters_has_no_lines(database: Database) -> None:
    async with database.transaction() as session:
        grounds = await an_alert(session)
        submission = await a_submission(session, grounds, "one")
        assert await receipts.of_submission(session, submission.id) == []


async def test_two_queries_whatever_the_number_of_letters(database: Database) -> None:
    async with database.transaction() as session:
        grounds = await an_alert(session)
        await write(session, grounds, "one", queue.ACCEPTED, queue.BOUNCED)
    said: list[str] = []

    def listen(connection: object, cursor: object, statement: str, *rest: object) -> None:
        said.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", listen)
    async with database.reading() as session:
        assert len(await receipts.of_submission(session, grounds.submissions[0].id)) == 2
    assert len([statement for statement in said if statement.startswith("SELECT")]) == 2
