"""Which language a reader gets: what they chose, else what their browser asks for."""

import re
from html import unescape
from typing import Any

import httpx
import pytest

from app.db import Database
from app.languages import LANGUAGES, country_name, language_name
from app.settings import Settings
from tests.grounds.pages.supporters import ALERT, everywhere

TYPED: dict[str, Any] = {
    "lists": "1",
    "seed": "7",
    "name": "Mari Mägi",
    "email": "mari@",
    "city": "Tartu",
    "country": "LV",
    "own_words": "Kirjutan, sest\nmul on põhjus. {{ 7*7 }}",
    "subject": "Palun",
    "countries": ["EE"],
    "offices": ["1"],
    "consent": "on",
    "utm_source": "friends",
}


def spoken(answer: httpx.Response) -> str:
    """The language of a page, which its head and its header agree about."""
    (language,) = re.findall(r'<html lang="(\w+)"', answer.text)
    assert answer.headers["content-language"] == language
    return str(language)


@pytest.mark.parametrize(
    ("asked", "spoken_in"),
    [
        ("", "en"),
        ("fi", "fi"),
        ("lv-LV, en;q=0.5", "lv"),
        ("de, fr;q=0.9, pl;q=0.2, en;q=0.1", "pl"),
        ("ET", "et"),
        ("lt;q=0, fi;q=0.1", "fi"),
        ("*", "en"),
        (";q=,,;;=é", "en"),
    ],
)
async def test_the_browser_asks_for_a_language(
    client: httpx.AsyncClient, asked: str, spoken_in: str
) -> None:
    asking = {"Accept-Language": asked.encode("utf-8")}
    assert spoken(await client.get("/", headers=asking)) == spoken_in


async def test_what_was_chosen_wins_and_stays_chosen(client: httpx.AsyncClient) -> None:
    asking = {"Accept-Language": "fi"}
    assert spoken(await client.get("/?lang=lt", headers=asking)) == "lt"
    assert spoken(await client.get("/", headers=asking)) == "lt"
    assert spoken(await client.get("/?lang=tlh", headers=asking)) == "fi"
    assert spoken(await client.get("/", headers=asking)) == "lt"
    assert spoken(await client.get("/?lang=en", headers=asking)) == "en"


async def test_every_page_names_its_language_and_offers_the_others(
    client: httpx.AsyncClient, database: Database, settings: Settings, furnished: None
) -> None:
    for page in await everywhere(database, settings):
        if page.headers:  # a part of a page
            continue
        answer = await page.by(client, "lv")
        assert spoken(answer) == "lv", page.name
        (switch,) = re.findall(r'<nav class="languages".*?</nav>', answer.text, re.DOTALL)
        offered = re.findall(
            r'<(?:a|button)[^>]*? lang="(\w+)"[^>]*>([^<]+)</(?:a|button)>', switch
        )
        assert offered == [(code, language_name(code)) for code in LANGUAGES], page.name
        assert re.findall(r'lang="(\w+)" aria-current="true"', switch) == ["lv"], page.name


async def test_a_link_to_another_language_keeps_where_the_visitor_came_from(
    client: httpx.AsyncClient, furnished: None
) -> None:
    page = (await client.get("/?utm_source=friends&lang=et")).text
    assert 'href="/?utm_source=friends&amp;lang=fi" lang="fi" hreflang="fi"' in page


async def test_the_switch_in_the_form_needs_no_script_and_loses_nothing(
    client: httpx.AsyncClient, furnished: None
) -> None:
    page = (await client.get(ALERT)).text
    switch = re.findall(r'<button class="link" form="(\w+)" formaction="([^"]+)" lang="fi"', page)
    assert switch == [("writing", f"{ALERT}/preview?lang=fi")]
    assert '<form method="post"' in page
    assert 'id="writing"' in page
    answer = await client.post(switch[0][1], data=TYPED)
    assert spoken(answer) == "fi"
    for field in ("name", "email", "city", "subject"):
        (kept,) = re.findall(rf'<input[^>]* value="([^"]*)" id="{field}"', answer.text)
        assert unescape(kept) == TYPED[field]
    (words,) = re.findall(r'<textarea[^>]*id="own_words"[^>]*>\n([^<]*)', answer.text)
    assert unescape(words) == TYPED["own_words"]
    assert re.findall(r'name="countries" value="(\w\w)"[^>]*checked', answer.text) == ["EE"]
    assert f'value="LV" selected>{country_name("LV", "fi")}' in answer.text
    assert 'name="seed" value="7"' in answer.text
    assert 'name="utm_source" value="friends"' in answer.text
    assert re.search(r'id="consent"[^>]*checked', answer.text)
    # and the next step of the walk speaks it too
    assert spoken(await client.post(ALERT, data=TYPED)) == "fi"


@pytest.mark.parametrize("path", ["/organise/sign-in", "/docs", "/sandbox"])
async def test_whoever_works_here_reads_english(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers={"Accept-Language": "fi", "Cookie": "language=fi"})
    assert spoken(answer) == "en"
    assert 'class="languages"' not in answer.text
