"""The worker from claim to settled, against real servers and real databases."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update
from structlog.testing import capture_logs

from app import clock
from app.db import Database
from app.delivery import worker
from app.delivery.messages import message
from app.delivery.worker import POLL
from app.models import (
    Attempt,
    Contact,
    Event,
    Freeze,
    Letter,
    LetterTemplate,
    Notice,
    RelayState,
    SandboxMessage,
)
from app.settings import Delivery, Settings, Switch
from tests.grounds.letters import MAIL_DOMAIN, make_alert, make_notice, make_queued_letters
from tests.grounds.rows import all_of, counted, statuses
from tests.grounds.smtp import SmtpServer

THIRTY = 30.0


@pytest.fixture
def live(settings: Settings, smtp_server: SmtpServer) -> Settings:
    """Live delivery through the test's own server: example.org, and loopback only."""
    return settings.model_copy(
        update={
            "delivery": Delivery.LIVE,
            "smtp_url": smtp_server.url,
            "mail_domain": MAIL_DOMAIN,
            "pacing": Switch.OFF,
        }
    )


@asynccontextmanager
async def working(settings: Settings, database: Database) -> AsyncIterator[asyncio.Event]:
    """A worker that runs until the block ends, and then ends as it should."""
    stop = asyncio.Event()
    task = asyncio.create_task(worker.run(settings, database, stop=stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, THIRTY)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(THIRTY):
        while not await holds():  # noqa: ASYNC110  another task's transaction sets no event
            await asyncio.sleep(0.02)


async def until_statuses(database: Database, **expected: int) -> None:
    async def holds() -> bool:
        return await statuses(database) == expected

    await until(holds)


async def queued(database: Database, n: int, **changes: Any) -> list[Letter]:
    async with database.transaction() as session:
        return await make_queued_letters(session, n, **changes)


async def test_what_is_due_lands_in_the_sandbox_and_is_counted(
    database: Database, settings: Settings
) -> None:
    letters = await queued(database, 60)
    async with working(settings, database):
        await until_statuses(database, handed_over=60)
    kept = await all_of(database, SandboxMessage)
    assert sorted(one.message_id for one in kept) == sorted(one.message_id for one in letters)
    assert await counted(database) == {"handed_over": 60}
    attempts = await all_of(database, Attempt)
    assert [(one.number, one.outcome) for one in attempts] == [(1, "taken")] * 60
    assert {one.address for one in attempts} == {
        f"keep-the-treaty-{n}@example.org" for n in range(3)
    }


async def test_notices_leave_before_letters(database: Database, settings: Settings) -> None:
    one_by_one = settings.model_copy(update={"connections": 1})
    async with database.transaction() as session:
        ground = await make_alert(session)
        await make_queued_letters(session, 3, ground=ground)
        await make_notice(session, ground)
    async with working(one_by_one, database):
        await until_statuses(database, handed_over=3)
    first = (await all_of(database, SandboxMessage))[0]
    notice = (await all_of(database, Notice))[0]
    assert (notice.status, notice.message_id) == ("handed_over", first.message_id)


async def test_in_the_sandbox_nothing_leaves_even_where_a_relay_is_set(
    database: Database, settings: Settings, smtp_server: SmtpServer
) -> None:
    async with database.transaction() as session:
        ground = await make_alert(session)
        await make_queued_letters(session, 1, ground=ground)
        await make_queued_letters(session, 1, ground=ground, delivery="live")
    async with working(settings.model_copy(update={"smtp_url": smtp_server.url}), database):
        await until_statuses(database, handed_over=1, queued=1)
    assert smtp_server.connections == 0


async def test_a_live_worker_leaves_practice_alone(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    async with database.transaction() as session:
        ground = await make_alert(session)
        await make_queued_letters(session, 1, ground=ground)
        await make_queued_letters(session, 1, ground=ground, delivery="live")
    async with working(live, database):
        await until_statuses(database, handed_over=1, queued=1)
    assert len(smtp_server.received) == 1
    assert await all_of(database, SandboxMessage) == []


async def test_a_reflected_letter_goes_to_its_supporter(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    await queued(database, 1, delivery="reflect", email="mari@example.org")
    async with working(live.model_copy(update={"delivery": Delivery.REFLECT}), database):
        await until_statuses(database, handed_over=1)
    assert smtp_server.asked == ["mari@example.org"]
    assert (await all_of(database, Attempt))[0].address == "mari@example.org"


async def test_each_answer_of_a_server_ends_as_the_status_table_says(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    await queued(database, 3, delivery="live")
    smtp_server.rejects("550 5.1.1 no such user", to="keep-the-treaty-0@example.org")
    smtp_server.answers("451 4.7.1 try later", to="keep-the-treaty-1@example.org")
    async with working(live, database):
        await until_statuses(database, rejected=1, queued=1, handed_over=1)
    words = {one.outcome: (one.code, one.reply) for one in await all_of(database, Attempt)}
    assert words["rejected"] == (550, "5.1.1 no such user")
    assert words["deferred"] == (451, "4.7.1 try later")
    assert words["taken"][0] == 250


async def test_a_letter_that_renders_otherwise_than_confirmed_does_not_leave(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    await queued(database, 2, delivery="live")
    async with database.transaction() as session:
        changed = "My grandmother still remembers the mines, and so do I."
        await session.execute(
            text("UPDATE submission SET own_words = :words WHERE id = 1"), {"words": changed}
        )
    async with working(live, database):
        await until_statuses(database, failed=1, handed_over=1)
    assert len(smtp_server.received) == 1
    events = await all_of(database, Event, Event.what == "failed")
    assert [event.note for event in events] == ["renders otherwise than confirmed"]


async def test_a_broken_template_fails_its_letters_and_says_where(
    database: Database, settings: Settings
) -> None:
    await queued(database, 1)
    async with database.transaction() as session:
        await session.execute(update(LetterTemplate).values(source="no fence"))
    async with working(settings, database):
        await until_statuses(database, failed=1)
    assert "EE.en, line 1" in (await all_of(database, Attempt))[0].reply


async def test_a_letter_that_breaks_its_sender_goes_an_hour_ahead_and_the_rest_goes_on(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = await queued(database, 10)
    compose = message.of_letter

    def breaks(claim: Any, *arguments: Any) -> message.Message:
        if claim.letter.id == letters[0].id:
            raise KeyError(claim.submission.name)
        return compose(claim, *arguments)

    monkeypatch.setattr(message, "of_letter", breaks)
    async with working(settings, database):
        await until_statuses(database, queued=1, handed_over=9)
    broken = (await all_of(database, Letter))[0]
    assert broken.not_before > clock.now() + timedelta(minutes=50)
    reply = (await all_of(database, Attempt, Attempt.letter_id == broken.id))[0].reply
    assert reply.startswith("KeyError in breaks")
    assert "Mari" not in reply


async def test_a_worker_told_to_stop_finishes_what_it_began_and_gives_back_the_rest(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    await queued(database, 6, delivery="live")
    smtp_server.seconds_per_message = 0.5
    two_at_once = live.model_copy(update={"connections": 2})
    async with working(two_at_once, database) as stop:

        async def two_begun() -> bool:
            return len(smtp_server.asked) == 2

        await until(two_begun)
        stop.set()
    assert await statuses(database) == {"handed_over": 2, "queued": 4}
    rest = await all_of(database, Letter, Letter.status == "queued")
    assert {(one.attempts, one.worker) for one in rest} == {(0, "")}
    assert smtp_server.open == 0


async def test_a_lease_that_is_nearly_out_is_not_begun(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    await queued(database, 2, delivery="live")
    smtp_server.seconds_per_message = 0.5
    one_by_one = live.model_copy(update={"connections": 1})
    with clock.held(clock.now()) as time:
        async with working(one_by_one, database):

            async def one_begun() -> bool:
                return len(smtp_server.asked) == 1

            await until(one_begun)
            time.advance(timedelta(seconds=live.lease_seconds - 10))
            await until_statuses(database, handed_over=2)
    notes = [event.note for event in await all_of(database, Event, Event.what == "queued")]
    assert notes.count("not begun; given back") == 1
    assert len(smtp_server.received) == 2


async def test_an_answer_outlives_a_database_that_is_away(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    await queued(database, 5, delivery="live")
    async with database.transaction() as session:
        await session.execute(text("ALTER TABLE day_count RENAME TO away"))
    async with working(live, database):
        await smtp_server.has_received(5)
        await asyncio.sleep(0.3)
        assert await statuses(database) == {"sending": 5}
        async with database.transaction() as session:
            await session.execute(text("ALTER TABLE away RENAME TO day_count"))
        await until_statuses(database, handed_over=5)
    assert len(await all_of(database, Attempt)) == 5
    assert len(smtp_server.received) == 5


async def test_a_paced_worker_sends_one_letter_to_a_mailbox_and_waits(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    paced = live.model_copy(update={"pacing": Switch.ON, "per_host_hour": 36_000})
    with clock.held(datetime(2027, 11, 24, 8, tzinfo=UTC)):  # a Wednesday, ten in Tallinn
        await queued(database, 9, delivery="live")
        async with working(paced, database):
            await until_statuses(database, handed_over=3, queued=6)
    assert sorted(smtp_server.asked) == [f"keep-the-treaty-{n}@example.org" for n in range(3)]


async def test_a_worker_takes_up_what_a_lost_one_held(
    database: Database, settings: Settings
) -> None:
    await queued(database, 3)
    async with database.transaction() as session:
        await session.execute(
            update(Letter).values(
                status="sending",
                worker="gone:1:abc",
                attempts=1,
                lease_until=clock.now() - timedelta(seconds=1),
            )
        )
    async with working(settings, database):
        await until_statuses(database, handed_over=3)
    assert {one.number for one in await all_of(database, Attempt)} == {2}


async def test_a_relay_that_does_not_let_us_in_rests_and_its_letters_are_not_tried(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    await queued(database, 4, delivery="live")
    smtp_server.greets("421 4.3.2 not now")

    async def relay() -> RelayState:
        async with database.reading() as session:
            return await session.scalar(select(RelayState)) or RelayState(why="")

    with clock.held(clock.now()) as time:
        async with working(live, database):

            async def known() -> bool:
                return (await relay()).why == "connect: 4.3.2 not now"

            await until(known)
            await until_statuses(database, queued=4)
            refused = smtp_server.connections
            assert refused <= live.connections
            await asyncio.sleep(POLL)  # whoever was still being refused has told so by now
            smtp_server.agrees()
            time.advance(timedelta(seconds=20))
            await until_statuses(database, handed_over=4)
    assert len(smtp_server.received) == 4
    assert {one.number for one in await all_of(database, Attempt)} == {1}, "none tried in vain"
    assert ((await relay()).failures, (await relay()).retry_at) == (0, None)


async def test_what_goes_to_nobody_waits_for_a_review(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    """The first letter is lost; the others would only be lost as well. There are more of them than
    one worker can have in its hands before it has written down the first."""
    one_by_one = live.model_copy(update={"connections": 1})
    smtp_server.rejects("550 5.1.1 no such user", to="keep-the-treaty-0@example.org")
    await queued(database, 300, delivery="live")
    async with working(one_by_one, database):

        async def rest_is_sent() -> bool:
            return (await statuses(database)).get("handed_over") == 200

        await until(rest_is_sent)
    found = await statuses(database)
    assert found["rejected"] < 100
    assert found["rejected"] + found["queued"] == 100
    (marked,) = await all_of(database, Contact, Contact.review_at.is_not(None))
    assert marked.review_why == "5.1.1 no such user"
    (hold,) = await all_of(database, Freeze)
    assert (hold.scope, hold.ref) == ("contact", marked.id)


async def test_ten_policy_refusals_in_an_hour_freeze_the_host_in_its_own_words(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    one_by_one = live.model_copy(update={"connections": 1})
    smtp_server.answers("550 5.7.1 too many like this", at="DATA")
    await queued(database, 60, delivery="live")
    async with working(one_by_one, database):

        async def frozen() -> bool:
            return len(await all_of(database, Freeze)) == 1

        await until(frozen)
        await asyncio.sleep(POLL)
        (hold,) = await all_of(database, Freeze)
        assert (hold.scope, hold.why) == ("host", "5.7.1 too many like this")
    found = await statuses(database)
    assert 10 <= found["rejected"] < 60
    assert found["queued"] == 60 - found["rejected"]


async def test_workers_with_mixed_endings_do_not_hold_each_other_up(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    async with database.transaction() as session:
        ground = await make_alert(session, targets=6)
        await make_queued_letters(session, 150, ground=ground, delivery="live")
    smtp_server.rejects("550 5.3.0 not today", to="keep-the-treaty-0@example.org")
    smtp_server.answers("451 4.7.1 try later", to="keep-the-treaty-3@example.org")
    smtp_server.rejects("550 5.2.1 disabled", to="keep-the-treaty-5@example.org")
    with capture_logs() as lines:
        async with working(live, database), working(live, database), working(live, database):
            await until_statuses(database, handed_over=75, rejected=50, queued=25)
    assert [line for line in lines if line["event"].startswith("could not")] == []
    assert await counted(database) == await statuses(database)
