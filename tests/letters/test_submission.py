"""A filled form: what it becomes, and what is said when it cannot be taken."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app import clock
from app.campaigns import offices
from app.db import Database
from app.errors import AlertClosed, AlertFrozen, AlertNotOpen, FormRefused
from app.letters import submission
from app.letters.people import fold, person_key
from app.models import Alert, Contact, Freeze, Letter, StageStep, Submission, Target
from app.settings import Delivery, Settings
from tests.grounds.alerts import filled, submitted
from tests.grounds.rows import all_of, counted, notices, statuses


async def test_a_form_becomes_one_held_letter_to_each_prime_minister_and_one_notice(
    database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert)
    assert kept.name == "Mari Mägi"
    assert kept.confirmed_at is None
    assert await statuses(database) == {"held": 5}
    assert await counted(database) == {"held": 5}
    assert await notices(database) == ["confirm"]
    letters = await all_of(database, Letter)
    assert {letter.stage for letter in letters} == {"in_effect"}
    assert len({letter.message_id for letter in letters}) == 5


async def test_countries_roles_and_offices_choose_whom_it_goes_to(
    database: Database, settings: Settings, alert: Alert
) -> None:
    async with database.transaction() as session:
        two = await submission.submit(
            session, settings, alert, filled(countries=["EE", "FI"], roles=["defence"])
        )
        assert two.letters == 2
        estonian = (await session.scalars(_targets("EE", "president"))).one()
        one = await submission.submit(
            session, settings, alert, filled(countries=["EE"], offices=[estonian.id])
        )
        assert one.letters == 1


def _targets(country: str, role: str):  # type: ignore[no-untyped-def]
    return select(Target).where(Target.country == country, Target.role == role)


FAULTS: tuple[tuple[dict[str, Any], dict[str, str]], ...] = (
    ({"name": " \t "}, {"name": "missing"}),
    ({"email": "mari"}, {"email": "not_an_address"}),
    ({"email": "mari@localhost"}, {"email": "not_an_address"}),
    ({"email": "a@b.example\nBcc: x@example.org"}, {"email": "not_an_address"}),
    ({"city": ""}, {"city": "missing"}),
    ({"country": "XX"}, {"country": "unknown_country"}),
    ({"consent": False}, {"consent": "missing_consent"}),
    ({"countries": ["DE"]}, {"countries": "country_not_in_alert"}),
    ({"countries": []}, {"countries": "no_country"}),
    ({"countries": ["EE"], "offices": []}, {"offices": "no_office"}),
    ({"roles": ["gardener"]}, {"offices": "no_office"}),
    ({"name": "x" * 10_000}, {"name": "too_long"}),
    ({"own_words": "x" * 10_001}, {"own_words": "too_long"}),
    (
        {"name": "", "email": "", "countries": []},
        {"name": "missing", "email": "missing", "countries": "no_country"},
    ),
)


async def test_each_fault_is_told_at_its_field_and_nothing_is_kept(
    database: Database, settings: Settings, alert: Alert
) -> None:
    async def told(changes: dict[str, Any]) -> dict[str, str]:
        try:
            await submitted(database, settings, alert, filled(**changes))
        except FormRefused as refusal:
            return refusal.fields
        return {}

    for changes, fields in FAULTS:
        assert await told(changes) == fields, str(changes)[:99]
    assert await statuses(database) == {}
    assert await all_of(database, Submission) == []


async def test_a_closed_an_unopened_and_a_frozen_alert_take_no_form(
    database: Database, settings: Settings, alert: Alert
) -> None:
    with (
        clock.held(datetime(2025, 3, 19, tzinfo=UTC)),
        pytest.raises(AlertNotOpen),
    ):
        await submitted(database, settings, alert)
    alert.closes_at = datetime(2026, 1, 1, tzinfo=UTC)
    with clock.held(datetime(2026, 1, 1, tzinfo=UTC)), pytest.raises(AlertClosed):
        await submitted(database, settings, alert)
    alert.closes_at = None
    async with database.transaction() as session:
        session.add(Freeze(scope="alert", ref=alert.id, why="x", by="y", at=clock.now()))
    with pytest.raises(AlertFrozen):
        await submitted(database, settings, alert)
    assert await statuses(database) == {}


async def test_the_stage_is_the_last_dated_step_of_the_day(
    database: Database, settings: Settings, alert: Alert
) -> None:
    days = {
        datetime(2025, 6, 3, 12, tzinfo=UTC): "announced",
        datetime(2025, 6, 4, 12, tzinfo=UTC): "voted",
        datetime(2025, 6, 27, 12, tzinfo=UTC): "notified",
        datetime(2025, 12, 26, 12, tzinfo=UTC): "notified",
        datetime(2025, 12, 27, 12, tzinfo=UTC): "in_effect",
    }
    for n, (day, stage) in enumerate(days.items()):
        form = filled(email=f"mari{n}@example.org", countries=["EE"])
        with clock.held(day):
            kept = await submitted(database, settings, alert, form)
        (letter,) = await all_of(database, Letter, Letter.submission_id == kept.id)
        assert letter.stage == stage


async def test_finland_cannot_be_written_to_before_it_joined(
    database: Database, settings: Settings, alert: Alert
) -> None:
    with clock.held(datetime(2025, 4, 1, 12, tzinfo=UTC)):
        await submitted(database, settings, alert)
    assert await statuses(database) == {"held": 4}
    with (
        clock.held(datetime(2025, 4, 1, 12, tzinfo=UTC)),
        pytest.raises(FormRefused, match="country_not_in_alert"),
    ):
        await submitted(database, settings, alert, filled(countries=["FI"]))


async def test_a_postal_address_is_kept_only_when_a_chosen_country_asks_for_it(
    database: Database, settings: Settings, alert: Alert
) -> None:
    form = filled(postal_address="Rüütli 1\nTartu", countries=["EE"])
    assert (await submitted(database, settings, alert, form)).postal_address == ""
    form = filled(postal_address="Rüütli 1\nTartu", countries=["PL"])
    assert (await submitted(database, settings, alert, form)).postal_address == "Rüütli 1\nTartu"


async def test_a_live_letter_goes_only_to_a_checked_address(
    database: Database, settings: Settings, alert: Alert
) -> None:
    live = settings.model_copy(update={"delivery": Delivery.LIVE})
    with pytest.raises(FormRefused):
        await submitted(database, live, alert)
    async with database.transaction() as session:
        latvian = _targets("LV", "prime_minister").with_only_columns(Target.id).scalar_subquery()
        await session.execute(
            update(Contact)
            .where(Contact.target_id == latvian)
            .values(checked_on=clock.now().date())
        )
    kept = await submitted(database, live, alert)
    assert kept.delivery == "live"
    assert await statuses(database) == {"held": 1}


async def test_the_fourth_form_in_a_day_sends_no_notice_and_says_nothing_of_it(
    database: Database, settings: Settings, alert: Alert
) -> None:
    answers = [await submitted(database, settings, alert) for _ in range(5)]
    assert len({answer.public_id for answer in answers}) == 5
    assert await notices(database) == ["confirm"] * 3
    with clock.held(clock.now() + timedelta(hours=25)):
        await submitted(database, settings, alert)
    assert len(await notices(database)) == 4


async def test_a_country_whose_letter_has_no_ask_for_its_stage_is_not_offered(
    database: Database, settings: Settings, alert: Alert
) -> None:
    async with database.transaction() as session:
        await session.execute(
            update(StageStep)
            .where(StageStep.country == "EE", StageStep.stage == "in_effect")
            .values(stage="unheard")
        )
    with pytest.raises(FormRefused, match="country_not_in_alert"):
        await submitted(database, settings, alert, filled(countries=["EE"]))
    await submitted(database, settings, alert)
    assert await statuses(database) == {"held": 4}


def test_one_person_has_one_key_however_they_type(settings: Settings) -> None:
    same = ["mari@example.org", "Mari@Example.ORG", "MARI+mines@example.org"]
    assert {fold(one) for one in same} == {"mari@example.org"}
    assert len({person_key(settings, one) for one in same}) == 1
    assert person_key(settings, "mary@example.org") != person_key(settings, same[0])


async def test_a_form_in_an_offices_own_name_is_sent_back(
    database: Database, settings: Settings, alert: Alert
) -> None:
    """Else a stranger could have us write to an office, past its pace."""
    async with database.reading() as session:
        office = (await offices.of_alert(session, alert, "sandbox"))[0].contact.email
    async with database.transaction() as session:
        with pytest.raises(FormRefused) as refused:
            await submission.submit(session, settings, alert, filled(email=office.upper()))
    assert refused.value.fields == {"email": "an_office"}
