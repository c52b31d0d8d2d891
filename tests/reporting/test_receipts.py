"""A supporter's letters: where each is, what the server said, why one waits."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event, insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import Database
from app.errors import Missing
from app.models import Attempt, Contact, LetterTemplate, Returned
from app.outbox import freezes, queue
from app.reporting import receipts
from tests.grounds.databases import once
from tests.grounds.letters import make_alert
from tests.outbox import one_form
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
            queue_id="",
            began_data=False,
        )
    )


@once
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
    assert left.taken is not None
    assert (left.tries, left.taken.reply, left.sealed) == (2, "250 taken", False)
    assert [line.what for line in left.events] == ["held", "queued", "handed_over"]
    assert (waiting.status, waiting.last) == ("queued", None)


@once
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


@once
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


@once
async def test_a_letter_that_broke_off_in_the_middle_may_have_arrived_until_one_took_it(
    database: Database,
) -> None:
    async with database.transaction() as session:
        made = await make_alert(session, targets=2)
        submission, letters = await one_form.make_form(session, made)
        for letter in letters:
            await one_form.attempt(session, letter, "deferred", code=None, began_data=True)
        await one_form.attempt(session, letters[1], "taken", number=2)
        first, second = await receipts.of_submission(session, submission.id)
    assert [(one.in_doubt, one.taken is None) for one in (first, second)] == [
        (True, True),
        (False, False),
    ]


async def test_a_receipt_has_the_text_every_attempt_and_what_servers_reported(
    database: Database,
) -> None:
    async with database.transaction() as session:
        made = await make_alert(session, targets=2)
        submission, (letter, other) = await one_form.make_form(session, made)
        await one_form.attempt(session, letter, "deferred", code=451, reply="4.7.1 later")
        await one_form.attempt(session, letter, "taken", number=2, address="old@example.org")
        await one_form.attempt(session, other, "taken")
        await one_form.end(session, letter, queue.HANDED_OVER)
        for kind, words in (("report", "2.0.0 taken"), ("reply", ""), ("automatic", "away")):
            session.add(
                Returned(
                    received_at=NOON, kind=kind, letter_id=letter, action="relayed", reply=words
                )
            )
        await session.flush()
        found = await receipts.of_letter(session, letter)
    assert (found.submission_id, found.address) == (submission.id, "old@example.org")
    assert (found.line.status, found.line.sealed) == ("handed_over", True)
    assert found.text is not None
    assert "My grandmother still remembers the mines." in found.text.body
    assert [(one.number, one.outcome) for one in found.attempts] == [(1, "deferred"), (2, "taken")]
    assert [one.reply for one in found.returned] == ["2.0.0 taken"]


async def test_a_text_that_renders_otherwise_is_not_shown_as_what_left(database: Database) -> None:
    async with database.transaction() as session:
        made = await make_alert(session, targets=1)
        _, (letter,) = await one_form.make_form(session, made)
        assert (await receipts.of_letter(session, letter)).text is not None
        assert (
            await receipts.of_letter(session, letter)
        ).address == "keep-the-treaty-0@example.org"
        for source in (made.template.source + "\nP.S.", "{{ broken"):
            await session.execute(update(LetterTemplate).values(source=source))
            assert (await receipts.of_letter(session, letter)).text is None


async def test_what_was_never_confirmed_has_no_receipt(database: Database) -> None:
    async with database.transaction() as session:
        grounds = await an_alert(session)
        (held,) = await write(session, grounds, "one", queue.HELD)
        for letter in (held, 99_999):
            with pytest.raises(Missing):
                await receipts.of_letter(session, letter)
