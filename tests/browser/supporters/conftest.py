"""Every page of a supporter, served once for all that only read them."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Page

from app.db import Database
from app.settings import Delivery, Settings
from tests.grounds.browser import serving
from tests.grounds.databases import Ground
from tests.grounds.pages.supporters import Visited, everywhere

UNFOLD = """for (const one of document.querySelectorAll('details')) {
  one.removeAttribute('name');  // of several with a name, one at a time is open
  one.open = true;
}"""
POST = """([path, fields]) => {
  const form = Object.assign(document.createElement('form'), {method: 'post', action: path});
  for (const [name, value] of fields) {
    form.append(Object.assign(document.createElement('input'), {name, value}));
  }
  document.body.append(form);
  form.submit();
}"""


@dataclass(frozen=True)
class Served:
    """Where the program answers, and its pages: those with an address of their own."""

    address: str
    pages: list[Visited]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shown(sqlite: Ground, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """One database and one server for a module whose tests leave nothing in them."""
    from app.main import create_app

    url = sqlite.furnished()
    database = Database(url)
    with serving.door() as door, pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.upper().startswith("ONE_EMAIL_")]:
            patch.delenv(name)
        settings = Settings(
            _env_file=None,
            data_dir=tmp_path_factory.mktemp("shown"),
            database_url=url,
            public_url=f"http://127.0.0.1:{door.getsockname()[1]}",
            secret_key="a secret for tests only",
            delivery=Delivery.SANDBOX,
        )
        pages = [one for one in await everywhere(database, settings) if not one.headers]
        with serving.serving(create_app(settings), door) as address:
            yield Served(address, pages)
    await database.close()
    sqlite.drop(url)


async def visit(page: Page, visited: Visited) -> None:
    """Come to a page, and unfold all that it folds away."""
    if visited.form is None:
        answer = await page.goto(visited.path)
    else:
        async with page.expect_navigation() as coming:
            await page.evaluate(POST, [visited.path, list(visited.form.items())])
        answer = await coming.value
    assert answer is not None
    assert answer.status == visited.status, visited.name
    await page.evaluate(UNFOLD)
