"""The addresses that nothing is sent to, on the desk: seen, and taken off with a reason."""

from collections.abc import Sequence

import httpx
import pytest
from sqlalchemy import select

from app.db import Database
from app.letters.asking import stopping
from app.models import AuditLine, Contact, Organiser, Role, Suppression
from app.outbox import suppressions
from tests.grounds.desk import enter, token_in
from tests.grounds.rows import all_of

HERE = "/organise/contacts/suppressed"


@pytest.fixture
async def office(database: Database, furnished: None) -> str:
    """The address of an office that asked us to stop, beside a person who did."""
    async with database.transaction() as session:
        email = (await session.scalars(select(Contact.email).limit(1))).one().lower()
        await suppressions.suppress(session, email, why="they phoned", by="kati@example.org")
        await suppressions.suppress(session, "jaan@example.net", why=stopping.WHY, by=stopping.BY)
    return email


async def listed(database: Database) -> Sequence[Suppression]:
    async with database.reading() as session:
        return await suppressions.listed(session)


async def test_the_list_says_who_and_why_and_gives_an_address_back(
    client: httpx.AsyncClient, mari: Organiser, database: Database, office: str
) -> None:
    await enter(client, database, mari)
    page = (await client.get(HERE)).text
    assert office in page
    assert "they phoned" in page
    assert "kati@example.org" in page
    assert "jaan@example.net" not in page  # the supporter of another organisation, perhaps
    assert "One person more has asked not to be written to" in page
    form = {"form_token": token_in(page), "email": f" {office.upper()} "}
    refused = await client.post(HERE, data=form)
    assert (refused.status_code, "Please say why" in refused.text) == (422, True)
    strange = await client.post(HERE, data=form | {"why": "asked", "email": "nobody@example.org"})
    assert (strange.status_code, "is not on the list" in strange.text) == (422, True)
    done = await client.post(HERE, data=form | {"why": "they phoned again"})
    assert done.headers["location"] == f"{HERE}?done=lifted"
    await client.post(HERE, data=form | {"email": "jaan@example.net", "why": "he asked"})
    assert await listed(database) == []
    assert [one.sentence for one in await all_of(database, AuditLine)] == [
        f"{office.upper()} may be written to again: they phoned again",
        "An address of no office may be written to again: he asked",
    ]


async def test_what_is_no_address_and_stands_there_of_old_comes_off_the_list_too(
    client: httpx.AsyncClient, mari: Organiser, database: Database
) -> None:
    async with database.transaction() as session:
        await suppressions.suppress(session, "rubbish", why="a slip", by="kati@example.org")
    await enter(client, database, mari)
    form = {"form_token": token_in((await client.get(HERE)).text), "why": "it is no address"}
    refused = await client.post(HERE, data=form | {"email": "rubbis"})
    assert (refused.status_code, "one email address" in refused.text) == (422, True)
    await client.post(HERE, data=form | {"email": "rubbish"})
    assert await listed(database) == []


async def test_a_viewer_looks_at_the_list_and_changes_nothing(
    client: httpx.AsyncClient, mari: Organiser, database: Database, office: str
) -> None:
    async with database.transaction() as session:
        (await session.get_one(Organiser, mari.id)).role = Role.VIEWER
    await enter(client, database, mari)
    page = (await client.get(HERE)).text
    assert (office in page, "Take it off the list" in page) == (True, False)
    form = {"form_token": token_in(page), "email": office, "why": "mine"}
    assert (await client.post(HERE, data=form)).status_code == 403
    assert len(await listed(database)) == 2
