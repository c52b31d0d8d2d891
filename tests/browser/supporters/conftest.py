"""Every page of a supporter, served."""

import pytest_asyncio
from playwright.async_api import Page

from app.db import Database
from app.settings import Settings
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


@pytest_asyncio.fixture(loop_scope="session")
async def pages(database: Database, settings: Settings, furnished: None) -> list[Visited]:
    """Those with an address of their own; a part of a page has none."""
    return [one for one in await everywhere(database, settings) if not one.headers]


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
