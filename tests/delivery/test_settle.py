"""Results are written where the worker still holds the letter, and on record all the same."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import delete, update
from structlog.testing import capture_logs

from app import clock
from app.db import Database
from app.delivery import settle
from app.delivery.outcome import Deferred, Failed, Finished, Outcome, Rejected, Taken, Work
from app.models import Attempt, Event, Letter, LetterStatus, Notice
from app.outbox import claims, notices, queue
from app.reporting import recount
from app.settings import Settings
from tests.grounds.letters import make_alert, make_notice, make_queued_letters
from tests.grounds.rows import all_of, counted, statuses

ME = "here:1:abc"
UNPACED = Settings(_env_file=None, pacing="off")
LEASE = timedelta(minutes=15)


async def claimed(database: Database, n: int) -> list[Work]:
    """Letters that this worker holds."""
    async with database.transaction() as session:
        await make_queued_letters(session, n)
    return await claim(database)


async def claim(database: Database) -> list[Work]:
    async with database.transaction() as session:
        found = await claims.claim(
            session, worker=ME, delivery="sandbox", limit=50, lease=LEASE, settings=UNPACED
        )
        return list(found)


def finished(work: Work, outcome: Outcome) -> Finished:
    return Finished(work, outcome, "pm@example.org", clock.now(), clock.now())


async def settled(database: Database, *ended: Finished) -> None:
    async with database.transaction() as session:
        await settle.settle(session, ended, worker=ME, settings=UNPACED)


async def test_each_ending_moves_its_letter_and_is_on_record(database: Database) -> None:
    works = await claimed(database, 4)
    outcomes: list[Outcome] = [
        Taken(250, "2.0.0 OK queued as 1", "relay.example.org", "TLSv1.3"),
        Deferred(451, "4.7.1 try later", "relay.example.org"),
        Rejected(550, "5.1.1 no such user", "relay.example.org"),
        Failed(reply="renders otherwise than confirmed"),
    ]
    before = clock.now()
    await settled(
        database, *(finished(work, one) for work, one in zip(works, outcomes, strict=True))
    )
    assert await statuses(database) == {
        "handed_over": 1,
        "queued": 1,
        "rejected": 1,
        "failed": 1,
    }
    assert await counted(database) == await statuses(database)
    attempts = await all_of(database, Attempt)
    assert [one.outcome for one in attempts] == ["taken", "deferred", "rejected", "failed"]
    taken = attempts[0]
    assert (taken.code, taken.enhanced, taken.reply) == (250, "2.0.0", "2.0.0 OK queued as 1")
    assert (taken.host, taken.tls, taken.number) == ("relay.example.org", "TLSv1.3", 1)
    letters = await all_of(database, Letter)
    assert all(letter.worker == "" and letter.lease_until is None for letter in letters)
    deferred = next(letter for letter in letters if letter.status == LetterStatus.QUEUED)
    assert deferred.not_before >= before + timedelta(minutes=2)
    notes = {event.what: event.note for event in await all_of(database, Event)}
    assert notes["rejected"] == "550 5.1.1"
    assert notes["failed"] == "renders otherwise than confirmed"


async def test_a_letter_that_lost_its_lease_is_not_moved_but_its_answer_is_on_record(
    database: Database,
) -> None:
    mine, lost = await claimed(database, 2)
    async with database.transaction() as session:
        await session.execute(
            update(Letter).where(Letter.id == lost.letter.id).values(worker="there:2:def")  # type: ignore[union-attr]
        )
    await settled(database, finished(mine, Taken(250)), finished(lost, Taken(250)))
    assert await statuses(database) == {"handed_over": 1, "sending": 1}
    assert len(await all_of(database, Attempt)) == 2
    late = await all_of(database, Event, Event.what == "late")
    assert [event.letter_id for event in late] == [lost.letter.id]  # type: ignore[union-attr]


async def test_a_letter_that_this_worker_claimed_again_is_not_moved_by_the_first_answer(
    database: Database,
) -> None:
    (first,) = await claimed(database, 1)
    with clock.held(clock.now()) as time:
        time.advance(LEASE + timedelta(seconds=1))
        async with database.transaction() as session:
            assert await claims.recover(session, by="another") == 1
        (second,) = await claim(database)
        await settled(database, finished(first, Rejected(550)))
        assert await statuses(database) == {"sending": 1}
        await settled(database, finished(second, Taken(250)))
    assert await statuses(database) == {"handed_over": 1}
    assert [one.number for one in await all_of(database, Attempt)] == [1, 2]


@pytest.mark.parametrize(("by_exchange", "status"), [(False, "handed_over"), (True, "accepted")])
async def test_a_letter_that_was_taken_after_all_is_not_sent_again(
    database: Database, by_exchange: bool, status: str
) -> None:
    """Its lease had run out, by another worker's clock, and nobody has claimed it since."""
    works = await claimed(database, 3)
    with clock.held(clock.now()) as time:
        time.advance(LEASE + timedelta(seconds=1))
        async with database.transaction() as session:
            assert await claims.recover(session, by="another") == 3
        ended = [finished(work, Taken(250, "ok", by_exchange=by_exchange)) for work in works]
        await settled(database, *ended)
        assert await statuses(database) == await counted(database) == {status: 3}
        assert await claim(database) == []
    assert [one.outcome for one in await all_of(database, Attempt)] == ["taken"] * 3
    letter_ids = [work.letter.id for work in works]  # type: ignore[union-attr]
    told = await all_of(database, Event, Event.what == status)
    assert [event.letter_id for event in told] == letter_ids
    assert {event.note for event in told} == {"taken after the lease had run out"}
    copies = await all_of(database, Notice)
    assert [one.kind for one in copies] == ["copy"] * 3
    async with database.reading() as session:
        differences = await recount.differences(session, works[0].letter.alert_id)  # type: ignore[union-attr]
    # these letters come from no form
    assert [one for one in differences if one.endswith((" letters", " history"))] == []


