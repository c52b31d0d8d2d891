"""Alerts as zips at the organisers' desk."""

import re
from html import unescape
from pathlib import Path

import httpx
import pytest

from app import clock
from app.campaigns import packs
from app.campaigns.drafts import beginning
from app.campaigns.zips import reading, writing
from app.campaigns.zips.reading import Bundle
from app.db import Database
from app.models import Alert, Campaign, Contact, DraftSection, Organisation, Organiser, Role
from tests.campaigns.small_pack import a_pack
from tests.grounds.desk import enter, token_in
from tests.grounds.rows import all_of

PACKS = "/organise/packs"
EXAMPLE = Path(__file__).parents[3] / "templates" / "letters" / "example"


@pytest.fixture
def small(tmp_path: Path) -> bytes:
    return writing.write(Bundle(packs.load_folder(a_pack(tmp_path / "small"))))


@pytest.fixture
async def mari_in(
    client: httpx.AsyncClient, mari: Organiser, database: Database
) -> httpx.AsyncClient:
    await enter(client, database, mari)
    return client


def words(answer: httpx.Response) -> str:
    return " ".join(unescape(re.sub("<[^>]+>", " ", answer.text)).split())


def hidden(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page)
    return {name: unescape(value) for name, value in found}


async def upload(client: httpx.AsyncClient, data: bytes, name: str = "pack.zip") -> httpx.Response:
    token = token_in((await client.get(PACKS)).text)
    files = {"file": (name, data, "application/zip")}
    return await client.post(PACKS, data={"form_token": token}, files=files)


async def test_a_pack_is_shown_first_and_becomes_a_draft_then(
    mari_in: httpx.AsyncClient, database: Database, small: bytes
) -> None:
    look = await upload(mari_in, small)
    assert look.status_code == 200
    assert "Nothing is written yet." in words(look)
    assert "This alert is new here." in words(look)
    assert await all_of(database, Alert) == []
    done = await mari_in.post(f"{PACKS}/load", data=hidden(look.text))
    assert done.headers["location"] == "/organise/alerts/riverbank/edit?done=loaded"
    [alert] = await all_of(database, Alert)
    assert alert.state == "draft"


async def test_what_a_pack_would_change_of_an_alert_is_shown_part_by_part(
    mari_in: httpx.AsyncClient, database: Database, small: bytes, tmp_path: Path
) -> None:
    other = packs.load_folder(a_pack(tmp_path / "other", {"title": "Keep the Riverbank Dry"}))
    async with database.transaction() as session:
        await packs.put(session, reading.read(small).pack, organisation_id=1)
    look = await upload(mari_in, writing.write(Bundle(other)))
    assert "This alert is here already." in words(look)
    assert "The call changed one difference title" in words(look)
    assert "<del>Treaty</del><ins>Dry</ins>" in look.text
    await mari_in.post(f"{PACKS}/load", data=hidden(look.text))
    [alert] = await all_of(database, Alert)
    assert alert.title == "Keep the Riverbank Treaty"
    sections = (await mari_in.get("/organise/alerts/riverbank/export?draft=1")).content
    assert reading.read(sections).pack.alert.title == "Keep the Riverbank Dry"


async def test_a_draft_that_was_changed_meanwhile_is_shown_once_more(
    mari_in: httpx.AsyncClient, database: Database, small: bytes, tmp_path: Path
) -> None:
    async with database.transaction() as session:
        await packs.put(session, reading.read(small).pack, organisation_id=1)
    zips = [
        writing.write(Bundle(packs.load_folder(a_pack(tmp_path / title, {"title": title}))))
        for title in ("First", "Second")
    ]
    first, second = [await upload(mari_in, data) for data in zips]
    await mari_in.post(f"{PACKS}/load", data=hidden(first.text))
    again = await mari_in.post(f"{PACKS}/load", data=hidden(second.text))
    assert again.status_code == 409
    assert "<del>First</del><ins>Second</ins>" in again.text
    done = await mari_in.post(f"{PACKS}/load", data=hidden(again.text))
    assert done.status_code == 303


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"no zip", "their.zip: this is not a zip file"),
        (b"", "their.zip: this is not a zip file"),
        (b"\x00" * 6_000_000, "their.zip: it is larger than 5 MB"),
    ],
    ids=["text", "empty", "large"],
)
async def test_a_file_that_cannot_be_read_is_told_at_its_field(
    mari_in: httpx.AsyncClient, data: bytes, said: str
) -> None:
    answer = await upload(mari_in, data, "their.zip")
    assert answer.status_code == 422
    error = re.search(r'id="file-error"[^>]*>([^<]+)<', answer.text)
    assert error
    assert error[1] == said


