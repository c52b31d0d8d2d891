"""What the program finds in a draft is said in plain sentences, whatever was typed."""

from html import unescape

import httpx
import pytest

from app.campaigns.drafts import assembling, keeping
from app.campaigns.drafts.assembling import Fault
from app.db import Database
from app.models import Organiser
from app.web.organisers.alerts import find
from tests.grounds.alerts import MINE_BAN
from tests.grounds.desk import enter, token_in

HERE = f"/organise/alerts/{MINE_BAN}"


@pytest.fixture
async def desk(
    client: httpx.AsyncClient, mari: Organiser, database: Database, furnished: None
) -> httpx.AsyncClient:
    await enter(client, database, mari)
    return client


async def letter(database: Database, mari: Organiser, name: str, source: str) -> None:
    async with database.transaction() as session:
        alert = await find(session, mari, MINE_BAN)
        section = (await keeping.read(session, alert)).sections[f"letter:{name}"]
        await keeping.save(
            session,
            alert,
            section.name,
            {"source": source},
            version=section.version,
            by=mari.email,
        )


async def written(database: Database, mari: Organiser, name: str) -> str:
    async with database.reading() as session:
        return (await keeping.read(session, await find(session, mari, MINE_BAN))).letters[name]


async def faults(database: Database, mari: Organiser) -> list[Fault]:
    async with database.reading() as session:
        draft = await keeping.read(session, await find(session, mari, MINE_BAN))
        return await assembling.faults(session, draft)


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("", "It is 100 % like the letter EE.en"),
        ("\n{% if own_words %}never ended\n", "This {% if … %} is never ended"),
        ("\n[50 % of it]\n", "[50 % of it]"),
    ],
    ids=["a copy", "a choice that is not ended", "a gap"],
)
async def test_the_check_list_can_say_of_anything_that_is_typed_what_is_wrong(
    desk: httpx.AsyncClient, database: Database, mari: Organiser, added: str, said: str
) -> None:
    await letter(database, mari, "FI.en", await written(database, mari, "EE.en") + added)
    page = await desk.get(f"{HERE}/publish")
    assert page.status_code == 200
    assert said in unescape(page.text)


async def put(database: Database, mari: Organiser, part: str, **typed: object) -> None:
    async with database.transaction() as session:
        alert = await find(session, mari, MINE_BAN)
        section = (await keeping.read(session, alert)).sections[part]
        content = section.content | typed
        await keeping.save(session, alert, part, content, version=section.version, by=mari.email)


RESOURCE = {"title": "A", "publisher": "B", "on": "", "note": "C", "url": "javascript:alert(1)"}


@pytest.mark.parametrize(
    ("part", "typed", "field", "said"),
    [
        ("sending", {"default_roles": []}, "default_roles", "Choose at least one kind of office"),
        ("sending", {"expected": "-1"}, "expected", "Please write a number from 0 to"),
        ("sending", {"expected": "many"}, "expected", "Please write a number from 0 to"),
        ("dates", {"opens_at": "99:99"}, "opens_at", "A time is written as 17:30."),
        ("dates", {"opens_on": "tomorrow"}, "opens_on", "A day is written as 2026-11-22."),
        (
            "dates",
            {"closes_on": "", "closes_at": "17:30"},
            "closes_on",
            "Say on which day it closes, or leave its time empty too.",
        ),
        (
            "resources",
            {"resources": [RESOURCE]},
            "resources.0.url",
            "A web address begins with https:// or http:// and has no spaces.",
        ),
    ],
)
async def test_what_is_wrong_with_a_part_is_said_there_in_words_of_the_page(
    mari: Organiser,
    database: Database,
    furnished: None,
    part: str,
    typed: dict[str, object],
    field: str,
    said: str,
) -> None:
    await put(database, mari, part, **typed)
    (found,) = [one for one in await faults(database, mari) if one.serious]
    assert (found.section, found.field, said in found.sentence) == (part, field, True)


async def test_a_number_is_taken_as_people_write_it(
    desk: httpx.AsyncClient, mari: Organiser, database: Database
) -> None:
    for typed in ("2 000", "2\u00a0000", "2\u202f000"):
        await put(database, mari, "sending", expected=typed)
        assert [one for one in await faults(database, mari) if one.serious] == []


async def test_a_country_without_an_office_is_not_taken_in(
    desk: httpx.AsyncClient, mari: Organiser, database: Database
) -> None:
    page = (await desk.get(f"{HERE}/edit")).text
    form = {"form_token": token_in(page), "version": "0", "add": "ZZ"}
    refused = await desk.post(f"{HERE}/edit/countries", data=form)
    assert refused.status_code == 422
    assert "The directory has no office of ZZ." in refused.text


async def test_an_empty_list_of_countries_is_told_once(
    mari: Organiser, database: Database, furnished: None
) -> None:
    await put(database, mari, "countries", countries=[])
    found = [one for one in await faults(database, mari) if one.section == "call"]
    assert found == []
