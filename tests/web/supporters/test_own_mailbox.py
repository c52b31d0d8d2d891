"""Letters that supporters send themselves: without a script, without an address, kept nowhere."""

import html
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import select, update

from app.db import Database
from app.models import (
    Alert,
    AlertState,
    Contact,
    Notice,
    Submission,
    ToldCount,
)
from app.outbox import freezes
from app.settings import Delivery, Settings
from app.web.supporters import rehearsal
from tests.grounds.alerts import mine_ban
from tests.grounds.databases import both
from tests.grounds.rows import all_of

PAGE = "/alerts/send-one-email"
OWN = f"{PAGE}/own-mailbox"
OFFICE = "riigikantselei@riigikantselei.ee"
MARI = {"name": "Mari Mägi", "city": "Tartu", "country": "EE"}
LINK = re.compile(r'href="((?:mailto:|https://(?:mail|outlook)\.)[^"]*)"')
BUTTON = "Send them from my own mailbox"


@pytest_asyncio.fixture(autouse=True)
async def alert(database: Database, furnished: None) -> Alert:
    async with database.transaction() as session:
        await session.execute(update(Contact).values(checked_on=datetime(2026, 11, 1, tzinfo=UTC)))
    return await mine_ban(database)


@pytest_asyncio.fixture
async def form(database: Database) -> dict[str, Any]:
    """The one letter to the office in Tallinn; nobody's address, and no consent."""
    (office,) = await all_of(database, Contact, Contact.email == OFFICE)
    chosen = {"lists": "1", "seed": "7", "countries": ["EE"], "offices": [str(office.target_id)]}
    return MARI | chosen


@pytest.fixture
def live(app: FastAPI) -> Settings:
    app.state.settings.delivery = Delivery.LIVE
    settings: Settings = app.state.settings
    return settings


async def change(database: Database, **values: Any) -> None:
    async with database.transaction() as session:
        await session.execute(update(Alert).where(Alert.slug == "send-one-email").values(**values))


async def told(database: Database) -> dict[str, int]:
    async with database.reading() as session:
        rows = await session.scalars(select(ToldCount))
        return {row.delivery: row.n for row in rows}


def links(page: str) -> list[str]:
    return [html.unescape(found) for found in LINK.findall(page)]


def hidden(page: str) -> dict[str, list[str]]:
    """What the page's own form would post."""
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page):
        fields.setdefault(html.unescape(name), []).append(html.unescape(value))
    return fields


@both
async def test_each_letter_opens_in_the_programs_people_use_and_nothing_is_kept(
    client: httpx.AsyncClient, database: Database, form: dict[str, Any], live: Settings
) -> None:
    page = (await client.post(OWN, data=form | {"subject": "Stay & keep it"})).text
    assert [link.partition("?")[0] for link in links(page)] == [
        f"mailto:{OFFICE}",
        "https://mail.google.com/mail/",
        "https://outlook.office.com/mail/deeplink/compose",
        "https://outlook.live.com/mail/0/deeplink/compose",
    ]
    gmail = unquote(links(page)[1])
    assert f"&to={OFFICE}&su=Stay & keep it&body=" in gmail
    assert "Mari Mägi\r\nTartu" in gmail
    assert page.count('rel="noopener noreferrer"') == 4
    for words in ("Copy the address", "Copy the subject", "Copy the text"):
        assert f'data-copy="{words}"' in page
    assert "without the text" in page  # it is too long for the mail program's link
    assert "Nothing of this is kept here" in page
    assert "<script>" not in page
    assert " style=" not in page
    assert not re.search(r'(src|href)="https?://(?!mail\.google|outlook\.)[^"]*\.(js|css)', page)
    for table in (Submission, Notice):
        assert await all_of(database, table) == []
    assert await told(database) == {}  # only a touch counts


async def test_a_form_that_lacks_something_comes_back_whole_and_asks_for_no_address(
    client: httpx.AsyncClient, form: dict[str, Any]
) -> None:
    typed = form | {"name": "", "country": "ZZ", "own_words": "My “own” <words>", "page": "p" * 20}
    answer = await client.post(OWN, data=typed)
    assert answer.status_code == 422
    assert "a letter needs a sender" in answer.text
    assert "We do not know this country" in answer.text
    assert "the answer goes there" not in answer.text
    assert "Please tick this box" not in answer.text
    assert "My “own” &lt;words&gt;</textarea>" in answer.text
    assert hidden(answer.text)["page"] == ["p" * 20]
    assert 'value="Tartu"' in answer.text


