"""“This was not me”: what a stranger typed is erased, and the address is never written to again."""

from collections.abc import Awaitable, Callable

import pytest

from app.campaigns import offices
from app.db import Database
from app.errors import FormRefused, Missing
from app.letters import erasure, submission
from app.letters.asking import stopping
from app.models import (
    Alert,
    Contact,
    Event,
    LetterStatus,
    Notice,
    SandboxMessage,
    Submission,
    Suppression,
)
from app.outbox import queue
from app.reporting import recount
from app.settings import Delivery, Settings
from app.tokens import CONFIRM, STOP, link_token
from tests.grounds.alerts import confirmed, filled, submitted
from tests.grounds.databases import once
from tests.grounds.rows import all_of, counted
from tests.grounds.working import until, working


@pytest.fixture
def real(settings: Settings) -> Settings:
    """Mail really leaves: whoever presses has opened the mailbox of the address."""
    return settings.model_copy(update={"delivery": Delivery.REFLECT})


async def stop(database: Database, settings: Settings, kept: Submission) -> bool:
    """Press; tells whether the page says afterwards that it is done."""
    token = link_token(settings, STOP, kept.public_id)
    async with database.transaction() as session:
        await stopping.stop(session, settings, await stopping.find(session, settings, token))
    async with database.reading() as session:
        found = await stopping.find(session, settings, token)
        return await stopping.is_done(session, settings, found)


async def listed(database: Database) -> list[tuple[str, str]]:
    async with database.reading() as session:
        rows = await session.execute(Suppression.__table__.select())
        return [(row.email, row.why) for row in rows]


async def test_every_unconfirmed_form_of_the_mailbox_is_erased_and_its_letters_called_off(
    database: Database, real: Settings, alert: Alert
) -> None:
    first = await submitted(database, real, alert, filled(email="Mari+1@example.org"))
    second = await submitted(database, real, alert, filled(own_words="Not hers."))
    await submitted(database, real, alert, filled(email="juri@example.org", own_words="His."))
    assert await stop(database, real, first)
    assert await counted(database) == {"cancelled": 10, "held": 5}
    emptied = [one for one in await all_of(database, Submission) if one.erased_at]
    assert {one.public_id for one in emptied} == {first.public_id, second.public_id}
    assert {one.name + one.email + one.own_words + one.city for one in emptied} == {""}
    assert first.person_key not in {one.person_key for one in emptied}
    waiting = [one.status for one in await all_of(database, Notice)]
    assert sorted(waiting) == ["cancelled", "cancelled", "queued"]
    assert await listed(database) == [("mari@example.org", "asked not to be written to")]
    async with database.reading() as session:
        assert await recount.differences(session, alert.id) == []
    assert await stop(database, real, first)
    assert await stop(database, real, second)
    assert len(await listed(database)) == 1


async def test_a_later_form_of_that_address_is_taken_as_any_other_and_mails_nothing(
    database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert)
    async with working(settings, database):
        await until(_nothing_waits(database))
    assert len(await all_of(database, SandboxMessage)) == 1
    assert await stop(database, settings, kept)
    assert await all_of(database, SandboxMessage) == []  # it held the form's name
    await submitted(database, settings, alert, filled(email="mari+again@example.org"))
    await submitted(database, settings, alert, filled(email="juri@example.org"))
    async with working(settings, database):
        await until(_nothing_waits(database))
    assert [one.rcpt_to for one in await all_of(database, SandboxMessage)] == ["juri@example.org"]


async def test_what_they_confirmed_themselves_still_leaves(
    database: Database, settings: Settings, alert: Alert
) -> None:
    mine = await submitted(database, settings, alert, filled(countries=["EE"], own_words="Mine."))
    await confirmed(database, settings, mine.public_id)
    await submitted(database, settings, alert, filled(countries=["LV"], own_words="Not mine."))
    assert await stop(database, settings, mine)
    assert await counted(database) == {"queued": 1, "cancelled": 1}
    (end,) = await all_of(database, Event, Event.what == "cancelled")
    assert (end.by, end.note) == ("supporter", erasure.NOT_THEIRS)
    assert [one.own_words for one in await all_of(database, Submission)] == ["Mine.", ""]


