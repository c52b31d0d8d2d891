"""What our own relay has against us is no letter's fault: it rests, and the letters wait."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app import clock
from app.db import Database
from app.delivery import settle, switchboard
from app.delivery.outcome import Deferred, Finished, Outcome, Rejected, Taken, Work
from app.delivery.routes.relays import Server
from app.delivery.routes.verdict import refused
from app.delivery.routes.wire import Reply
from app.models import Attempt, Contact, Freeze, Letter, Notice, NoticeKind, RelayState
from app.outbox import claims, notices
from app.settings import Delivery, Settings, Switch
from tests.grounds.letters import MAIL_DOMAIN, Ground, make_alert, make_notice, make_queued_letters
from tests.grounds.rows import all_of, counted, statuses
from tests.grounds.smtp import SmtpServer
from tests.grounds.smtp.server import Point
from tests.grounds.working import until, working

ME = "here:1:abc"
OURS = "relay.example.org"
LEASE = timedelta(hours=1)
NO_REASON = "554 5.3.0 Transaction failed"
NOBODY = Rejected(550, "5.1.1 no such user", OURS)
POLICY = "5.7.1 Blocked by our policy, see https://postmaster.gov.example"


@pytest.fixture
def live(settings: Settings, smtp_server: SmtpServer) -> Settings:
    """Live delivery through the test's own relay, one letter after the other."""
    changes = {"delivery": Delivery.LIVE, "smtp_url": smtp_server.url, "connections": 1}
    return settings.model_copy(update=changes | {"mail_domain": MAIL_DOMAIN, "pacing": Switch.OFF})


@pytest.fixture
def through(live: Settings) -> Settings:
    return live.model_copy(update={"smtp_url": f"smtp://{OURS}:587"})


async def made(database: Database, n: int) -> Ground:
    """Letters to three offices, of which no two have one domain."""
    async with database.transaction() as session:
        ground = await make_alert(session)
        for number, contact in enumerate(ground.contacts):
            contact.email = f"office@gov-{number}.example.org"
        await session.flush()
        await make_queued_letters(session, n, ground=ground, delivery="live")
    return ground


async def claim(database: Database, settings: Settings, limit: int = 60) -> list[Work]:
    async with database.transaction() as session:
        found = await claims.claim(
            session, worker=ME, delivery="live", limit=limit, lease=LEASE, settings=settings
        )
    return list(found)


async def end(
    database: Database, settings: Settings, works: list[Work], *outcomes: Outcome
) -> None:
    """They end so, written down in one transaction."""
    now = clock.now()
    ended = [
        Finished(work, outcome, work.contact.email, now, now)  # type: ignore[union-attr]
        for work, outcome in zip(works, outcomes, strict=True)
    ]
    async with database.transaction() as session:
        await settle.settle(session, ended, worker=ME, settings=settings)


async def relay_of(database: Database) -> RelayState:
    async with database.reading() as session:
        return await session.scalar(select(RelayState)) or RelayState(failures=0, why="")


async def nothing_is_held_against_anybody(database: Database) -> None:
    assert [
        one.email for one in await all_of(database, Contact, Contact.review_at.is_not(None))
    ] == []
    assert await all_of(database, Freeze) == []


@pytest.mark.parametrize(
    ("reply", "at"),
    [
        ("554 Message rejected: Email address is not verified.", "DATA"),
        ("550 5.4.5 Daily user sending limit exceeded", "RCPT"),
        ("550 5.7.1 Sender domain suspended, contact support", "MAIL"),
    ],
)
async def test_a_relay_that_will_not_send_for_us_rests_with_its_words_and_burns_no_letter(
    database: Database, live: Settings, smtp_server: SmtpServer, reply: str, at: Point
) -> None:
    await made(database, 6)
    smtp_server.answers(reply, at=at)
    with clock.held(clock.now()) as time:
        async with working(live, database):

            async def rests() -> bool:
                resting = (await relay_of(database)).why == f"refused: {reply[4:]}"
                return resting and await statuses(database) == {"queued": 6}

            await until(rests)
            letters = await all_of(database, Letter)
            assert {(one.attempts, one.first_attempt_at) for one in letters} == {(0, None)}
            assert sum(one.not_before > clock.now() for one in letters) == 1, "it lets others try"
            smtp_server.agrees()
            time.advance(timedelta(minutes=20))

            async def gone() -> bool:
                return await statuses(database) == {"handed_over": 6}

            await until(gone)
    await nothing_is_held_against_anybody(database)
    assert (await relay_of(database)).failures == 0


