"""The counts tell the truth, keep out what nobody confirmed, and never read the letters."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import event

from app import clock
from app.db import Database
from app.letters.told import openings
from app.models import LetterStatus
from app.outbox import queue
from app.reporting import counts
from app.settings import Settings
from tests.grounds.databases import once
from tests.reporting.rows import an_alert, another_alert, walk, write

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def test_an_alert_without_letters_counts_nothing(database: Database) -> None:
    async with database.transaction() as session:
        grounds = await an_alert(session)
    async with database.reading() as session:
        found = await counts.of_alert(session, grounds.alert.id, "sandbox")
    assert (found.supporters, found.sent, found.own_mailbox) == (0, 0, 0)
    assert found.letters == dict.fromkeys(LetterStatus, 0)
    assert (found.targets, found.days, found.day_chart) == ([], [], None)


@once
async def test_sent_is_handed_over_and_accepted_and_nothing_else(database: Database) -> None:
    async with database.transaction() as session:
        grounds = await an_alert(session)
        for person, end in enumerate(
            [queue.HANDED_OVER, queue.ACCEPTED, queue.BOUNCED, queue.REJECTED, queue.FAILED]
        ):
            await write(session, grounds, f"person {person}", end, queue.QUEUED)
    async with database.reading() as session:
        found = await counts.of_alert(session, grounds.alert.id, "sandbox")
    assert found.sent == 2
    assert found.supporters == 5
    assert found.letters["queued"] == 5
    assert found.letters["failed"] == 1


@once
async def test_each_office_has_its_own_line_with_every_status(database: Database) -> None:
    async with database.transaction() as session:
        grounds = await an_alert(session)
        await write(session, grounds, "a person", queue.HANDED_OVER, queue.REJECTED)
    async with database.reading() as session:
        found = await counts.of_alert(session, grounds.alert.id, "sandbox")
    lines = [(line.country, line.office, line.letters) for line in found.targets]
    nothing = dict.fromkeys(LetterStatus, 0)
    assert lines == [
        ("EE", "Minister of Defence (stop)", nothing | {"rejected": 1}),
        ("EE", "Prime Minister (stop)", nothing | {"handed_over": 1}),
    ]


@once
async def test_public_counts_leave_out_what_nobody_confirmed(database: Database) -> None:
    async with database.transaction() as session:
        grounds = await an_alert(session)
        await write(session, grounds, "one", queue.HANDED_OVER)
        await write(session, grounds, "two", queue.HELD, queue.HELD)
        await write(session, grounds, "three", queue.LAPSED)
    async with database.reading() as session:
        found = await counts.of_alert(session, grounds.alert.id, "sandbox")
    public = found.public()
    assert found.letters["held"] == 2
    assert {"held", "lapsed"}.isdisjoint(public.letters)
    assert sum(public.letters.values()) == public.sent == 1
    # an office that only unconfirmed forms ask for is not shown at all
    assert [line.office for line in public.targets] == ["Prime Minister (stop)"]


@once
async def test_practice_and_live_are_counted_apart(database: Database) -> None:
    async with database.transaction() as session:
        grounds = await an_alert(session)
        await write(session, grounds, "one", queue.HANDED_OVER, delivery="sandbox")
        await write(session, grounds, "one", queue.HANDED_OVER, queue.ACCEPTED, delivery="live")
    async with database.reading() as session:
        found = await counts.of_alert(session, grounds.alert.id, "live")
    assert (found.delivery, found.sent, found.supporters) == ("live", 2, 1)


async def test_days_without_letters_stand_in_the_line_as_zeros(database: Database) -> None:
    async with database.transaction() as session:
        with clock.held(MONDAY) as time:
            grounds = await an_alert(session)
            [first] = await write(session, grounds, "one", queue.HANDED_OVER)
            time.advance(timedelta(days=3))
            await write(session, grounds, "two", queue.HANDED_OVER)
            await walk(session, first, queue.ACCEPTED)
    async with database.reading() as session:
        found = await counts.of_alert(session, grounds.alert.id, "sandbox")
    assert [(day.date.day, day.handed_over, day.accepted) for day in found.days] == [
        (2, 1, 0),
        (3, 0, 0),
        (4, 0, 0),
        (5, 1, 1),
    ]


async def test_a_day_is_a_day_of_the_alerts_time_zone(database: Database) -> None:
    async with database.transaction() as session:
        with clock.held(datetime(2026, 3, 2, 23, 30, tzinfo=UTC)):  # 01:30 on the 3rd in Tallinn
            grounds = await an_alert(session, zone="Europe/Tallinn")
            await write(session, grounds, "one", queue.HANDED_OVER)
    async with database.reading() as session:
        found = await counts.of_alert(session, grounds.alert.id, "sandbox")
    assert [day.date for day in found.days] == [date(2026, 3, 3)]


@once
async def test_a_letter_that_comes_back_leaves_the_sum_but_not_its_day(database: Database) -> None:
    async with database.transaction() as session:
        grounds = await an_alert(session)
        await write(session, grounds, "one", queue.BOUNCED)
    async with database.reading() as session:
        found = await counts.of_alert(session, grounds.alert.id, "sandbox")
    assert found.sent == 0
    assert [day.handed_over for day in found.days] == [1]


async def test_a_campaign_counts_a_person_in_two_alerts_once(database: Database) -> None:
    async with database.transaction() as session:
        first = await an_alert(session, "first")
        second = await another_alert(session, first.campaign, "second")
        elsewhere = await an_alert(session, "elsewhere")
        await write(session, first, "one", queue.HANDED_OVER)
        await write(session, second, "one", queue.HANDED_OVER)
        await write(session, second, "two", queue.ACCEPTED)
        await write(session, elsewhere, "three", queue.ACCEPTED)
    async with database.reading() as session:
        found = await counts.of_campaign(session, first.campaign.id, "sandbox")
    assert (found.supporters, found.sent) == (2, 3)
    assert [day.handed_over for day in found.days] == [3]
    assert len(found.targets) == 2


async def test_reading_counts_touches_no_letter(database: Database) -> None:
    async with database.transaction() as session:
        grounds = await an_alert(session)
        await write(session, grounds, "one", queue.HANDED_OVER, queue.BOUNCED)
    said: list[str] = []
    engine = database.engine.sync_engine

    def listen(connection: object, cursor: object, statement: str, *rest: object) -> None:
        said.append(statement.casefold())

    event.listen(engine, "before_cursor_execute", listen)
    async with database.reading() as session:
        await counts.of_alert(session, grounds.alert.id, "sandbox")
        await counts.of_campaign(session, grounds.campaign.id, "sandbox")
    reads = [statement for statement in said if statement.startswith("select")]
    assert len(reads) == 8
    words = {word.strip("(),") for statement in reads for word in statement.split()}
    assert words.isdisjoint(
        {"letter", "event", "attempt", "submission", "participation", "own_mailbox_opening"}
    )


async def test_letters_opened_in_own_mailboxes_stand_apart_from_those_sent(
    database: Database, settings: Settings
) -> None:
    """Per office too, and an office that nobody wrote to from here has its line."""
    async with database.transaction() as session:
        first = await an_alert(session)
        second = await another_alert(session, first.campaign, "other")
        await write(session, first, "one", queue.HANDED_OVER)
        for page, grounds, n in (
            ("a", first, 0),
            ("b", first, 0),
            ("c", first, 1),
            ("d", second, 0),
        ):
            await openings.count(
                session, settings, grounds.alert, grounds.targets[n].id, "sandbox", page * 20
            )
        await openings.count(session, settings, first.alert, first.targets[0].id, "live", "a" * 20)
    async with database.reading() as session:
        found = (await counts.of_alert(session, first.alert.id, "sandbox")).public()
        everywhere = await counts.of_campaign(session, first.campaign.id, "sandbox")
    assert (found.sent, found.own_mailbox, everywhere.own_mailbox) == (1, 3, 4)
    assert [(line.office, line.told["own_mailbox"]) for line in found.targets] == [
        ("Minister of Defence (stop)", 1),
        ("Prime Minister (stop)", 2),
    ]
    assert sum(found.letters.values()) == 1
