"""Turns: mailbox by mailbox, within every limit, over all workers, alerts and restarts."""

import asyncio
import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import update

from app import clock
from app.db import Database
from app.models import Contact, Letter, LetterStatus, Mailbox, MailHost
from app.outbox import claims, freezes, queue
from app.outbox.pacing import hosts, limits
from app.settings import Settings
from tests.grounds.letters import Ground, make_alert, make_queued_letters
from tests.grounds.rows import all_of

# a Wednesday, ten in Tallinn: the peak of the day, after whatever moment the test began at
TEN = datetime(2027, 11, 24, 8, tzinfo=UTC)
A_SECOND = timedelta(seconds=1)
AN_HOUR = timedelta(hours=1)


def paced(**changes: Any) -> Settings:
    """Twenty an hour to a mailbox; the host is no limit of its own."""
    values: dict[str, Any] = {"pacing": "on", "per_mailbox_hour": 20, "per_host_hour": 100_000}
    return Settings(_env_file=None, **(values | changes))


@pytest_asyncio.fixture
async def made(database: Database) -> Ground:
    async with database.transaction() as session:
        return await make_alert(session, targets=3)


async def put(database: Database, made: Ground, n: int) -> None:
    async with database.transaction() as session:
        await make_queued_letters(session, n, ground=made)


async def claimed(
    database: Database, settings: Settings, *, worker: str = "w1", limit: int = 100
) -> list[Letter]:
    async with database.transaction() as session:
        found = await claims.claim(
            session,
            worker=worker,
            delivery="sandbox",
            limit=limit,
            lease=AN_HOUR * 24 * 30,
            settings=settings,
        )
    return [one.letter for one in found]


async def sent(database: Database, letters: list[Letter]) -> None:
    async with database.transaction() as session:
        await queue.move(
            session,
            [Letter.id.in_([letter.id for letter in letters])],
            frm=LetterStatus.SENDING,
            to=LetterStatus.HANDED_OVER,
            by="w1",
        )


async def departures(
    database: Database,
    settings: Settings,
    *,
    until: datetime,
    held: clock.HeldClock,
    step: timedelta,
    rest: timedelta = timedelta(0),
) -> list[tuple[datetime, Letter]]:
    """When each letter leaves, if somebody looks every `step`, and `rest` after one has left: what
    came due before that would have come too soon."""
    left = []
    while held.at < until:
        taken = await claimed(database, settings)
        left += [(held.at, letter) for letter in taken]
        if taken:
            await sent(database, taken)
        held.advance(max(step, rest) if taken else step)
    return left


async def test_a_mailbox_gets_one_letter_at_a_time_and_the_others_are_not_held_back(
    database: Database, made: Ground
) -> None:
    await put(database, made, 9)
    turn = AN_HOUR / 19.75
    with clock.held(TEN) as held:
        takes = [len(await claimed(database, paced(), worker=f"w{n}")) for n in range(3)]
        assert takes == [3, 0, 0], "one for each of three mailboxes, whichever worker asks"
        held.advance(turn - A_SECOND)
        assert await claimed(database, paced()) == []
        held.advance(turn / 4 + A_SECOND * 3)
        assert len(await claimed(database, paced())) == 3


async def test_two_workers_that_ask_at_once_do_not_exceed_the_pace(
    database: Database, made: Ground
) -> None:
    await put(database, made, 30)
    with clock.held(TEN):
        takes = await asyncio.gather(
            *(claimed(database, paced(), worker=f"w{n}") for n in range(6))
        )
    assert sum(len(take) for take in takes) == 3


async def test_a_mailbox_whose_letters_are_all_frozen_spends_nothing(
    database: Database, made: Ground
) -> None:
    await put(database, made, 3)
    letters = await all_of(database, Letter)
    with clock.held(TEN):
        async with database.transaction() as session:
            for letter in letters:
                await freezes.freeze(session, scope="letter", ref=letter.id, why="x", by="us")
        assert await claimed(database, paced()) == []
        async with database.transaction() as session:
            for letter in letters:
                await freezes.release(session, scope="letter", ref=letter.id, by="us")
        assert len(await claimed(database, paced())) == 3


