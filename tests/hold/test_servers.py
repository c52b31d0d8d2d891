"""Servers in every mood: each dialogue ends in the right status, attempt and event."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from app import clock
from app.db import Database
from app.delivery import worker
from app.models import Attempt, Contact, Event, Letter, RelayState
from app.settings import Settings
from tests.grounds.letters import make_alert, make_queued_letters
from tests.grounds.rows import all_of, counted, statuses
from tests.grounds.smtp import SmtpServer
from tests.grounds.smtp.server import GARBAGE
from tests.grounds.working import IMPATIENT, until, working

LATER = timedelta(minutes=8)  # the first wait is five, moved by up to a quarter
Mood = Callable[[SmtpServer], None]
LOST = "the reply to it was lost: it may have arrived"


@pytest.fixture
def impatient(live: Settings) -> Settings:
    """One letter after the other; a reply that takes longer than a second is none."""
    return live.model_copy(update={"connections": 1, "smtp_timeout": 1.0})


@dataclass(frozen=True)
class Ending:
    """What is on record after one attempt: status; the attempt's own fields; the event's note."""

    status: str
    outcome: str
    code: int | None = None
    enhanced: str = ""
    began_data: bool = False
    note: str = ""


MOODS: dict[str, tuple[Mood, Ending]] = {
    "greylists": (
        lambda server: server.greylists(),
        Ending("queued", "deferred", 451, "4.7.1", note="451 4.7.1"),
    ),
    "tarpits, but answers in time": (
        lambda server: server.tarpits(0.1),
        Ending("handed_over", "taken", 250, "2.0.0"),
    ),
    "falls silent in the dialogue": (
        lambda server: server.hangs(at="RCPT"),
        Ending("queued", "deferred"),
    ),
    "closes at the envelope": (
        lambda server: server.drops(at="MAIL"),
        Ending("queued", "deferred"),
    ),
    "closes after DATA": (
        lambda server: server.drops_after_data(),
        Ending("queued", "deferred", began_data=True, note=LOST),
    ),
    "falls silent after DATA": (
        lambda server: server.never_answers(),
        Ending("queued", "deferred", began_data=True, note=LOST),
    ),
    "answers garbage to the envelope": (
        lambda server: server.answers_garbage(at="RCPT"),
        Ending("queued", "deferred"),
    ),
    "answers garbage to the data": (
        lambda server: server.answers_garbage(at="DATA"),
        Ending("queued", "deferred", began_data=True, note=LOST),
    ),
    "goes away in the dialogue": (
        lambda server: server.answers("421 4.3.2 shutting down", at="RCPT"),
        Ending("queued", "deferred", 421, "4.3.2", note="421 4.3.2"),
    ),
    "has a full mailbox": (
        lambda server: server.rejects("552 5.2.2 mailbox full"),
        Ending("queued", "rejected", 552, "5.2.2", note="552 5.2.2"),
    ),
    "refuses the content": (
        lambda server: server.answers("554 5.6.0 not like this", at="DATA"),
        Ending("rejected", "rejected", 554, "5.6.0", note="554 5.6.0"),
    ),
}


async def test_each_mood_of_a_server_ends_a_dialogue_in_the_right_status_and_event(
    database: Database,
    impatient: Settings,
    smtp_server: SmtpServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "POLL", 0.05)
    async with database.transaction() as session:
        made = await make_alert(session, targets=1)
    async with working(impatient, database, data_timeout=IMPATIENT):
        for number, (change, expected) in enumerate(MOODS.values(), start=1):
            change(smtp_server)
            async with database.transaction() as session:
                await make_queued_letters(session, 1, ground=made, delivery="live")

            async def on_record(number: int = number) -> bool:
                return len(await all_of(database, Attempt, Attempt.letter_id == number)) == 1

            await until(on_record)
            smtp_server.agrees()
            assert await _ending(database, number) == expected
    standing = Counter(ending.status for _, ending in MOODS.values())
    assert await counted(database) == await statuses(database) == standing


async def _ending(database: Database, number: int) -> Ending:
    """What is on record of a letter that had one attempt."""
    (attempt,) = await all_of(database, Attempt, Attempt.letter_id == number)
    (letter,) = await all_of(database, Letter, Letter.id == number)
    event = (await all_of(database, Event, Event.letter_id == number))[-1]
    assert event.what == letter.status
    assert attempt.address == "keep-the-treaty-0@example.org"
    assert (letter.worker, letter.lease_until) == ("", None)
    waits = letter.not_before - attempt.ended_at
    assert (waits > timedelta(minutes=3)) is (letter.status == "queued")
    return Ending(
        letter.status,
        attempt.outcome,
        attempt.code,
        attempt.enhanced,
        attempt.began_data,
        event.note,
    )


async def test_what_was_greylisted_goes_again_under_the_same_name_and_arrives_once(
    database: Database, impatient: Settings, smtp_server: SmtpServer
) -> None:
    (letter,) = await queued(database, 1)
    smtp_server.greylists()
    with clock.held(clock.now()) as time:
        await work_until_settled(database, impatient, "queued")
        time.advance(LATER)
        await work_until_settled(database, impatient, "handed_over")
    assert [one.outcome for one in await all_of(database, Attempt)] == ["deferred", "taken"]
    (arrived,) = smtp_server.received
    assert f"Message-ID: {letter.message_id}\r\n".encode() in arrived.raw


async def test_after_a_lost_reply_it_may_arrive_twice_under_one_name(
    database: Database, impatient: Settings, smtp_server: SmtpServer
) -> None:
    (letter,) = await queued(database, 1)
    smtp_server.drops_after_data(times=1)
    with clock.held(clock.now()) as time:
        await work_until_settled(database, impatient, "queued")
        time.advance(LATER)
        await work_until_settled(database, impatient, "handed_over")
    twice = [*smtp_server.unanswered, *smtp_server.received]
    assert len(twice) == 2
    assert all(f"Message-ID: {letter.message_id}\r\n".encode() in one.raw for one in twice)


async def test_a_server_that_changes_its_mind_is_believed_each_time(
    database: Database, impatient: Settings, smtp_server: SmtpServer
) -> None:
    await queued(database, 1)
    replies = ("451 4.3.0 come again", "450 4.2.1 not yet", "550 5.7.1 no, after all")
    smtp_server.changes_its_mind(*replies, at="RCPT")
    with clock.held(clock.now()) as time:
        for status in ("queued", "queued", "rejected"):
            await work_until_settled(database, impatient, status)
            time.advance(2 * LATER)
    attempts = await all_of(database, Attempt)
    assert [f"{one.code} {one.reply}" for one in attempts] == list(replies)
    assert [one.number for one in attempts] == [1, 2, 3]
    assert [one.what for one in await all_of(database, Event)][2:] == [
        "queued",
        "queued",
        "rejected",
    ]


async def test_one_refused_recipient_holds_no_other_back(
    database: Database, impatient: Settings, smtp_server: SmtpServer
) -> None:
    await queued(database, 6, targets=3)
    smtp_server.rejects("550 5.2.1 mailbox disabled", to="keep-the-treaty-1@example.org")
    await work_until_settled(database, impatient, rejected=2, handed_over=4)
    refused = await all_of(database, Attempt, Attempt.outcome == "rejected")
    assert {(one.address, one.code, one.enhanced) for one in refused} == {
        ("keep-the-treaty-1@example.org", 550, "5.2.1")
    }
    (marked,) = await all_of(database, Contact, Contact.review_at.is_not(None))
    assert (marked.email, marked.review_why) == (refused[0].address, "5.2.1 mailbox disabled")


CLOSED: dict[str, tuple[Mood, str, str]] = {
    "closes at once": (lambda server: server.closes_at_once(), "", "connect: "),
    "does not greet": (lambda server: server.hangs(at="GREETING"), "", "connect: "),
    "greets with garbage": (
        lambda server: server.answers_garbage(at="GREETING"),
        "",
        f"connect: Malformed SMTP response line: {GARBAGE}",
    ),
    "tarpits for too long": (lambda server: server.tarpits(1.5), "", "connect: "),
    "offers STARTTLS and refuses it": (
        lambda server: server.refuses_starttls(),
        "",
        "tls: 4.7.0 TLS not available",
    ),
    "offers STARTTLS and breaks it": (lambda server: server.breaks_starttls(), "", "tls: "),
    "offers no STARTTLS where we require it": (
        lambda server: None,
        "?tls=require",
        "tls: The server offers no encryption",
    ),
}


async def test_a_relay_that_lets_nobody_in_rests_and_its_letters_stay_as_they_were(
    database: Database, impatient: Settings, smtp_server: SmtpServer
) -> None:
    await queued(database, 3)
    for change, options, why in CLOSED.values():
        change(smtp_server)
        settings = impatient.model_copy(update={"smtp_url": smtp_server.url + options})
        relay = await _after_it_rested(database, settings)
        smtp_server.agrees()
        assert relay.why.startswith(why)
        assert relay.failures == 1
        assert relay.retry_at
        assert relay.retry_at > clock.now()
    assert await all_of(database, Attempt) == []
    assert {
        (one.status, one.attempts, one.first_attempt_at, one.worker)
        for one in await all_of(database, Letter)
    } == {("queued", 0, None, "")}
    assert (smtp_server.asked, smtp_server.received) == ([], [])
    assert await counted(database) == {"queued": 3}


async def _after_it_rested(database: Database, settings: Settings) -> RelayState:
    """A worker runs until the relay is known to rest; then everybody forgets it."""

    async def known() -> bool:
        return any(one.failures for one in await relays(database))

    async with working(settings, database):
        await until(known)
    (relay,) = await relays(database)
    async with database.transaction() as session:
        await session.execute(delete(RelayState))
    return relay


async def queued(database: Database, n: int, *, targets: int = 1) -> list[Letter]:
    async with database.transaction() as session:
        made = await make_alert(session, targets=targets)
        return await make_queued_letters(session, n, ground=made, delivery="live")


async def work_until_settled(
    database: Database, settings: Settings, status: str = "", **expected: int
) -> None:
    """A worker runs until one more attempt is on record, and all stands as expected."""
    before = len(await all_of(database, Attempt))

    async def settled() -> bool:
        attempts = len(await all_of(database, Attempt))
        return attempts > before and await statuses(database) == (expected or {status: 1})

    async with working(settings, database):
        await until(settled)


async def relays(database: Database) -> list[RelayState]:
    async with database.reading() as session:
        return list(await session.scalars(select(RelayState)))
