"""Ten policy refusals freeze a host, no such address freezes a contact; organisers read why."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
import pytest_asyncio
from sqlalchemy import update

from app import clock
from app.db import Database
from app.models import (
    Alert,
    AlertState,
    Contact,
    Freeze,
    LetterStatus,
    Notice,
    Organisation,
    Organiser,
    Role,
)
from app.outbox import freezes, notices, queue, refusals, suppressions
from app.outbox.telling.alarms import AlarmClaim
from app.settings import Delivery, Settings, Switch
from tests.grounds.letters import MAIL_DOMAIN, Ground, make_alert, make_notice, make_queued_letters
from tests.grounds.rows import all_of
from tests.grounds.smtp import SmtpServer
from tests.grounds.working import until, working
from tests.outbox.one_form import attempt, end

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
BLOCKED = "5.7.1 too many like this; see https://postmaster.example"
NOBODY = "5.1.1 no such user"
SETTINGS = Settings(_env_file=None, mail_domain=MAIL_DOMAIN, secret_key="for tests")
OFFICE = "keep-the-treaty-0@example.org"


@pytest_asyncio.fixture
async def made(database: Database) -> Ground:
    """Six letters to three offices of one host, and six organisers, two of them concerned."""
    async with database.transaction() as session:
        ground = await make_alert(session)
        await make_queued_letters(session, 6, ground=ground)
        others = Organisation(slug="others", name="Others", created_at=clock.now())
        session.add(others)
        await session.flush()
        session.add_all(
            [
                organiser("liis", Role.ORGANISER),
                organiser("olga", Role.OWNER),
                organiser("viktor", Role.VIEWER),
                organiser("gone", Role.OWNER, disabled_at=NOON),
                organiser("stranger", Role.OWNER, organisation_id=others.id),
            ]
        )
    return ground


def organiser(name: str, role: Role, **changes: object) -> Organiser:
    values = {
        "organisation_id": 1,
        "email": f"{name}@example.org",
        "name": name.title(),
        "password_hash": "a hash",
        "role": role,
        "created_at": NOON,
    }
    return Organiser(**(values | changes))


async def refused(database: Database, said: str, *, n: int = 1, email: str = OFFICE) -> None:
    """A server says so n times, each time on record and in a transaction of its own."""
    for _ in range(n):
        async with database.transaction() as session:
            enhanced = said.split()[0]
            await attempt(
                session, 1, "rejected", address=email, code=550, enhanced=enhanced, reply=said
            )
            await refusals.refused(
                session, email, enhanced=enhanced, reply=said, by="w", settings=SETTINGS
            )


async def blocked(database: Database) -> None:
    """Nine refusals on record, and the tenth, which freezes the host."""
    async with database.transaction() as session:
        for _ in range(9):
            enhanced = BLOCKED.split()[0]
            said = {"code": 550, "enhanced": enhanced, "reply": BLOCKED}
            await attempt(session, 1, "rejected", address=OFFICE, **said)
    await refused(database, BLOCKED)


async def claimed(database: Database) -> list[AlarmClaim]:
    async with database.transaction() as session:
        found = await notices.claim(
            session, worker="w", delivery="sandbox", limit=50, lease=timedelta(hours=1)
        )
    return [one for one in found if isinstance(one, AlarmClaim)]


async def told(database: Database) -> list[tuple[str, int, str]]:
    return [(one.kind, one.organiser_id, one.status) for one in await all_of(database, Notice)]


async def test_the_tenth_policy_refusal_freezes_the_host_and_is_told_to_each_organiser_once(
    database: Database, made: Ground
) -> None:
    with clock.held(NOON) as held:
        await refused(database, BLOCKED, n=9)
        assert await all_of(database, Freeze) == []
        await refused(database, BLOCKED)
        (hold,) = await all_of(database, Freeze)
        assert (hold.scope, hold.why, hold.at) == ("host", BLOCKED, NOON)
        await refused(database, BLOCKED, email="keep-the-treaty-1@example.org")
        assert await told(database) == [
            ("host_refuses", 1, "queued"),
            ("host_refuses", 2, "queued"),
        ]
        held.advance(timedelta(minutes=5))
        claims = await claimed(database)
    assert [(one.alarm.name, one.alarm.place) for one in claims] == [
        ("Liis", "example.org"),
        ("Olga", "example.org"),
    ]
    offices = claims[0].alarm.offices
    assert [(one.address, one.waiting) for one in offices] == [
        (f"keep-the-treaty-{n}@example.org", 2) for n in range(3)
    ]


async def test_refusals_an_hour_apart_or_of_another_host_do_not_add_up(
    database: Database, made: Ground
) -> None:
    with clock.held(NOON) as held:
        await refused(database, BLOCKED, n=9)
        held.advance(timedelta(hours=1))
        await refused(database, BLOCKED, n=9)
    assert await all_of(database, Freeze) == []
    assert await told(database) == []


async def test_a_letter_that_came_back_to_its_supporter_says_nothing_of_any_office(
    database: Database, made: Ground
) -> None:
    await refused(database, BLOCKED, n=12, email="mari@supporter.example")
    await refused(database, NOBODY, email="mari@supporter.example")
    assert await all_of(database, Freeze) == []


async def test_an_address_of_two_offices_that_does_not_exist_is_one_mail(
    database: Database, made: Ground
) -> None:
    async with database.transaction() as session:
        await session.execute(update(Contact).where(Contact.id <= 2).values(email=OFFICE))
    await refused(database, NOBODY, n=2, email=OFFICE.upper())
    assert len(await all_of(database, Freeze)) == 2
    assert await told(database) == [
        ("no_such_address", 1, "queued"),
        ("no_such_address", 2, "queued"),
    ]
    alarm = (await claimed(database))[0].alarm
    assert alarm.place == OFFICE
    assert [one.waiting for one in alarm.offices] == [2, 2]


@pytest.mark.parametrize(
    ("said", "marked"),
    [("5.6.0 not like this", 0), ("5.5.4 bad command", 0), ("5.2.1 disabled", 1), (NOBODY, 1)],
)
async def test_a_contact_is_for_review_unless_the_refusal_speaks_of_the_letter(
    database: Database, made: Ground, said: str, marked: int
) -> None:
    await refused(database, said)
    found = await all_of(database, Contact, Contact.review_at.is_not(None))
    assert [one.review_why for one in found] == [said] * marked


@pytest.mark.parametrize(
    ("waits", "state", "n"),
    [(True, AlertState.CLOSED, 2), (False, AlertState.PUBLISHED, 2), (False, AlertState.CLOSED, 0)],
)
async def test_those_are_told_whose_letters_wait_or_are_still_to_come(
    database: Database, made: Ground, waits: bool, state: AlertState, n: int
) -> None:
    async with database.transaction() as session:
        await session.execute(update(Alert).values(state=state))
        if not waits:
            for letter_id in range(1, 7):
                await end(session, letter_id, queue.REJECTED)
    await blocked(database)
    assert len(await told(database)) == n
    assert [one.alarm.offices == [] for one in await claimed(database)] == [not waits] * n


async def let_go(database: Database) -> None:
    async with database.transaction() as session:
        assert await freezes.release(session, scope="host", ref=1, by="olga@example.org")


async def disable(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(update(Organiser).values(disabled_at=NOON))


async def bar(database: Database) -> None:
    async with database.transaction() as session:
        for name in ("liis", "olga"):
            await suppressions.suppress(session, f"{name}@example.org", why="x", by="y")


@pytest.mark.parametrize(
    ("meanwhile", "status"), [(let_go, "cancelled"), (disable, "cancelled"), (bar, "suppressed")]
)
async def test_nobody_is_told_of_what_is_over_or_at_an_address_that_is_closed(
    database: Database,
    made: Ground,
    meanwhile: Callable[[Database], Awaitable[None]],
    status: str,
) -> None:
    await blocked(database)
    await meanwhile(database)
    assert await claimed(database) == []
    assert {status for _, _, status in await told(database)} == {status}


async def test_a_released_host_that_refuses_again_is_told_again(
    database: Database, made: Ground
) -> None:
    await blocked(database)
    await let_go(database)
    await refused(database, BLOCKED)
    assert len(await told(database)) == 4


async def test_a_supporters_notice_is_claimed_beside_an_organisers(
    database: Database, made: Ground
) -> None:
    async with database.transaction() as session:
        await make_notice(session, made)
    await blocked(database)
    async with database.transaction() as session:
        found = await notices.claim(
            session, worker="w", delivery="sandbox", limit=50, lease=timedelta(hours=1)
        )
    assert sorted(one.to.name for one in found) == ["Liis", "Mari Mägi", "Olga"]
    async with database.transaction() as session:
        for one in found:
            to = LetterStatus.HANDED_OVER
            assert await notices.settle(session, one.notice, worker="w", to=to)


async def test_a_worker_that_meets_ten_refusals_mails_them_to_the_organisers(
    database: Database, settings: Settings, made: Ground, smtp_server: SmtpServer
) -> None:
    live = settings.model_copy(
        update={
            "delivery": Delivery.LIVE,
            "smtp_url": smtp_server.url,
            "mail_domain": MAIL_DOMAIN,
            "pacing": Switch.OFF,
            "connections": 1,
        }
    )
    async with database.transaction() as session:
        await make_queued_letters(session, 40, ground=made, delivery="live")
    for contact in made.contacts:
        smtp_server.rejects(f"550 {BLOCKED}", to=contact.email)

    async def mailed() -> bool:
        return len(smtp_server.received) == 2

    async with working(live, database):
        await until(mailed)
    mails = [message_from_bytes(one.raw, policy=policy.default) for one in smtp_server.received]
    assert sorted(str(mail["To"]) for mail in mails) == [
        "Liis <liis@example.org>",
        "Olga <olga@example.org>",
    ]
    assert mails[0]["Subject"] == "Letters are refused: example.org"
    assert mails[0]["Auto-Submitted"] == "auto-generated"
    body = " ".join(mails[0].get_content().split())  # type: ignore[attr-defined]
    assert BLOCKED in body
    assert f"{settings.public_url}/organise/outbox/hosts/1" in body