async def test_only_a_letter_that_waits_is_taken_after_all(database: Database) -> None:
    put_off, called_off, again = await claimed(database, 3)
    with clock.held(clock.now()) as time:
        time.advance(LEASE + timedelta(seconds=1))
        async with database.transaction() as session:
            await claims.recover(session, by="another")
            which = [Letter.id == called_off.letter.id]  # type: ignore[union-attr]
            await queue.move(session, which, frm=queue.QUEUED, to=queue.CANCELLED, by="supporter")
            ids = [again.letter.id]  # type: ignore[union-attr]
            until = clock.now() + LEASE
            await queue.take(session, ids, worker="another", lease_until=until)
        late = [finished(called_off, Taken(250)), finished(again, Taken(250))]
        await settled(database, finished(put_off, Deferred(451)), *late)
    now = {"queued": 1, "cancelled": 1, "sending": 1}
    assert await statuses(database) == await counted(database) == now
    assert len(await all_of(database, Event, Event.what == "late")) == 3
    assert len(await all_of(database, Attempt)) == 3


async def test_a_letter_that_surprises_three_times_is_for_a_person(database: Database) -> None:
    (work,) = await claimed(database, 1)
    surprise = Failed(reply="KeyError in write, line 1", surprise=True)
    with clock.held(clock.now()) as time:
        for _ in range(2):
            await settled(database, finished(work, surprise))
            assert await statuses(database) == {"queued": 1}
            assert await claim(database) == []  # an hour ahead
            time.advance(timedelta(hours=1))
            (work,) = await claim(database)
        await settled(database, finished(work, surprise))
    assert await statuses(database) == {"failed": 1}


async def test_a_notice_is_settled_in_its_own_lane(database: Database) -> None:
    async with database.transaction() as session:
        ground = await make_alert(session)
        for _ in range(2):
            await make_notice(session, ground)
        found = await notices.claim(session, worker=ME, delivery="sandbox", limit=5, lease=LEASE)
    first, second = found
    await settled(database, finished(first, Taken(250)), finished(second, Deferred(451)))
    assert [one.status for one in await all_of(database, Notice)] == ["handed_over", "queued"]
    assert [one.notice_id for one in await all_of(database, Attempt)] == [
        first.notice.id,
        second.notice.id,
    ]


