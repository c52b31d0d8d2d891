"""Gmail's dots were part of the key once: what was written then is still found by its address."""

from sqlalchemy import select, update

from app.db import Database
from app.letters import erasure
from app.letters.people import person_key, person_keys
from app.models import Alert, Letter, Notice, Participation, Submission, SupporterCount
from app.settings import Settings
from tests.grounds.alerts import confirmed, filled, submitted
from tests.grounds.rows import all_of, counted, notices

DOTTED = "ma.ri@googlemail.com"


async def test_at_gmail_three_notices_a_day_go_to_one_mailbox_however_it_is_typed(
    database: Database, settings: Settings, alert: Alert
) -> None:
    for typed in ("v.ictim@gmail.com", "vi.ctim@gmail.com", "victim@googlemail.com", "VICTIM+1"):
        email = typed if "@" in typed else f"{typed}@gmail.com"
        await submitted(database, settings, alert, filled(email=email))
    assert await notices(database) == ["confirm"] * 3


async def as_of_old(database: Database, settings: Settings) -> str:
    """The rows as an older release has written them; gives their key."""
    new, old = person_keys(settings, DOTTED)
    async with database.transaction() as session:
        for table in (Submission, Letter, Notice, Participation):
            mine = update(table).where(table.person_key == new)
            await session.execute(mine.values(person_key=old))
    return old


async def test_a_letter_of_then_is_not_sent_twice_nor_its_person_counted_twice(
    database: Database, settings: Settings, alert: Alert
) -> None:
    first = await submitted(database, settings, alert, filled(email=DOTTED, countries=["EE"]))
    await confirmed(database, settings, first.public_id)
    old = await as_of_old(database, settings)
    again = await submitted(database, settings, alert, filled(email=DOTTED, countries=["EE", "LV"]))
    assert again.person_key == person_key(settings, "mari@gmail.com") != old
    outcome = await confirmed(database, settings, again.public_id)
    assert (outcome.queued, outcome.duplicates) == (1, 1)
    async with database.reading() as session:
        people = set(await session.scalars(select(SupporterCount.n)))
    assert people == {1}


async def test_whoever_wrote_then_can_be_forgotten(
    database: Database, settings: Settings, alert: Alert
) -> None:
    await submitted(database, settings, alert, filled(email=DOTTED, own_words="Then."))
    old = await as_of_old(database, settings)
    await submitted(database, settings, alert, filled(email=DOTTED, own_words="Now."))
    async with database.transaction() as session:
        assert await erasure.erase(session, DOTTED, settings) == 2
    assert await counted(database) == {"cancelled": 10}
    assert [one.own_words for one in await all_of(database, Submission)] == ["", ""]
    assert old not in {one.person_key for one in await all_of(database, Letter)}
