"""A fortnight in two countries: letters leave in working hours only, within the caps, and all."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from app import clock
from app.db import Database
from app.delivery.outcome import Finished, Taken
from app.delivery.settle import settle
from app.models import AlertCountry, Attempt, Mailbox, Target
from app.outbox import claims
from app.reporting import recount
from app.settings import Settings, Switch
from tests.grounds.letters import Ground, make_alert, make_queued_letters
from tests.grounds.rows import all_of, counted

# from a Sunday night on, with Poland's and Latvia's independence days inside
BEGIN = datetime(2027, 11, 7, 22, 7, tzinfo=UTC)
FORTNIGHT = timedelta(days=14)
STEP = timedelta(hours=2)
# by the address of the only office written to: its zone, and when nobody works there
OFFICES = {
    "keep-the-treaty-0@example.org": ("PL", ZoneInfo("Europe/Warsaw"), date(2027, 11, 11)),
    "keep-the-treaty-1@example.org": ("LV", ZoneInfo("Europe/Riga"), date(2027, 11, 18)),
}
OPENS, CLOSES, SATURDAY = 8, 18, 5
WORKING_DAYS = 9
A_DAY = 4
EACH = WORKING_DAYS * A_DAY - 2


@pytest.mark.thorough
async def test_letters_leave_in_working_hours_only_and_all_leave(
    database: Database, live: Settings
) -> None:
    # two at once to the host that they share: a look is two hours after the other
    settings = live.model_copy(
        update={"pacing": Switch.ON, "per_mailbox_day": A_DAY, "per_host_hour": 7200}
    )
    with clock.held(BEGIN) as held:
        made = await _two_countries(database)
        while held.at < BEGIN + FORTNIGHT:
            await _work(database, settings)
            held.advance(STEP)
    assert await counted(database) == {"handed_over": len(OFFICES) * EACH}, "all leave"

    days: Counter[tuple[str, date]] = Counter()
    for one in await all_of(database, Attempt):
        _, zone, holiday = OFFICES[one.address]
        there = one.started_at.astimezone(zone)
        assert OPENS <= there.hour < CLOSES
        assert there.weekday() < SATURDAY
        assert there.date() != holiday
        days[one.address, there.date()] += 1
    assert max(days.values()) == A_DAY, "the cap is what holds them back"
    assert len(days) == len(OFFICES) * WORKING_DAYS

    async with database.reading() as session:
        differing = await recount.differences(session, made.alert.id)
    # the letters came past the form, which counts who writes
    assert [line for line in differing if not line.startswith("supporters")] == []


async def test_an_office_that_takes_mail_on_days_off_gets_it_there_and_then(
    database: Database, live: Settings
) -> None:
    settings = live.model_copy(update={"pacing": Switch.ON})
    saturday = datetime(2027, 11, 13, 9, tzinfo=UTC)
    with clock.held(saturday) as held:
        await _two_countries(database)
        await _work(database, settings)
        assert await all_of(database, Attempt) == []
        async with database.transaction() as session:
            always = update(Mailbox).where(Mailbox.email == next(iter(OFFICES)))
            await session.execute(always.values(off_days=True))
        for _ in range(2):
            held.advance(STEP)
            await _work(database, settings)
    assert {one.address for one in await all_of(database, Attempt)} == {next(iter(OFFICES))}


async def _two_countries(database: Database) -> Ground:
    """An alert with one office in each, and letters enough for all of their days."""
    async with database.transaction() as session:
        made = await make_alert(session, targets=len(OFFICES))
        for target, (country, _, _) in zip(made.targets, OFFICES.values(), strict=True):
            await session.execute(
                update(Target).where(Target.id == target.id).values(country=country)
            )
            session.add(_country(made, country))
        await make_queued_letters(session, len(OFFICES) * EACH, ground=made, delivery="live")
    return made


def _country(made: Ground, country: str) -> AlertCountry:
    alike = {
        column.key: getattr(made.country, column.key)
        for column in AlertCountry.__table__.columns
        if column.key not in {"country", "name"}
    }
    return AlertCountry(country=country, name=country, **alike)


async def _work(database: Database, settings: Settings) -> None:
    """What is due is claimed, taken at once by its server, and settled."""
    async with database.transaction() as session:
        claimed = await claims.claim(
            session,
            worker="w",
            delivery="live",
            limit=20,
            lease=timedelta(hours=1),
            settings=settings,
        )
    if claimed:
        now = clock.now()
        ended = [Finished(one, Taken(250), one.contact.email, now, now) for one in claimed]
        async with database.transaction() as session:
            await settle(session, ended, worker="w", settings=settings)
