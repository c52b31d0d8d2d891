"""A letter opened in somebody's own mailbox is counted once, and nobody is kept with it."""

import asyncio

import pytest
from sqlalchemy import select

from app.db import Database
from app.errors import OwnMailboxOnly
from app.letters.told import openings
from app.models import Alert, OwnMailbox, OwnMailboxOpening, Submission, ToldCount
from app.settings import Settings
from tests.grounds.alerts import confirmed, filled, submitted
from tests.grounds.databases import once
from tests.grounds.rows import all_of, statuses

PAGE = "a-page-of-somebody"


async def told(database: Database) -> dict[tuple[int, str], int]:
    async with database.reading() as session:
        rows = await session.scalars(select(ToldCount))
        return {(row.target_id, row.delivery): row.n for row in rows}


async def test_a_second_touch_counts_nothing_even_at_the_same_moment(
    database: Database, settings: Settings, alert: Alert
) -> None:
    async def touch(office: int, delivery: str, page: str) -> bool:
        async with database.transaction() as session:
            return await openings.count(session, settings, alert, office, delivery, page)

    at_once = await asyncio.gather(*(touch(1, "live", PAGE) for _ in range(4)))
    assert sorted(at_once) == [False, False, False, True]
    assert await touch(2, "live", PAGE)
    assert await touch(1, "live", PAGE + "-else")
    assert await touch(1, "sandbox", PAGE)
    assert await told(database) == {(1, "live"): 2, (2, "live"): 1, (1, "sandbox"): 1}
    async with database.reading() as session:
        seen = await openings.of_page(session, settings, alert, {1, 2, 3}, "live", PAGE)
        rows = list(await session.scalars(select(OwnMailboxOpening)))
    assert seen == {1, 2}
    assert not any(PAGE in row.key for row in rows)


async def test_what_is_no_page_of_ours_counts_nothing(
    database: Database, settings: Settings, alert: Alert
) -> None:
    async with database.transaction() as session:
        for page in ("", "short", "x" * 65, "a page of mine, please", "õ" * 20):
            assert not await openings.count(session, settings, alert, 1, "live", page), page
    assert await told(database) == {}


@once
async def test_an_alert_of_own_mailboxes_takes_no_form_and_lets_earlier_ones_be_confirmed(
    database: Database, settings: Settings, alert: Alert
) -> None:
    before = await submitted(database, settings, alert, filled(countries=["EE"]))
    async with database.transaction() as session:
        alert = await session.merge(alert)
        alert.own_mailbox = OwnMailbox.ONLY
    with pytest.raises(OwnMailboxOnly):
        await submitted(database, settings, alert, filled(email="liis@example.org"))
    assert len(await all_of(database, Submission)) == 1
    await confirmed(database, settings, before.public_id)
    assert await statuses(database) == {"queued": 1}
