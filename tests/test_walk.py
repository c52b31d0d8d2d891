"""The whole walk, on both databases: from the form to the mailbox and a true count.

One test for every ending of the status table that can be reached.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from html import unescape

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import func, update

from app import clock
from app.db import Database
from app.delivery.retry import LEAST_TRIES
from app.letters import confirmation, own
from app.main import create_app
from app.models import (
    Alert,
    Attempt,
    Contact,
    Event,
    Letter,
    LetterTemplate,
    Notice,
    SandboxMessage,
    Submission,
)
from app.outbox import suppressions
from app.reporting import recount
from app.settings import Delivery, Settings, Switch
from tests.grounds.alerts import confirmed, filled, mine_ban, submitted
from tests.grounds.rows import all_of, counted, statuses
from tests.grounds.smtp import SmtpServer
from tests.grounds.working import IMPATIENT, until, working

FORM = {
    "lists": "1",
    "name": "Mari Mägi",
    "email": "mari@example.org",
    "city": "Tartu",
    "country": "EE",
    "countries": ["LV", "LT"],
    "own_words": "My grandfather cleared mines.",
    "consent": "on",
}


@pytest_asyncio.fixture
async def alert(database: Database, furnished: None) -> Alert:
    return await mine_ban(database)


@pytest_asyncio.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as opened:
        yield opened
    await app.state.database.close()


@pytest.fixture
def relayed(settings: Settings, smtp_server: SmtpServer) -> Settings:
    """Reflect delivery over the test's mail server: letters come back to the supporter."""
    return settings.model_copy(
        update={
            "delivery": Delivery.REFLECT,
            "smtp_url": smtp_server.url,
            "connections": 2,
            "smtp_timeout": 2.0,
            "pacing": Switch.OFF,
        }
    )


def stand(database: Database, wanted: dict[str, int]) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return await statuses(database) == wanted

    return check


def tried(database: Database, times: int) -> Callable[[], Awaitable[bool]]:
    """The letter was tried so often, and waits for its next attempt."""

    async def check() -> bool:
        many = len(await all_of(database, Attempt)) == times
        return many and await statuses(database) == {"queued": 1}

    return check


def offices_of(page: str) -> list[str]:
    return re.findall(r'name="offices" value="(\d+)"[^>]*checked', page)


