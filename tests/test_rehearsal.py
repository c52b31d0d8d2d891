"""What is tried out never reaches an office, and a changed alert leaves confirmed letters alone."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.campaigns import alerts, packs
from app.campaigns.drafts import keeping
from app.campaigns.life import transitions
from app.db import Database
from app.delivery.practice import beside
from app.delivery.practice.beside import Side
from app.letters import confirmation
from app.models import (
    Alert,
    AlertCountry,
    AlertState,
    AuditLine,
    Letter,
    LetterTemplate,
    Mailbox,
    SandboxMessage,
)
from app.settings import Delivery, Settings
from tests.grounds.alerts import MINE_BAN, ROOT, confirmed, filled, mine_ban, submitted
from tests.grounds.letters import (
    MAIL_DOMAIN,
    make_alert,
    make_notice,
    make_queued_letters,
)
from tests.grounds.rows import all_of, statuses
from tests.grounds.smtp import SmtpServer
from tests.grounds.working import until, working

MARCH = datetime(2025, 3, 25, 12, tzinfo=UTC)
APRIL = datetime(2025, 4, 2, 9, tzinfo=UTC)


@pytest.fixture
def live(settings: Settings, smtp_server: SmtpServer) -> Settings:
    """Live delivery, paced, through the test's own relay."""
    changes = {"delivery": Delivery.LIVE, "smtp_url": smtp_server.url, "mail_domain": MAIL_DOMAIN}
    return settings.model_copy(update=changes)