@both
async def test_without_a_script_a_button_counts_the_letter_once_and_keeps_what_was_typed(
    client: httpx.AsyncClient, database: Database, form: dict[str, Any], live: Settings
) -> None:
    typed = form | {"own_words": "One\nTwo & three", "email": "mari@example.org", "utm_source": "x"}
    page = (await client.post(OWN, data=typed)).text
    assert "Counted as opened" not in page.replace("data-thanks", "").split('role="status"')[0]
    fields = hidden(page)
    assert fields["own_words"] == ["One\nTwo & three"]
    assert (fields["email"], fields["utm_source"]) == (["mari@example.org"], ["x"])
    assert re.search(rf'formaction="{OWN}/opened#letter-{form["offices"][0]}"', page)
    assert ">I have opened this one<" in page
    touched: dict[str, Any] = fields | {"opened": form["offices"]}
    for _ in range(2):
        answer = await client.post(f"{OWN}/opened", data=touched)
        assert answer.status_code == 200
        assert "Counted as opened. Thank you.</p>" in answer.text
        assert ">I have opened this one<" not in answer.text
        assert hidden(answer.text) == fields
    assert await told(database) == {"live": 1}
    # looked at again, the page knows; and back at the form all is as it was
    assert "Counted as opened. Thank you.</p>" in (await client.post(OWN, data=fields)).text
    back = (await client.post(f"{PAGE}/preview", data=fields)).text
    assert "One\nTwo &amp; three</textarea>" in back
    assert hidden(back)["page"] == fields["page"]


async def test_a_script_counts_with_two_fields_and_gets_no_page(
    client: httpx.AsyncClient, database: Database, form: dict[str, Any], live: Settings
) -> None:
    touch = {"page": "2-71-828-1828459045", "opened": form["offices"][0]}
    part = {"X-Fragment": "opened", "Sec-Fetch-Site": "same-origin"}
    answer = await client.post(f"{OWN}/opened", data=touch, headers=part)
    assert (answer.status_code, answer.text) == (204, "")
    assert await told(database) == {"live": 1}
    elsewhere = {"X-Fragment": "opened", "Sec-Fetch-Site": "cross-site"}
    answer = await client.post(f"{OWN}/opened", data=touch | {"page": "q" * 20}, headers=elsewhere)
    assert answer.status_code == 403
    caught = touch | {"page": "r" * 20, "website": "spam"}
    await client.post(f"{OWN}/opened", data=caught, headers=part)
    for office in ("", "0", "999999", "1; drop", "²"):
        answer = await client.post(f"{OWN}/opened", data=touch | {"opened": office}, headers=part)
        assert answer.status_code == 404
    assert await told(database) == {"live": 1}


async def test_openings_are_throttled_like_forms(
    client: httpx.AsyncClient, database: Database, form: dict[str, Any], live: Settings
) -> None:
    live.forms_per_hour = 1
    part = {"X-Fragment": "opened"}
    answers = [
        await client.post(
            f"{OWN}/opened",
            data={"page": f"page-of-{n:010}", "opened": form["offices"]},
            headers=part,
        )
        for n in range(11)
    ]
    assert [one.status_code for one in answers] == [204] * 10 + [429]
    assert await told(database) == {"live": 10}


@pytest.mark.parametrize("tried", ["sandbox", "reflect", "rehearsal"])
async def test_in_practice_no_link_has_an_address_and_it_counts_apart(
    client: httpx.AsyncClient,
    app: FastAPI,
    database: Database,
    form: dict[str, Any],
    alert: Alert,
    tried: str,
) -> None:
    app.state.settings.delivery = Delivery.LIVE if tried == "rehearsal" else Delivery(tried)
    query = ""
    if tried == "rehearsal":
        await change(database, state=AlertState.REHEARSAL)
        query = "?" + rehearsal.link(app.state.settings, alert).partition("?")[2]
    page = (await client.post(OWN + query, data=form)).text
    assert "This is practice" in page
    assert links(page)[0] == "mailto:?" + links(page)[0].partition("?")[2]
    assert not [link for link in links(page) if "@" in unquote(link).partition("body=")[0]]
    assert OFFICE not in page
    touch = hidden(page) | {"opened": form["offices"]}
    await client.post(f"{OWN}/opened{query}", data=touch)
    assert await told(database) == {tried: 1}


