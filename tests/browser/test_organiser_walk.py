"""An organiser's pages in a real browser: signed in, an alert frozen and released, its counts."""

import pytest
import pytest_asyncio
from playwright.async_api import expect

from app.accounts import organisers
from app.db import Database
from app.models import Alert, Role
from app.settings import Settings
from tests.grounds.alerts import confirmed, mine_ban, submitted
from tests.grounds.browser.windows import Windows, looks_right
from tests.grounds.desk import PASSWORD

CUT = """[...document.querySelectorAll('.scroll')]
    .filter(one => one.scrollWidth > one.clientWidth).length"""


@pytest_asyncio.fixture(loop_scope="session")
async def alert(database: Database, settings: Settings, furnished: None) -> Alert:
    made = await mine_ban(database)
    kept = await submitted(database, settings, made)
    await confirmed(database, settings, kept.public_id)
    async with database.transaction() as session:
        await organisers.add(
            session, email="liis@example.org", name="Liis", password=PASSWORD, role=Role.ORGANISER
        )
    return made


@pytest.mark.thorough
async def test_the_desk(windows: Windows, alert: Alert) -> None:
    page = await windows.open()
    await page.goto("/organise")
    await looks_right(page)
    await page.fill("input[type=email]", "liis@example.org")
    await page.fill("input[type=password]", PASSWORD)
    await page.click("main button")
    await expect(page.locator("main")).to_contain_text("Send One Email")
    await looks_right(page)
    await page.set_viewport_size({"width": 768, "height": 1024})
    for path in ("/organise/pacing", "/organise"):
        await page.goto(path)
        assert await page.evaluate(CUT) == 0, path
    await page.goto("/organise/alerts/send-one-email")
    await looks_right(page)
    await page.fill("[name=why]", "We check an address.")
    await page.click("main button:has-text('Freeze')")
    await expect(page.locator("main")).to_contain_text("We check an address.")
    await looks_right(page)
    await page.goto("/alerts/send-one-email")
    await expect(page.locator("#closed")).to_contain_text("rests for a moment")
    await page.goto("/organise/alerts/send-one-email")
    await page.click("main button:has-text('Release')")
    await expect(page.locator("[role=status]")).to_contain_text("is released")
    for path in ("alerts/send-one-email/counts", "alerts/send-one-email/letters"):
        await page.goto(f"/organise/{path}")
        await looks_right(page)
    await expect(page.locator("main")).to_contain_text("Lugupeetud")
    await page.goto("/organise/campaigns/keep-the-mine-ban-treaty/counts")
    await looks_right(page)
    await page.click("text=Sign out")
    await page.goto("/organise")
    await expect(page.locator("input[type=password]")).to_be_visible()
