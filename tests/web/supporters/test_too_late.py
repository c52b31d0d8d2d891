"""The confirm link after its week: a kind way back, and what is said where there is none."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import update

from app import clock
from app.campaigns import packs
from app.db import Database
from app.models import Alert, Freeze, Submission
from app.settings import Settings
from app.tokens import CONFIRM, link_token
from tests.grounds.alerts import ROOT, confirmed, filled, mine_ban, submitted
from tests.grounds.databases import both
from tests.grounds.rows import statuses

A_WEEK = timedelta(days=7)


@pytest_asyncio.fixture(autouse=True)
async def alert(database: Database, furnished: None) -> Alert:
    return await mine_ban(database)


def words(answer: httpx.Response) -> str:
    main = answer.text.partition("<main")[2].partition("</main")[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", main)).split())


@both
async def test_one_press_makes_them_anew_and_the_next_sends_them(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert, filled(countries=["EE"], own_words="Mine."))
    link = f"/confirm/{link_token(settings, CONFIRM, kept.public_id)}"
    assert (await client.post(f"{link}/anew", data={"consent": "on"})).headers["location"] == link
    with clock.held(clock.now() + A_WEEK):
        late = await client.get(link)
        assert late.status_code == 410
        assert "They waited seven days" in words(late)
        assert "Estonia Prime Minister" in words(late)
        without = await client.post(f"{link}/anew")
        assert without.status_code == 422
        assert "without your consent we send nothing" in words(without)
        assert f'action="{link}/anew"' in without.text
        assert (await client.get(f"{link}/anew")).headers["location"] == link
        assert (await client.post(link, data={"shown": "x"})).status_code == 410
        new = (await client.post(f"{link}/anew", data={"consent": "on"})).headers["location"]
        assert new.startswith("/confirm/")
        assert new != link
        shown = await client.get(new)
        assert "Mine." in words(shown)
        (seal,) = re.findall(r'name="shown" value="(\w+)"', shown.text)
        assert (await client.post(new, data={"shown": seal})).status_code == 303
    assert await statuses(database) == {"held": 1, "queued": 1}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "closed"}, "The action has ended meanwhile"),
        ({"own_mailbox": "only"}, "go from your own mailbox now"),
    ],
)
async def test_where_there_is_no_way_the_page_says_so(
    client: httpx.AsyncClient,
    database: Database,
    settings: Settings,
    alert: Alert,
    changes: dict[str, Any],
    said: str,
) -> None:
    kept = await submitted(database, settings, alert)
    async with database.transaction() as session:
        await session.execute(update(Alert).values(**changes))
        folder = ROOT / "templates" / "letters" / "urgent-action-request"
        await packs.put(session, packs.load_folder(folder), organisation_id=1)
    with clock.held(clock.now() + A_WEEK):
        link = f"/confirm/{link_token(settings, CONFIRM, kept.public_id)}"
        page = await client.get(link)
        assert said in words(page)
        assert 'name="consent"' not in page.text
        assert (await client.post(f"{link}/anew", data={"consent": "on"})).status_code == 410
    assert ("/alerts/urgent-action-request" in page.text) is ("state" in changes)


async def test_an_alert_that_rests_asks_to_come_back(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert)
    async with database.transaction() as session:
        session.add(Freeze(scope="alert", ref=alert.id, why="x", by="y", at=clock.now()))
    with clock.held(clock.now() + A_WEEK):
        page = await client.get(f"/confirm/{link_token(settings, CONFIRM, kept.public_id)}")
    assert "open this link again later" in words(page)


@pytest.mark.parametrize("state", ["published", "draft"])
async def test_an_erased_form_is_told_kindly_and_leads_to_the_alert(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert, state: str
) -> None:
    kept = await submitted(database, settings, alert)
    await confirmed(database, settings, kept.public_id)
    async with database.transaction() as session:
        await session.execute(update(Submission).values(erased_at=clock.now(), name="", email=""))
        await session.execute(update(Alert).values(state=state))
    link = f"/confirm/{link_token(settings, CONFIRM, kept.public_id)}"
    page = await client.get(link)
    assert page.status_code == 410
    assert "has been erased" in words(page)
    assert (f"/alerts/{alert.slug}" in page.text) is (state == "published")
    assert (await client.post(link)).status_code == 410