async def test_in_live_delivery_a_rehearsal_stays_here_and_a_trial_goes_back_to_its_writer(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    async with database.transaction() as session:
        ground = await make_alert(session)
        await make_queued_letters(session, 2, ground=ground, delivery="rehearsal")
        await make_notice(session, ground, delivery="rehearsal", email="mari@example.org")
    async with database.transaction() as session:
        tried = {"delivery": "trial", "email": "kati@example.org"}
        await make_queued_letters(session, 1, ground=await make_alert(session, slug="b"), **tried)

    async def all_left() -> bool:
        return await statuses(database) == {"handed_over": 3}

    async with working(live, database):
        await until(all_left)
    kept = sorted(one.rcpt_to for one in await all_of(database, SandboxMessage))
    assert kept == [
        "keep-the-treaty-0@example.org",
        "keep-the-treaty-1@example.org",
        "mari@example.org",
    ]
    assert {one for received in smtp_server.received for one in received.rcpt_to} == {
        "kati@example.org"
    }
    letter = message_from_bytes(smtp_server.received[0].raw, policy=policy.default)
    assert letter["X-Intended-Recipient"] == "b-0@example.org"
    async with database.reading() as session:  # and nobody's turn was spent
        assert await session.scalar(select(func.count()).select_from(Mailbox)) == 0


async def test_nothing_runs_beside_the_worker_where_nothing_is_tried_out(
    database: Database, settings: Settings
) -> None:
    worked: list[Delivery] = []

    async def work(side: Side, name: str, done: asyncio.Event) -> None:
        worked.append(side.claims.delivery)
        await done.wait()

    async with database.transaction() as session:
        ground = await make_alert(session)
        await make_queued_letters(session, 1, ground=ground)
    stop = asyncio.Event()
    async with beside.beside(settings, database, "test", stop, work):
        await asyncio.sleep(0.2)
        stop.set()
    assert worked == []
    async with database.transaction() as session:
        await make_queued_letters(session, 1, ground=ground, delivery="rehearsal")
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(beside.beside(settings, database, "test", stop, work))

        async def began() -> bool:
            return bool(worked)

        await until(began)
        stop.set()
    assert worked == [Delivery.REHEARSAL]


async def test_a_rehearsal_takes_forms_before_it_opens_and_shows_the_day_it_opens(
    database: Database, settings: Settings
) -> None:
    settings.delivery = Delivery.LIVE
    async with database.transaction() as session:
        ground = await make_alert(session)
        alert = ground.alert
        alert.state, alert.test_people = AlertState.REHEARSAL, "Kati@example.org\njaan@example.org"
        alert.opens_at = datetime(2030, 1, 1, 12, tzinfo=UTC)
        with clock.held(MARCH):
            await alerts.check_open(session, alert)
            assert alerts.today(alert).isoformat() == "2030-01-01"
    assert alerts.delivery_for(alert, settings, "mari@example.org") == "rehearsal"
    assert alerts.delivery_for(alert, settings, " kati@EXAMPLE.org ") == "trial"
    alert.state = AlertState.PUBLISHED
    assert alerts.delivery_for(alert, settings, "kati@example.org") == "live"


@pytest.mark.parametrize("delivery", ["rehearsal", "trial"])
def test_no_installation_is_set_to_what_only_letters_are(delivery: str) -> None:
    with pytest.raises(ValidationError):
        Settings(_env_file=None, delivery=delivery)


@pytest.mark.usefixtures("furnished")
async def test_finland_joins_and_confirmed_letters_keep_the_text_that_was_read(
    database: Database, settings: Settings
) -> None:
    with clock.held(MARCH) as held:
        await _without_finland(database)
        alert = await mine_ban(database)
        form = filled(postal_address="Lossi 3, Tartu")
        mari = await submitted(database, settings, alert, form)
        assert (await confirmed(database, settings, mari.public_id)).queued == 4
        jaan = await submitted(database, settings, alert, filled(email="jaan@example.org"))
        held.advance(APRIL - MARCH)
        async with database.transaction() as session:
            await _revise(session)

        async with database.reading() as session:
            found = await confirmation.load(session, jaan.public_id)
            waiting = await confirmation.waiting(session, found)
            assert len(waiting) == 4
            assert all("Honoured" in one.text.body for one in waiting)
        new = await submitted(
            database, settings, await mine_ban(database), filled(email="ed@example.org")
        )
        assert (await confirmed(database, settings, new.public_id)).queued == 5  # and Finland

        async def all_left() -> bool:
            return (await statuses(database)).get("handed_over") == 9

        async with working(settings, database):
            await until(all_left)
    assert "failed" not in await statuses(database)
    texts = await _texts(database, "mari@example.org")
    assert len(texts) == 4
    assert not any("Honoured" in text for text in texts.values())
    assert "Lossi 3, Tartu" in texts["PL"]  # Poland asked for it when she confirmed
    assert "Lossi 3, Tartu" not in texts["EE"]  # and Estonia asks since
    assert all("Honoured" in text for text in (await _texts(database, "ed@example.org")).values())
    (line,) = await all_of(database, AuditLine)
    assert line.sentence == f"Published changes of the alert “{MINE_BAN}”"


async def _without_finland(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(delete(AlertCountry).where(AlertCountry.country == "FI"))
        await session.execute(delete(LetterTemplate).where(LetterTemplate.country == "FI"))


async def _revise(session: AsyncSession) -> None:
    """Finland, another salutation in every letter, and other countries that ask for an address."""
    alert = await alerts.by_slug(session, MINE_BAN)
    draft = await keeping.read(session, alert)
    countries: list[dict[str, Any]] = [
        row | {"postal_address": "" if row["code"] == "PL" else "It is asked for."}
        for row in draft.content("countries")["countries"]
    ]
    countries.append({"code": "FI", "record": "Left in 2026.", "added_on": "2025-04-02"})
    await _save(session, alert, "countries", {"countries": countries})
    pack = packs.load_folder(ROOT / "templates" / "letters" / MINE_BAN)
    for letter in pack.letters:
        source = letter.source.replace("+++\n{{ salutation }}", "+++\nHonoured {{ salutation }}")
        assert source != letter.source
        await _save(
            session, alert, f"letter:{letter.country}.{letter.language}", {"source": source}
        )
    draft = await keeping.read(session, alert)
    await transitions.publish(session, draft, by="mari@example.org")


async def _save(session: AsyncSession, alert: Alert, part: str, content: dict[str, Any]) -> None:
    draft = await keeping.read(session, alert)
    version = draft.sections[part].version if part in draft.sections else 0
    await keeping.save(session, alert, part, content, version=version, by="mari@example.org")


async def _texts(database: Database, writer: str) -> dict[str, str]:
    """What arrived, by the country of its office."""
    found = {}
    letters = {one.message_id: one for one in await all_of(database, Letter)}
    for kept in await all_of(database, SandboxMessage):
        read = message_from_bytes(kept.raw, policy=policy.default)
        if writer in str(read["Reply-To"]) and kept.message_id in letters:
            body = read.get_content()
            country = kept.rcpt_to.rpartition(".")[2].upper()
            found[country] = body
    return found
