"""The pages behind a personal link: confirm, and what became of my letters."""

import re
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio

from app import clock
from app.db import Database
from app.models import Alert, Freeze
from app.settings import Settings
from app.tokens import CONFIRM, LETTERS, LOOK, link_token
from tests.grounds.alerts import confirmed, filled, mine_ban, submitted
from tests.grounds.databases import both
from tests.grounds.rows import statuses


@pytest_asyncio.fixture(autouse=True)
async def alert(database: Database, furnished: None) -> Alert:
    return await mine_ban(database)


@both
async def test_the_confirm_page_shows_new_words_before_it_sends_them(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert, filled(countries=["EE"], own_words="One."))
    link = f"/confirm/{link_token(settings, CONFIRM, kept.public_id)}"
    page = (await client.get(link)).text
    (seal,) = re.findall(r'name="shown" value="(\w+)"', page)
    again = await client.post(link, data={"shown": seal, "own_words": "Two."})
    assert again.status_code == 200
    assert "The text has changed" in again.text
    assert "Two." in again.text
    assert await statuses(database) == {"held": 1}
    (seal,) = re.findall(r'name="shown" value="(\w+)"', again.text)
    assert (await client.post(link, data={"shown": seal, "own_words": "Two."})).status_code == 303
    assert await statuses(database) == {"queued": 1}


async def test_a_button_without_the_page_before_it_shows_the_page(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert)
    answer = await client.post(f"/confirm/{link_token(settings, CONFIRM, kept.public_id)}")
    assert answer.status_code == 200
    assert await statuses(database) == {"held": 5}


@both
async def test_an_expired_link_says_so_and_a_used_one_leads_to_the_letters(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert)
    link = f"/confirm/{link_token(settings, CONFIRM, kept.public_id)}"
    with clock.held(clock.now() + timedelta(days=8)):
        answer = await client.get(link)
        assert answer.status_code == 410
        assert "These letters were not sent" in answer.text
    await confirmed(database, settings, kept.public_id)
    answer = await client.get(link)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/letters/")
    page = await client.get(answer.headers["location"])
    assert page.text.count('class="my-letter"') == 5
    assert page.headers["cache-control"] == "no-store"
    assert "noindex" in page.headers["x-robots-tag"]


async def test_a_confirm_link_is_no_letters_link(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert)
    confirm = link_token(settings, CONFIRM, kept.public_id)
    letters = link_token(settings, LETTERS, kept.public_id)
    assert (await client.get(f"/letters/{confirm}")).status_code == 404
    assert (await client.get(f"/confirm/{letters}")).status_code == 404


@both
async def test_a_letter_is_withdrawn_from_its_page(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert, filled(countries=["EE"]))
    await confirmed(database, settings, kept.public_id)
    mine = f"/letters/{link_token(settings, LETTERS, kept.public_id)}"
    page = (await client.get(mine)).text
    (letter,) = re.findall(r'name="letter" value="(\d+)"', page)
    answer = await client.post(f"{mine}/withdraw", data={"letter": letter})
    assert answer.status_code == 303
    assert "is withdrawn" in (await client.get(answer.headers["location"])).text
    assert await statuses(database) == {"cancelled": 1}
    assert (await client.post(f"{mine}/withdraw", data={"letter": "x"})).status_code == 422
    assert (await client.post(f"{mine}/withdraw", data={"letter": "99999"})).status_code == 404


async def test_the_reason_of_a_freeze_is_for_organisers_only(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert)
    await confirmed(database, settings, kept.public_id)
    async with database.transaction() as session:
        session.add(
            Freeze(scope="alert", ref=alert.id, why="a private reason", by="y", at=clock.now())
        )
    page = await client.get(f"/letters/{link_token(settings, LETTERS, kept.public_id)}")
    assert "hold it back for the moment" in page.text
    assert "private" not in page.text


@pytest.mark.parametrize("after", [".", ">", ").", ",", "”", "%20", "…", ">."])
async def test_a_link_with_what_followed_it_in_a_sentence_opens(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert, after: str
) -> None:
    kept = await submitted(database, settings, alert)
    for purpose in (CONFIRM, LETTERS):
        token = link_token(settings, purpose, kept.public_id)
        assert (await client.get(f"/{purpose}/{token}{after}")).status_code == 200


async def test_a_damaged_link_says_that_nothing_is_lost_and_where_the_code_is_typed(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert)
    look = (
        f"/alerts/send-one-email/look-in-your-mail?for={link_token(settings, LOOK, kept.public_id)}"
    )
    token = link_token(settings, CONFIRM, kept.public_id)
    for cut, typed_here in ((token[:-3], True), (token[:-3] + "xyz", True), (token[:9], False)):
        for page, code in (("confirm", True), ("letters", False)):
            answer = await client.get(f"/{page}/{cut}")
            assert answer.status_code == 404
            assert "This link is not whole" in answer.text
            assert "Nothing is lost: please copy all of it" in answer.text
            assert ("a code of six digits" in answer.text) is code
            assert (f'href="{look}"' in answer.text) is (code and typed_here)
            assert answer.headers["cache-control"] == "no-store"
    assert "Open my letters" in (await client.get(look)).text


async def test_a_whole_link_to_nothing_is_not_called_damaged(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    answer = await client.get(f"/confirm/{link_token(settings, CONFIRM, 'nobody')}")
    assert answer.status_code == 404
    assert "This link is not whole" not in answer.text
