"""What is foretold against what the claim does, and who is told what when nothing leaves."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app import clock
from app.db import Database
from app.models import Alert, Letter, LetterStatus, Mailbox, MailHost, Submission, Target
from app.outbox import claims, freezes, queue, suppressions
from app.outbox.pacing import choices, hosts
from app.outbox.pacing.choices import Choice
from app.reporting import boxes, departures
from app.reporting.departures import Leaving, OfficeOutlook
from app.settings import Settings
from tests.grounds.alerts import mine_ban
from tests.grounds.databases import once
from tests.grounds.letters import Ground, make_alert, make_queued_letters
from tests.grounds.rows import all_of

TEN = datetime(2027, 11, 24, 8, tzinfo=UTC)  # a Wednesday, ten in Tallinn
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def held() -> Iterator[clock.HeldClock]:
    with clock.held(TEN) as time:
        yield time


def paced(**changes: Any) -> Settings:
    return Settings(_env_file=None, **({"pacing": "on", "secret_key": "x"} | changes))


async def queued(database: Database, n: int, slug: str = "one", targets: int = 1) -> Ground:
    async with database.transaction() as session:
        ground = await make_alert(session, slug=slug, targets=targets)
        await make_queued_letters(session, n, ground=ground)
        await hosts.know(session, [contact.email for contact in ground.contacts])
    return ground


async def foretold(database: Database, settings: Settings, letter: Letter) -> Leaving | None:
    async with database.reading() as session:
        submission = await session.get_one(Submission, letter.submission_id)
        found = await departures.of_submission(session, submission, settings)
    return found.get(letter.id)


async def outlook(database: Database, settings: Settings, *alerts: Alert) -> list[OfficeOutlook]:
    async with database.reading() as session:
        return await departures.of_alerts(session, alerts, settings)


async def freeze(database: Database, scope: freezes.Scope, ref: int) -> None:
    async with database.transaction() as session:
        await freezes.freeze(session, scope=scope, ref=ref, why="5.7.1 policy", by="us")


async def tried_again(database: Database, n: int) -> list[Letter]:
    """All letters; the last `n` that the first alert wrote are tried again."""
    first = Letter.alert_id == select(func.min(Letter.alert_id)).scalar_subquery()
    last = select(Letter.id).where(first).order_by(Letter.id.desc()).limit(n)
    async with database.transaction() as session:
        ids = list(await session.scalars(last))
        await session.execute(update(Letter).where(Letter.id.in_(ids)).values(attempts=1))
    return await all_of(database, Letter)


@pytest.mark.parametrize("tried_before", [0, 2])
async def test_a_letter_leaves_when_its_supporter_was_told(
    database: Database, held: clock.HeldClock, tried_before: int
) -> None:
    settings = paced(per_mailbox_hour=10, per_host_hour=60)
    one, two = await queued(database, 7), await queued(database, 3, "two")
    async with database.transaction() as session:  # both alerts write to one address
        two_contact = await session.merge(two.contacts[0])
        two_contact.email = one.contacts[0].email
    letters = await tried_again(database, tried_before)
    told = {letter.id: await foretold(database, settings, letter) for letter in letters}
    left: dict[int, datetime] = {}
    while len(left) < len(letters) and held.at < TEN + timedelta(hours=2):
        async with database.transaction() as session:
            how: dict[str, Any] = {"worker": "w", "delivery": "sandbox", "settings": settings}
            taken = await claims.claim(session, limit=9, lease=timedelta(days=1), **how)
            await queue.move(
                session,
                [Letter.id.in_([one.letter.id for one in taken])],
                frm=LetterStatus.SENDING,
                to=LetterStatus.HANDED_OVER,
                by="w",
            )
        left |= {one.letter.id: held.at for one in taken}
        # whoever left goes half a turn before the next
        held.advance(3 * MINUTE if taken else MINUTE / 2)
    assert len(left) == 10
    for letter_id, at in left.items():
        leaving = told[letter_id]
        assert leaving is not None
        assert leaving.at is not None
        assert abs(leaving.at - at) < 9 * MINUTE, "one turn, and a quarter for jitter"
    assert left[letters[-1].id] < max(left.values()), "the alerts take turns"


async def test_letters_tried_before_that_a_move_put_out_of_the_way_are_not_ahead(
    database: Database, held: clock.HeldClock
) -> None:
    await queued(database, 4)
    settings, mine = paced(per_mailbox_hour=1), (await all_of(database, Letter))[0]
    told = await foretold(database, settings, mine)
    moved = await tried_again(database, 3)
    async with database.transaction() as session:
        which = Letter.id.in_([one.id for one in moved[1:]])
        out_of_the_way = held.at + freezes.OUT_OF_THE_WAY
        await session.execute(update(Letter).where(which).values(not_before=out_of_the_way))
    assert await foretold(database, settings, mine) == told


async def test_where_nothing_is_paced_it_leaves_at_once(database: Database) -> None:
    ground = await queued(database, 1)
    (letter,) = await all_of(database, Letter)
    leaving = await foretold(database, paced(pacing="off"), letter)
    assert leaving == Leaving(TEN, soon=True)
    (row,) = await outlook(database, paced(pacing="off"), ground.alert)
    assert (row.n, row.out_at, row.held) == (1, None, "")


@pytest.mark.parametrize("scope", ["alert", "contact", "letter", "host"])
async def test_a_letter_that_is_held_back_does_not_leave_at_once_in_practice_either(
    database: Database, scope: freezes.Scope
) -> None:
    ground = await queued(database, 1)
    (letter,), (host,) = await all_of(database, Letter), await all_of(database, MailHost)
    refs = {"alert": ground.alert.id, "contact": ground.contacts[0].id, "letter": letter.id}
    await freeze(database, scope, refs.get(scope, host.id))
    expected = Leaving(None, refusing=True) if scope == "host" else None
    assert await foretold(database, paced(pacing="off"), letter) == expected


@once
async def test_practice_letters_of_before_are_told_nothing(database: Database) -> None:
    await queued(database, 1)
    (letter,) = await all_of(database, Letter)
    assert await foretold(database, paced(delivery="reflect"), letter) is None


@pytest.mark.parametrize("scope", ["alert", "contact", "letter"])
async def test_a_letter_that_is_held_back_is_promised_no_hour(
    database: Database, scope: freezes.Scope
) -> None:
    ground = await queued(database, 1)
    (letter,) = await all_of(database, Letter)
    refs = {"alert": ground.alert.id, "contact": ground.contacts[0].id, "letter": letter.id}
    await freeze(database, scope, refs[scope])
    assert await foretold(database, paced(), letter) is None
    (row,) = await outlook(database, paced(), ground.alert)
    assert row.held == ("" if scope == "letter" else scope)


@once
async def test_a_host_that_turns_letters_away_is_told_in_words(database: Database) -> None:
    ground = await queued(database, 1)
    (letter,), (host,) = await all_of(database, Letter), await all_of(database, MailHost)
    await freeze(database, "host", host.id)
    assert await foretold(database, paced(), letter) == Leaving(None, refusing=True)
    (row,) = await outlook(database, paced(), ground.alert)
    assert (row.out_at, row.held) == (None, "host")


async def test_a_retry_is_not_promised_before_its_time(database: Database) -> None:
    await queued(database, 1)
    saturday = TEN + timedelta(days=3)
    async with database.transaction() as session:
        await session.execute(update(Letter).values(not_before=saturday))
    (letter,) = await all_of(database, Letter)
    leaving = await foretold(database, paced(), letter)
    monday_at_eight = datetime(2027, 11, 29, 6, tzinfo=UTC)
    assert leaving == Leaving(monday_at_eight)


@once
async def test_organisers_see_when_each_office_is_out_and_what_comes_too_late(
    database: Database,
) -> None:
    ground = await queued(database, 30, targets=2)
    ground.alert.closes_at = TEN + 30 * MINUTE
    rows = await outlook(database, paced(per_mailbox_hour=20), ground.alert)
    assert [(row.office, row.n, row.late) for row in rows] == [
        ("one office 0", 15, True),
        ("one office 1", 15, True),
    ]
    for row in rows:
        assert row.out_at is not None
        assert 40 * MINUTE < row.out_at - TEN < 55 * MINUTE
    ground.alert.closes_at = TEN + timedelta(hours=3)
    rows = await outlook(database, paced(per_mailbox_hour=20), ground.alert)
    assert not any(row.late for row in rows)


async def test_why_an_office_is_never_out_is_a_word(database: Database) -> None:
    ground = await queued(database, 30, targets=3)
    capped, barred, _ = (contact.email for contact in ground.contacts)
    async with database.transaction() as session:
        await choices.pace_mailbox(session, capped, Choice(in_all=4), by="us")
        await suppressions.suppress(session, barred, why="asked us", by="us")
    rows = await outlook(database, paced(), ground.alert)
    assert [row.held for row in rows] == ["cap", "suppressed", ""]
    live = await outlook(database, paced(delivery="live"), ground.alert)
    assert live == [], "nothing waits in live delivery"


@once
async def test_two_alerts_to_one_office_are_one_line(database: Database) -> None:
    one, two = await queued(database, 4), await queued(database, 6, "two")
    async with database.transaction() as session:
        await session.execute(
            update(Target).where(Target.id == two.targets[0].id).values(office="another")
        )
    rows = await outlook(database, paced(), one.alert, two.alert)
    assert [(row.office, row.n) for row in rows] == [("another", 6), ("one office 0", 4)]
    assert await outlook(database, paced(), one.alert) == [
        row for row in rows if row.office == "one office 0"
    ]


async def test_a_thousand_supporters_are_told_a_day_and_what_waits_counts_too(
    database: Database, furnished: None
) -> None:
    alert = await mine_ban(database)
    async with database.reading() as session:
        plan = await departures.of_supporters(session, alert, 1_000, paced())
        small = await departures.of_supporters(session, alert, 10, paced())
        nobody = await departures.of_supporters(session, alert, 10**6, paced())
    assert (plan.n_offices, plan.letters, plan.before) == (5, 5_000, 0)
    assert plan.last is not None
    assert plan.last_at is not None
    assert small.last_at is not None
    # 138 a day at twenty an hour: eight working days, and the first of December is none of them
    assert timedelta(days=9) < plan.last_at - TEN < timedelta(days=14)
    assert small.last_at - TEN < timedelta(hours=2)
    assert plan.curve is not None
    assert plan.curve.days[-1].n == 5_000
    assert nobody.last_at is None


@once
async def test_other_limits_can_be_tried_before_they_are_set(database: Database) -> None:
    await queued(database, 3)
    async with database.reading() as session:
        found = await boxes.load(session, paced())
        (box,) = found.by_email.values()
        slower = boxes.paced(box, Mailbox(email=box.email, per_hour=2, today_n=0), paced())
        as_it_is = await departures.of_mailbox(session, box, 20, paced())
        tried = await departures.of_mailbox(session, slower, 20, paced())
    assert as_it_is.last_at is not None
    assert tried.last_at is not None
    assert tried.last_at - TEN > 5 * (as_it_is.last_at - TEN)
    assert (await all_of_mailboxes(database))[0].per_hour is None


async def all_of_mailboxes(database: Database) -> list[Any]:
    async with database.reading() as session:
        return [await session.get(Mailbox, "one-0@example.org")]
