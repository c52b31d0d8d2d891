"""A form that begins an alert begins one, however often its button is pressed."""

import re

import httpx
import pytest

from app.db import Database
from app.models import Alert, Campaign, Organiser
from tests.grounds.alerts import MINE_BAN
from tests.grounds.databases import both
from tests.grounds.desk import enter, token_in
from tests.grounds.rows import all_of

NEW = "/organise/alerts/new"
RIVERS = {
    "title": "Keep the rivers open",
    "campaign": "new",
    "campaign_title": "Rivers",
    "aim": "The banks stay open.",
    "steps": "one_question",
}


@pytest.fixture
async def desk(client: httpx.AsyncClient, mari: Organiser, database: Database) -> httpx.AsyncClient:
    await enter(client, database, mari)
    return client


async def form(desk: httpx.AsyncClient) -> dict[str, str]:
    page = (await desk.get(NEW)).text
    once = re.search(r'name="once" value="([^"]+)"', page)
    assert once
    return {"form_token": token_in(page), "once": once[1]}


@both
async def test_a_form_posted_twice_begins_one_alert_and_one_campaign(
    desk: httpx.AsyncClient, database: Database
) -> None:
    data = await form(desk) | RIVERS
    first, second = [await desk.post(NEW, data=data) for _ in range(2)]
    assert first.headers["location"] == second.headers["location"]
    assert first.headers["location"] == "/organise/alerts/keep-the-rivers-open/edit"
    assert len(await all_of(database, Alert)) == len(await all_of(database, Campaign)) == 1
    # gone back to, and another title typed into the same form
    other = await desk.post(NEW, data=data | {"title": "Another", "campaign": "rivers"})
    assert other.headers["location"] == "/organise/alerts/another/edit"


async def test_a_copy_asked_for_twice_is_one_copy(
    desk: httpx.AsyncClient, database: Database, furnished: None
) -> None:
    data = await form(desk) | {"from": MINE_BAN}
    before = len(await all_of(database, Alert))
    first, second = [await desk.post(f"{NEW}/from", data=data) for _ in range(2)]
    assert first.headers["location"] == second.headers["location"]
    assert len(await all_of(database, Alert)) == before + 1


async def test_gone_back_to_a_copy_of_another_alert_is_a_copy_and_not_that_alert(
    desk: httpx.AsyncClient, database: Database, furnished: None
) -> None:
    """Else they would change the alert itself, and believe that it is its copy."""
    data = await form(desk)
    await desk.post(NEW, data=data | RIVERS)
    copied = await desk.post(f"{NEW}/from", data=data | {"from": MINE_BAN})
    assert copied.headers["location"] != f"/organise/alerts/{MINE_BAN}/edit"
    again = await desk.post(f"{NEW}/from", data=data | {"from": "keep-the-rivers-open"})
    assert again.headers["location"] == "/organise/alerts/keep-the-rivers-open-2/edit"


async def test_a_campaign_of_a_name_that_is_there_is_chosen_and_not_made_again(
    desk: httpx.AsyncClient, database: Database
) -> None:
    await desk.post(NEW, data=await form(desk) | RIVERS)
    again = await form(desk) | RIVERS | {"title": "Another", "campaign_title": " rivers "}
    refused = await desk.post(NEW, data=again)
    assert refused.status_code == 422
    assert "You have a campaign of this name: choose it above." in refused.text
    assert len(await all_of(database, Campaign)) == 1