async def test_nothing_leaves_at_night_on_a_sunday_or_on_a_holiday(
    database: Database, made: Ground
) -> None:
    await put(database, made, 3)
    night, sunday = TEN.replace(hour=1), TEN + timedelta(days=4)
    independence_day = datetime(2028, 2, 24, 8, tzinfo=UTC)
    for closed in (night, sunday, independence_day):
        with clock.held(closed):
            assert await claimed(database, paced()) == []
    with clock.held(sunday):
        assert len(await claimed(database, paced(off_days=True))) == 3


async def test_no_window_of_an_hour_holds_more_than_the_limit_and_the_spacing_varies(
    database: Database,
) -> None:
    async with database.transaction() as session:
        made = await make_alert(session, targets=1)
        await make_queued_letters(session, 60, ground=made)
    with clock.held(TEN) as held:
        left = await departures(
            database,
            paced(),
            until=TEN + AN_HOUR * 1.25,
            held=held,
            step=timedelta(seconds=15),
            rest=timedelta(seconds=105),  # not two thirds of a turn
        )
    times = [at for at, _ in left]
    assert max(sum(at <= one < at + AN_HOUR for one in times) for at in times) in {18, 19, 20}
    gaps = [
        (later - sooner) / (AN_HOUR / 19.75)
        for sooner, later in zip(times, times[1:], strict=False)
    ]
    first_hour = gaps[:17]
    assert min(first_hour) >= 0.66  # somebody looks every twelfth of a turn
    assert max(first_hour) <= 1.34
    assert len({round(gap, 2) for gap in first_hour}) > 3, "not like clockwork"


async def test_mailboxes_behind_one_host_share_its_limit(database: Database, made: Ground) -> None:
    await put(database, made, 30)
    settings = paced(per_mailbox_hour=1000, per_host_hour=60)
    with clock.held(TEN) as held:
        left = await departures(
            database,
            settings,
            until=TEN + AN_HOUR / 4,
            held=held,
            step=timedelta(seconds=10),
            rest=timedelta(seconds=30),
        )
    assert len(left) == 15
    assert set(Counter(letter.target_id for _, letter in left).values()) == {5}, "in turn"


async def test_two_domains_with_one_mx_lie_behind_one_host(
    database: Database, made: Ground
) -> None:
    await put(database, made, 3)
    async with database.transaction() as session:
        await session.execute(
            update(Contact).where(Contact.id == made.contacts[0].id).values(email="a@one.example")
        )
        await session.execute(
            update(Contact).where(Contact.id == made.contacts[1].id).values(email="b@two.example")
        )
        await hosts.know(session, ["a@one.example", "b@two.example"])
        await hosts.learn(session, "one.example", ["MX.Gov.example.", "backup.example."])
        await hosts.learn(session, "two.example", ["mx.gov.example"])
        await hosts.learn(session, "silent.example", [])
        assert (await hosts.of(session, "A@One.example")).name == "mx.gov.example"
        assert (await hosts.of(session, "x@two.example")).name == "mx.gov.example"
    with clock.held(TEN):
        taken = await claimed(database, paced(per_host_hour=1))
    assert len(taken) == 2, "one behind the MX they share, one at example.org"


async def test_a_host_that_takes_its_time_does_not_get_every_sender(
    database: Database, made: Ground
) -> None:
    await put(database, made, 30)
    with clock.held(TEN) as held:
        busy = []
        for _ in range(4):
            settings = paced(per_mailbox_hour=1000, per_host_hour=3000)
            busy.append(len(await claimed(database, settings)))
            held.advance(timedelta(minutes=1))
    assert busy == [1, 1, 1, 0], "three are in hand, and none of them is settled"


