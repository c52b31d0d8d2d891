"""Timed work: each chore in its own transaction, and one that fails stops no other."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import buckets, chores, clock
from app.accounts import organisers, sign_in
from app.campaigns import alerts
from app.db import Database
from app.letters import submission
from app.models import Bucket, Letter, SignIn, Submission
from app.settings import Settings
from tests.grounds.alerts import MINE_BAN, filled, put_mine_ban

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


async def _all_at(settings: Settings, database: Database, at: datetime) -> None:
    with clock.held(at):
        await chores.do_all(settings, database)


async def test_letters_that_nobody_confirmed_lapse_after_a_week(
    database: Database, settings: Settings
) -> None:
    await put_mine_ban(database)
    with clock.held(NOON):
        async with database.transaction() as session:
            alert = await alerts.by_slug(session, MINE_BAN)
            await submission.submit(session, settings, alert, filled(countries=["EE"]))
    statuses = []
    for days in (6, 8):
        await _all_at(settings, database, NOON + timedelta(days=days))
        async with database.reading() as session:
            statuses += await session.scalars(select(Letter.status))
    assert statuses == ["held", "lapsed"]


async def test_a_form_is_emptied_when_its_time_has_come(
    database: Database, settings: Settings
) -> None:
    await put_mine_ban(database)
    with clock.held(NOON):
        async with database.transaction() as session:
            alert = await alerts.by_slug(session, MINE_BAN)
            await submission.submit(session, settings, alert, filled(countries=["EE"]))
    await _all_at(settings, database, NOON + timedelta(days=8))
    names = []
    for days in (90, 100):
        await _all_at(settings, database, NOON + timedelta(days=days))
        async with database.reading() as session:
            names += await session.scalars(select(Submission.name))
    assert names == ["Mari Mägi", ""]


async def test_old_sign_ins_and_limits_are_forgotten(
    database: Database, settings: Settings
) -> None:
    async with database.transaction() as session:
        anna = await organisers.add(
            session, email="anna@example.org", name="Anna", password="a long password"
        )
        for days_ago in (15, 1):
            with clock.held(NOON - timedelta(days=days_ago)):
                await sign_in.sign_in(session, anna)
                await buckets.take(session, f"visitor:{days_ago}", every=timedelta(hours=1))
    await _all_at(settings, database, NOON + timedelta(hours=2))
    async with database.reading() as session:
        kept = (await session.scalars(select(SignIn.seen_at))).all()
        limits = (await session.scalars(select(Bucket.key))).all()
    assert kept == [NOON - timedelta(days=1)]
    assert limits == []


async def test_a_limit_that_still_holds_is_kept(database: Database, settings: Settings) -> None:
    with clock.held(NOON):
        async with database.transaction() as session:
            await buckets.take(session, "visitor:1", every=timedelta(hours=1))
    await _all_at(settings, database, NOON + timedelta(hours=20))
    async with database.reading() as session:
        assert (await session.scalars(select(Bucket.key))).all() == ["visitor:1"]


async def test_a_chore_that_fails_stops_no_other_and_keeps_nothing(
    database: Database,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def broken(session: AsyncSession, settings: Settings) -> int:
        await buckets.take(session, "half done", every=timedelta(hours=1))
        raise RuntimeError("the chore broke")

    async def well(session: AsyncSession, settings: Settings) -> int:
        await buckets.take(session, "done", every=timedelta(hours=1))
        return 1

    monkeypatch.setattr(chores, "CHORES", (broken, well))
    await chores.do_all(settings, database)
    async with database.reading() as session:
        assert (await session.scalars(select(Bucket.key))).all() == ["done"]
    assert "a chore failed" in capsys.readouterr().out


async def test_the_chores_end_when_they_are_told_to(database: Database, settings: Settings) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(chores.run(settings, database, stop))
    await asyncio.sleep(0.05)
    stop.set()
    await asyncio.wait_for(running, timeout=10)
    assert running.exception() is None