async def test_what_waited_for_us_and_not_for_its_server_is_tried_on(database: Database) -> None:
    """Its second attempt comes when our relay, or the service, has rested for two weeks."""
    later = Deferred(451, "4.7.1 greylisted")
    with clock.held(clock.now()) as time:
        (letter,) = await claimed(database, 1)
        async with database.transaction() as session:
            ground = await make_alert(session, slug="another")
            await make_notice(session, ground)
        for _ in range(2):
            async with database.transaction() as session:
                how = {"worker": ME, "delivery": "sandbox", "limit": 5, "lease": LEASE}
                (notice,) = await notices.claim(session, **how)  # type: ignore[arg-type]
            await settled(database, finished(letter, later), finished(notice, later))
            assert await statuses(database) == {"queued": 1}
            assert [one.status for one in await all_of(database, Notice)] == ["queued"]
            time.advance(timedelta(days=14))
            (letter,) = await claim(database)


async def test_what_was_not_begun_goes_back_as_if_untouched(database: Database) -> None:
    works = await claimed(database, 3)
    async with database.transaction() as session:
        await settle.give_back(session, works, worker=ME)
    letters = await all_of(database, Letter)
    assert {(one.status, one.attempts, one.worker) for one in letters} == {("queued", 0, "")}
    assert await all_of(database, Attempt) == []


async def test_an_answer_that_comes_while_others_are_written_is_written_next(
    database: Database,
) -> None:
    works = await claimed(database, 12)
    told: list[Work] = []
    settler = settle.Settler(database, UNPACED, worker=ME, settled=told.extend)
    running = asyncio.create_task(settler.run())
    for work in works:
        settler.settle(finished(work, Taken(250)))
        await asyncio.sleep(0.001)
    settler.end()
    await asyncio.wait_for(running, 10)
    assert await statuses(database) == {"handed_over": 12}
    assert len(told) == 12


async def test_an_answer_that_cannot_be_written_does_not_hold_the_others(
    database: Database,
) -> None:
    works = await claimed(database, 3)
    gone = works[1].letter.id  # type: ignore[union-attr]
    async with database.transaction() as session:
        await session.execute(delete(Event).where(Event.letter_id == gone))
        await session.execute(delete(Letter).where(Letter.id == gone))
    settler = settle.Settler(database, UNPACED, worker=ME, settled=lambda works: None)
    for work in works:
        settler.settle(finished(work, Taken(250)))
    settler.end()
    with capture_logs() as lines:
        await asyncio.wait_for(settler.run(), 10)
    assert await statuses(database) == {"handed_over": 2}
    errors = [line["work"] for line in lines if line["event"] == "cannot be settled"]
    assert errors == [f"letter {gone}"]


async def test_two_workers_refused_by_the_same_offices_do_not_wait_for_each_other(
    database: Database,
) -> None:
    async with database.transaction() as session:
        ground = await make_alert(session, targets=12)
        await make_queued_letters(session, 24, ground=ground)
    works = sorted(await claim(database), key=lambda work: work.contact.id)  # type: ignore[union-attr]
    forwards, backwards = works[::2], works[:0:-2]
    async with database.transaction() as session:
        theirs = Letter.id.in_([work.letter.id for work in backwards])  # type: ignore[union-attr]
        await session.execute(update(Letter).where(theirs).values(worker="there:1:abc"))

    async def settle_as(worker: str, works: list[Work]) -> None:
        no = Rejected(550, "5.3.0 no", "h")
        ended = [
            Finished(work, no, work.contact.email, clock.now(), clock.now())  # type: ignore[union-attr]
            for work in works
        ]
        async with database.transaction() as session:
            await settle.settle(session, ended, worker=worker, settings=UNPACED)

    await asyncio.gather(settle_as(ME, forwards), settle_as("there:1:abc", backwards))
    assert await statuses(database) == await counted(database) == {"rejected": 24}
