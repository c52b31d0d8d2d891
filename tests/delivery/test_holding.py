"""What is in a worker's hands: renewed as long as it lives, and nothing that is not there."""

import asyncio
from datetime import timedelta

from sqlalchemy import update

from app import clock
from app.db import Database
from app.delivery import worker
from app.delivery.holding import Holding
from app.models import AlertCountry, Letter, Notice, NoticeKind, SandboxMessage
from app.outbox import claims
from app.settings import Delivery, Settings, Switch
from tests.grounds.letters import MAIL_DOMAIN, make_alert, make_queued_letters
from tests.grounds.rows import all_of, counted, statuses
from tests.grounds.smtp import SmtpServer
from tests.grounds.working import until, working

LEASE = timedelta(minutes=5)
ME = "here:1:abc"
UNPACED = Settings(_env_file=None, pacing="off")


async def held(database: Database, n: int) -> tuple[Holding, list[claims.Claim]]:
    """That many letters in this worker's hands."""
    async with database.transaction() as session:
        await make_queued_letters(session, n)
    async with database.transaction() as session:
        claimed = await claims.claim(
            session, worker=ME, delivery="sandbox", limit=n, lease=LEASE, settings=UNPACED
        )
    holding = Holding(ME, LEASE)
    holding.take(claimed, clock.now() + LEASE)
    return holding, claimed


async def renew(database: Database, holding: Holding) -> None:
    async with database.transaction() as session:
        moments = await holding.renew(session)
    holding.renewed(moments)


async def test_a_letter_that_leaves_beside_the_copy_that_tells_of_it_is_counted(
    database: Database, settings: Settings
) -> None:
    """Both are claimed together, and the copy has read the letter as it was before the claim."""
    async with database.transaction() as session:
        (letter,) = await make_queued_letters(session, 1)
        session.add(_copy(letter))

    async def left() -> bool:
        return len(await all_of(database, SandboxMessage)) == 2

    async with working(settings, database):
        await until(left)
    assert await statuses(database) == await counted(database) == {"handed_over": 1}


async def test_what_is_in_a_workers_hands_stays_its_own(database: Database) -> None:
    with clock.held(clock.now()) as time:
        holding, claimed = await held(database, 3)
        time.advance(LEASE * 0.9)
        assert all(holding.nearly_out(one) for one in claimed)
        await renew(database, holding)
        assert not any(holding.nearly_out(one) for one in claimed)
        time.advance(LEASE * 0.9)
        async with database.transaction() as session:
            assert await claims.recover(session, by="another") == 0


async def test_what_only_the_database_believes_there_runs_out_of_its_lease(
    database: Database,
) -> None:
    """The answer to a commit was lost, or a row could not be settled: nobody would ever send it."""
    with clock.held(clock.now()) as time:
        holding, claimed = await held(database, 3)
        holding.drop(claimed[:1])
        time.advance(LEASE * 0.9)
        await renew(database, holding)
        time.advance(LEASE * 0.9)
        async with database.transaction() as session:
            assert await claims.recover(session, by="another") == 1
    assert await statuses(database) == {"queued": 1, "sending": 2}


async def test_what_another_worker_took_meanwhile_is_not_begun(database: Database) -> None:
    """The database was away for longer than a lease; the other worker came back to it first."""
    with clock.held(clock.now()) as time:
        holding, (lost, kept) = await held(database, 2)
        async with database.transaction() as session:
            mine = update(Letter).where(Letter.id == lost.letter.id)
            await session.execute(mine.values(worker="another"))
        await renew(database, holding)
        assert (holding.nearly_out(lost), holding.nearly_out(kept)) == (True, False)
        time.advance(LEASE)


async def test_a_lost_letter_that_was_claimed_again_is_begun_once(database: Database) -> None:
    with clock.held(clock.now()) as time:
        holding, (old,) = await held(database, 1)
        time.advance(LEASE * 2)
        async with database.transaction() as session:
            await claims.recover(session, by=ME)
        async with database.transaction() as session:
            (new,) = await claims.claim(
                session, worker=ME, delivery="sandbox", limit=1, lease=LEASE, settings=UNPACED
            )
        holding.take([new], clock.now() + LEASE)
        await renew(database, holding)
        assert (holding.nearly_out(old), holding.nearly_out(new)) == (True, False)


async def test_leases_are_renewed_while_a_stopped_worker_waits_for_its_last_answer(
    database: Database, settings: Settings, smtp_server: SmtpServer
) -> None:
    short = settings.model_copy(
        update={
            "delivery": Delivery.LIVE,
            "smtp_url": smtp_server.url,
            "mail_domain": MAIL_DOMAIN,
            "pacing": Switch.OFF,
            "lease_seconds": 2,
        }
    )
    async with database.transaction() as session:
        await make_queued_letters(session, 1, delivery="live")
    smtp_server.seconds_per_message = 3.0
    stop = asyncio.Event()
    first = asyncio.create_task(worker.run(short, database, stop=stop))
    async with asyncio.timeout(20):
        while not smtp_server.asked:  # noqa: ASYNC110  the server is another thread
            await asyncio.sleep(0.02)
        stop.set()
        async with working(short, database):
            await first
    assert len(smtp_server.received) == 1
    assert await statuses(database) == {"handed_over": 1}


async def test_a_letter_whose_country_left_its_alert_fails_and_holds_nobody_back(
    database: Database, settings: Settings
) -> None:
    async with database.transaction() as session:
        gone = await make_alert(session, slug="gone")
        await make_queued_letters(session, 2, ground=gone)
        await make_queued_letters(session, 3)
        country = await session.get_one(AlertCountry, (gone.alert.id, "EE"))
        await session.delete(country)

    async def settled() -> bool:
        return await statuses(database) == {"failed": 2, "handed_over": 3}

    async with working(settings, database):
        await until(settled)
    assert await counted(database) == {"failed": 2, "handed_over": 3}


def _copy(letter: Letter) -> Notice:
    now = clock.now()
    return Notice(
        submission_id=letter.submission_id,
        person_key=letter.person_key,
        kind=NoticeKind.COPY,
        status="queued",
        status_at=now,
        created_at=now,
        not_before=now,
        delivery="sandbox",
        message_id=f"<n.copy@{MAIL_DOMAIN}>",
    )