async def test_from_the_form_to_the_mailbox_and_a_true_count(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    read = await fill_in(client)
    async with working(settings, database):
        await until(arrived(database, 1))
        (notice,) = await all_of(database, SandboxMessage)
        link = confirm_link(notice)
        mine = await press(client, database, link)
        await until(stand(database, {"handed_over": 2}))
    for letter in (await all_of(database, SandboxMessage))[1:]:
        check_letter(letter, read)
    assert (await client.get(mine)).text.count("Handed over") >= 2
    assert (await client.get(link)).headers["location"] == mine
    counts = (await client.get("/api/v1/alerts/send-one-email/counts")).json()
    assert (counts["supporters"], counts["sent"]) == (1, 2)
    assert counts["letters"]["handed_over"] == 2
    assert counts["delivery"] == "sandbox"
    async with database.reading() as session:
        assert await recount.differences(session, alert.id) == []


async def fill_in(client: httpx.AsyncClient) -> str:
    """Read the page, fill in the form, read the letters, send; gives the letters as read."""
    page = await client.get("/alerts/send-one-email")
    assert "your letter asks Latvia to return" in page.text
    (seed,) = re.findall(r'name="seed" value="(\d+)"', page.text)
    form = FORM | {"seed": seed, "offices": offices_of(page.text)}
    preview = await client.post("/alerts/send-one-email/preview", data=form)
    assert "My grandfather cleared mines." in preview.text
    sent = await client.post("/alerts/send-one-email", data=form)
    assert sent.status_code == 303
    assert "Look in your mail" in (await client.get(sent.headers["location"])).text
    return _texts(preview.text)


def confirm_link(notice: SandboxMessage) -> str:
    read = message_from_bytes(notice.raw, policy=policy.default)
    assert read["Subject"].startswith("Please confirm")
    assert notice.rcpt_to == "mari@example.org"
    link = re.search(rb"/confirm/\S+", notice.raw)
    assert link, "the link stands whole on one line, also for a program that cuts lines"
    assert link[0].decode() in read.get_content()
    return link[0].decode()


async def press(client: httpx.AsyncClient, database: Database, link: str) -> str:
    """Open the link, press the button; gives the address of the supporter's letters."""
    shown = await client.get(link)
    assert await statuses(database) == {"held": 2}, "a link shows, a button acts"
    assert "no-store" in shown.headers["cache-control"]
    assert shown.headers["referrer-policy"] == "no-referrer"
    (seal,) = re.findall(r'name="shown" value="(\w+)"', shown.text)
    pressed = await client.post(link, data={"shown": seal, "own_words": FORM["own_words"]})
    assert pressed.status_code == 303
    return pressed.headers["location"]


def check_letter(letter: SandboxMessage, shown: str) -> None:
    """What was read on the page is what arrived, with the headers that were meant."""
    read = message_from_bytes(letter.raw, policy=policy.default)
    assert letter.rcpt_to in {"pasts@mk.gov.lv", "LRVkanceliarija@lrv.lt"}
    assert letter.mail_from.startswith("letters+b-")
    assert read["From"].addresses[0].display_name == "Mari Mägi (via Mine Ban Campaign)"
    assert read["From"].addresses[0].addr_spec == "letters@letters.example"
    assert read["Reply-To"].addresses[0].addr_spec == "mari@example.org"
    assert read.get_content().replace("\r\n", "\n").strip() in shown


def arrived(database: Database, messages: int) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return len(await all_of(database, SandboxMessage)) == messages

    return check


def _texts(page: str) -> str:
    return "\n".join(
        unescape(body) for body in re.findall(r'class="sheet-body"[^>]*>(.*?)</div>', page, re.S)
    )


async def queue_one(
    database: Database, settings: Settings, alert: Alert, **changes: object
) -> Letter:
    kept = await submitted(database, settings, alert, filled(**({"countries": ["EE"]} | changes)))
    async with database.transaction() as session:  # the notice is not what is tested here
        await session.execute(update(Notice).values(status="cancelled"))
    await confirmed(database, settings, kept.public_id)
    (letter,) = await all_of(database, Letter, Letter.submission_id == kept.id)
    return letter


async def test_a_letter_the_relay_takes_is_handed_over_with_its_receipt(
    database: Database, relayed: Settings, alert: Alert, smtp_server: SmtpServer
) -> None:
    letter = await queue_one(database, relayed, alert)
    async with working(relayed, database):
        await until(stand(database, {"handed_over": 1}))
    (received,) = smtp_server.received
    assert received.rcpt_to == ["mari@example.org"], "reflect sends to the supporter"
    read = message_from_bytes(received.raw, policy=policy.default)
    assert read["Message-ID"] == letter.message_id
    assert read["To"].addresses[0].addr_spec == "mari@example.org"
    assert read["X-Intended-Recipient"] == "riigikantselei@riigikantselei.ee"
    (attempt,) = await all_of(database, Attempt)
    assert (attempt.outcome, attempt.code) == ("taken", 250)
    assert attempt.reply
    assert await counted(database) == {"handed_over": 1}


async def test_a_refused_letter_ends_as_rejected_in_the_servers_own_words(
    database: Database, relayed: Settings, alert: Alert, smtp_server: SmtpServer
) -> None:
    smtp_server.answers("550 5.1.1 nobody by that name")
    await queue_one(database, relayed, alert)
    async with working(relayed, database):
        await until(stand(database, {"rejected": 1}))
    (attempt,) = await all_of(database, Attempt)
    assert (attempt.outcome, attempt.code, attempt.enhanced) == ("rejected", 550, "5.1.1")
    assert "nobody by that name" in attempt.reply
    assert await counted(database) == {"rejected": 1}


async def test_a_deferred_letter_waits_longer_the_second_time_and_keeps_its_message_id(
    database: Database, relayed: Settings, alert: Alert, smtp_server: SmtpServer
) -> None:
    smtp_server.answers("451 4.7.1 later please", times=2)
    with clock.held(datetime(2026, 11, 20, 9, tzinfo=UTC)) as held:
        letter = await queue_one(database, relayed, alert)
        waits = []
        async with working(relayed, database):
            for n in (1, 2):
                await until(tried(database, n))
                (now_queued,) = await all_of(database, Letter)
                waits.append(now_queued.not_before - held.at)
                held.advance(waits[-1])
            await until(stand(database, {"handed_over": 1}))
    five = timedelta(minutes=5)
    assert five * 0.75 <= waits[0] <= five * 1.25
    assert five * 1.5 <= waits[1] <= five * 2.5
    (received,) = smtp_server.received
    assert letter.message_id.encode() in received.raw
    assert await counted(database) == {"handed_over": 1}


async def test_a_letter_deferred_for_three_days_expires(
    database: Database, relayed: Settings, alert: Alert, smtp_server: SmtpServer
) -> None:
    smtp_server.answers("451 4.2.1 always later")
    with clock.held(datetime(2026, 11, 16, 9, tzinfo=UTC)) as held:
        await queue_one(database, relayed, alert)
        async with working(relayed, database):
            for n in range(1, LEAST_TRIES):
                await until(tried(database, n))
                held.advance(timedelta(hours=4))
            await until(tried(database, LEAST_TRIES))
            held.advance(timedelta(hours=71 - 4 * (LEAST_TRIES - 1), minutes=59))
            await until(tried(database, LEAST_TRIES + 1))
            assert await statuses(database) == {"queued": 1}
            held.advance(timedelta(hours=4))
            await until(stand(database, {"expired": 1}))
    assert await counted(database) == {"expired": 1}


async def test_a_connection_lost_after_data_sends_again_under_the_same_message_id(
    database: Database, relayed: Settings, alert: Alert, smtp_server: SmtpServer
) -> None:
    smtp_server.drops_after_data(times=1)
    with clock.held(datetime(2026, 11, 20, 9, tzinfo=UTC)) as held:
        letter = await queue_one(database, relayed, alert)
        async with working(relayed, database):
            await until(tried(database, 1))
            held.advance(timedelta(minutes=7))
            await until(stand(database, {"handed_over": 1}))
    copies = [*smtp_server.unanswered, *smtp_server.received]
    assert len(copies) == 2
    assert all(letter.message_id.encode() in copy.raw for copy in copies)
    assert [one.outcome for one in await all_of(database, Attempt)] == ["deferred", "taken"]


async def test_a_letter_that_reads_otherwise_than_confirmed_fails_and_never_leaves(
    database: Database, relayed: Settings, alert: Alert, smtp_server: SmtpServer
) -> None:
    await queue_one(database, relayed, alert)
    async with database.transaction() as session:  # somebody reached past the revisions
        rows = await session.scalars(update_source())
        assert rows.all()
    async with working(relayed, database):
        await until(stand(database, {"failed": 1}))
    assert smtp_server.received == []
    assert "renders otherwise" in (await all_of(database, Event))[-1].note
    assert await counted(database) == {"failed": 1}


def update_source():  # type: ignore[no-untyped-def]
    return (
        update(LetterTemplate)
        .where(LetterTemplate.country == "EE")
        .values(source=func.replace(LetterTemplate.source, "Dear Prime", "Dearest Prime"))
        .returning(LetterTemplate.id)
    )


async def test_a_withdrawn_letter_never_leaves(
    database: Database, relayed: Settings, alert: Alert, smtp_server: SmtpServer
) -> None:
    letter = await queue_one(database, relayed, alert)
    other = await queue_one(database, relayed, alert, countries=["LV"])
    async with database.transaction() as session:
        kept = await confirmation.load(session, await _public_id(database, letter))
        await own.withdraw(session, kept, letter.id)
    async with working(relayed, database):
        await until(stand(database, {"cancelled": 1, "handed_over": 1}))
    assert [one.raw for one in smtp_server.received if letter.message_id.encode() in one.raw] == []
    assert other.message_id.encode() in smtp_server.received[0].raw


async def _public_id(database: Database, letter: Letter) -> str:
    (kept,) = await all_of(database, Submission, Submission.id == letter.submission_id)
    return str(kept.public_id)


async def test_a_letter_to_an_address_suppressed_meanwhile_ends_as_suppressed(
    database: Database, relayed: Settings, alert: Alert, smtp_server: SmtpServer
) -> None:
    await queue_one(database, relayed, alert)
    async with database.transaction() as session:
        await suppressions.suppress(
            session, "Riigikantselei@riigikantselei.ee", why="they asked us", by="an organiser"
        )
    async with working(relayed, database):
        await until(stand(database, {"suppressed": 1}))
    assert smtp_server.asked == []
    assert await counted(database) == {"suppressed": 1}


async def test_a_letter_never_confirmed_lapses(
    database: Database, settings: Settings, alert: Alert
) -> None:
    await submitted(database, settings, alert, filled(countries=["EE"]))
    with clock.held(clock.now() + timedelta(days=8)):
        async with database.transaction() as session:
            await confirmation.lapse(session)
    assert await statuses(database) == await counted(database) == {"lapsed": 1}


async def test_a_server_that_never_answers_defers_the_letter_and_holds_no_other(
    database: Database, relayed: Settings, alert: Alert, smtp_server: SmtpServer
) -> None:
    smtp_server.never_answers(to="slow@example.org")
    with clock.held(datetime(2026, 11, 20, 9, tzinfo=UTC)):
        await queue_one(database, relayed, alert, email="slow@example.org")
        await queue_one(database, relayed, alert, countries=["LV"])
        async with working(relayed, database, data_timeout=IMPATIENT):
            await until(stand(database, {"sending": 1, "handed_over": 1}))
            await until(stand(database, {"queued": 1, "handed_over": 1}))
    attempts = {one.outcome: one for one in await all_of(database, Attempt)}
    assert set(attempts) == {"taken", "deferred"}
    assert attempts["deferred"].code is None


async def test_live_letters_wait_for_a_checked_address_and_practice_never_goes_live(
    database: Database, relayed: Settings, alert: Alert, smtp_server: SmtpServer
) -> None:
    live = relayed.model_copy(update={"delivery": Delivery.LIVE, "mail_domain": "letters.test"})
    practice = relayed.model_copy(update={"delivery": Delivery.SANDBOX})
    yesterday = await queue_one(database, practice, alert)
    async with database.transaction() as session:
        await session.execute(update(Contact).values(checked_on=clock.now().date()))
    letter = await queue_one(database, live, alert)
    async with database.transaction() as session:  # and the check is taken back
        await session.execute(update(Contact).values(checked_on=None))
    async with working(live, database):
        await queue_one(database, relayed, alert, email="other@example.org")
        assert await statuses(database) == {"queued": 3}
        assert smtp_server.asked == []
        async with database.transaction() as session:
            await session.execute(update(Contact).values(checked_on=clock.now().date()))
        await until(stand(database, {"queued": 2, "handed_over": 1}))
    (received,) = smtp_server.received
    assert letter.message_id.encode() in received.raw
    assert received.rcpt_to == ["riigikantselei@riigikantselei.ee"]
    (still,) = await all_of(database, Letter, Letter.id == yesterday.id)
    assert (still.status, still.delivery) == ("queued", "sandbox")
