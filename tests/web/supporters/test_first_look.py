"""What a visitor sees first: the button, how many have written, and the front page."""

import re
from html import unescape

import httpx
import pytest_asyncio
from sqlalchemy import update

from app.db import Database
from app.models import Alert, AlertState, LetterStatus, SendCount, Target
from app.settings import Settings
from tests.grounds.alerts import mine_ban, submitted
from tests.grounds.rows import all_of

PAGE = "/alerts/send-one-email"


@pytest_asyncio.fixture(autouse=True)
async def alert(database: Database, furnished: None) -> Alert:
    return await mine_ban(database)


async def sent(database: Database, alert: Alert, n: int) -> None:
    (target, *_) = await all_of(database, Target)
    async with database.transaction() as session:
        session.add(
            SendCount(
                alert_id=alert.id,
                target_id=target.id,
                status=LetterStatus.ACCEPTED,
                delivery="sandbox",
                n=n,
            )
        )


def words(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


async def test_the_button_stands_above_how_the_countries_stand(client: httpx.AsyncClient) -> None:
    page = (await client.get(PAGE)).text
    assert page.index('class="button" href="#you"') < page.index('class="lead-lines"')


async def test_how_many_were_sent_stands_beside_the_button_and_practice_says_so(
    client: httpx.AsyncClient, database: Database, alert: Alert
) -> None:
    assert "letters sent" not in (await client.get(PAGE)).text
    await sent(database, alert, 402)
    page = (await client.get(PAGE)).text
    link = f'<a href="{PAGE}/counts"><strong>402</strong> practice letters sent</a>'
    assert link in page[: page.index('class="lead-lines"')]
    form = {"name": "Mari", "countries": ["EE"]}
    assert link in (await client.post(f"{PAGE}/preview", data=form)).text


async def test_a_timeline_says_in_words_what_it_draws(client: httpx.AsyncClient) -> None:
    page = (await client.get(PAGE, params={"lang": "fi"})).text
    (said,) = re.findall(r'<svg [^>]*role="img" aria-label="([^"]+)"', page)
    assert "Viro: " in said
    assert re.search(r"4\. kesäkuuta 2025", said)
    assert page.index("timeline.css") < page.index("<body")
    assert page.index(said) < page.index('<details class="standing"')
    assert "style=" not in page


async def test_the_front_page_says_of_itself_what_links_to_it_show(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    page = (await client.get("/", params={"lang": "et"})).text
    found = dict(re.findall(r'<meta property="og:(\w+)" content="([^"]+)"', page))
    assert found["site_name"] == settings.organisation_name
    assert found["title"] != "Write to a government"
    assert {"type", "description", "url", "locale"} <= found.keys()
    picture = found["image"].removeprefix(settings.public_url.rstrip("/"))
    assert picture == "/picture.png?lang=et"
    drawn = await client.get(picture)
    assert drawn.content.startswith(b"\x89PNG")
    same = await client.get(picture, headers={"If-None-Match": drawn.headers["etag"]})
    assert same.status_code == 304


async def test_the_first_action_that_takes_letters_has_a_button_on_the_front_page(
    client: httpx.AsyncClient, database: Database, alert: Alert
) -> None:
    button = f'<a class="button" href="{PAGE}#you"'
    page = (await client.get("/")).text
    assert page.count('class="button"') == 1
    assert button in page
    async with database.transaction() as session:
        await session.execute(update(Alert).values(state=AlertState.CLOSED))
    assert "Write your letters" not in (await client.get("/")).text


async def test_a_front_page_without_an_action_asks_nobody_to_choose_one(
    client: httpx.AsyncClient, database: Database
) -> None:
    async with database.transaction() as session:
        await session.execute(update(Alert).values(state=AlertState.DRAFT))
    said = words((await client.get("/")).text)
    assert "There is no open action just now" in said
    assert "Choose an action." not in said


async def test_where_we_wrote_to_stands_right_below_that_we_wrote(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    await submitted(database, settings, alert)
    form = {"name": "Eve", "email": "eve@example.org", "city": "Tartu", "country": "EE"}
    answer = await client.post(PAGE, data=form | {"consent": "on"})
    page = (await client.get(answer.headers["location"])).text
    (address,) = re.finditer(r"e…\w?@example\.org", page)
    assert address.start() < page.index("Please confirm”")
    assert re.search(r'<button class="button quiet">Open my letters', page)


async def test_what_asks_for_an_icon_by_its_old_name_finds_one(client: httpx.AsyncClient) -> None:
    icon = await client.get("/favicon.ico")
    assert icon.content.startswith(b"\x00\x00\x01\x00")
    assert icon.headers["content-type"] == "image/x-icon"
    touched = await client.get("/apple-touch-icon.png")
    assert touched.content.startswith(b"\x89PNG")
    page = (await client.get(PAGE)).text
    assert 'rel="apple-touch-icon"' in page
    (drawing,) = re.findall(r'<link rel="icon" href="([^"]+)"', page)
    edge = re.search(r"<rect [^>]*stroke=.#fff", (await client.get(drawing)).text)
    assert edge, "by night nobody sees a dark letter on a dark tab"
