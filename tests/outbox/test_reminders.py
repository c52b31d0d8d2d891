"""One reminder, a day after the form, to those who would still want it; and never a second."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest_asyncio
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import Database
from app.models import Alert, Letter, Notice, NoticeKind, Submission
from app.outbox import freezes, notices, queue, suppressions
from app.outbox.notices import NoticeClaim
from app.settings import Settings
from tests.grounds.letters import MAIL_DOMAIN, STAGE, Ground, make_alert, make_submission
from tests.grounds.rows import all_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
A_DAY = timedelta(days=1)
A_WEEK = timedelta(days=7)


@pytest_asyncio.fixture
async def made(database: Database) -> Ground:
    async with database.transaction() as session:
        return await make_alert(session, targets=2)


async def form(
    session: AsyncSession, made: Ground, *, letters: int = 2, **changes: Any
) -> Submission:
    """An unconfirmed form whose letters wait."""
    submission = await make_submission(session, made, **({"confirmed_at": None} | changes))
    rows = [
        {
            "submission_id": submission.id,
            "alert_id": submission.alert_id,
            "target_id": target.id,
            "person_key": submission.person_key,
            "delivery": submission.delivery,
            "template_id": made.template.id,
            "stage": STAGE,
            "message_id": f"<{secrets.token_hex(14)}@{MAIL_DOMAIN}>",
        }
        for target in made.targets[:letters]
    ]
    if rows:
        await queue.hold(session, rows, by="test")
    return submission


async def one_form(database: Database, made: Ground, **changes: Any) -> Submission:
    async with database.transaction() as session:
        return await form(session, made, **changes)


async def reminded(database: Database, settings: Settings) -> int:
    async with database.transaction() as session:
        return await notices.remind(session, settings, waited=A_WEEK)


async def claimed(database: Database, delivery: str = "sandbox") -> list[NoticeClaim]:
    async with database.transaction() as session:
        found = await notices.claim(
            session, worker="w", delivery=delivery, limit=50, lease=timedelta(hours=1)
        )
    return [one for one in found if isinstance(one, NoticeClaim)]


async def reminders(database: Database) -> list[tuple[int, str]]:
    found = await all_of(database, Notice, Notice.kind == NoticeKind.REMINDER)
    return [(one.submission_id, one.status) for one in found]


async def test_it_is_put_a_day_after_the_form_and_once_by_however_many_workers(
    database: Database, made: Ground, settings: Settings
) -> None:
    with clock.held(NOON) as held:
        mine = await one_form(database, made)
        held.advance(A_DAY - timedelta(seconds=1))
        assert await reminded(database, settings) == 0
        held.advance(timedelta(seconds=1))
        put = await asyncio.gather(*(reminded(database, settings) for _ in range(3)))
        assert sum(put) == 1
        assert await reminded(database, settings) == 0
        assert await reminders(database) == [(mine.id, "queued")]
        (claim,) = await claimed(database)
        assert [one.name for one in claim.waiting] == ["Estonia", "Estonia"]
        held.advance(timedelta(days=2))
        assert await reminded(database, settings) == 0
    assert await reminders(database) == [(mine.id, "sending")]


async def test_it_is_not_put_to_those_who_would_not_want_it(
    database: Database, made: Ground, settings: Settings
) -> None:
    with clock.held(NOON) as held:
        async with database.transaction() as session:
            wanted = await form(session, made)
            await form(session, made, confirmed_at=NOON)
            await form(session, made, erased_at=NOON)
            await form(session, made, letters=0)
            await form(session, made, expires_at=NOON + timedelta(hours=1))
            barred = await form(session, made)
            await suppressions.suppress(session, barred.email.upper(), why="asked", by="anna")
            twice = await form(session, made)
            again = await form(session, made, person_key=twice.person_key)
            elsewhere = await form(session, made)
            await form(session, made, person_key=elsewhere.person_key, confirmed_at=NOON)
            enough = await form(session, made)
            await form(session, made, delivery="live")
            rehearsed = await form(session, made, delivery="rehearsal")
        held.advance(A_DAY)
        async with database.transaction() as session:
            for _ in range(3):
                await notices.put(session, enough, NoticeKind.CONFIRM, mail_domain=MAIL_DOMAIN)
        assert await reminded(database, settings) == 2
        assert {one for one, _ in await reminders(database)} == {wanted.id, again.id}
        async with database.transaction() as session:
            await session.execute(update(Alert).values(state="rehearsal"))
        assert await reminded(database, settings) == 1
        assert (rehearsed.id, "queued") in await reminders(database)


async def test_an_alert_that_ended_still_reminds_and_one_that_rests_or_was_won_does_not(
    database: Database, made: Ground, settings: Settings
) -> None:
    with clock.held(NOON) as held:
        await one_form(database, made)
        held.advance(A_DAY)
        for changes in ({"ending": "won"}, {"state": "archived"}, {"state": "draft"}):
            async with database.transaction() as session:
                plain = {"state": "published", "ending": ""}
                await session.execute(update(Alert).values(**(plain | changes)))
            assert await reminded(database, settings) == 0
        async with database.transaction() as session:
            await session.execute(update(Alert).values(state="closed", closes_at=NOON))
            await freezes.freeze(session, scope="alert", ref=made.alert.id, why="x", by="anna")
        assert await reminded(database, settings) == 0
        async with database.transaction() as session:
            await freezes.release(session, scope="alert", ref=made.alert.id, by="anna")
        assert await reminded(database, settings) == 1


async def test_a_person_is_reminded_once_of_an_alert_and_of_one_alert_at_a_time(
    database: Database, made: Ground, settings: Settings
) -> None:
    with clock.held(NOON) as held:
        async with database.transaction() as session:
            first = await form(session, made)
            other = await make_alert(session, slug="another", targets=1)
            await form(session, other, person_key=first.person_key)
        held.advance(A_DAY)
        assert [await reminded(database, settings) for _ in range(3)] == [1, 1, 0]
        async with database.transaction() as session:
            await form(session, made, person_key=first.person_key)
        held.advance(A_DAY)
        assert await reminded(database, settings) == 0
    assert len(await reminders(database)) == 2


async def test_one_that_has_nothing_to_remind_of_any_more_is_called_off(
    database: Database, made: Ground, settings: Settings
) -> None:
    with clock.held(NOON) as held:
        confirmed = await one_form(database, made)
        withdrawn = await one_form(database, made)
        waiting = await one_form(database, made)
        held.advance(A_DAY)
        assert await reminded(database, settings) == 3
        async with database.transaction() as session:
            which = Submission.id == confirmed.id
            await session.execute(update(Submission).where(which).values(confirmed_at=NOON))
            theirs = [Letter.submission_id == withdrawn.id]
            await queue.move(session, theirs, frm=queue.HELD, to=queue.CANCELLED, by="test")
        assert [one.submission.id for one in await claimed(database)] == [waiting.id]
    assert await reminders(database) == [
        (confirmed.id, "cancelled"),
        (withdrawn.id, "cancelled"),
        (waiting.id, "sending"),
    ]


async def test_it_counts_among_three_a_day(
    database: Database, made: Ground, settings: Settings
) -> None:
    with clock.held(NOON) as held:
        mine = await one_form(database, made)
        held.advance(A_DAY)
        assert await reminded(database, settings) == 1
        async with database.transaction() as session:
            put = [
                await notices.put(session, mine, NoticeKind.CONFIRM, mail_domain=MAIL_DOMAIN)
                for _ in range(3)
            ]
    assert put == [True, True, False]
