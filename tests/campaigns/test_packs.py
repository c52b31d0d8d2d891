"""A pack becomes rows and rows become a pack, and neither way loses or invents anything."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import alerts, packs
from app.campaigns.offices import newest_templates
from app.db import Database, metadata
from app.errors import Missing, PackBroken
from app.letters import submission
from app.models import Alert, AlertState, Campaign, LetterTemplate, StageStep
from app.settings import Settings
from tests.campaigns.small_pack import LETTER, a_pack
from tests.grounds.alerts import MINE_BAN, filled, mine_ban, put_mine_ban
from tests.grounds.databases import once

ROOT = Path(__file__).parents[2] / "templates" / "letters"


async def _put(database: Database, folder: Path, **more: Any) -> Alert:
    async with database.transaction() as session:
        return await packs.put(session, packs.load_folder(folder), organisation_id=1, **more)


async def _rows(database: Database) -> dict[str, list[Any]]:
    async with database.reading() as session:
        return {
            name: sorted(map(repr, (await session.execute(select(table))).all()))
            for name, table in metadata.tables.items()
        }


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


async def _out(database: Database, slug: str, folder: Path) -> dict[str, bytes]:
    async with database.reading() as session:
        packs.write_folder(await packs.take_out(session, slug), folder)
    return contents(folder)


async def test_loading_a_pack_twice_changes_nothing(database: Database) -> None:
    for slug in ("send-one-email", "urgent-action-request", "example"):
        await _put(database, ROOT / slug)
    before = await _rows(database)
    for slug in ("send-one-email", "urgent-action-request", "example"):
        await _put(database, ROOT / slug)
    assert await _rows(database) == before
    assert len(before["letter_template"]) >= 12


async def test_what_was_exported_comes_out_the_same_again(
    database: Database, tmp_path: Path
) -> None:
    slugs = ("send-one-email", "urgent-action-request", "example")
    for slug in slugs:
        await _put(database, ROOT / slug)
    first = {slug: await _out(database, slug, tmp_path / "one" / slug) for slug in slugs}
    rows = await _rows(database)
    for slug in slugs:
        await _put(database, tmp_path / "one" / slug)
        assert await _rows(database) == rows, slug
        assert await _out(database, slug, tmp_path / "two" / slug) == first[slug]


@once
async def test_an_exported_pack_stands_alone(database: Database, tmp_path: Path) -> None:
    await _put(database, ROOT / "send-one-email")
    await _put(database, ROOT / "urgent-action-request")
    await _out(database, "urgent-action-request", tmp_path)
    assert len(packs.load_folder(tmp_path).alert.campaign.stages) == 4


@once
async def test_letters_come_out_as_they_went_in(database: Database, tmp_path: Path) -> None:
    await _put(database, ROOT / "send-one-email")
    files = await _out(database, "send-one-email", tmp_path)
    for name, content in files.items():
        if name.endswith(".txt"):
            assert content == (ROOT / "send-one-email" / name).read_bytes()


async def test_a_moment_keeps_the_hour_of_its_own_place(database: Database, tmp_path: Path) -> None:
    await _put(database, a_pack(tmp_path / "in"))
    files = await _out(database, "riverbank", tmp_path / "out")
    assert b"opens_at = 2026-01-03 00:00:00+01:00" in files["alert.toml"]


@once
async def test_a_changed_letter_is_a_new_revision(database: Database, tmp_path: Path) -> None:
    alert = await _put(database, a_pack(tmp_path))
    (tmp_path / "XA.en.txt").write_text(LETTER.replace("I care", "I care much"))
    await _put(database, tmp_path)
    async with database.reading() as session:
        newest = await newest_templates(session, alert.id)
        kept = await session.scalar(select(func.count(LetterTemplate.id)))
    assert [(one.country, one.revision) for one in newest] == [("XA", 2), ("XB", 1)]
    assert kept == 3


@once
async def test_an_alert_that_is_there_keeps_its_state(database: Database, tmp_path: Path) -> None:
    await _put(database, a_pack(tmp_path), state=AlertState.REHEARSAL)
    await _put(database, a_pack(tmp_path, {"title": "Another title"}))
    async with database.reading() as session:
        alert = (await session.scalars(select(Alert))).one()
    assert (alert.state, alert.title) == ("rehearsal", "Another title")


@once
async def test_the_steps_of_a_country_become_those_of_the_pack(
    database: Database, tmp_path: Path
) -> None:
    await _put(database, a_pack(tmp_path))
    await _put(
        database,
        a_pack(tmp_path, {"countries[0].stages[0].stage": "voted", "countries[1].stages": None}),
    )
    async with database.reading() as session:
        steps = await session.execute(
            select(StageStep.country, StageStep.stage).order_by(StageStep.country)
        )
        # the second country's pack says nothing of its steps, and they stay
        assert [tuple(step) for step in steps] == [("XA", "voted"), ("XB", "announced")]


async def test_the_pack_with_the_stages_has_the_last_word_on_the_campaign(
    database: Database,
) -> None:
    await _put(database, ROOT / "urgent-action-request")
    await _put(database, ROOT / "send-one-email")
    await _put(database, ROOT / "urgent-action-request")
    async with database.reading() as session:
        campaign = (await session.scalars(select(Campaign))).one()
    assert [stage["key"] for stage in campaign.stages][-1] == "in_effect"


@once
async def test_letters_need_the_stages_of_their_campaign(
    database: Database, tmp_path: Path
) -> None:
    a_pack(tmp_path, {"campaign.stages": None})
    with pytest.raises(PackBroken, match="load the pack that has them first"):
        await _put(database, tmp_path)
    assert (await _rows(database))["alert"] == []


async def _write(session: AsyncSession, settings: Settings) -> None:
    alert = await alerts.by_slug(session, MINE_BAN)
    await submission.submit(session, settings, alert, filled(countries=["EE"]))


async def test_a_country_that_was_written_to_cannot_be_taken_away(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    await put_mine_ban(database)
    async with database.transaction() as session:
        await _write(session, settings)
    await _out(database, MINE_BAN, tmp_path)
    for code, can_go in (("FI", True), ("EE", False)):
        _take_away(tmp_path, code)
        if can_go:
            await _put(database, tmp_path)
        else:
            with pytest.raises(PackBroken, match=f"{code} is gone from the pack, but has letters"):
                await _put(database, tmp_path)
    async with database.reading() as session:
        alert = await alerts.by_slug(session, MINE_BAN)
    assert {one.country for one in alert.countries} == {"EE", "LV", "LT", "PL"}


def _take_away(folder: Path, code: str) -> None:
    pack = packs.load_folder(folder)
    left = [one for one in pack.alert.countries if one.code != code]
    for file in [*folder.glob(f"{code}.*.txt"), *folder.glob("alert.*.toml")]:
        file.unlink()
    kept = tuple(one for one in pack.letters if one.country != code)
    packs.write_folder(packs.Pack(pack.alert.model_copy(update={"countries": left}), kept), folder)


async def test_a_letter_that_was_used_cannot_be_taken_away(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    await put_mine_ban(database)
    alert = await mine_ban(database)
    async with database.transaction() as session:
        await _write(session, settings)
    await _out(database, MINE_BAN, tmp_path)
    (tmp_path / "EE.et.txt").unlink()
    await _put(database, tmp_path)
    (tmp_path / "EE.de.txt").write_bytes((tmp_path / "EE.en.txt").read_bytes())
    (tmp_path / "EE.en.txt").unlink()
    with pytest.raises(PackBroken, match=r"EE\.en\.txt is gone from the pack"):
        await _put(database, tmp_path)
    async with database.reading() as session:
        ours = [one for one in await newest_templates(session, alert.id) if one.country == "EE"]
    assert [one.language for one in ours] == ["en"]


async def test_there_is_no_pack_of_an_alert_that_is_not_there(database: Database) -> None:
    async with database.reading() as session:
        with pytest.raises(Missing):
            await packs.take_out(session, "absent")


@once
async def test_every_list_of_the_file_can_be_asked_for_every_key(
    database: Database, tmp_path: Path
) -> None:
    alert = await _put(database, a_pack(tmp_path))
    assert alert.resources[0].keys() == {"title", "publisher", "on", "url", "note"}