async def test_no_file_is_told_too(mari_in: httpx.AsyncClient) -> None:
    token = {"form_token": token_in((await mari_in.get(PACKS)).text)}
    answer = await mari_in.post(PACKS, data=token)
    assert answer.status_code == 422
    assert "Please choose a zip file." in answer.text


@pytest.mark.parametrize("pack", ["", "!!", "AAAA", "eJwDAAAAAAE="])
async def test_a_form_that_was_made_up_loads_nothing(
    mari_in: httpx.AsyncClient, database: Database, pack: str
) -> None:
    token = {"form_token": token_in((await mari_in.get(PACKS)).text)}
    answer = await mari_in.post(f"{PACKS}/load", data=token | {"pack": pack})
    assert answer.status_code == 422
    assert await all_of(database, Alert) == []


async def test_an_alert_leaves_as_the_same_zip_each_time_with_its_addresses(
    mari_in: httpx.AsyncClient, database: Database
) -> None:
    async with database.transaction() as session:
        await packs.put(session, packs.load_folder(EXAMPLE), organisation_id=1)
        session.expunge_all()
    assert "example.zip" in (await mari_in.get(PACKS)).text
    first, second = [await mari_in.get("/organise/alerts/example/export") for _ in range(2)]
    assert first.content == second.content
    assert first.headers["content-disposition"] == 'attachment; filename="example.zip"'
    assert reading.read(first.content).pack == packs.load_folder(EXAMPLE)


async def test_a_draft_that_is_not_finished_says_what_is_missing(
    mari_in: httpx.AsyncClient, database: Database, small: bytes
) -> None:
    async with database.transaction() as session:
        await packs.put(session, reading.read(small).pack, organisation_id=1)
        campaign = await session.get_one(Campaign, 1)
        made = await beginning.create(session, campaign=campaign, title="Begun", by="mari")
    answer = await mari_in.get(f"/organise/alerts/{made.slug}/export")
    assert answer.status_code == 422
    assert "Choose at least one country to write to." in words(answer)


async def test_a_viewer_takes_packs_out_and_none_in(
    mari_in: httpx.AsyncClient, database: Database, small: bytes
) -> None:
    look = await upload(mari_in, small)
    await mari_in.post(f"{PACKS}/load", data=hidden(look.text))
    async with database.transaction() as session:
        mari = await session.get_one(Organiser, 1)
        mari.role = Role.VIEWER
    assert (await mari_in.get("/organise/alerts/riverbank/export")).status_code == 200
    assert 'type="file"' not in (await mari_in.get(PACKS)).text
    assert (await mari_in.post(f"{PACKS}/load", data=hidden(look.text))).status_code == 403
    token = {"form_token": hidden(look.text)["form_token"]}
    assert (await mari_in.post(PACKS, data=token)).status_code == 403


async def test_another_organisations_alert_is_neither_listed_nor_given(
    mari_in: httpx.AsyncClient, database: Database, small: bytes
) -> None:
    async with database.transaction() as session:
        other = Organisation(slug="other", name="Other", created_at=clock.now())
        session.add(other)
        await session.flush()
        await packs.put(session, reading.read(small).pack, organisation_id=other.id)
    assert "riverbank" not in (await mari_in.get(PACKS)).text
    assert (await mari_in.get("/organise/alerts/riverbank/export")).status_code == 404
    answer = await upload(mari_in, small)
    assert answer.status_code == 422
    assert "is taken here: choose another name" in words(answer)
    assert await all_of(database, Contact) == []
    async with database.reading() as session:
        assert (await session.scalar(DraftSection.__table__.select())) is None
