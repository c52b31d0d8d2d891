"""Claims: due, unfrozen, paced, for a limited time; and what a lost worker held comes back."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import select, update

from app import clock
from app.db import Database
from app.models import Attempt, Contact, Event, Letter, Mailbox
from app.outbox import claims, freezes, suppressions
from app.settings import Settings
from tests.grounds.letters import Ground, make_alert, make_queued_letters
from tests.grounds.rows import all_of, counted, statuses

LEASE = timedelta(minutes=15)
# a Wednesday, ten in Tallinn: the peak of the day, after whatever moment the test began at
NOW = datetime(2027, 11, 24, 8, tzinfo=UTC)
UNPACED = Settings(_env_file=None, pacing="off")
# 19.75 turns an hour; the host is no limit of its own
PACED = Settings(_env_file=None, pacing="on", per_mailbox_hour=20, per_host_hour=100_000)
TURN = timedelta(hours=1) / 19.75


@pytest_asyncio.fixture
async def made(database: Database) -> Ground:
    async with database.transaction() as session:
        return await make_alert(session, targets=3)


async def queue(database: Database, made: Ground, n: int) -> list[Letter]:
    async with database.transaction() as session:
        await make_queued_letters(session, n, ground=made)
    return await all_of(database, Letter)


async def claimed(
    database: Database,
    *,
    worker: str = "w1",
    limit: int = 100,
    settings: Settings = UNPACED,
    delivery: str = "sandbox",
) -> list[int]:
    async with database.transaction() as session:
        found = await claims.claim(
            session,
            worker=worker,
            delivery=delivery,
            limit=limit,
            lease=LEASE,
            settings=settings,
        )
    return [one.letter.id for one in found]


async def recovered(database: Database) -> int:
    async with database.transaction() as session:
        return await claims.recover(session, by="w2")


async def test_no_letter_is_claimed_twice_however_many_workers_ask_at_once(
    database: Database, made: Ground
) -> None:
    await queue(database, made, 40)
    takes = await asyncio.gather(*(claimed(database, worker=f"w{n}", limit=7) for n in range(8)))
    every_one = [letter for take in takes for letter in take]
    assert len(every_one) == len(set(every_one))
    rest = await claimed(database)
    assert sorted(every_one + rest) == [letter.id for letter in await all_of(database, Letter)]
    assert await statuses(database) == await counted(database) == {"sending": 40}


async def test_a_claim_takes_only_what_is_due_and_of_its_own_delivery(
    database: Database, made: Ground
) -> None:
    first, second = await queue(database, made, 2)
    async with database.transaction() as session:
        later = clock.now() + timedelta(hours=1)
        await session.execute(update(Letter).where(Letter.id == first.id).values(not_before=later))
        (other,) = await make_queued_letters(session, 1, ground=made, delivery="reflect")
    assert await claimed(database, delivery="live") == []
    assert await claimed(database) == [second.id]
    assert await claimed(database, delivery="reflect") == [other.id]


@pytest.mark.parametrize("scope", ["alert", "contact", "letter"])
async def test_what_is_frozen_is_skipped_and_leaves_after_its_release(
    database: Database, made: Ground, scope: str
) -> None:
    (letter,) = await queue(database, made, 1)
    contact = next(one for one in made.contacts if one.target_id == letter.target_id)
    ref = {"alert": made.alert.id, "contact": contact.id, "letter": letter.id}[scope]
    async with database.transaction() as session:
        assert await freezes.freeze(session, scope=scope, ref=ref, why="a doubt", by="us")
    assert await claimed(database) == []
    async with database.transaction() as session:
        assert await freezes.release(session, scope=scope, ref=ref, by="us")
    assert await claimed(database) == [letter.id]


async def test_a_live_claim_skips_addresses_that_nobody_has_checked(
    database: Database, made: Ground
) -> None:
    async with database.transaction() as session:
        await make_queued_letters(session, 3, ground=made, delivery="live")
        await session.execute(update(Contact).values(checked_on=None))
        await session.execute(
            update(Contact)
            .where(Contact.id == made.contacts[0].id)
            .values(checked_on=clock.now().date())
        )
    (only,) = await claimed(database, delivery="live")
    (letter,) = await all_of(database, Letter, Letter.id == only)
    assert letter.target_id == made.contacts[0].target_id


async def test_a_suppressed_address_is_told_apart_whatever_its_case(
    database: Database, made: Ground
) -> None:
    await queue(database, made, 3)
    async with database.transaction() as session:
        email = made.contacts[0].email.upper()
        await suppressions.suppress(session, email, why="asked us", by="us")
    assert len(await claimed(database)) == 2
    assert await counted(database) == {"sending": 2, "suppressed": 1}


async def test_what_was_claimed_and_never_begun_goes_back_as_it_was(
    database: Database, made: Ground
) -> None:
    first, second = await queue(database, made, 2)
    await claimed(database)
    async with database.transaction() as session:
        await claims.give_back(session, "w1", [first.id])
        await claims.give_back(session, "somebody else", [second.id])
    back, still = await all_of(database, Letter)
    assert (back.status, back.attempts, back.worker) == ("queued", 0, "")
    assert (still.status, still.worker) == ("sending", "w1")


async def test_what_goes_back_is_not_held_against_its_mailboxs_day(
    database: Database, made: Ground
) -> None:
    await queue(database, made, 3)
    with clock.held(NOW):
        first, *_ = await claimed(database, settings=PACED)
        async with database.transaction() as session:
            await claims.give_back(session, "w1", [first], paced=True)
            await claims.give_back(session, "w1", [first], paced=True)
        async with database.reading() as session:
            today = await session.scalars(select(Mailbox.today_n).order_by(Mailbox.email))
        assert sorted(today) == [0, 1, 1]


async def test_a_lost_workers_letters_come_back_an_hour_ahead_the_second_time_then_fail(
    database: Database, made: Ground
) -> None:
    await queue(database, made, 1)
    with clock.held(NOW) as held:
        waits = []
        for _ in range(2):
            assert len(await claimed(database)) == 1
            held.advance(LEASE - timedelta(seconds=1))
            assert await recovered(database) == 0
            held.advance(timedelta(seconds=2))
            assert await recovered(database) == 1
            (letter,) = await all_of(database, Letter)
            waits.append(letter.not_before - held.at)
            held.advance(waits[-1])
        assert waits == [timedelta(0), timedelta(hours=1)]
        await claimed(database)
        held.advance(LEASE * 2)
        assert await recovered(database) == 1
    assert await counted(database) == {"failed": 1}
    notes = [event.note for event in await all_of(database, Event)]
    assert notes.count("its worker was lost; it may have been sent") == 3


async def test_attempts_on_record_are_not_held_against_a_letter(
    database: Database, made: Ground
) -> None:
    (letter,) = await queue(database, made, 1)
    async with database.transaction() as session:
        await session.execute(update(Letter).values(attempts=5))
        for number in range(5):
            session.add(
                Attempt(
                    letter_id=letter.id,
                    number=number + 1,
                    worker="w",
                    started_at=NOW,
                    ended_at=NOW,
                    outcome="deferred",
                    address="a@example.org",
                    host="",
                    tls="",
                    enhanced="",
                    reply="",
                )
            )
    with clock.held(NOW) as held:
        await claimed(database)
        held.advance(LEASE * 2)
        assert await recovered(database) == 1
        (letter,) = await all_of(database, Letter)
        assert (letter.status, letter.not_before) == ("queued", held.at)
