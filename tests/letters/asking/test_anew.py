"""Letters that waited too long are made anew for whoever has their link, as far as they can go."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from app import clock
from app.db import Database
from app.errors import FormRefused, Missing
from app.letters import again as copies
from app.letters import confirmation
from app.letters.asking import anew
from app.letters.form import Form
from app.letters.words.edits import Edit
from app.models import Alert, Contact, Letter, Notice, Submission, Target
from app.outbox import queue
from app.settings import Delivery, Settings
from app.tokens import CONFIRM, link_token
from tests.grounds.alerts import confirmed, filled, mine_ban, submitted
from tests.grounds.databases import once
from tests.grounds.rows import all_of, notices

A_WEEK = timedelta(days=7)


async def again(
    database: Database, settings: Settings, old: Submission, *, consent: bool = True
) -> Submission:
    async with database.transaction() as session:
        token = link_token(settings, CONFIRM, old.public_id)
        found = await anew.find(session, settings, token)
        return await anew.again(session, settings, found, consent=consent)


async def why_not(database: Database, settings: Settings, old: Submission) -> str:
    async with database.reading() as session:
        token = link_token(settings, CONFIRM, old.public_id)
        return (await anew.way(session, settings, await anew.find(session, settings, token))).why


@once
async def test_the_same_words_go_to_the_same_offices_that_can_still_be_written_to(
    database: Database, settings: Settings, alert: Alert
) -> None:
    words: dict[str, Any] = {"own_words": "My grandfather cleared mines.", "seed": 7}
    old = await submitted(database, settings, alert, filled(countries=["EE", "LV", "LT"], **words))
    first, second, third = await all_of(database, Letter)
    async with database.transaction() as session:
        withdrawn = [Letter.id == first.id]
        await queue.move(session, withdrawn, frm=queue.HELD, to=queue.CANCELLED, by="supporter")
        gone = Contact.target_id == second.target_id
        await session.execute(update(Contact).where(gone).values(retired_at=clock.now()))
    with clock.held(clock.now() + A_WEEK):
        async with database.transaction() as session:
            await confirmation.lapse(session)
        new = await again(database, settings, old)
        (letter,) = await all_of(database, Letter, Letter.submission_id == new.id)
        assert (letter.target_id, letter.status) == (third.target_id, "held")
        assert (new.own_words, new.variant_seed, new.email) == (*words.values(), old.email)
        assert new.consent_at == clock.now()
        assert (await confirmed(database, settings, new.public_id)).queued == 1
    assert await notices(database) == ["confirm"]


async def test_pressed_twice_there_is_one_form_and_no_mail(
    database: Database, settings: Settings, alert: Alert
) -> None:
    old = await submitted(database, settings, alert)
    with clock.held(clock.now() + A_WEEK):
        made = {(await again(database, settings, old)).id for _ in range(2)}
        assert len(made) == 1
        # another address of the same person: this link has not proved it
        tagged = filled(email="mari+mines@example.org")
        other = await submitted(database, settings, alert, tagged)
        assert {(await again(database, settings, old)).id} == made
    assert other.person_key == old.person_key
    assert len(await all_of(database, Notice)) == 2


async def editable(
    database: Database, settings: Settings, alert: Alert
) -> tuple[Form, Submission, Letter]:
    """A form to Estonia, where letters may be written anew."""
    async with database.transaction() as session:
        await session.execute(update(Alert).where(Alert.id == alert.id).values(editable=True))
    theirs = filled(countries=["EE"])
    old = await submitted(database, settings, alert, theirs)
    (letter,) = await all_of(database, Letter)
    return theirs, old, letter


async def test_nobody_is_led_to_a_letter_that_a_stranger_wrote_anew_with_their_address(
    database: Database, settings: Settings, alert: Alert
) -> None:
    theirs, old, letter = await editable(database, settings, alert)
    with clock.held(clock.now() + A_WEEK):
        alert = await mine_ban(database)
        put_in = {letter.target_id: Edit(subject="Leave it", body="I hate you all. Mari Mägi")}
        strange = await submitted(database, settings, alert, replace(theirs, edits=put_in))
        assert strange.edits
        new = await again(database, settings, old)
        assert (new.id != strange.id, new.edits) == (True, {})
        assert (await again(database, settings, old)).id == new.id


async def test_however_many_forms_a_stranger_left_only_the_newest_are_looked_through(
    database: Database, settings: Settings, alert: Alert, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "AT_MOST", 1)
    theirs, old, letter = await editable(database, settings, alert)
    with clock.held(clock.now() + A_WEEK):
        first = await again(database, settings, old)
        put_in = {letter.target_id: Edit(subject="Leave it", body="Stay away. Mari Mägi")}
        alert = await mine_ban(database)
        strange = await submitted(database, settings, alert, replace(theirs, edits=put_in))
        # the own one lies behind it: another is made, and the stranger's is never shown
        second = await again(database, settings, old)
        assert len({first.id, strange.id, second.id}) == 3
        assert second.edits == {}


@once
async def test_nothing_is_made_without_consent(
    database: Database, settings: Settings, alert: Alert
) -> None:
    old = await submitted(database, settings, alert)
    with clock.held(clock.now() + A_WEEK), pytest.raises(FormRefused):
        await again(database, settings, old, consent=False)
    assert len(await all_of(database, Submission)) == 1


@once
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"state": "closed"}, "ended"),
        ({"closes_at": clock.now() - A_WEEK}, "ended"),
        ({"own_mailbox": "only"}, "own_mailbox"),
    ],
)
async def test_an_alert_that_takes_no_letters_says_why(
    database: Database, settings: Settings, alert: Alert, changes: dict[str, Any], why: str
) -> None:
    old = await submitted(database, settings, alert)
    async with database.transaction() as session:
        await session.execute(update(Alert).values(**changes))
    with clock.held(clock.now() + A_WEEK):
        assert await why_not(database, settings, old) == why
        with pytest.raises(Missing):
            await again(database, settings, old)


@once
async def test_practice_is_not_made_anew_in_earnest_nor_without_an_office(
    database: Database, settings: Settings, alert: Alert
) -> None:
    old = await submitted(database, settings, alert, filled(countries=["EE"]))
    live = settings.model_copy(update={"delivery": Delivery.LIVE})
    with clock.held(clock.now() + A_WEEK):
        assert await why_not(database, live, old) == "elsewhere"
        async with database.transaction() as session:
            estonia = select(Target.id).where(Target.country == "EE")
            which = Contact.target_id.in_(estonia)
            await session.execute(update(Contact).where(which).values(retired_at=clock.now()))
        assert await why_not(database, settings, old) == "unreachable"


@once
async def test_a_form_waits_once_however_often_it_was_made_anew(
    database: Database, settings: Settings, alert: Alert
) -> None:
    """A week later the new one has lapsed too, and its own link makes it anew."""
    old = await submitted(database, settings, alert, filled(countries=["EE"]))
    with clock.held(clock.now() + A_WEEK) as held:
        new = await again(database, settings, old)
        held.advance(A_WEEK)
        last = await again(database, settings, new)
        assert (await again(database, settings, old)).id == last.id
    async with database.reading() as session:
        assert await session.scalar(select(func.count(Submission.id))) == 3
