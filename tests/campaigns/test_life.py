"""An alert's steps, its check-list, and the second organiser, below the pages."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app import clock
from app.campaigns import alerts
from app.campaigns.drafts import assembling, beginning, keeping, showing
from app.campaigns.drafts.keeping import Draft
from app.campaigns.life import approvals, checklist, transitions
from app.campaigns.life.checklist import Point, State
from app.db import Database
from app.errors import DraftMoved, FormRefused, NotAllowed, PointsOpen, StepRefused
from app.letters import submission
from app.models import (
    Alert,
    AlertCountry,
    AlertState,
    Contact,
    DraftSection,
    Letter,
    LetterTemplate,
    StageStep,
    Submission,
    Target,
)
from app.outbox import freezes
from app.settings import Settings
from app.wording import render
from app.wording.render import LetterText
from tests.grounds.alerts import MINE_BAN, filled
from tests.grounds.databases import once
from tests.grounds.letters import SOURCE, make_alert, make_queued_letters
from tests.grounds.rows import statuses

MARI, KATI = "mari@example.org", "kati@example.org"
NOW = datetime(2025, 4, 2, 12, tzinfo=UTC)


async def drafted(session: AsyncSession, slug: str = MINE_BAN) -> Draft:
    parts = (selectinload(Alert.campaign), selectinload(Alert.countries))
    found = await session.scalars(select(Alert).where(Alert.slug == slug).options(*parts))
    return await keeping.read(session, found.one())


async def points(session: AsyncSession) -> dict[str, Point]:
    draft = await drafted(session)
    faults = await assembling.faults(session, draft)
    shown = await showing.shown(session, draft, delivery="rehearsal")
    found = await checklist.points(session, draft, shown, faults)
    return {one.key: one for one in found}


async def test_of_two_who_close_at_once_the_second_is_told(database: Database) -> None:
    async with database.transaction() as session:
        await make_alert(session, slug="keep")
    async with database.reading() as session:
        stale = (await drafted(session, "keep")).alert
    async with database.transaction() as session:
        await transitions.close(session, (await drafted(session, "keep")).alert, by=MARI)
    with pytest.raises(StepRefused):
        async with database.transaction() as session:
            await transitions.close(session, stale, by=KATI)


@once
async def test_what_its_own_closing_time_has_ended_is_not_opened_again(database: Database) -> None:
    async with database.transaction() as session:
        ground = await make_alert(session, slug="keep")
        ground.alert.closes_at = clock.now() - timedelta(hours=1)
        ground.alert.state = AlertState.CLOSED
    async with database.transaction() as session:
        alert = (await drafted(session, "keep")).alert
        assert AlertState.PUBLISHED not in transitions.may_become(alert)
        with pytest.raises(StepRefused, match="closing time has passed"):
            await transitions.reopen(session, alert, by=MARI)


async def test_back_to_a_draft_calls_off_what_was_tried_and_nothing_else(
    database: Database,
) -> None:
    async with database.transaction() as session:
        ground = await make_alert(session, slug="keep")
        for delivery in ("rehearsal", "trial", "live"):
            await make_queued_letters(session, 1, ground=ground, delivery=delivery)
        ground.alert.state = AlertState.REHEARSAL
    async with database.transaction() as session:
        await transitions.write_on(session, (await drafted(session, "keep")).alert, by=MARI)
    assert await statuses(database) == {"cancelled": 2, "queued": 1}


@pytest.mark.usefixtures("furnished")
async def test_an_agreement_holds_for_the_draft_and_the_points_that_were_looked_at(
    database: Database,
) -> None:
    async with database.transaction() as session:
        draft = await drafted(session)
        with pytest.raises(PointsOpen):
            await approvals.reason_to_publish(session, draft, ["contacts"])
        asked = await approvals.ask(session, draft, points=["contacts"], why="Soon.", by=MARI)
        same = await approvals.ask(session, draft, points=["contacts"], why="Soon!", by=MARI)
        assert same.id == asked.id  # pressed twice
        with pytest.raises(NotAllowed):
            await approvals.answer(session, draft, asked.id, agreed=True, words="", by=MARI)
        await approvals.answer(session, draft, asked.id, agreed=True, words="Fine.", by=KATI)
        because = await approvals.reason_to_publish(session, draft, ["contacts"])
        assert because == f"with open points (contacts), to which {KATI} agreed"
        with pytest.raises(PointsOpen):
            await approvals.reason_to_publish(session, draft, ["contacts", "dns"])
        call = draft.sections["call"]
        content = call.content | {"summary": "Other words."}
        await keeping.save(session, draft.alert, "call", content, version=call.version, by=MARI)
        changed = await drafted(session)
        with pytest.raises(PointsOpen):
            await approvals.reason_to_publish(session, changed, ["contacts"])
        again = await approvals.ask(session, draft, points=["contacts"], why="", by=MARI)
        with pytest.raises(DraftMoved):
            await approvals.answer(session, changed, again.id, agreed=True, words="", by=KATI)
        with pytest.raises(FormRefused):
            await approvals.write_reason(session, changed, points=["dns"], why="  so  ", by=MARI)
        why = "The name server is down."
        await approvals.write_reason(session, changed, points=["dns"], why=why, by=MARI)
        because = await approvals.reason_to_publish(session, changed, ["dns"])
        assert because == f"with open points (dns), because: {why}"


@once
@pytest.mark.usefixtures("furnished")
async def test_the_check_list_names_what_is_open(database: Database) -> None:
    with clock.held(NOW):
        async with database.transaction() as session:
            found = await points(session)
            assert found["contacts"].state is State.OPEN  # nobody has checked any
            assert found["finished"].state is State.DONE
            assert found["stages"].state is State.DONE
            waiting = [name for name in found["translations"].items if name == "EE.et"]
            assert waiting == ["EE.et"]
            await session.execute(update(Contact).values(checked_on=date(2024, 10, 4)))
            assert (await points(session))["contacts"].state is State.DONE
            await session.execute(update(Contact).values(checked_on=date(2024, 10, 3)))
            stale = (await points(session))["contacts"]
            assert any(one.startswith("Estonia: ") for one in stale.items)  # 181 days
            later = update(StageStep).where(StageStep.country == "LV")
            await session.execute(later.values(on=date(2025, 5, 1)))
            assert (await points(session))["stages"].items == ("Latvia",)


@once
@pytest.mark.usefixtures("furnished")
async def test_a_country_with_nobody_to_write_to_is_an_open_point(database: Database) -> None:
    with clock.held(NOW):
        async with database.transaction() as session:
            of_poland = select(Target.id).where(Target.country == "PL")
            gone = update(Contact).where(Contact.target_id.in_(of_poland))
            await session.execute(gone.values(retired_at=NOW))
            assert "Poland" in (await points(session))["contacts"].items


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ("open_ended",)),
        ({"closes_at": NOW + timedelta(days=30)}, ()),
        ({"closes_at": NOW - timedelta(days=1)}, ("over",)),
        ({"closes_at": NOW + timedelta(days=500)}, ("long",)),
        ({"opens_at": NOW + timedelta(days=400)}, ("far", "open_ended")),
        ({"write_before": date(2025, 4, 1)}, ("before_today", "open_ended")),
        (
            {"write_before": date(2025, 6, 1), "closes_at": NOW + timedelta(days=30)},
            ("after_closing",),
        ),
    ],
)
def test_dates_that_were_typed_in_a_hurry_are_told(
    changes: dict[str, object], said: tuple[str, ...]
) -> None:
    fields = {"opens_at": NOW - timedelta(days=2), "timezone": "Europe/Tallinn", "state": "draft"}
    alert = Alert(**(fields | changes))
    with clock.held(NOW):
        assert checklist._dates(alert).items == said


@pytest.mark.parametrize("asked_then", [True, False])
@pytest.mark.parametrize("asked_now", [True, False])
def test_the_seal_says_with_or_without_the_postal_address(
    asked_then: bool, asked_now: bool
) -> None:
    """Whether a government asks for it may change while its letters wait."""
    source = SOURCE.replace("{{ name }}\n", "{{ name }}\n{{ postal_address }}\n")
    template = LetterTemplate(country="EE", language="en", source=source)
    target = Target(id=7, country="EE", office="Prime Minister", role="prime_minister")
    words = {"name": "Mari", "city": "Tartu", "country": "EE", "own_words": "", "subject": ""}
    submission = Submission(**words, postal_address="Lossi 3", variant_seed=1)

    def country(asked: bool) -> AlertCountry:
        return AlertCountry(country="EE", postal_address="It is asked for." if asked else "")

    read = render.of_submission(
        submission, target, template, country(asked_then), stage="announced"
    )
    letter = Letter(stage="announced", text_sha256=read.sha256)
    leaves = render.confirmed(letter, submission, target, template, country(asked_now))
    assert leaves == LetterText(read.subject, read.body)
    assert ("Lossi 3" in leaves.body) is asked_then


def test_no_step_leads_out_of_the_archive_and_each_is_known() -> None:
    assert set(transitions.STEPS) == set(AlertState)
    assert transitions.may_become(Alert(state=AlertState.ARCHIVED)) == frozenset()
    assert alerts.LISTED == (AlertState.PUBLISHED, AlertState.CLOSED)


async def test_a_draft_is_thrown_away_with_all_that_was_written(
    database: Database, furnished: None
) -> None:
    async with database.transaction() as session:
        original = await drafted(session)
        clone = await beginning.clone(session, original.alert, by=MARI)
        slug = clone.slug
        await transitions.rehearse(session, clone, by=MARI)
        await transitions.write_on(session, clone, by=MARI)
        await freezes.freeze(session, scope="alert", ref=clone.id, why="Wait.", by=MARI)
    async with database.transaction() as session:
        await transitions.throw_away(session, (await drafted(session, slug)).alert, by=MARI)
    async with database.reading() as session:
        left = select(func.count()).select_from(Alert)
        assert await session.scalar(left) == 1
        for table in (DraftSection, LetterTemplate, AlertCountry):
            strange = select(func.count()).where(table.alert_id != original.alert.id)
            assert await session.scalar(strange) == 0
        assert (await freezes.frozen(session)).alerts == frozenset()


async def test_what_people_have_seen_is_not_thrown_away(
    database: Database, settings: Settings, furnished: None
) -> None:
    async with database.transaction() as session:
        with pytest.raises(StepRefused):
            await transitions.throw_away(session, (await drafted(session)).alert, by=MARI)
        clone = await beginning.clone(session, (await drafted(session)).alert, by=MARI)
        slug = clone.slug
        await transitions.rehearse(session, clone, by=MARI)
    async with database.transaction() as session:
        tried = (await drafted(session, slug)).alert
        await submission.submit(session, settings, tried, filled())
        await transitions.write_on(session, tried, by=MARI)
        with pytest.raises(StepRefused):
            await transitions.throw_away(session, tried, by=MARI)


@once
async def test_unpublished_changes_are_forgotten_and_the_alert_stays(
    database: Database, furnished: None
) -> None:
    async with database.transaction() as session:
        draft = await drafted(session)
        call = draft.sections["call"]
        typed = call.content | {"title": "Never shown"}
        await keeping.save(session, draft.alert, "call", typed, version=call.version, by=MARI)
        await transitions.forget_changes(session, draft.alert, by=MARI)
        kept = await drafted(session)
        assert not kept.begun
        assert kept.content("call") == call.content
