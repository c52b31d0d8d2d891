"""Nothing leaves before the button, and the button sends what was shown."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app import clock
from app.db import Database
from app.errors import LinkExpired, Missing, TextChanged, TooLate
from app.letters import confirmation, own
from app.models import (
    Alert,
    Event,
    Letter,
    LetterStatus,
    StageStep,
    Submission,
    SupporterCount,
)
from app.outbox import queue, suppressions
from app.settings import Delivery, Settings
from app.tokens import CONFIRM, LETTERS, link_token, read_token
from tests.grounds.alerts import confirmed, filled, submitted
from tests.grounds.rows import all_of, counted, notices, statuses


async def supporters(database: Database) -> dict[str, int]:
    async with database.reading() as session:
        found = await session.execute(select(SupporterCount.scope, SupporterCount.n))
        return {row.scope: row.n for row in found}


async def test_the_button_queues_the_letters_and_seals_their_text(
    database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert)
    outcome = await confirmed(database, settings, kept.public_id)
    assert (outcome.queued, outcome.duplicates, outcome.suppressed) == (5, 0, 0)
    assert await statuses(database) == await counted(database) == {"queued": 5}
    assert all(len(letter.text_sha256) == 64 for letter in await all_of(database, Letter))
    assert await supporters(database) == {"alert": 1, "campaign": 1}


async def test_pressed_twice_it_changes_nothing_the_second_time(
    database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert)
    await confirmed(database, settings, kept.public_id)
    again = await confirmed(database, settings, kept.public_id)
    assert (again.queued, again.duplicates) == (0, 0)
    assert await counted(database) == {"queued": 5}


async def test_a_second_form_by_the_same_person_sends_nothing_twice(
    database: Database, settings: Settings, alert: Alert
) -> None:
    first = await submitted(database, settings, alert, filled(countries=["EE", "LV"]))
    second = await submitted(
        database, settings, alert, filled(email="MARI+2@example.org", countries=["LV", "LT"])
    )
    await confirmed(database, settings, first.public_id)
    outcome = await confirmed(database, settings, second.public_id)
    assert (outcome.queued, outcome.duplicates) == (1, 1)
    assert await counted(database) == {"queued": 3, "cancelled": 1}
    assert await notices(database) == ["confirm", "confirm", "duplicate"]
    assert await supporters(database) == {"alert": 1, "campaign": 1}


async def test_an_unconfirmed_form_blocks_nobody(
    database: Database, settings: Settings, alert: Alert
) -> None:
    await submitted(database, settings, alert)
    second = await submitted(database, settings, alert)
    assert (await confirmed(database, settings, second.public_id)).queued == 5


async def test_a_letter_that_ended_without_leaving_frees_its_place(
    database: Database, settings: Settings, alert: Alert
) -> None:
    ends = ("cancelled", "lapsed", "suppressed", "failed")
    four = filled(countries=["EE", "LV", "LT", "PL"])
    first = await submitted(database, settings, alert, four)
    await confirmed(database, settings, first.public_id)
    ended = dict(zip([one.id for one in await all_of(database, Letter)], ends, strict=True))
    async with database.transaction() as session:
        for letter_id, status in ended.items():
            which = update(Letter).where(Letter.id == letter_id)
            await session.execute(which.values(status=status, holds_place=False))
    second = await submitted(database, settings, alert, four)
    assert (await confirmed(database, settings, second.public_id)).queued == len(ends)


async def test_two_forms_confirmed_at_the_same_moment_send_one_letter(
    database: Database, settings: Settings, alert: Alert
) -> None:
    forms = [await submitted(database, settings, alert, filled(countries=["EE"])) for _ in range(6)]
    outcomes = await asyncio.gather(
        *(confirmed(database, settings, form.public_id) for form in forms)
    )
    assert sum(outcome.queued for outcome in outcomes) == 1
    assert await statuses(database) == await counted(database) == {"queued": 1, "cancelled": 5}


async def test_practice_does_not_block_a_live_letter(
    database: Database, settings: Settings, alert: Alert
) -> None:
    practice = await submitted(database, settings, alert, filled(countries=["EE"]))
    await confirmed(database, settings, practice.public_id)
    reflect = settings.model_copy(update={"delivery": Delivery.REFLECT})
    other = await submitted(database, reflect, alert, filled(countries=["EE"]))
    assert (await confirmed(database, reflect, other.public_id)).queued == 1
    deliveries = {letter.delivery for letter in await all_of(database, Letter)}
    assert deliveries == {"sandbox", "reflect"}


async def test_a_country_that_moves_on_shows_the_new_text_before_the_button(
    database: Database, settings: Settings, alert: Alert
) -> None:
    with clock.held(clock.now().replace(year=2025, month=12, day=26, hour=12)) as held:
        kept = await submitted(database, settings, alert, filled(countries=["EE"]))
        async with database.reading() as session:
            found = await confirmation.load(session, kept.public_id)
            shown = confirmation.seal(await confirmation.waiting(session, found))
        held.advance(timedelta(days=1))  # the withdrawal takes effect
        with pytest.raises(TextChanged):
            async with database.transaction() as session:
                found = await confirmation.load(session, kept.public_id)
                await confirmation.confirm(session, settings, found, shown=shown)
        assert await statuses(database) == {"held": 1}
        await confirmed(database, settings, kept.public_id)
    (letter,) = await all_of(database, Letter)
    assert (letter.status, letter.stage) == ("queued", "in_effect")


async def test_own_words_can_be_changed_until_the_button(
    database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert, filled(own_words="First."))
    async with database.transaction() as session:
        found = await confirmation.load(session, kept.public_id)
        before = confirmation.seal(await confirmation.waiting(session, found))
        await confirmation.reword(session, found, "Second, and {{ better }}.")
        letters = await confirmation.waiting(session, found)
    assert confirmation.seal(letters) != before
    assert all("\n\nSecond, and {{ better }}.\n\n" in one.text.body for one in letters)


async def test_a_link_expires_after_seven_days_and_its_letters_lapse(
    database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert)
    with clock.held(clock.now() + timedelta(days=6, hours=23)):
        async with database.transaction() as session:
            assert await confirmation.lapse(session) == 0
    with clock.held(clock.now() + timedelta(days=7, minutes=1)):
        with pytest.raises(LinkExpired):
            await confirmed(database, settings, kept.public_id)
        async with database.transaction() as session:
            assert await confirmation.lapse(session) == 5
    assert await statuses(database) == await counted(database) == {"lapsed": 5}


async def test_a_confirmed_letter_never_lapses(
    database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert)
    await confirmed(database, settings, kept.public_id)
    with clock.held(clock.now() + timedelta(days=30)):
        async with database.transaction() as session:
            assert await confirmation.lapse(session) == 0


async def test_closing_an_alert_ends_the_form_and_not_the_letters(
    database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert)
    async with database.transaction() as session:
        await session.execute(update(Alert).values(state="closed", closes_at=clock.now()))
    assert (await confirmed(database, settings, kept.public_id)).queued == 5


async def test_a_suppressed_office_is_not_written_to(
    database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert, filled(countries=["LT", "LV"]))
    async with database.transaction() as session:
        await suppressions.suppress(session, "lrvkanceliarija@LRV.lt", why="asked us", by="us")
    outcome = await confirmed(database, settings, kept.public_id)
    assert (outcome.queued, outcome.suppressed) == (1, 1)
    assert await counted(database) == {"queued": 1, "suppressed": 1}


async def test_a_supporter_withdraws_what_has_not_left(
    database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert, filled(countries=["EE", "LV"]))
    await confirmed(database, settings, kept.public_id)
    first, second = await all_of(database, Letter)
    async with database.transaction() as session:
        await own.withdraw(session, kept, first.id)
        await own.withdraw(session, kept, first.id)  # a second press is no fault
        await queue.move(
            session,
            [Letter.id == second.id],
            frm=LetterStatus.QUEUED,
            to=LetterStatus.SENDING,
            by="a worker",
        )
        with pytest.raises(TooLate):
            await own.withdraw(session, kept, second.id)
        with pytest.raises(Missing):
            await own.withdraw(session, kept, 10**9)
    assert await counted(database) == {"cancelled": 1, "sending": 1}


async def test_a_stranger_cannot_withdraw_another_supporters_letter(
    database: Database, settings: Settings, alert: Alert
) -> None:
    mari = await submitted(database, settings, alert)
    juri = await submitted(database, settings, alert, filled(email="juri@example.org"))
    (letter, *_) = await all_of(database, Letter, Letter.submission_id == mari.id)
    async with database.transaction() as session:
        with pytest.raises(Missing):
            await own.withdraw(session, juri, letter.id)


def test_a_link_works_for_its_purpose_only(settings: Settings) -> None:
    token = link_token(settings, CONFIRM, "abc")
    assert read_token(settings, CONFIRM, token) == "abc"
    for wrong in (token[:-1], token + "x", "", "é", link_token(settings, LETTERS, "abc")):
        with pytest.raises(Missing):
            read_token(settings, CONFIRM, wrong)


async def test_a_step_that_is_not_in_the_status_table_is_refused(database: Database) -> None:
    async with database.transaction() as session:
        with pytest.raises(ValueError, match="cannot go from rejected to queued"):
            await queue.move(
                session, [], frm=LetterStatus.REJECTED, to=LetterStatus.QUEUED, by="nobody"
            )


async def test_every_letter_has_its_history(
    database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert, filled(countries=["EE"]))
    await confirmed(database, settings, kept.public_id)
    events = await all_of(database, Event)
    assert [(event.what, event.by) for event in events] == [
        ("held", "supporter"),
        ("queued", "supporter"),
    ]


async def test_an_erased_form_can_no_longer_be_confirmed(
    database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert)
    async with database.transaction() as session:
        await session.execute(update(Submission).values(erased_at=clock.now()))
    with pytest.raises(Missing):
        await confirmed(database, settings, kept.public_id)


async def test_a_new_step_after_the_day_changes_nothing_yet(
    database: Database, settings: Settings, alert: Alert
) -> None:
    async with database.transaction() as session:
        session.add(
            StageStep(
                campaign_id=alert.campaign_id,
                country="EE",
                stage="returned",
                on=clock.now().date() + timedelta(days=2),
                what="a day to come",
                source="a test",
            )
        )
    kept = await submitted(database, settings, alert, filled(countries=["EE"]))
    (letter,) = await all_of(database, Letter, Letter.submission_id == kept.id)
    assert letter.stage == "in_effect"
