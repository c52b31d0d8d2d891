"""The application without a network: requests go straight into it, answers straight out."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app import clock
from app.db import Database
from app.main import create_app
from app.models import Organiser, Role
from app.settings import Settings
from tests.grounds import desk
from tests.grounds.desk import PASSWORD, hashed


@pytest.fixture
def database_kind() -> str:
    """A page is the same on both; what it asks a database is marked `both`, once a page."""
    return "sqlite"


@pytest_asyncio.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    made = create_app(settings)
    yield made
    await made.state.database.close()


@pytest_asyncio.fixture
async def client(app: FastAPI, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A visitor at this machine."""
    async with desk.browser(app, settings) as opened:
        yield opened


@pytest_asyncio.fixture
async def stranger(app: FastAPI, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A visitor from another machine."""
    async with desk.browser(app, settings, client=("192.0.2.7", 40000)) as opened:
        yield opened


@pytest_asyncio.fixture
async def mari(database: Database) -> Organiser:
    """An organiser who may run alerts."""
    organiser = Organiser(
        organisation_id=1,
        email="mari@example.org",
        name="Mari Mägi",
        password_hash=hashed(PASSWORD),
        role=Role.ORGANISER,
        created_at=clock.now(),
    )
    async with database.transaction() as session:
        session.add(organiser)
    return organiser
