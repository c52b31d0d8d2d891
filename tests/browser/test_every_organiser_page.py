"""axe finds nothing on any page of the organisers, and each fits an old phone."""

import asyncio

import pytest
import pytest_asyncio
from playwright.async_api import Page
from sqlalchemy import select

from app.accounts import organisers
from app.db import Database
from app.models import Alert, Letter, Role, Target
from app.settings import Settings
from tests.grounds.alerts import MINE_BAN, confirmed, mine_ban, submitted
from tests.grounds.browser.windows import Windows, axe, fits
from tests.grounds.desk import PASSWORD

HERE = f"alerts/{MINE_BAN}"
PAGES = (
    "alerts/new",
    f"{HERE}/publish",
    f"{HERE}/draft/page",
    f"{HERE}/edit/letters/EE.et?beside=en",
    f"{HERE}/edit/letters/EE.et/file",
    f"{HERE}/edit/letters/EE.lv",
    "campaigns",
    "campaigns/keep-the-mine-ban-treaty/stages",
    "campaigns/keep-the-mine-ban-treaty/stages/kinds",
    "campaigns/keep-the-mine-ban-treaty/stages/EE",
    "contacts",
    "contacts/offices/new",
    "contacts/offices/{office}",
    "contacts/imports",
    "people",
    "people/me",
    "people/second-factor",
    "people/tokens",
    "people/audit",
    "outbox/letters/{letter}",
    "returns",
    "packs",
)  # the walks look at the others
AT_ONCE = 3


@pytest_asyncio.fixture(loop_scope="session")
async def numbers(database: Database, settings: Settings, furnished: None) -> dict[str, int]:
    """An office and a letter that stand in the pages' addresses."""
    alert: Alert = await mine_ban(database)
    kept = await submitted(database, settings, alert)
    await confirmed(database, settings, kept.public_id)
    async with database.transaction() as session:
        await organisers.add(
            session, email="liis@example.org", name="Liis", password=PASSWORD, role=Role.OWNER
        )
        office = await session.scalar(select(Target.id).limit(1))
        letter = await session.scalar(select(Letter.id).limit(1))
    return {"office": office or 0, "letter": letter or 0}


@pytest.mark.thorough
async def test_no_page_shuts_anybody_out(windows: Windows, numbers: dict[str, int]) -> None:
    page = await windows.open("/organise", width=360)
    await page.fill("input[type=email]", "liis@example.org")
    await page.fill("input[type=password]", PASSWORD)
    await page.click("main button")
    await page.wait_for_url("/organise")
    waiting = [path.format(**numbers) for path in PAGES]
    others = [await page.context.new_page() for _ in range(AT_ONCE - 1)]
    await asyncio.gather(*(_look(one, waiting) for one in [page, *others]))


async def _look(page: Page, waiting: list[str]) -> None:
    """One after the other, for as long as any waits."""
    while waiting:
        path = waiting.pop()
        answer = await page.goto(f"/organise/{path}")
        assert answer is not None
        assert answer.status == 200, path
        await page.evaluate(
            "for (const one of document.querySelectorAll('details')) one.open = true"
        )
        await fits(page)
        await axe(page)