async def test_a_held_office_of_a_rehearsal_gets_no_link_where_others_are_live(
    client: httpx.AsyncClient,
    database: Database,
    form: dict[str, Any],
    live: Settings,
    alert: Alert,
) -> None:
    (office,) = await all_of(database, Contact, Contact.email == OFFICE)
    await change(database, state=AlertState.REHEARSAL)
    async with database.transaction() as session:
        await freezes.freeze(session, scope="contact", ref=office.id, why="5.1.1", by="w")
    query = "?" + rehearsal.link(live, alert).partition("?")[2]
    page = (await client.post(OWN + query, data=form)).text
    assert "come back to its letter later" in page
    assert links(page) == []


async def test_offered_it_stands_after_send_for_me_and_preferred_before_it(
    client: httpx.AsyncClient, database: Database
) -> None:
    page = (await client.get(PAGE)).text
    assert page.index("Continue: confirm by mail") < page.index(BUTTON)
    assert f'formaction="{OWN}"' in page
    await change(database, own_mailbox="preferred")
    page = (await client.get(PAGE)).text
    assert page.index(BUTTON) < page.index("Or let us send them")
    assert page.index("Or let us send them") < page.index("Continue: confirm by mail")


@both
async def test_where_only_own_mailboxes_send_no_address_is_asked_for_and_no_form_taken(
    client: httpx.AsyncClient, database: Database, form: dict[str, Any]
) -> None:
    await change(database, own_mailbox="only")
    page = (await client.get(PAGE)).text
    assert BUTTON in page
    for gone in ("confirm by mail", 'name="email"', 'name="consent"', "the day it leaves", "(via"):
        assert gone not in page
    whole = form | {"email": "mari@example.org", "consent": "on"}
    answer = await client.post(PAGE, data=whole)
    assert answer.status_code == 409
    assert BUTTON in answer.text
    answer = await client.post(
        "/api/v1/alerts/send-one-email/submissions",
        json=MARI | {"email": "mari@example.org", "consent": True},
    )
    assert answer.status_code == 409
    assert answer.json()["type"] == "/docs#own-mailbox-only"
    assert await all_of(database, Submission) == []
    assert (await client.post(OWN, data=form)).status_code == 200


async def test_a_closed_alert_opens_no_letters(
    client: httpx.AsyncClient, database: Database, form: dict[str, Any]
) -> None:
    await change(database, state=AlertState.CLOSED)
    assert (await client.post(OWN, data=form)).status_code == 410
    touch = {"page": "p" * 20, "opened": form["offices"]}
    assert (await client.post(f"{OWN}/opened", data=touch)).status_code == 410
    assert await told(database) == {}


async def test_a_reload_finds_the_form_and_another_language_keeps_the_letters(
    client: httpx.AsyncClient, form: dict[str, Any]
) -> None:
    answer = await client.get(f"{OWN}?lang=et")
    assert answer.status_code == 303
    assert answer.headers["location"].endswith(f"{PAGE}?lang=et")
    page = (await client.post(OWN, data=form)).text
    assert f'form="own" formaction="{OWN}?lang=et"' in page
    other = await client.post(f"{OWN}?lang=et", data=hidden(page))
    assert other.headers["content-language"] == "et"
    assert "Mari Mägi" in other.text


async def test_the_counts_say_what_was_only_opened(
    client: httpx.AsyncClient, database: Database, form: dict[str, Any]
) -> None:
    page = (await client.post(OWN, data=form)).text
    await client.post(f"{OWN}/opened", data=hidden(page) | {"opened": form["offices"]})
    said = (await client.get("/api/v1/alerts/send-one-email/counts")).json()
    assert (said["own_mailbox"], said["sent"]) == (1, 0)
    shown = " ".join((await client.get(f"{PAGE}/counts")).text.split())
    assert "<strong>1</strong> letter was opened in its writer’s own mail program" in shown
    assert "Whether they were sent, nobody here can know" in shown
    assert "Opened in own mailboxes" in shown
    assert "<strong>0</strong>" in shown
