"""An alert in a frame on a partner's page: all of it inside, without a script and a cookie."""

import re
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import update

from app.db import Database
from app.models import Alert, AlertState, Submission
from app.web.looks.assets import FOLDER
from tests.grounds.alerts import mine_ban
from tests.grounds.rows import all_of

FRAME = "/alerts/send-one-email/embed"
FORM: dict[str, Any] = {
    "name": "Mari Mägi",
    "email": "mari@example.org",
    "city": "Tartu",
    "country": "EE",
    "countries": ["EE"],
    "consent": "on",
}


@pytest_asyncio.fixture(autouse=True)
async def alert(database: Database, furnished: None) -> Alert:
    return await mine_ban(database)


def links(page: str) -> list[str]:
    """The links of a page's body, each as it is written."""
    return re.findall(r"<a [^>]*>", page.partition("<body")[2])


async def test_only_the_frame_may_be_framed(client: httpx.AsyncClient) -> None:
    for path, by in (
        (FRAME, "*"),
        (f"{FRAME}/look-in-your-mail", "*"),
        (f"{FRAME}/nothing", "*"),
        ("/alerts/send-one-email", "'none'"),
        ("/alerts/send-one-email/embedded", "'none'"),
        ("/organise/sign-in", "'none'"),
        ("/alerts/embed", "'none'"),
    ):
        answer = await client.get(path)
        assert f"frame-ancestors {by};" in answer.headers["content-security-policy"], path
        assert "x-frame-options" not in answer.headers


async def test_a_frame_is_whole_for_whoever_asks_for_a_piece_of_it(
    client: httpx.AsyncClient,
) -> None:
    for piece in ("letters", "anything"):
        answer = await client.get(FRAME, headers={"X-Fragment": piece})
        assert (answer.status_code, "<form" in answer.text) == (200, True)
    refused = await client.post(FRAME, data={"name": "M"}, headers={"X-Fragment": "letters"})
    assert (refused.status_code, "<form" in refused.text) == (422, True)


async def test_a_frame_shows_the_call_the_form_and_the_letters_and_sets_no_cookie(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get(f"{FRAME}?partner=Peace+Now&utm_source=site&lang=et&name=Eve")
    page = answer.text
    assert '<html lang="et">' in page
    assert 'name="partner" value="Peace Now"' in page
    assert 'name="utm_source" value="site"' in page
    assert "Eve" not in page
    assert "data-sheet=" in page
    assert 'class="top"' not in page
    assert "set-cookie" not in answer.headers


async def test_every_link_of_the_frame_stays_in_it_or_opens_beside_it(
    client: httpx.AsyncClient,
) -> None:
    for page in (FRAME, f"{FRAME}/look-in-your-mail", f"{FRAME}/nothing"):
        for link in links((await client.get(page)).text):
            inside = re.search(r'href="(#|/alerts/send-one-email/embed)', link)
            assert inside or 'target="_blank" rel="noopener' in link, link


async def test_a_form_is_taken_inside_the_frame_step_by_step(
    client: httpx.AsyncClient, database: Database
) -> None:
    page = (await client.get(f"{FRAME}?partner=Peace+Now&lang=et&style=dark")).text
    action = re.findall(r'<form method="post" action="([^"]+)"', page)[0].replace("&amp;", "&")
    assert action == f"{FRAME}?lang=et&style=dark#you"
    shown = re.findall(r'formaction="([^"]+preview[^"]+#letters)"', page)[0].replace("&amp;", "&")
    form = FORM | {"lists": "1", "partner": "Peace Now"}
    form["offices"] = re.findall(r'name="offices" value="(\d+)"[^>]*checked', page)
    letters = await client.post(shown, data=form)
    assert '<html lang="et">' in letters.text
    assert "/dark/site.css" in letters.text
    assert "Mari Mägi" in letters.text
    faulty = await client.post(action, data=form | {"city": ""})
    assert faulty.status_code == 422
    assert 'id="city-error"' in faulty.text
    assert 'value="mari@example.org"' in faulty.text
    assert "frame-ancestors *" in faulty.headers["content-security-policy"]
    taken = await client.post(action, data=form)
    assert taken.status_code == 303
    after = taken.headers["location"]
    assert after.startswith(f"{FRAME}/look-in-your-mail?lang=et&style=dark&partner=Peace+Now&for=")
    answer = await client.get(after)
    look = answer.text
    assert '<html lang="et">' in look
    assert answer.headers["cache-control"] == "no-store"
    beside = re.findall(r'href="(/alerts/send-one-email/look-in-your-mail\?for=[^"]+)"', look)[0]
    assert 'name="code"' in (await client.get(beside.replace("&amp;", "&"))).text
    assert f'href="{FRAME}?lang=et&amp;style=dark&amp;partner=Peace+Now"' in look
    [kept] = await all_of(database, Submission)
    assert kept.source == {"partner": "Peace Now"}
    assert kept.language == "et"


async def test_another_language_is_chosen_in_the_frame_and_keeps_what_was_typed(
    client: httpx.AsyncClient,
) -> None:
    page = (await client.get(FRAME)).text
    to_polish = re.findall(r'formaction="([^"]+lang=pl[^"]*)"', page)[0]
    assert to_polish.startswith(f"{FRAME}/preview?")
    answer = await client.post(to_polish, data=FORM | {"lists": "1"})
    assert '<html lang="pl">' in answer.text
    assert 'value="Mari Mägi"' in answer.text
    assert "set-cookie" not in answer.headers
    again = await client.get(to_polish)
    assert again.status_code == 303
    assert again.headers["location"] == f"{FRAME}?lang=pl"


async def test_the_partner_chooses_day_or_night(client: httpx.AsyncClient) -> None:
    for style, scheme in (("light", "light"), ("dark", "dark")):
        page = (await client.get(f"{FRAME}?style={style}")).text
        sheet = re.findall(rf'href="([^"]+/{style}/site.css)"', page)[0]
        css = (await client.get(sheet)).text
        assert f"color-scheme: {scheme};" in css
        assert "prefers-color-scheme" not in css
    assert "/light/" not in (await client.get(f"{FRAME}?style=../../x")).text


@pytest.mark.parametrize("state", [AlertState.DRAFT, AlertState.REHEARSAL])
async def test_what_is_not_public_is_in_no_frame(
    client: httpx.AsyncClient, database: Database, alert: Alert, state: AlertState
) -> None:
    async with database.transaction() as session:
        await session.execute(update(Alert).where(Alert.id == alert.id).values(state=state))
    for path in (FRAME, f"{FRAME}/look-in-your-mail"):
        assert (await client.get(path)).status_code == 404
    assert (await client.post(FRAME, data=FORM)).status_code == 404


async def test_the_script_is_small_and_kept_for_a_day(client: httpx.AsyncClient) -> None:
    answer = await client.get("/embed.js")
    assert answer.headers["cache-control"] == "public, max-age=86400"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert len(answer.content) < 1500
    assert "origin === ours" in answer.text
    assert len((FOLDER / "frame.js").read_bytes()) < 1500
