"""A draft is saved part by part, shown without being written, and published whole."""

from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import alerts, packs
from app.campaigns.drafts import assembling, beginning, keeping, showing
from app.campaigns.drafts.keeping import Draft
from app.db import Database, metadata
from app.errors import DraftUnfinished, Overtaken
from app.models import Alert, AlertState, LetterTemplate
from tests.grounds.alerts import MINE_BAN
from tests.grounds.databases import once

pytestmark = pytest.mark.usefixtures("furnished")
MARI = "mari@example.org"
JONAS = "jonas@example.org"


async def _alert(session: AsyncSession) -> Alert:
    return await alerts.by_slug(session, MINE_BAN)


async def _save(
    session: AsyncSession, draft: Draft, name: str, by: str = MARI, **typed: Any
) -> None:
    content = draft.sections[name].content | typed
    version = draft.sections[name].version
    await keeping.save(session, draft.alert, name, content, version=version, by=by)


async def _counted(session: AsyncSession) -> dict[str, int]:
    counted = {}
    for name, table in metadata.tables.items():
        counted[name] = await session.scalar(select(func.count()).select_from(table)) or 0
    return counted


@once
async def test_what_was_saved_is_there_again_and_nobody_else_sees_it(database: Database) -> None:
    async with database.transaction() as session:
        draft = await keeping.read(session, await _alert(session))
        assert not draft.begun
        await _save(session, draft, "call", title="Please come back")
    async with database.reading() as session:
        alert = await _alert(session)
        draft = await keeping.read(session, alert)
        assert draft.begun
        assert draft.content("call")["title"] == "Please come back"
        assert draft.sections["call"].changed_by == MARI
        assert alert.title.startswith("Send One Email")


async def test_the_second_of_two_who_write_the_same_part_is_shown_both(database: Database) -> None:
    async with database.transaction() as session:
        draft = await keeping.read(session, await _alert(session))
        await _save(session, draft, "call", title="From Mari")
        with pytest.raises(Overtaken) as overtaken:
            await _save(session, draft, "call", by=JONAS, title="From Jonas")
        assert overtaken.value.theirs.content["title"] == "From Mari"
        assert overtaken.value.yours["title"] == "From Jonas"
        theirs = overtaken.value.theirs
        await keeping.save(
            session, draft.alert, "call", overtaken.value.yours, version=theirs.version, by=JONAS
        )
    async with database.reading() as session:
        draft = await keeping.read(session, await _alert(session))
        assert draft.content("call")["title"] == "From Jonas"
        assert draft.sections["call"].version == 2


@once
async def test_two_who_write_different_parts_do_not_meet(database: Database) -> None:
    async with database.transaction() as session:
        draft = await keeping.read(session, await _alert(session))
        await _save(session, draft, "call", title="From Mari")
        await _save(session, draft, "sending", by=JONAS, expected="500")
        draft = await keeping.read(session, draft.alert)
        assert draft.content("call")["title"] == "From Mari"
        assert draft.content("sending")["expected"] == "500"


async def test_a_form_from_before_a_publication_does_not_undo_it(database: Database) -> None:
    async with database.transaction() as session:
        before = await keeping.read(session, await _alert(session))
        await _save(session, before, "call", title="New title")
        draft = await keeping.read(session, before.alert)
        await assembling.publish(session, draft, state=AlertState.PUBLISHED, by=MARI)
        with pytest.raises(Overtaken):
            await _save(session, before, "call", title="Old form")


async def test_an_alert_published_unchanged_stays_the_same_to_the_byte(database: Database) -> None:
    async with database.transaction() as session:
        alert = await _alert(session)
        before = await packs.take_out(session, MINE_BAN)
        revisions = await session.scalar(select(func.count(LetterTemplate.id)))
        draft = await keeping.read(session, alert)
        assert await assembling.pack_of(session, draft) == before
        await assembling.publish(session, draft, state=AlertState.PUBLISHED, by=MARI)
        assert await packs.take_out(session, MINE_BAN) == before
        assert await session.scalar(select(func.count(LetterTemplate.id))) == revisions


