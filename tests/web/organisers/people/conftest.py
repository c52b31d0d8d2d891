"""People of two organisations, and their browsers."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app import clock
from app.accounts import organisations
from app.db import Database
from app.models import Organiser, Role
from app.settings import Settings
from tests.grounds import desk
from tests.grounds.desk import PASSWORD, enter, hashed

MakePerson = Callable[..., Awaitable[Organiser]]
Browser = Callable[[Organiser], Awaitable[httpx.AsyncClient]]


@pytest.fixture
def database_kind() -> str:
    """The pages ask nothing of one database that the other would answer otherwise."""
    return "sqlite"


@pytest.fixture
def person(database: Database) -> MakePerson:
    """Somebody with the password of the tests."""

    async def make(
        email: str, role: Role = Role.ORGANISER, organisation_id: int = 1, **more: object
    ) -> Organiser:
        made = Organiser(
            organisation_id=organisation_id,
            email=email,
            name=email.partition("@")[0].title(),
            role=role,
            created_at=clock.now(),
            **{"password_hash": hashed(PASSWORD)} | more,
        )
        async with database.transaction() as session:
            session.add(made)
        return made

    return make


@pytest_asyncio.fixture
async def anna(person: MakePerson) -> Organiser:
    """The owner of the first organisation."""
    return await person("anna@example.org", Role.OWNER)


@pytest_asyncio.fixture
async def other(database: Database) -> int:
    """The number of another organisation."""
    async with database.transaction() as session:
        return (await organisations.add(session, "Žalioji šalis")).id


@pytest_asyncio.fixture
async def browser(app: FastAPI, settings: Settings, database: Database) -> AsyncIterator[Browser]:
    """A browser of its own for each person, signed in."""
    opened: list[httpx.AsyncClient] = []

    async def open_for(organiser: Organiser) -> httpx.AsyncClient:
        client = desk.browser(app, settings)
        opened.append(client)
        await enter(client, database, organiser)
        return client

    yield open_for
    for client in opened:
        await client.aclose()


@pytest_asyncio.fixture
async def anna_in(browser: Browser, anna: Organiser) -> httpx.AsyncClient:
    return await browser(anna)
