"""Counting the rows again agrees with what was kept, and names what does not."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import update

from app import clock
from app.db import Database
from app.letters.told import openings
from app.models import DayCount, SendCount, SupporterCount, ToldCount
from app.outbox import queue
from app.reporting import recount
from app.settings import Settings
from tests.reporting.rows import ROADS, Grounds, an_alert, another_alert, walk, write

# seven too many, and what is said of it
PLANTED: tuple[tuple[Any, dict[str, Any], str], ...] = (
    (
        SendCount,
        {"status": "rejected", "delivery": "live"},
        "EE, Prime Minister (stop) (live), rejected: 8 kept, 1 letters",
    ),
    (
        DayCount,
        {"status": "handed_over", "delivery": "sandbox", "day": date(2026, 3, 3)},
        "2026-03-03 (sandbox), handed_over: 11 kept, 4 in the letters' history",
    ),
    (
        SupporterCount,
        {"scope": "alert", "delivery": "sandbox"},
        "supporters of the alert (sandbox): 18 kept, 11 with a confirmed letter",
    ),
    (
        SupporterCount,
        {"scope": "campaign", "delivery": "live"},
        "supporters of the campaign (live): 14 kept, 7 with a confirmed letter",
    ),
)


async def lived_through(database: Database) -> Grounds:
    """Every ending there is, over three days, two deliveries and two alerts of a campaign."""
    async with database.transaction() as session:
        with clock.held(datetime(2026, 3, 2, 20, tzinfo=UTC)) as time:
            grounds = await an_alert(session)
            other = await another_alert(session, grounds.campaign, "other")
            for person, end in enumerate(ROADS):
                await write(session, grounds, f"person {person}", end, queue.HANDED_OVER)
                await write(session, grounds, f"person {person}", end, delivery="live")
                time.advance(timedelta(hours=6))
            await write(session, other, "person 1", queue.ACCEPTED)
            [failed] = await write(session, grounds, "one more", queue.FAILED)
            time.advance(timedelta(days=1))
            # queued and sent a second time: the day of `queued` stays its first
            await walk(session, failed, queue.QUEUED, queue.SENDING, queue.QUEUED)
    return grounds


async def test_what_the_queue_keeps_is_what_the_rows_say_and_a_difference_is_named(
    database: Database,
) -> None:
    grounds = await lived_through(database)
    async with database.reading() as session:
        assert await recount.differences(session, grounds.alert.id) == []
    for table, row, sentence in PLANTED:
        async with database.transaction() as session:
            await session.execute(update(table).filter_by(**row).values(n=table.n + 7))
            assert await recount.differences(session, grounds.alert.id) == [sentence]
            await session.rollback()
    async with database.transaction() as session:
        await session.execute(
            update(SendCount).filter_by(status="bounced", delivery="live").values(n=0)
        )
        [sentence] = await recount.differences(session, grounds.alert.id)
    assert sentence.endswith("bounced: 0 kept, 1 letters"), "missing altogether"


async def test_letters_opened_in_own_mailboxes_are_counted_again(
    database: Database, settings: Settings
) -> None:
    async with database.transaction() as session:
        grounds = await an_alert(session)
        for page in ("a" * 20, "b" * 20, "a" * 20):
            await openings.count(
                session, settings, grounds.alert, grounds.targets[0].id, "live", page
            )
    async with database.reading() as session:
        assert await recount.differences(session, grounds.alert.id) == []
    async with database.transaction() as session:
        await session.execute(update(ToldCount).values(n=ToldCount.n + 7))
    async with database.reading() as session:
        assert await recount.differences(session, grounds.alert.id) == [
            "EE, Prime Minister (stop) (live), opened in own mailboxes: 9 kept, 2 openings"
        ]