async def test_letters_that_would_come_back_to_them_are_called_off_too(
    database: Database, real: Settings, alert: Alert
) -> None:
    mine = await submitted(database, real, alert, filled(countries=["EE"]))
    await confirmed(database, real, mine.public_id)
    assert await stop(database, real, mine)
    assert await counted(database) == {"cancelled": 1}


@once
async def test_practice_keeps_a_list_of_its_own_and_leaves_earnest_forms_alone(
    database: Database, settings: Settings, real: Settings, alert: Alert
) -> None:
    practice = await submitted(database, settings, alert)
    await submitted(database, real, alert, filled(own_words="In earnest."))
    assert await stop(database, settings, practice)
    assert [one.own_words for one in await all_of(database, Submission)] == ["", "In earnest."]
    assert [email for email, _ in await listed(database)] == ["practice:mari@example.org"]


@once
async def test_practice_calls_off_no_letter_that_was_confirmed_in_earnest(
    database: Database, settings: Settings, real: Settings, alert: Alert
) -> None:
    """Whoever opens the mailbox on this machine has proved no address."""
    theirs = await submitted(database, real, alert, filled(countries=["EE"]))
    await confirmed(database, real, theirs.public_id)
    practice = await submitted(database, settings, alert, filled(countries=["LV"]))
    assert practice.person_key == theirs.person_key
    assert await stop(database, settings, practice)
    assert await counted(database) == {"queued": 1, "cancelled": 1}


@once
async def test_a_form_that_was_erased_otherwise_does_not_say_that_it_is_done(
    database: Database, real: Settings, alert: Alert
) -> None:
    kept = await submitted(database, real, alert)
    async with database.transaction() as session:
        await erasure.erase(session, "mari@example.org", real)
    assert not await stop(database, real, kept)
    assert await listed(database) == []


@once
async def test_a_lapsed_form_can_be_stopped_and_a_confirm_link_stops_nothing(
    database: Database, real: Settings, alert: Alert
) -> None:
    kept = await submitted(database, real, alert, filled(countries=["EE"]))
    async with database.transaction() as session:
        await queue.move(session, [], frm=queue.HELD, to=LetterStatus.LAPSED, by="the clock")
    assert await stop(database, real, kept)
    assert await counted(database) == {"lapsed": 1}
    async with database.reading() as session:
        with pytest.raises(Missing):
            await stopping.find(session, real, link_token(real, CONFIRM, kept.public_id))


@once
async def test_an_office_under_another_spelling_cannot_be_written_to_as_a_supporter(
    database: Database, settings: Settings, alert: Alert
) -> None:
    """Else a form in its name and a press of this button would stop everybody's letters to it."""
    async with database.reading() as session:
        office = (await offices.of_alert(session, alert, "sandbox"))[0].contact.email
    local, _, domain = office.partition("@")
    async with database.transaction() as session:
        with pytest.raises(FormRefused) as refused:
            form = filled(email=f"{local}+x@{domain}")
            await submission.submit(session, settings, alert, form)
    assert refused.value.fields == {"email": "an_office"}


@once
async def test_an_office_at_gmail_cannot_be_written_to_as_a_supporter_in_any_spelling(
    database: Database, settings: Settings, alert: Alert
) -> None:
    async with database.transaction() as session:
        office = (await offices.of_alert(session, alert, "sandbox"))[0].contact
        kept = await session.get_one(Contact, office.id)
        kept.email = "Office.Of.State@gmail.com"
    for spelled in ("office.of.state+x@gmail.com", "officeofstate@googlemail.com"):
        async with database.transaction() as session:
            with pytest.raises(FormRefused) as refused:
                await submission.submit(session, settings, alert, filled(email=spelled))
        assert refused.value.fields == {"email": "an_office"}


def _nothing_waits(database: Database) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        rows = await all_of(database, Notice)
        return all(one.status not in ("queued", "sending") for one in rows)

    return check
