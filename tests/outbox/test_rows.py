"""Rows given to the driver itself are the rows that SQLAlchemy would have written."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import select
from sqlalchemy.dialects.sqlite.aiosqlite import dialect as sqlite

from app import clock
from app.db import Database, UTCDateTime
from app.models import FREED, Attempt, Event, Letter, LetterStatus
from app.outbox import queue, rows
from tests.grounds.letters import STAGE, make_alert, make_queued_letters, make_submission
from tests.grounds.rows import all_of

ZONES = some.integers(-12 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m)))


@given(some.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=ZONES))
def test_a_moment_is_written_into_sqlite_as_sqlalchemy_writes_it(moment: datetime) -> None:
    written = UTCDateTime().dialect_impl(sqlite()).bind_processor(sqlite())
    assert written is not None
    assert rows._moment(moment) == written(moment)


def test_a_moment_without_a_zone_is_refused_here_too() -> None:
    with pytest.raises(ValueError, match="time zone"):
        rows._moment(datetime(2026, 11, 20))  # noqa: DTZ001


async def test_rows_come_back_as_they_were_given(database: Database) -> None:
    now = clock.now()
    late = now + timedelta(microseconds=7)
    async with database.transaction() as session:
        ground = await make_alert(session)
        letters = await make_queued_letters(session, 2, ground=ground)
        first, second = [letter.id for letter in letters]
        insert = rows.Insert(
            Attempt.__table__,  # type: ignore[arg-type]
            # in another order than the table's
            ("began_data", "letter_id", "ended_at", "number", "code", "reply"),
            ("worker", "started_at", "outcome", "address", "host", "tls", "enhanced", "queue_id"),
        )
        same = ("w", now, "taken", "mari@example.org", "mx", "", "", "")
        await insert.write(session, [], *same)
        given = [(True, first, now, 1, None, "tõsi"), (False, second, late, 2, 250, "")]
        await insert.write(session, given, *same)
    one, other = await all_of(database, Attempt)
    assert (one.began_data, one.letter_id, one.ended_at, one.code) == (True, first, now, None)
    assert (one.reply, one.worker, one.started_at) == ("tõsi", "w", now)
    assert (other.began_data, other.ended_at, other.number) == (False, late, 2)


@pytest.mark.parametrize("n", [0, 1, 3])
async def test_numbers_are_found_among_any_number_of_them(database: Database, n: int) -> None:
    async with database.transaction() as session:
        ground = await make_alert(session)
        letters = await make_queued_letters(session, 3, ground=ground)
        wanted = [letter.id for letter in letters][:n]
        asked = select(Letter.id).where(rows.among(Letter.id)).order_by(Letter.id)
        unknown = range(10_000, 11_000)
        assert list(await session.scalars(asked, {"ids": [*wanted, *unknown]})) == wanted


async def test_an_attempt_ends_only_what_its_worker_holds_under_its_number(
    database: Database,
) -> None:
    async with database.transaction() as session:
        ground = await make_alert(session)
        ids = [one.id for one in await make_queued_letters(session, 4, ground=ground)]
        until = clock.now() + timedelta(hours=1)
        taken = await queue.take(session, ids[:3], worker="w", lease_until=until)
        assert [one.id for one in taken] == ids[:3]
        assert await queue.take(session, ids[:1], worker="v", lease_until=until) == []
        how = {"wait": timedelta(0), "note": "", "to": queue.FAILED}
        assert await queue.finish(session, taken[:1], worker="v", attempts=1, **how) == set()  # type: ignore[arg-type]
        assert await queue.finish(session, taken[:1], worker="w", attempts=2, **how) == set()  # type: ignore[arg-type]
        settled = await queue.finish(session, taken[:2], worker="w", attempts=1, **how)  # type: ignore[arg-type]
        assert settled == set(ids[:2])
        with pytest.raises(ValueError, match="cannot go"):
            how["to"] = queue.CANCELLED
            await queue.finish(session, taken[2:], worker="w", attempts=1, **how)  # type: ignore[arg-type]
    found = await all_of(database, Letter)
    assert [one.status for one in found] == ["failed", "failed", "sending", "queued"]
    # what failed frees its place for another letter of the same person, and nothing else does
    assert [bool(one.holds_place) for one in found] == [False, False, True, True]
    failed = [one.letter_id for one in await all_of(database, Event) if one.what == "failed"]
    assert failed == ids[:2]


async def test_at_every_step_a_letter_holds_its_place_when_its_status_does(
    database: Database,
) -> None:
    steps = [(frm, to) for frm, following in queue.NEXT.items() for to in sorted(following)]
    async with database.transaction() as session:
        ground = await make_alert(session)
        for number, (frm, to) in enumerate(steps):
            submission = await make_submission(session, ground)
            row = {
                "submission_id": submission.id,
                "alert_id": ground.alert.id,
                "target_id": ground.targets[0].id,
                "person_key": submission.person_key,
                "delivery": "sandbox",
                "template_id": ground.template.id,
                "stage": STAGE,
                "message_id": f"<{number}@letters.example.org>",
            }
            [letter_id] = await queue.hold(session, [row], by="test")
            walked = [*_way_to(frm), to]
            for before, after in zip(walked, walked[1:], strict=False):
                which = [Letter.id == letter_id]
                assert await queue.move(session, which, frm=before, to=after, by="test")
    found = await all_of(database, Letter)
    assert [one.status for one in found] == [to for _, to in steps]
    assert [bool(one.holds_place) for one in found] == [to not in FREED for _, to in steps]


def _way_to(status: LetterStatus) -> list[LetterStatus]:
    """From a form to there, the shortest way."""
    ways = [[queue.HELD]]
    while ways[0][-1] != status:
        way = ways.pop(0)
        ways += [[*way, to] for to in sorted(queue.NEXT.get(way[-1], ()))]
    return ways[0]
