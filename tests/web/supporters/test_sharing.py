"""After sending: tell others, and what else one can do; plain links, nothing loaded, no script."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest_asyncio
from sqlalchemy import update

from app.campaigns import packs
from app.db import Database
from app.models import Alert, AlertState, Submission
from app.settings import Settings
from app.tokens import LETTERS, link_token
from tests.grounds.alerts import ROOT, confirmed, filled, mine_ban, submitted

SHARE = "/alerts/send-one-email/share"
OUT = re.compile(r"<a [^>]*href=\"(https://(?!127)[^\"]+)\"[^>]*>")


@pytest_asyncio.fixture
async def alert(database: Database, furnished: None) -> Alert:
    async with database.transaction() as session:
        guide = packs.load_folder(ROOT / "templates" / "letters" / "urgent-action-request")
        await packs.put(session, guide, organisation_id=1)
    return await mine_ban(database)


async def letters_page(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> str:
    kept = await submitted(database, settings, alert, filled(countries=["EE"]))
    await confirmed(database, settings, kept.public_id)
    return (await client.get(link(settings, kept))).text


def link(settings: Settings, submission: Submission) -> str:
    return f"/letters/{link_token(settings, LETTERS, submission.public_id)}"


async def test_whoever_has_confirmed_is_shown_how_to_tell_others_and_what_else_to_do(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    page = await letters_page(client, database, settings, alert)
    assert "I have just written to governments" in page
    assert "What else you can do" in page
    assert "Sir or Madam," in page  # the letter to the editor, to copy
    assert "own member of parliament" in page
    assert 'href="/alerts/urgent-action-request#text-meeting-points"' in page
    outside = [tag for tag in re.findall(r"<a [^>]+>", page) if 'href="https://' in tag]
    assert len(outside) > 10
    assert all('target="_blank" rel="noopener noreferrer"' in tag for tag in outside)
    assert not re.findall(r'(?:src|action)="https?://', page)
    unconfirmed = await submitted(database, settings, alert, filled(email="juri@example.org"))
    page = (await client.get(link(settings, unconfirmed))).text
    assert "Tell others" not in page
    assert "What else" not in page


async def test_an_alert_that_ended_is_passed_on_by_its_name(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    assert "One email takes about a minute" in (await client.get(SHARE)).text
    async with database.transaction() as session:
        await session.execute(update(Alert).values(state=AlertState.CLOSED))
    page = (await client.get(SHARE)).text
    assert "One email takes about a minute" not in page
    assert "utm_medium=share" in page
    assert "Tell others" not in await letters_page(client, database, settings, alert)


async def test_who_comes_from_the_alerts_page_is_offered_a_text_first_that_claims_nothing(
    client: httpx.AsyncClient, alert: Alert
) -> None:
    first, second, *_ = re.findall(r"<blockquote[^>]*>(.*?)</blockquote>", await share(client))
    assert first.startswith("Send One Email to Stop Withdrawals from the Mine Ban Treaty!: http")
    assert second.startswith("I have just written")
    (asks, *_) = re.findall(
        r'href="(/alerts/send-one-email/share/mastodon\?text=\d+)"', await share(client)
    )
    assert "Send One Email to Stop" in (await client.get(asks)).text.split("<blockquote")[1]


async def share(client: httpx.AsyncClient) -> str:
    return (await client.get(SHARE)).text


async def test_mastodon_asks_for_the_server_and_gives_a_link_to_it(
    client: httpx.AsyncClient, alert: Alert
) -> None:
    page = (await client.get(SHARE)).text
    (asks, *_) = re.findall(r'href="(/alerts/send-one-email/share/mastodon\?text=1)"', page)
    form = await client.get(asks)
    assert '<form method="get"' in form.text
    made = await client.get(asks, params={"text": "1", "server": "@mari@masto.example"})
    (href,) = OUT.findall(made.text)
    assert href.startswith("https://masto.example/share?text=I%20have%20just")
    assert "utm_source%3Dmastodon" in href
    shown = re.search(r"<blockquote[^>]*>(.*?)</blockquote>", made.text, re.DOTALL)
    assert shown
    assert html.unescape(shown[1]) == parse_qs(urlsplit(href).query)["text"][0]
    wrong = await client.get(asks, params={"text": "1", "server": "<masto>"})
    assert wrong.status_code == 422
    assert "not the name of a server" in wrong.text
    assert 'value="&lt;masto&gt;"' in wrong.text
    for text in ("0", "99", "²", "nothing"):
        answer = await client.get(f"{SHARE}/mastodon", params={"text": text})
        assert answer.status_code == 404, text


async def test_a_guides_posts_lead_to_the_alert_that_takes_letters(
    client: httpx.AsyncClient, alert: Alert
) -> None:
    page = (await client.get("/alerts/urgent-action-request")).text
    social = page.split('id="text-social-figures"')[1].split("</section>")[0]
    assert "https://bsky.app/intent/compose?text=In%202024" in social
    assert "send-one-email%3Futm_source%3Dbluesky" in social
    editor = page.split('id="text-letter-to-the-editor"')[1].split("</section>")[0]
    assert "mailto:?subject=" in editor
    assert "bsky.app" not in editor
    points = page.split('id="text-meeting-points"')[1].split("</section>")[0]
    assert "share-links" not in points
    asks = "/alerts/urgent-action-request/share/mastodon?text=social-figures"
    assert asks in social
    answer = await client.get(asks, params={"text": "social-figures", "server": "masto.example"})
    assert "send-one-email%3Futm_source%3Dmastodon" in answer.text
