"""Pages in a real browser: one Chromium for the run, one event loop, SQLite alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from app.db import Database
from tests.grounds.browser.windows import Windows, launched


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # a browser belongs to the loop that started it, and starting it anew costs a second a test
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest_asyncio.fixture(loop_scope="session")
async def database(database_url: str) -> AsyncIterator[Database]:
    """The test's database, in the loop of the browser."""
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with launched() as found:
        yield found


@pytest_asyncio.fixture(loop_scope="session")
async def windows(browser: Browser, served: str) -> AsyncIterator[Windows]:
    """Opens pages of the served program; a script error in one fails the test."""
    opened = Windows(browser, served)
    yield opened
    await opened.close()
    assert not opened.errors, "\n".join(opened.errors)


@pytest_asyncio.fixture(loop_scope="session")
async def plain_page(windows: Windows) -> Page:
    """A page on a phone without JavaScript."""
    return await windows.open(width=360, javascript=False)
