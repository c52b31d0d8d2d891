"""How the outbox stands: depth, the oldest due letter, the rate, each host; and one letter."""

from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from sqlalchemy import event, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import Database
from app.models import (
    Attempt,
    Contact,
    Letter,
    Mailbox,
    Organisation,
    RelayState,
    Returned,
    StageMove,
    Submission,
)
from app.outbox import freezes, operating, places, queue
from app.outbox.pacing import hosts as mail_hosts
from app.reporting.outbox import hosts, letters, state
from app.settings import Settings, Switch
from tests.grounds.databases import once
from tests.grounds.letters import Ground, make_alert, make_notice, make_queued_letters
from tests.grounds.rows import all_of

FRIDAY = datetime(2026, 11, 20, 9, tzinfo=UTC)  # eleven in Tallinn
A_MINUTE = timedelta(minutes=1)
FIRST = "keep-the-treaty-0@example.org"


@pytest_asyncio.fixture
async def made(database: Database) -> Ground:
    """Three offices behind one host, and two letters waiting for each since Friday at nine."""
    with clock.held(FRIDAY):
        async with database.transaction() as session:
            made = await make_alert(session)
            await make_queued_letters(session, 6, ground=made)
            await mail_hosts.know(session, [contact.email for contact in made.contacts])
            return made


async def looked(database: Database, settings: Settings, at: datetime = FRIDAY) -> state.Outbox:
    with clock.held(at):
        async with database.reading() as session:
            return await state.now(session, settings)


async def tried(
    session: AsyncSession,
    letter: Letter,
    *,
    at: datetime,
    reply: str = "250 2.0.0 Ok",
    address: str = FIRST,
) -> None:
    await session.execute(
        insert(Attempt).values(
            letter_id=letter.id,
            number=1,
            worker="w",
            started_at=at,
            ended_at=at,
            outcome="taken" if reply.startswith("2") else "deferred",
            address=address,
            host="mx.example.org",
            tls="TLSv1.3",
            code=int(reply[:3]),
            enhanced="",
            reply=reply,
        )
    )


async def test_the_depth_is_of_this_delivery_and_of_what_is_not_settled(
    database: Database, settings: Settings, made: Ground
) -> None:
    first, second, third, *_ = await all_of(database, Letter)
    async with database.transaction() as session:
        await make_queued_letters(session, 2, ground=made, delivery="reflect")
        sending = [Letter.id.in_([first.id, second.id, third.id])]
        await queue.move(session, sending, frm=queue.QUEUED, to=queue.SENDING, by="w")
        for letter, to in ((first, queue.FAILED), (second, queue.ACCEPTED)):
            await queue.move(
                session, [Letter.id == letter.id], frm=queue.SENDING, to=to, by="w", note="oh"
            )
        await make_notice(session, made)
        session.add(Returned(received_at=FRIDAY, kind="unmatched"))
        session.add(Returned(received_at=FRIDAY, kind="bounce", settled_at=FRIDAY))
    found = await looked(database, settings)
    assert found.depth == {"held": 0, "queued": 3, "sending": 1}
    assert (found.failed, found.notices, found.returns) == (1, 1, 1)
    assert found.oldest_return == FRIDAY
    assert found.needs_a_person


@once
async def test_an_outbox_in_order_needs_nobody(
    database: Database, settings: Settings, made: Ground
) -> None:
    found = await looked(database, settings)
    assert not found.needs_a_person
    assert (found.oldest_notice, found.oldest_return, found.relays) == (None, None, [])


@once
async def test_the_oldest_due_letter_is_one_that_nothing_holds_back(
    database: Database, settings: Settings, made: Ground
) -> None:
    mine = await all_of(database, Letter)
    async with database.transaction() as session:
        for hours, letter in enumerate(mine):
            when = FRIDAY + timedelta(hours=hours)
            await session.execute(update(Letter).filter_by(id=letter.id).values(not_before=when))
    evening = FRIDAY + timedelta(hours=9)
    assert (await looked(database, settings)).oldest_due == FRIDAY
    assert (await looked(database, settings, FRIDAY - A_MINUTE)).oldest_due is None
    async with database.transaction() as session:
        # the first and fourth are for the first office, the second and fifth for the next
        contact = made.contacts[0].id
        await freezes.freeze(session, scope="contact", ref=contact, why="x", by="us")
        await freezes.freeze(session, scope="letter", ref=mine[1].id, why="x", by="us")
    assert (await looked(database, settings, evening)).oldest_due == FRIDAY + timedelta(hours=2)
    async with database.transaction() as session:
        await freezes.freeze(session, scope="host", ref=1, why="x", by="worker")
    assert (await looked(database, settings, evening)).oldest_due is None


