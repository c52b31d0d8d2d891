"""An office to which nothing leaves: it is said where people choose, read and confirm."""

import html
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import httpx
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import update

from app.db import Database
from app.models import Alert, Contact, MailDomain
from app.outbox import freezes
from app.outbox.pacing import hosts
from app.settings import Delivery, Settings
from app.tokens import CONFIRM, link_token
from tests.grounds.alerts import confirmed, filled, mine_ban, submitted
from tests.grounds.databases import both
from tests.grounds.rows import all_of, statuses

PAGE = "/alerts/send-one-email"
OFFICE = "riigikantselei@riigikantselei.ee"
REFUSES = "The mail server of this office refuses letters from here at the moment."
LOOKED_AT = "the organisers look into its address"
FORM: dict[str, Any] = {"lists": "1", "seed": "7", "countries": ["EE"]}
MARI = {"name": "Mari Mägi", "city": "Tartu", "country": "EE"}


@pytest_asyncio.fixture(autouse=True)
async def alert(database: Database, furnished: None) -> Alert:
    async with database.transaction() as session:
        await session.execute(update(Contact).values(checked_on=datetime(2026, 11, 1, tzinfo=UTC)))
        await hosts.know_contacts(session)
    return await mine_ban(database)


async def office(database: Database) -> Contact:
    (found,) = await all_of(database, Contact, Contact.email == OFFICE)
    return found  # type: ignore[no-any-return]


async def freeze_host(database: Database) -> None:
    async with database.transaction() as session:
        domain = await session.get_one(MailDomain, hosts.domain_of(OFFICE))
        await freezes.freeze(session, scope="host", ref=domain.host_id, why="5.7.1 no", by="w")


async def freeze_contact(database: Database) -> None:
    ref = (await office(database)).id
    async with database.transaction() as session:
        await freezes.freeze(session, scope="contact", ref=ref, why="5.1.1 nobody", by="w")


async def preview(client: httpx.AsyncClient, database: Database, **changes: str) -> str:
    """The letter to that office alone, as the form reads now."""
    chosen = {"offices": [str((await office(database)).target_id)]}
    part = {"X-Fragment": "letters"}
    answer = await client.post(f"{PAGE}/preview", data=FORM | chosen | changes, headers=part)
    assert answer.status_code == 200
    return answer.text


def link_in(page: str) -> str:
    found = re.search(r'href="(mailto:[^"]*)"', page)
    assert found
    return html.unescape(found[1])


async def test_nothing_is_said_while_nothing_is_frozen(
    client: httpx.AsyncClient, database: Database
) -> None:
    assert REFUSES not in (await client.get(PAGE)).text
    assert "waits here for now" not in await preview(client, database, **MARI)


@both
async def test_the_form_says_it_and_the_office_stays_choosable(
    client: httpx.AsyncClient, app: FastAPI, database: Database
) -> None:
    app.state.settings.delivery = Delivery.LIVE
    await freeze_host(database)
    page = (await client.get(PAGE)).text
    assert REFUSES in page
    assert "Fill in your name, city and country first" in page
    assert "mailto:" not in page
    ref = (await office(database)).target_id
    assert re.search(rf'name="offices" value="{ref}"[^>]* checked', page)


async def test_the_letter_of_a_filled_form_is_offered_to_the_supporters_own_mailbox(
    client: httpx.AsyncClient, app: FastAPI, database: Database
) -> None:
    app.state.settings.delivery = Delivery.LIVE
    await freeze_host(database)
    page = await preview(client, database, **MARI, subject="Stay & keep it")
    assert REFUSES in page
    assert f"<code>{OFFICE}</code>" in page
    assert "untick this office above" in page
    to, _, query = link_in(page).partition("?")
    assert to == f"mailto:{OFFICE}"
    # a letter of this length does not fit: its text is copied from the sheet below
    assert unquote(query) == "subject=Stay & keep it"
    assert "too long for a link" in page
    assert "Mari Mägi\nTartu" in page


async def test_practice_says_the_same_and_offers_no_address(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    await freeze_host(database)
    kept = await submitted(database, settings, alert, filled(countries=["EE"]))
    token = link_token(settings, CONFIRM, kept.public_id)
    for page in (
        await preview(client, database, **MARI),
        (await client.get(f"/confirm/{token}")).text,
    ):
        assert REFUSES in page
        assert "This is practice: in earnest" in page
        assert "mailto:" not in page
        assert "<code>" not in page


async def test_an_address_that_is_looked_into_is_offered_to_nobody(
    client: httpx.AsyncClient, app: FastAPI, database: Database
) -> None:
    """Where there is no such address, a mail of one's own would not arrive either."""
    app.state.settings.delivery = Delivery.LIVE
    await freeze_contact(database)
    await freeze_host(database)
    page = await preview(client, database, **MARI)
    assert LOOKED_AT in page
    assert "mailto:" not in page
    assert LOOKED_AT in (await client.get(PAGE)).text


@both
async def test_the_confirm_page_offers_it_and_the_letter_waits(
    client: httpx.AsyncClient, app: FastAPI, database: Database, settings: Settings, alert: Alert
) -> None:
    app.state.settings.delivery = Delivery.LIVE
    live = settings.model_copy(update={"delivery": Delivery.LIVE})
    kept = await submitted(database, live, alert, filled(countries=["EE", "LV"]))
    await freeze_host(database)
    page = (await client.get(f"/confirm/{link_token(live, CONFIRM, kept.public_id)}")).text
    assert page.count(REFUSES) == 1
    assert link_in(page).startswith(f"mailto:{OFFICE}?subject=")
    assert "withdraw this letter" in page
    assert page.count('data-copy="Copy this text"') == 1
    await confirmed(database, live, kept.public_id)
    assert await statuses(database) == {"queued": 2}


async def test_a_released_host_is_offered_no_more(
    client: httpx.AsyncClient, database: Database
) -> None:
    await freeze_host(database)
    async with database.transaction() as session:
        for hold in await freezes.standing_all(session, "host"):
            await freezes.release(session, scope="host", ref=hold.ref, by="liis@example.org")
    assert REFUSES not in await preview(client, database, **MARI)


async def test_whoever_confirms_reads_that_the_organisers_hold_the_action(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert, filled(countries=["EE"]))
    link = f"/confirm/{link_token(settings, CONFIRM, kept.public_id)}"
    held, leaves = "The organisers hold this action for the moment", "They leave when you press"
    before = (await client.get(link)).text
    assert (held in before, leaves in before) == (False, True)
    async with database.transaction() as session:
        await freezes.freeze(session, scope="alert", ref=alert.id, why="a look", by="us")
    page = (await client.get(link)).text
    assert (held in page, leaves in page) == (True, False)
    assert "Send my letter" in page
