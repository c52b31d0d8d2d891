"""Organisers, their passwords and roles, how long a sign-in lasts, and whose a message is."""

import asyncio
from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from app import audit, clock
from app.accounts import organisations, organisers, people, second_factor, sign_in
from app.db import Database
from app.errors import FormRefused, LastOwner, NotAllowed, Refusal, SignInRefused
from app.models import AuditLine, Organisation, Organiser, Role
from tests.grounds.rows import all_of

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


async def test_the_first_of_an_organisation_is_its_owner_and_the_next_is_not(
    database: Database,
) -> None:
    assert (await add(database)).role == Role.OWNER
    assert (await add(database, "kati@example.org")).role == Role.ORGANISER


async def owner(database: Database, email: str) -> Organiser:
    added = await add(database, email)
    async with database.transaction() as session:
        (await session.get_one(Organiser, added.id)).role = Role.OWNER
    return added


async def test_two_owners_who_disable_each_other_at_once_leave_one(database: Database) -> None:
    mari, kati = await owner(database, "mari@example.org"), await owner(database, "k@example.org")

    async def disable(by: Organiser, whom: Organiser) -> Refusal | None:
        try:
            async with database.transaction() as session:
                await people.disable(session, by, whom.id)
        except Refusal as refusal:
            return refusal
        return None

    ended = await asyncio.gather(disable(mari, kati), disable(kati, mari))
    assert sorted(type(one) for one in ended if one) == [NotAllowed]
    async with database.reading() as session:
        assert len(await organisers.owners(session, mari.organisation_id)) == 1


async def test_the_last_owner_stays_whatever_is_asked(database: Database) -> None:
    """An invitation that nobody took does not count as another."""
    mari, kati = await owner(database, "mari@example.org"), await owner(database, "k@example.org")
    async with database.transaction() as session:
        (await session.get_one(Organiser, kati.id)).password_hash = ""
    async with database.transaction() as session:
        with pytest.raises(LastOwner):
            await people.disable(session, kati, mari.id)
        with pytest.raises(LastOwner):
            await people.change_role(session, kati, mari.id, Role.VIEWER)


async def test_one_code_lets_in_once_even_from_two_places_at_one_moment(
    database: Database,
) -> None:
    mari = await add(database)
    with clock.held(MONDAY):
        async with database.transaction() as session:
            await second_factor.begin(session, mari.id)
        async with database.reading() as session:
            secret = (await session.get_one(Organiser, mari.id)).totp_secret
        async with database.transaction() as session:
            codes = await second_factor.prove(session, mari.id, pyotp.TOTP(secret).at(MONDAY))

        async def spend(code: str) -> bool:
            async with database.transaction() as session:
                return await second_factor.spend(session, mari.id, code) is not None

        for code in (pyotp.TOTP(secret).at(MONDAY + timedelta(seconds=30)), codes[0]):
            assert sorted(await asyncio.gather(spend(code), spend(code))) == [False, True]


async def test_what_is_on_record_is_read_by_the_organisation_it_concerns(
    database: Database,
) -> None:
    mari = await add(database)
    async with database.transaction() as session:
        other = await organisations.add(session, "Other  people")
        await audit.note(session, mari.email, "of mari")
        await audit.note(session, "returns read", "of the machine")
        await audit.note(session, "alerts load", "of the other", organisation_id=other.id)
        read = [
            [line.sentence for line in await audit.lines(session, one)]
            for one in (mari.organisation_id, other.id)
        ]
        by = await audit.authors(session, mari.organisation_id)
    assert read == [["of the machine", "of mari"], ["of the other"]]
    assert by == ["mari@example.org", "returns read"]
    assert [one.organisation_id for one in await all_of(database, AuditLine)] == [
        mari.organisation_id,
        None,
        other.id,
    ]


@pytest.mark.parametrize("name", ["", "First organisation", "first", "x" * 300])
async def test_an_organisation_needs_a_name_of_its_own(database: Database, name: str) -> None:
    async with database.transaction() as session:
        with pytest.raises(FormRefused):
            await organisations.add(session, name)
    assert len(await all_of(database, Organisation)) == 1