async def test_letters_held_because_their_country_moved_on_are_not_counted_one_by_one(
    database: Database, settings: Settings, made: Ground
) -> None:
    mine = await all_of(database, Letter)
    async with database.transaction() as session:
        move = StageMove(
            campaign_id=made.alert.campaign_id,
            country="EE",
            from_stage="a",
            to_stage="b",
            at=FRIDAY,
            by="us",
        )
        session.add(move)
        await session.flush()
        of_first = [select(Letter.id).where(Letter.target_id == mine[0].target_id)]
        held = await freezes.freeze_moved(session, move, of_first, why="x", by="us")
        await freezes.freeze(session, scope="letter", ref=mine[1].id, why="x", by="us")
    assert held > 0
    assert (await looked(database, settings)).frozen_letters == 1


@once
async def test_the_rate_counts_letters_that_left_and_nothing_else(
    database: Database, settings: Settings, made: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    (letter, *_) = await all_of(database, Letter)
    async with database.transaction() as session:
        for minutes in (70, 50, 9, 5):
            await tried(session, letter, at=FRIDAY - minutes * A_MINUTE)
        await tried(session, letter, at=FRIDAY - A_MINUTE / 2)
        await tried(session, letter, at=FRIDAY - A_MINUTE / 2, reply="451 later")
    rate = (await looked(database, settings)).rate
    assert rate == state.Rate(minute=1, ten_minutes=3, hour=4, at_least=False)
    monkeypatch.setattr(hosts, "LOOKED_AT", 4)
    rate = (await looked(database, settings)).rate
    assert rate == state.Rate(minute=1, ten_minutes=3, hour=3, at_least=True)


async def test_a_host_tells_of_its_mailboxes_and_of_what_their_server_said_last(
    database: Database, settings: Settings, made: Ground
) -> None:
    (letter, *_) = await all_of(database, Letter)
    async with database.transaction() as session:
        await tried(session, letter, at=FRIDAY - 5 * A_MINUTE, address=FIRST.upper())
        await tried(session, letter, at=FRIDAY - A_MINUTE, reply="451 4.7.1 greylisted")
        await freezes.freeze(session, scope="host", ref=1, why="550 5.7.1 no", by="worker")
        review = {"review_at": FRIDAY, "review_why": "550 5.1.1 unknown"}
        await session.execute(
            update(Contact).filter_by(id=made.contacts[1].id).values(checked_on=None, **review)
        )
    (host,) = (await looked(database, settings)).hosts
    assert (host.name, host.waiting, host.sent_hour, host.next_at) == ("example.org", 6, 1, None)
    assert host.hold is not None
    assert (host.hold.why, host.hold.by) == ("550 5.7.1 no", "worker")
    assert host.last is not None
    assert (host.last.outcome, host.last.words) == ("deferred", "451 4.7.1 greylisted")
    boxes = {box.contact_id: box for box in host.mailboxes}
    first, second, third = (boxes[contact.id] for contact in made.contacts)
    assert (first.email, first.waiting, first.sent_hour) == (FIRST, 2, 1)
    assert [(one.country, one.office) for one in first.offices] == [
        ("EE", "keep-the-treaty office 0")
    ]
    assert (second.review_at, second.review_why) == (FRIDAY, "550 5.1.1 unknown")
    assert [box.checked for box in (first, second)] == [True, False]
    assert (third.last, third.hold, third.review_at) == (None, None, None)


async def test_frozen_hosts_come_first_and_offices_nobody_writes_to_are_left_out(
    database: Database, settings: Settings, made: Ground
) -> None:
    async with database.transaction() as session:
        other = await make_alert(session, slug="elsewhere", targets=2)
        emails = ["pm@elsewhere.example", "pm@idle.example"]
        for contact, email in zip(other.contacts, emails, strict=True):
            await session.execute(update(Contact).filter_by(id=contact.id).values(email=email))
        await make_queued_letters(session, 1, ground=other)
        host = await mail_hosts.of(session, emails[0])
        await freezes.freeze(session, scope="host", ref=host.id, why="x", by="worker")
    found = await looked(database, settings)
    assert [host.name for host in found.hosts] == ["elsewhere.example", "example.org"]


@once
async def test_a_host_that_nobody_has_written_to_goes_by_its_domain(
    database: Database, settings: Settings
) -> None:
    with clock.held(FRIDAY):
        async with database.transaction() as session:
            await make_queued_letters(session, 2)
    (host,) = (await looked(database, settings)).hosts
    assert (host.host_id, host.name, host.waiting) == (None, "example.org", 2)


@once
async def test_the_next_turn_is_told_where_letters_are_paced(
    database: Database, settings: Settings, made: Ground
) -> None:
    async with database.transaction() as session:
        await session.execute(update(Mailbox).values(last_at=FRIDAY))
        full = {"today": FRIDAY.date(), "today_n": settings.per_mailbox_day}
        second = made.contacts[1].email
        await session.execute(update(Mailbox).filter_by(email=second).values(**full))
    at = FRIDAY + A_MINUTE
    (host,) = (await looked(database, settings, at)).hosts
    assert {box.next_at for box in host.mailboxes} == {None}
    settings.pacing = Switch.ON
    (host,) = (await looked(database, settings, at)).hosts
    turns = {box.email: box.next_at for box in host.mailboxes}
    assert turns[FIRST] is not None
    assert at < turns[FIRST] < at + 10 * A_MINUTE
    # a full day goes on after the weekend, at eight in Tallinn
    assert turns[second] == datetime(2026, 11, 23, 6, tzinfo=UTC)
    others = [turn for email, turn in turns.items() if turn and email != second]
    assert host.next_at == min(others)


async def test_relays_that_do_not_let_us_in_need_a_person(
    database: Database, settings: Settings, made: Ground
) -> None:
    async with database.transaction() as session:
        session.add(RelayState(name="one:587", failures=0))
        session.add(RelayState(name="two:587", failures=2, why="535 no", retry_at=FRIDAY))
    found = await looked(database, settings)
    assert [(one.name, one.failures) for one in found.relays] == [("one:587", 0), ("two:587", 2)]
    assert found.needs_a_person


async def test_letters_to_look_at_are_named_with_their_reasons(
    database: Database, settings: Settings, made: Ground
) -> None:
    broken, held, *_ = await all_of(database, Letter)
    async with database.transaction() as session:
        which = [Letter.id == broken.id]
        await queue.move(session, which, frm=queue.QUEUED, to=queue.SENDING, by="w")
        await queue.move(session, which, frm=queue.SENDING, to=queue.FAILED, by="w", note="torn")
        place = await places.find(session, "letter", str(held.id), delivery="sandbox")
        await operating.freeze(session, place, why="A wish.", by="anna@example.org")
        other = Organisation(slug="other", name="Other", created_at=FRIDAY)
        session.add(other)
        await session.flush()
    async with database.reading() as session:
        found = await state.now(session, settings, organisation_id=1)
        named = await letters.to_look_at(session, found, organisation_id=1)
        theirs = await state.now(session, settings, organisation_id=other.id)
    assert [(one.letter_id, one.why) for one in named] == [
        (held.id, "A wish."),
        (broken.id, "torn"),
    ]
    assert (found.failed, found.frozen_letters) == (1, 1)
    assert (theirs.failed, theirs.frozen_letters, theirs.alerts) == (0, 0, [])


async def test_one_letter_tells_everything_but_its_supporters_address(
    database: Database, made: Ground
) -> None:
    (letter, *_) = await all_of(database, Letter)
    async with database.transaction() as session:
        await tried(session, letter, at=FRIDAY)
        session.add(Returned(received_at=FRIDAY, kind="bounce", letter_id=letter.id))
        for scope, ref in (("alert", made.alert.id), ("contact", made.contacts[0].id), ("host", 1)):
            await freezes.freeze(session, scope=scope, ref=ref, why=scope, by="us")
        await freezes.freeze(session, scope="contact", ref=made.contacts[1].id, why="x", by="us")
        story = await letters.of_letter(session, letter.id)
        submission = await session.get_one(Submission, letter.submission_id)
    assert {scope: hold.why for scope, hold in story.holds.items()} == {
        "alert": "alert",
        "contact": "contact",
        "host": "host",
    }
    assert (story.contact_id, story.host_id) == (made.contacts[0].id, 1)
    assert [event.what for event in story.events] == ["held", "queued"]
    assert (len(story.attempts), len(story.returns)) == (1, 1)
    assert story.supporter == submission.name
    assert submission.email not in repr(vars(story))


@once
async def test_as_many_questions_however_many_letters(
    database: Database, settings: Settings, made: Ground
) -> None:
    said: list[str] = []

    def listen(connection: object, cursor: object, statement: str, *rest: object) -> None:
        said.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", listen)
    await looked(database, settings)
    before = len([one for one in said if one.startswith("SELECT")])
    async with database.transaction() as session:
        await make_queued_letters(session, 40, ground=made)
    said.clear()
    await looked(database, settings)
    assert len([one for one in said if one.startswith("SELECT")]) == before < 25
