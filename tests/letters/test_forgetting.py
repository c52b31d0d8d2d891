"""Whom a letters link forgets: the person whose address it proves, and nobody else."""

import pytest
from sqlalchemy import update

from app.db import Database
from app.letters import confirmation
from app.letters.mine import forgetting
from app.models import Alert, AlertState, LetterStatus, Submission
from app.outbox import queue
from app.settings import Delivery, Settings
from tests.grounds.alerts import filled, submitted
from tests.grounds.databases import once
from tests.grounds.rows import all_of


@pytest.fixture
def real(settings: Settings) -> Settings:
    """Mail really leaves: whoever confirms has opened the mailbox of the address they typed."""
    return settings.model_copy(update={"delivery": Delivery.REFLECT})


async def forget(database: Database, settings: Settings, kept: Submission) -> forgetting.Going:
    """What the page says would go, and then the button."""
    async with database.transaction() as session:
        found = await confirmation.load(session, kept.public_id)
        going = await forgetting.what_goes(session, settings, found)
        await forgetting.forget(session, settings, found)
        return going


async def rehearsed(database: Database, settings: Settings, alert: Alert) -> Submission:
    """A form filled in while the alert is only tried out; its mail lies in the mailbox here."""
    async with database.transaction() as session:
        mine = update(Alert).where(Alert.id == alert.id)
        await session.execute(mine.values(state=AlertState.REHEARSAL))
        alert.state = AlertState.REHEARSAL
    tried = await submitted(database, settings, alert, filled(own_words="Tried."))
    async with database.transaction() as session:
        await session.execute(mine.values(state=AlertState.PUBLISHED))
    return tried


async def left(database: Database) -> list[str]:
    return [one.own_words for one in await all_of(database, Submission)]


@once
async def test_whoever_rehearses_with_a_strangers_address_cannot_have_them_forgotten(
    database: Database, real: Settings, alert: Alert
) -> None:
    await submitted(database, real, alert, filled(own_words="In earnest."))
    tried = await rehearsed(database, real, alert)
    assert tried.delivery == "rehearsal"
    going = await forget(database, real, tried)
    assert going.forms == 1
    assert await left(database) == ["In earnest.", ""]


async def test_a_link_of_practice_forgets_practice_only(
    database: Database, settings: Settings, real: Settings, alert: Alert
) -> None:
    practice = await submitted(database, settings, alert, filled(own_words="Practice."))
    kept = await submitted(database, real, alert, filled(own_words="In earnest."))
    assert kept.person_key == practice.person_key
    assert (await forget(database, real, practice)).forms == 1
    assert await left(database) == ["", "In earnest."]
    (_, earnest) = await all_of(database, Submission)
    assert earnest.person_key == kept.person_key


async def test_a_link_in_earnest_forgets_all_and_the_page_says_so(
    database: Database, settings: Settings, real: Settings, alert: Alert
) -> None:
    await submitted(database, settings, alert, filled(own_words="Practice."))
    kept = await submitted(database, real, alert, filled(own_words="In earnest."))
    await rehearsed(database, real, alert)
    assert (await forget(database, real, kept)).forms == 3
    assert await left(database) == ["", "", ""]


async def test_a_letter_of_another_spelling_of_the_address_that_is_leaving_is_forgotten_too(
    database: Database, real: Settings, alert: Alert
) -> None:
    tagged = filled(email="mari+mines@example.org", countries=["EE"], own_words="Tagged.")
    leaving = await submitted(database, real, alert, tagged)
    async with database.transaction() as session:
        for frm, to in ((queue.HELD, queue.QUEUED), (queue.QUEUED, queue.SENDING)):
            await queue.move(session, [], frm=frm, to=to, by="test")
    plain = await submitted(database, real, alert, filled(countries=["LV"], own_words="Plain."))
    assert plain.person_key == leaving.person_key
    assert (await forget(database, real, plain)).leaving == 1
    assert await left(database) == ["Tagged.", ""]
    async with database.transaction() as session:
        await queue.move(session, [], frm=LetterStatus.SENDING, to=LetterStatus.ACCEPTED, by="test")
        assert await forgetting.finish(session, real) == 1
    assert await left(database) == ["", ""]
