"""A draft as its readers would see it: the page of a guide, whose texts are copied."""

import html

import httpx
import pytest

from app.campaigns import packs
from app.db import Database
from app.models import Organiser
from tests.grounds.alerts import ROOT
from tests.grounds.databases import both
from tests.grounds.desk import enter

GUIDE = "urgent-action-request"


@pytest.fixture
async def desk(
    client: httpx.AsyncClient, mari: Organiser, database: Database, furnished: None
) -> httpx.AsyncClient:
    """Her browser, signed in, where the first alert and its guide are."""
    async with database.transaction() as session:
        guide = packs.load_folder(ROOT / "templates" / "letters" / GUIDE)
        await packs.put(session, guide, organisation_id=1)
    await enter(client, database, mari)
    return client


@both
@pytest.mark.parametrize(
    ("language", "said"), [("", "Sir or Madam,"), ("et", "Lugupeetud toimetus")]
)
async def test_a_guide_is_shown_with_its_texts_in_the_language_asked_for(
    desk: httpx.AsyncClient, language: str, said: str
) -> None:
    asked = f"?language={language}" if language else ""
    page = await desk.get(f"/organise/alerts/{GUIDE}/draft/page{asked}")
    assert page.status_code == 200
    shown = html.unescape(page.text)
    assert said in shown
    assert "{url}" not in shown
    assert f"{desk.base_url}/alerts/send-one-email" in shown.replace("%3A", ":").replace("%2F", "/")