@once
async def test_a_changed_letter_becomes_a_new_revision_when_it_is_published(
    database: Database,
) -> None:
    async with database.transaction() as session:
        draft = await keeping.read(session, await _alert(session))
        source = draft.letters["EE.en"].replace("Dear Prime Minister,", "Prime Minister,")
        await _save(session, draft, "letter:EE.en", source=source)
        draft = await keeping.read(session, draft.alert)
        await assembling.publish(session, draft, state=AlertState.PUBLISHED, by=MARI)
        rows = await session.scalars(
            select(LetterTemplate.revision)
            .where(LetterTemplate.country == "EE", LetterTemplate.language == "en")
            .order_by(LetterTemplate.revision)
        )
        assert list(rows) == [1, 2]
        assert not await keeping.is_begun(session, draft.alert)


@once
async def test_every_fault_of_an_empty_draft_is_told_at_its_place(database: Database) -> None:
    async with database.transaction() as session:
        campaign = (await _alert(session)).campaign
        alert = await beginning.create(session, campaign=campaign, title="New: õige", by=MARI)
        assert alert.slug == "new-oige"
        draft = await keeping.read(session, alert)
        await _save(session, draft, "dates", closes_on="never", timezone="Europe/Tallinn")
        draft = await keeping.read(session, alert)
        places = {(one.section, one.field) for one in await assembling.faults(session, draft)}
        assert ("dates", "closes_on") in places
        assert ("countries", "countries") in places
        with pytest.raises(DraftUnfinished):
            await assembling.publish(session, draft, state=AlertState.PUBLISHED, by=MARI)
        assert alert.state == AlertState.DRAFT


async def test_a_second_alert_of_the_same_title_has_an_address_of_its_own(
    database: Database,
) -> None:
    async with database.transaction() as session:
        campaign = (await _alert(session)).campaign
        slugs = [
            (await beginning.create(session, campaign=campaign, title="Stay!", by=MARI)).slug
            for _ in range(3)
        ]
        assert slugs == ["stay", "stay-2", "stay-3"]


@once
async def test_a_clone_has_everything_but_the_dates(database: Database) -> None:
    async with database.transaction() as session:
        original = await keeping.read(session, await _alert(session))
        clone = await keeping.read(session, await beginning.clone(session, original.alert, by=MARI))
        assert clone.letters == original.letters
        assert clone.content("countries") == original.content("countries")
        assert clone.content("dates") != original.content("dates")
        assert clone.alert.state == AlertState.DRAFT
        assert [one for one in await assembling.faults(session, clone) if one.serious] == []


@once
async def test_a_draft_is_shown_as_it_would_be_and_nothing_is_written(database: Database) -> None:
    async with database.transaction() as session:
        draft = await keeping.read(session, await _alert(session))
        await _save(session, draft, "call", title="Shown only here")
        draft = await keeping.read(session, draft.alert)
        before = await _counted(session)
        shown = await showing.shown(session, draft, delivery="sandbox")
        await session.flush()
        assert await _counted(session) == before
        assert shown.alert.title == "Shown only here"
        assert {one.target.country for one in shown.offices} == {"EE", "LV", "LT", "PL", "FI"}


async def test_a_sample_letter_is_that_of_the_stage_and_office_asked_for(
    database: Database,
) -> None:
    async with database.reading() as session:
        draft = await keeping.read(session, await _alert(session))
        asked: dict[str, Any] = {"country": "LV", "language": "en", "role": "president"}
        texts = []
        for stage in ("voted", "in_effect"):
            letter = await showing.sample_letter(session, draft, stage=stage, sample=1, **asked)
            assert letter.text
            assert letter.words.own_words in letter.text.body
            assert letter.text.body.startswith("Dear President,")
            texts.append(letter.text.body)
        assert texts[0] != texts[1]
        broken = await showing.sample_letter(session, draft, stage="never", **asked)
        assert broken.text is None
        assert broken.fault is not None


@once
async def test_a_letter_taken_away_can_be_begun_anew(database: Database) -> None:
    async with database.transaction() as session:
        draft = await keeping.read(session, await _alert(session))
        name = "letter:EE.et"
        version = draft.sections[name].version
        await keeping.remove(session, draft.alert, name, version=version, by=MARI)
        assert name not in (await keeping.read(session, draft.alert)).sections
        again = {"source": draft.letters["EE.et"]}
        await keeping.save(session, draft.alert, name, again, version=0, by=MARI)
        assert (await keeping.read(session, draft.alert)).letters == draft.letters