async def test_a_relay_that_refuses_ten_in_a_row_rests_until_it_takes_one(
    database: Database,
    live: Settings,
    smtp_server: SmtpServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(switchboard, "LOOK_EVERY", 0.05)
    monkeypatch.setattr(switchboard, "LOOK_AGAIN", 0.05)
    await made(database, 60)
    smtp_server.answers(NO_REASON, at="DATA")
    with clock.held(clock.now()) as time:
        async with working(live, database):

            async def rests() -> bool:
                rested = (await relay_of(database)).failures == 1
                return rested and (await statuses(database)).keys() == {"rejected", "queued"}

            await until(rests)
            lost, asked = (await statuses(database))["rejected"], len(smtp_server.asked)
            assert 9 <= lost <= 20, "the first are of one place, as the lanes are drawn"
            # it may have refused all of them by now, and those are due after a quarter of an hour
            time.advance(timedelta(minutes=16))

            async def twice() -> bool:
                rested = (await relay_of(database)).failures == 2
                return rested and await counted(database) == {"rejected": lost, "queued": 60 - lost}

            await until(twice)
            assert len(smtp_server.asked) > asked, "it knocked"
            smtp_server.agrees()
            time.advance(timedelta(minutes=20))

            async def gone() -> bool:
                return await statuses(database) == {"rejected": lost, "handed_over": 60 - lost}

            await until(gone)
    await nothing_is_held_against_anybody(database)
    assert (await relay_of(database)).failures == 0


async def test_a_letter_that_only_looks_like_the_relays_affair_does_not_hold_the_others(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    await made(database, 6)
    smtp_server.rejects("554 5.7.1 Relay access denied", to="office@gov-0.example.org")
    with clock.held(clock.now()) as time:
        async with working(live, database):

            async def others_gone() -> bool:
                time.advance(timedelta(seconds=5))
                return await statuses(database) == {"handed_over": 4, "queued": 2}

            await until(others_gone)
    assert await all_of(database, Attempt, Attempt.outcome == "rejected") == []


async def test_ten_refusals_in_a_row_speak_of_the_relay_and_unmark_the_contacts(
    database: Database, through: Settings
) -> None:
    await made(database, 15)
    works = await claim(database, through)
    await end(database, through, works[:4], *[NOBODY] * 4)
    marked = await all_of(database, Contact, Contact.review_at.is_not(None))
    assert len(marked) == len(await all_of(database, Freeze, Freeze.released_at.is_(None))) == 3
    await end(database, through, works[4:], *[NOBODY] * 11)
    assert await statuses(database) == {"rejected": 9, "queued": 6}
    assert await counted(database) == await statuses(database)
    assert await all_of(database, Contact, Contact.review_at.is_not(None)) == []
    assert await all_of(database, Freeze, Freeze.released_at.is_(None)) == []
    assert len(await all_of(database, Attempt)) == 9
    found = await relay_of(database)
    assert (found.name, found.failures) == (f"{OURS}:587", 1)
    assert found.why == "refused 10 letters in a row: 5.1.1 no such user"


async def test_two_relays_on_one_host_rest_together_for_nobody_knows_which_refused(
    database: Database, through: Settings
) -> None:
    await made(database, 10)
    both = f"smtp://{OURS}:2525 smtp://{OURS}:587"
    settings = through.model_copy(update={"smtp_url": both})
    await end(database, settings, await claim(database, settings), *[NOBODY] * 10)
    async with database.reading() as session:
        resting = select(RelayState.name).where(RelayState.failures == 1)
        names = sorted(await session.scalars(resting))
    assert names == [f"{OURS}:2525", f"{OURS}:587"]


async def test_one_letter_taken_in_between_makes_refusals_the_addresses_own_again(
    database: Database, through: Settings
) -> None:
    await made(database, 18)
    works = await claim(database, through)
    await end(database, through, works[:9], *[NOBODY] * 9)
    await end(database, through, works[9:], Taken(250, "2.0.0 Ok", OURS), *[NOBODY] * 8)
    assert await statuses(database) == {"rejected": 17, "handed_over": 1}
    assert (await relay_of(database)).failures == 0
    assert len(await all_of(database, Contact, Contact.review_at.is_not(None))) == 3


@pytest.mark.parametrize("after", [[], [NOBODY]], ids=["taken", "taken, refused"])
async def test_a_letter_taken_right_after_the_tenth_refusal_makes_the_nine_no_better(
    database: Database, through: Settings, after: list[Outcome]
) -> None:
    """Several connections end in any order, and are written down together."""
    await made(database, 11 + len(after))
    works = await claim(database, through)
    await end(database, through, works[:9], *[NOBODY] * 9)
    await end(database, through, works[9:], NOBODY, Taken(250, "2.0.0 Ok", OURS), *after)
    assert await counted(database) == {"rejected": 9 + len(after), "queued": 1, "handed_over": 1}
    assert (await relay_of(database)).failures == 1
    assert await all_of(database, Contact, Contact.review_at.is_not(None)) == []
    assert await all_of(database, Freeze, Freeze.released_at.is_(None)) == []


@pytest.mark.parametrize("by_exchange", [True, False])
async def test_ten_refusals_of_one_place_or_of_the_offices_own_servers_are_theirs(
    database: Database, through: Settings, by_exchange: bool
) -> None:
    await made(database, 36)
    if not by_exchange:
        async with database.transaction() as session:
            await session.execute(update(Contact).values(email="pm@gov.example.org"))
    works = await claim(database, through)
    said = Rejected(550, "5.3.0 no", OURS, by_exchange=by_exchange)
    await end(database, through, works, *[said] * 36)
    assert await statuses(database) == {"rejected": 36}
    assert (await relay_of(database)).failures == 0


async def test_a_notice_that_a_refusing_relay_turns_away_goes_later_too(
    database: Database, through: Settings
) -> None:
    ground = await made(database, 10)
    await end(database, through, await claim(database, through), *[NOBODY] * 10)
    async with database.transaction() as session:
        await session.execute(update(Notice).values(status="cancelled"))
        await make_notice(session, ground, delivery="live")
        (claimed,) = await notices.claim(session, worker=ME, delivery="live", limit=5, lease=LEASE)
    now = clock.now()
    async with database.transaction() as session:
        ended = Finished(claimed, NOBODY, "mari@example.org", now, now)
        await settle.settle(session, [ended], worker=ME, settings=through)
    (notice,) = await all_of(database, Notice, Notice.kind == NoticeKind.CONFIRM)
    assert (notice.status, notice.attempts) == ("queued", 0)
    assert notice.not_before > now


@pytest.mark.parametrize("stage", ["MAIL", "RCPT"])
async def test_ten_policy_refusals_before_the_data_freeze_the_host_and_cost_no_letter(
    database: Database, live: Settings, stage: str
) -> None:
    said = {"MAIL": POLICY, "RCPT": "5.7.1 <us[192.0.2.1]>: Client host rejected"}[stage]
    async with database.transaction() as session:
        await make_queued_letters(session, 12, delivery="live")
    outcome = refused(
        Server("mx1.example.org", 25, by_exchange=True),
        "",
        stage,
        Reply(554, said),  # type: ignore[arg-type]
    )
    assert isinstance(outcome, Deferred)
    works = await claim(database, live)
    await end(database, live, works[:9], *[outcome] * 9)
    assert await all_of(database, Freeze) == []
    await end(database, live, works[9:], *[outcome] * 3)
    (hold,) = await all_of(database, Freeze)
    assert (hold.scope, hold.why) == ("host", said)
    assert await statuses(database) == {"queued": 12}
    assert await all_of(database, Contact, Contact.review_at.is_not(None)) == []


async def test_what_a_server_only_puts_off_for_policy_freezes_nothing(
    database: Database, live: Settings
) -> None:
    async with database.transaction() as session:
        await make_queued_letters(session, 12, delivery="live")
    later = Deferred(451, "4.7.1 greylisted", "mx1.example.org", by_exchange=True)
    await end(database, live, await claim(database, live), *[later] * 12)
    assert await all_of(database, Freeze) == []
