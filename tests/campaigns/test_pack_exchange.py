"""A pack goes out of one installation and into another, and comes out of that the same."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.campaigns import packs
from app.campaigns.drafts import assembling, keeping
from app.campaigns.pack_folder import Pack
from app.campaigns.pack_format import Country, Resource, Step
from app.campaigns.zips import reading, taking, writing
from app.campaigns.zips.reading import Bundle
from app.contacts import imports
from app.db import Database
from app.errors import Overtaken, PackBroken
from app.models import Alert, AuditLine, Campaign, Contact, Organisation, StageStep
from app.settings import Settings
from tests.campaigns.small_pack import LETTER, a_pack
from tests.grounds.rows import all_of

ROOT = Path(__file__).parents[2]
LETTERS = ROOT / "templates" / "letters"
SHIPPED = sorted(path.name for path in LETTERS.glob("*/"))
MARI = "mari@example.org"


@pytest.fixture
def database_kind() -> str:
    """What differs between the two is below: rows come out as they went in on both."""
    return "sqlite"


@asynccontextmanager
async def elsewhere(database: Database) -> AsyncIterator[AsyncSession]:
    """An installation that is empty before and after."""
    async with database.transaction() as session:
        trip = await session.begin_nested()
        yield session
        await trip.rollback()
        session.expunge_all()
        session.info.clear()


async def out_of(session: AsyncSession, bundle: Bundle) -> bytes:
    """Load it, and export it again."""
    alert = await packs.put(session, bundle.pack, organisation_id=1)
    await taking.take_contacts(session, bundle, by=MARI)
    return await writing.of_alert(session, alert.slug)


def shipped(slug: str) -> Bundle:
    pack = packs.load_folder(LETTERS / slug)
    rows = [row for file in sorted((ROOT / "contacts").glob("*.csv")) for row in imports.read(file)]
    codes = [one.code for one in pack.alert.countries]
    return Bundle(pack, {c: tuple(r for r in rows if r.country == c) for c in codes})


@pytest.mark.parametrize("slug", SHIPPED)
async def test_every_shipped_alert_is_the_same_zip_here_and_there(
    database: Database, slug: str
) -> None:
    async with elsewhere(database) as session:
        if slug == "urgent-action-request":  # a guide of the other's campaign
            await packs.put(session, shipped("send-one-email").pack, organisation_id=1)
        first = await out_of(session, shipped(slug))
    async with elsewhere(database) as session:
        second = await out_of(session, reading.read(first))
    assert first == second
    assert len(reading.read(first).contacts) == len(shipped(slug).pack.alert.countries)


WORDS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), min_size=1, max_size=60
)
LINES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=60)
DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))


@st.composite
def generated(draw: st.DrawFn, pack: Pack) -> Pack:
    """A pack of the same shape with other words, days and countries."""
    file = pack.alert
    steps = [
        Step(stage=key, on=draw(DAYS), what=draw(WORDS), source=draw(WORDS), url="")
        for key in draw(st.lists(st.sampled_from(["announced", "voted"]), unique=True))
    ]
    codes = draw(st.lists(st.sampled_from(["XA", "LV", "PL"]), min_size=1, unique=True))
    countries = [
        Country(
            code=code,
            name=draw(LINES),
            added_on=draw(DAYS),
            record=draw(WORDS),
            postal_address=draw(st.text(max_size=0) | WORDS),
            stages=steps,
        )
        for code in codes
    ]
    resource = Resource(
        title=draw(LINES), publisher=draw(LINES), on=draw(st.none() | DAYS), note=draw(WORDS)
    )
    closes = draw(st.none() | st.timedeltas(timedelta(minutes=1), timedelta(days=900)))
    changes = {
        "title": draw(LINES),
        "body": draw(WORDS),
        "prompts": draw(st.lists(WORDS, max_size=2)),
        "closes_at": file.opens_at + closes if closes else None,
        "expected": draw(st.integers(0, 10**6)),
        "countries": countries,
        "resources": [resource],
    }
    letter = pack.letters[0]
    letters = [
        type(letter)(code, language, LETTER)
        for code in codes
        for language in draw(st.lists(st.sampled_from(["en", "de"]), min_size=1, unique=True))
    ]
    return Pack(file.model_copy(update=changes), tuple(letters))


@settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_any_alert_is_the_same_zip_here_and_there(
    database: Database, tmp_path: Path, data: st.DataObject
) -> None:
    small = packs.load_folder(a_pack(tmp_path))
    made = data.draw(generated(small))
    async with elsewhere(database) as session:
        first = await out_of(session, Bundle(made))
    async with elsewhere(database) as session:
        second = await out_of(session, reading.read(first))
    assert first == second


# ── in as a draft ──


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return Bundle(packs.load_folder(a_pack(tmp_path / "theirs")))


async def test_a_pack_that_is_new_here_becomes_a_draft_nobody_sees(
    database: Database, bundle: Bundle
) -> None:
    async with database.transaction() as session:
        found = await taking.plan(session, bundle, 1)
        assert (found.alert, {one.how for one in found.parts}) == (None, {"new"})
        assert not (await session.scalars(select(Alert))).all()
        done = await taking.take(session, bundle, 1, seal="", by=MARI)
        assert done.alert.state == "draft"
    said = [line.sentence for line in await all_of(database, AuditLine)]
    assert said == ["Loaded the pack of “riverbank” as a draft"]


async def test_a_pack_of_an_alert_that_runs_changes_only_its_draft(
    database: Database, bundle: Bundle, tmp_path: Path
) -> None:
    folder = a_pack(tmp_path / "other", {"title": "Another title", "countries[0].stages": None})
    (folder / "XA.en.txt").write_text(LETTER.replace("I care", "I care much"))
    (folder / "XA.de.txt").write_text(LETTER)
    other = Bundle(packs.load_folder(folder))
    async with database.transaction() as session:
        await packs.put(session, bundle.pack, organisation_id=1)
        found = await taking.plan(session, other, 1)
        hows = {one.name: one.how for one in found.parts if one.how != "same"}
        assert hows == {"call": "changed", "letter:XA.en": "changed", "letter:XA.de": "new"}
        await taking.take(session, other, 1, seal=found.seal, by=MARI)
    async with database.transaction() as session:
        alert = (await taking.plan(session, other, 1)).alert
        assert alert is not None
        assert alert.title == "Keep the Riverbank Treaty"
        draft = await keeping.read(session, alert)
        assert draft.content("call")["title"] == "Another title"
        assert set(draft.letters) == {"XA.en", "XB.en", "XA.de"}
        again = await taking.plan(session, other, 1)
        assert {one.how for one in again.parts} == {"same"}
        back = await taking.plan(session, bundle, 1)
        assert {one.how for one in back.parts} == {"changed", "gone", "same"}
        await taking.take(session, bundle, 1, seal=back.seal, by=MARI)
        assert set((await keeping.read(session, alert)).letters) == {"XA.en", "XB.en"}


async def test_what_was_looked_at_is_what_is_taken(database: Database, bundle: Bundle) -> None:
    async with database.transaction() as session:
        alert = await packs.put(session, bundle.pack, organisation_id=1)
        found = await taking.plan(session, bundle, 1)
        draft = await keeping.read(session, found.alert or alert)
        call = draft.sections["call"]
        typed = call.content | {"title": "Typed meanwhile"}
        await keeping.save(session, draft.alert, "call", typed, version=call.version, by="jonas")
        with pytest.raises(Overtaken):
            await taking.take(session, bundle, 1, seal=found.seal, by=MARI)
        assert (await keeping.read(session, draft.alert)).content("call") == typed


async def test_a_pack_moves_no_country_of_a_campaign_that_is_here(
    database: Database, bundle: Bundle, tmp_path: Path
) -> None:
    changes = {"slug": "second", "countries[0].stages[0].stage": "voted"}
    second = Bundle(packs.load_folder(a_pack(tmp_path / "second", changes)))
    async with database.transaction() as session:
        await packs.put(session, bundle.pack, organisation_id=1)
        found = await taking.plan(session, second, 1)
        assert found.other_steps == ["XA"]
        await taking.take(session, second, 1, seal="", by=MARI)
    steps = await all_of(database, StageStep)
    assert {(one.country, one.stage) for one in steps} == {("XA", "announced"), ("XB", "announced")}


async def test_a_name_of_another_organisation_is_not_free(
    database: Database, bundle: Bundle, tmp_path: Path
) -> None:
    renamed = packs.load_folder(a_pack(tmp_path / "renamed", {"slug": "mine"}))
    async with database.transaction() as session:
        other = Organisation(slug="other", name="Other", created_at=clock.now())
        session.add(other)
        await session.flush()
        await packs.put(session, bundle.pack, organisation_id=other.id)
        for pack, said in ((bundle.pack, "slug: “riverbank”"), (renamed, "campaign: “rivers”")):
            with pytest.raises(PackBroken, match=f"{said} is taken here: choose another name"):
                await taking.plan(session, Bundle(pack), 1)
            with pytest.raises(PackBroken, match="is taken here"):
                await packs.put(session, pack, organisation_id=1)
    assert len(await all_of(database, Campaign)) == 1


async def test_addresses_come_along_only_where_there_are_none(
    database: Database, settings: Settings
) -> None:
    bundle = shipped("example")
    rows = bundle.contacts["XA"]
    ours = rows[0].model_copy(update={"email": "ours@example.org"})
    async with database.transaction() as session:
        await imports.write(session, [ours])
        found = await taking.plan(session, bundle, 1)
        assert [(one.country, one.taken) for one in found.contacts] == [("XA", False), ("XB", True)]
        done = await taking.take(session, bundle, 1, seal="", by=MARI)
    emails = {one.email for one in await all_of(database, Contact)}
    assert done.contacts == len(bundle.contacts["XB"])
    assert emails == {"ours@example.org", *(one.email for one in bundle.contacts["XB"])}


async def test_our_checks_do_not_travel(database: Database) -> None:
    async with database.transaction() as session:
        await packs.put(session, shipped("example").pack, organisation_id=1)
        await imports.write(session, shipped("example").contacts["XA"])
        before = await writing.of_alert(session, "example")
        for contact in await session.scalars(select(Contact)):
            contact.checked_on, contact.checked_by = date(2026, 11, 1), MARI
        await session.flush()
        assert await writing.of_alert(session, "example") == before


async def test_a_draft_is_a_pack_when_it_is_whole(database: Database, bundle: Bundle) -> None:
    async with database.transaction() as session:
        done = await taking.take(session, bundle, 1, seal="", by=MARI)
        found = (await taking.plan(session, bundle, 1)).alert
        assert found is not None
        draft = await keeping.read(session, found)
        data = await writing.of_draft(session, draft)
        assert data == await writing.of_alert(session, done.alert.slug)
        assert await assembling.pack_of(session, draft) == reading.read(data).pack