async def test_a_day_has_its_cap_and_the_next_day_another(database: Database) -> None:
    async with database.transaction() as session:
        made = await make_alert(session, targets=1)
        await make_queued_letters(session, 12, ground=made)
    settings = paced(per_mailbox_hour=200, per_mailbox_day=4)
    with clock.held(TEN) as held:
        left = await departures(
            database, settings, until=TEN + AN_HOUR * 54, held=held, step=AN_HOUR
        )
    assert list(Counter(at.date() for at, _ in left).values()) == [4, 4, 4]


async def test_a_cap_in_all_ends_it_until_somebody_raises_it(database: Database) -> None:
    async with database.transaction() as session:
        made = await make_alert(session, targets=1)
        await make_queued_letters(session, 4, ground=made)
    settings = paced(per_mailbox_total=2)
    with clock.held(TEN) as held:
        left = await departures(
            database, settings, until=TEN + AN_HOUR, held=held, step=timedelta(minutes=5)
        )
        assert len(left) == 2
        async with database.transaction() as session:
            await session.execute(update(Mailbox).values(in_all=3))
        assert len(await claimed(database, settings)) == 1


async def test_a_changed_limit_counts_from_the_next_look(database: Database, made: Ground) -> None:
    await put(database, made, 9)
    with clock.held(TEN) as held:
        assert len(await claimed(database, paced(per_mailbox_hour=2))) == 3
        held.advance(timedelta(minutes=5))
        assert await claimed(database, paced(per_mailbox_hour=2)) == []
        async with database.transaction() as session:
            await session.execute(update(Mailbox).values(per_hour=100))
        assert len(await claimed(database, paced(per_mailbox_hour=2))) == 3
        held.advance(timedelta(minutes=5))
        async with database.transaction() as session:
            await session.execute(update(MailHost).values(per_hour=1))
        assert await claimed(database, paced(per_mailbox_hour=2)) == []


async def test_alerts_take_turns_at_a_mailbox(database: Database) -> None:
    async with database.transaction() as session:
        first = await make_alert(session, slug="first", targets=1)
        second = await make_alert(session, slug="second", targets=1)
        await session.execute(update(Contact).values(email="office@example.org"))
        await make_queued_letters(session, 20, ground=first)
        await make_queued_letters(session, 3, ground=second)
    with clock.held(TEN) as held:
        left = await departures(
            database,
            paced(),
            until=TEN + AN_HOUR / 2,
            held=held,
            step=timedelta(seconds=30),
            rest=timedelta(minutes=2),
        )
    order = [letter.alert_id == first.alert.id for _, letter in left]
    assert order[:8] == [True, False, True, False, True, False, True, True]


async def test_a_raised_limit_lets_many_leave_together(database: Database, made: Ground) -> None:
    await put(database, made, 90)
    settings = paced(per_mailbox_hour=36_000, per_host_hour=108_000)
    with clock.held(TEN) as held:
        assert len(await claimed(database, settings)) == 30
        held.advance(A_SECOND * 2)
        assert len(await claimed(database, settings, limit=7)) == 7


@pytest.mark.parametrize("per_hour", [1, 2, 20, 60, 3600, 7200, 36_000, 10**7])
def test_the_spacing_keeps_every_window_within_the_limit(per_hour: int) -> None:
    together = limits.at_once(per_hour)
    turn = together * limits.spacing(per_hour)
    # the fullest hour begins with a turn as late as jitter makes it; all others are punctual
    turns = math.ceil(round(1 / turn + 1 / 4, 9))
    assert per_hour * 0.97 - 1 <= together * turns <= per_hour


async def test_unpaced_lanes_share_a_claim(database: Database, made: Ground) -> None:
    await put(database, made, 360)
    taken = await claimed(database, paced(pacing="off"), limit=300)
    assert set(Counter(letter.target_id for letter in taken).values()) == {100}
