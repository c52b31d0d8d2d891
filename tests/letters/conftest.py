"""The shipped alert in a fresh database, for every test of this folder."""

import pytest_asyncio

from app.db import Database
from app.models import Alert
from tests.grounds.alerts import mine_ban


@pytest_asyncio.fixture
async def alert(database: Database, furnished: None) -> Alert:
    return await mine_ban(database)
