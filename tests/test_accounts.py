"""Organisers, their passwords, and how long a sign-in lasts."""

from datetime import UTC, datetime, timedelta

import pytest

from app import clock
from app.accounts import organisers, sign_in
from app.db import Database
from app.errors import FormRefused, SignInRefused
from app.models import Organiser

PASSWORD = "correct horse battery"
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)


async def add(database: Database, email: str = "Mari@Example.org") -> Organiser:
    async with database.transaction() as session:
        return await organisers.add(session, email=email, name="Mari", password=PASSWORD)


async def started(database: Database, organiser: Organiser) -> str:
    async with database.transaction() as session:
        secret, _ = await sign_in.sign_in(session, organiser)
        return secret


async def lasts(database: Database, secret: str) -> bool:
    async with database.reading() as session:
        return await sign_in.resume(session, secret) is not None


async def test_an_organiser_is_known_by_address_in_any_case_and_by_password(
    database: Database,
) -> None:
    added = await add(database)
    assert PASSWORD not in added.password_hash
    async with database.reading() as session:
        known = await organisers.recognise(session, " mari@example.ORG ", PASSWORD)
        assert known.id == added.id
        for email, password in (("mari@example.org", "wrong"), ("kati@example.org", PASSWORD)):
            with pytest.raises(SignInRefused):
                await organisers.recognise(session, email, password)


async def test_an_organiser_who_was_disabled_is_not_let_in_and_is_put_out(
    database: Database,
) -> None:
    added = await add(database)
    secret = await started(database, added)
    async with database.transaction() as session:
        (await session.get_one(Organiser, added.id)).disabled_at = clock.now()
    async with database.reading() as session:
        with pytest.raises(SignInRefused):
            await organisers.recognise(session, "mari@example.org", PASSWORD)
    assert not await lasts(database, secret)


@pytest.mark.parametrize(
    ("email", "password", "fault"),
    [
        ("kati@example.org", "short", {"password": "short"}),
        ("not an address", PASSWORD, {"email": "invalid"}),
        ("MARI@example.org", PASSWORD, {"email": "taken"}),
    ],
)
async def test_an_organiser_that_cannot_be_added_is_refused_by_field(
    database: Database, email: str, password: str, fault: dict[str, str]
) -> None:
    await add(database)
    async with database.transaction() as session:
        with pytest.raises(FormRefused) as refusal:
            await organisers.add(session, email=email, name="", password=password)
    assert refusal.value.fields == fault


async def test_a_sign_in_ends_after_two_weeks_without_use(database: Database) -> None:
    organiser = await add(database)
    with clock.held(MONDAY) as held:
        secret = await started(database, organiser)
        held.advance(timedelta(days=13, hours=23))
        assert await lasts(database, secret)
        held.advance(timedelta(hours=2))
        assert not await lasts(database, secret)


async def test_a_sign_in_in_use_lasts_longer_but_not_for_ever(database: Database) -> None:
    organiser = await add(database)
    with clock.held(MONDAY) as held:
        secret = await started(database, organiser)
        for _ in range(2):
            held.advance(timedelta(days=13))
            async with database.transaction() as session:
                kept = await sign_in.resume(session, secret)
                assert kept
                assert sign_in.is_stale(kept)
                await sign_in.touch(session, kept)
        held.advance(timedelta(days=5))
        assert not await lasts(database, secret)


async def test_signing_out_ends_one_sign_in_and_leaves_the_other(database: Database) -> None:
    organiser = await add(database)
    phone, desk = await started(database, organiser), await started(database, organiser)
    async with database.transaction() as session:
        await sign_in.sign_out(session, phone)
    assert [await lasts(database, secret) for secret in (phone, desk)] == [False, True]
