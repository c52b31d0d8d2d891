"""What organisers do at the same moment, or undo, loses nothing and changes nothing else."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import alerts, packs, stages
from app.campaigns.drafts import assembling, beginning, keeping
from app.campaigns.drafts.keeping import Draft
from app.campaigns.life import transitions
from app.campaigns.pack_format import Step
from app.campaigns.stage_moves import editing
from app.db import Database
from app.errors import Overtaken
from app.letters import submission
from app.models import AlertState, Campaign
from app.settings import Settings
from tests.campaigns.test_life import drafted
from tests.grounds.alerts import MINE_BAN, filled
from tests.grounds.databases import once

pytestmark = pytest.mark.usefixtures("furnished")
MARI, JONAS = "mari@example.org", "jonas@example.org"
on_many_machines = pytest.mark.parametrize("database_kind", ["postgresql"])


async def _save(session: AsyncSession, draft: Draft, name: str, **typed: Any) -> None:
    content = draft.sections[name].content | typed
    version = draft.sections[name].version
    await keeping.save(session, draft.alert, name, content, version=version, by=MARI)


async def _take_away(session: AsyncSession, draft: Draft, name: str) -> None:
    version = draft.sections[name].version
    await keeping.remove(session, draft.alert, name, version=version, by=MARI)


@once
@pytest.mark.parametrize(
    "closes_at",
    [
        datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC),
        # the second time that day that the clocks say half past two
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    ],
)
async def test_publishing_another_part_leaves_every_moment_as_it_was(
    database: Database, closes_at: datetime
) -> None:
    async with database.transaction() as session:
        alert = await alerts.by_slug(session, MINE_BAN)
        alert.timezone, alert.closes_at = "Europe/Brussels", closes_at
    async with database.transaction() as session:
        draft = await drafted(session)
        await _save(session, draft, "call", title="Another title")
        draft = await keeping.read(session, draft.alert)
        await assembling.publish(session, draft, state=AlertState.PUBLISHED, by=MARI)
    async with database.reading() as session:
        alert = await alerts.by_slug(session, MINE_BAN)
        assert (alert.title, alert.closes_at) == ("Another title", closes_at)


@on_many_machines
async def test_a_part_that_was_published_while_its_form_was_on_the_way_is_not_written_over(
    database: Database,
) -> None:
    async with database.reading() as session:
        before = await drafted(session)
    async with database.transaction() as late:
        seen = await drafted(late)  # and then waits for the one who publishes
        async with database.transaction() as session:
            draft = await drafted(session)
            await _save(session, draft, "call", title="From Jonas")
            draft = await keeping.read(session, draft.alert)
            await transitions.publish(session, draft, by=JONAS)
        with pytest.raises(Overtaken) as overtaken:
            await keeping.save(
                late,
                seen.alert,
                "call",
                before.content("call") | {"title": "From Mari"},
                version=before.sections["call"].version,
                by=MARI,
            )
    assert overtaken.value.theirs.content["title"] == "From Jonas"


@on_many_machines
async def test_an_alert_that_is_closed_while_its_changes_are_published_stays_closed(
    database: Database,
) -> None:
    async with database.transaction() as late:
        draft = await drafted(late)
        await _save(late, draft, "call", title="From Jonas")
    async with database.transaction() as late:
        draft = await drafted(late)
        async with database.transaction() as session:
            await transitions.close(session, (await drafted(session)).alert, by=MARI)
        await transitions.publish(late, draft, by=JONAS)
    async with database.reading() as session:
        alert = await alerts.by_slug(session, MINE_BAN)
    assert (alert.title, alert.state) == ("From Jonas", "closed")


@on_many_machines
async def test_a_step_that_is_dated_while_an_alert_is_published_stays(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    edits: list[asyncio.Task[None]] = []

    async def edit() -> None:
        async with database.transaction() as session:
            campaign = await session.get_one(Campaign, alert.campaign_id)
            steps = await stages.steps_of(session, campaign, "EE")
            told = [Step.model_validate(one, from_attributes=True) for one in steps[:-1]]
            base = editing.base_of(editing.typed(steps))
            await editing.save_steps(session, campaign, "EE", told, base=base, by=MARI)
            kept.extend(one.stage for one in told)

    async def between(session: AsyncSession, draft: Draft) -> Any:
        pack = await assembled(session, draft)
        edits.append(asyncio.create_task(edit()))
        await asyncio.sleep(0.3)
        return pack

    kept: list[str] = []
    assembled = assembling.pack_of
    monkeypatch.setattr(assembling, "pack_of", between)
    async with database.transaction() as session:
        draft = await drafted(session)
        alert = draft.alert
        await assembling.publish(session, draft, state=AlertState.PUBLISHED, by=JONAS)
    await asyncio.gather(*edits)
    async with database.reading() as session:
        campaign = await session.get_one(Campaign, alert.campaign_id)
        found = await stages.steps_of(session, campaign, "EE")
    assert [one.stage for one in found] == kept


async def test_what_was_only_tried_out_can_be_taken_away_again(
    database: Database, settings: Settings
) -> None:
    async with database.transaction() as session:
        draft = await drafted(session)
        alert = await beginning.clone(session, draft.alert, by=MARI)
        slug = alert.slug
        draft = await keeping.read(session, alert)
        await _save(session, draft, "dates", opens_on="2026-11-01")
        await transitions.rehearse(session, alert, by=MARI)
    async with database.transaction() as session:
        alert = await alerts.in_rehearsal(session, slug)
        form = filled(postal_address="Lossi 3")
        tried = await submission.submit(session, settings, alert, form)
        assert tried.letters >= 5
    async with database.transaction() as session:
        draft = await drafted(session, slug)
        rows = [one for one in draft.content("countries")["countries"] if one["code"] != "FI"]
        await _save(session, draft, "countries", countries=rows)
        for name in ("letter:FI.fi", "letter:FI.en", "letter:EE.en"):
            await _take_away(session, draft, name)
        await transitions.rehearse(session, draft.alert, by=MARI)
    async with database.transaction() as session:
        draft = await drafted(session, slug)
        assert "EE.en" not in draft.letters
        assert "FI.fi" not in draft.letters
        await transitions.publish(session, draft, by=MARI)
    async with database.reading() as session:
        alert = await alerts.by_slug(session, slug)
        assert "FI" not in {one.country for one in alert.countries}
        pack = await packs.take_out(session, slug)
        assert {one.name for one in pack.letters}.isdisjoint({"EE.en.txt", "FI.fi.txt"})


@once
async def test_a_clone_of_a_clone_has_the_same_letters(database: Database) -> None:
    async with database.transaction() as session:
        draft = await drafted(session)
        made = await beginning.clone(session, draft.alert, by=MARI)
        again = await beginning.clone(session, made, by=MARI)
        one, other = [await keeping.read(session, it) for it in (made, again)]
        assert one.letters == other.letters == draft.letters
