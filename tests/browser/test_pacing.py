"""The pacing pages in a real browser: they fit, shut nobody out, and work without scripts."""

import pytest
from playwright.async_api import expect

from app.accounts import organisers
from app.db import Database
from app.models import Role
from tests.grounds.browser.windows import Windows, looks_right
from tests.grounds.desk import PASSWORD


@pytest.mark.thorough
async def test_limits_are_tried_and_set(
    windows: Windows, database: Database, furnished: None
) -> None:
    async with database.transaction() as session:
        await organisers.add(
            session, email="liis@example.org", name="Liis", password=PASSWORD, role=Role.ORGANISER
        )
    page = await windows.open("/organise/sign-in?next=/organise/pacing")
    await page.fill("input[type=email]", "liis@example.org")
    await page.fill("input[type=password]", PASSWORD)
    await page.click("main button")
    await expect(page.locator("main")).to_contain_text("1,000 supporters: the last letter leaves")
    await looks_right(page)
    await page.click("text=riigikantselei@riigikantselei.ee")
    await page.fill("[name=per_hour]", "5")
    await page.click("text=Only show what comes of them")
    await expect(page.locator("[role=status]")).to_contain_text("the last letter leaves")
    await looks_right(page)
    await page.fill("[name=per_day]", "none")
    await page.click("text=Set these limits")
    await expect(page.locator(".error")).to_contain_text("Please write a whole number")
    await looks_right(page)
    await page.fill("[name=per_day]", "")
    await page.click("text=Set these limits")
    await expect(page.locator("[role=status]")).to_contain_text("The limits are set.")
    await page.click("tbody tr:first-child a")
    await expect(page.locator("main")).to_contain_text("behind one mail host")
    await looks_right(page)


async def test_it_asks_for_no_script(windows: Windows, database: Database, furnished: None) -> None:
    async with database.transaction() as session:
        await organisers.add(
            session, email="liis@example.org", name="Liis", password=PASSWORD, role=Role.VIEWER
        )
    page = await windows.open("/organise/sign-in?next=/organise/pacing", javascript=False)
    await page.fill("input[type=email]", "liis@example.org")
    await page.fill("input[type=password]", PASSWORD)
    await page.click("main button")
    await page.fill("[name=supporters]", "20")
    await page.click("main button")
    await expect(page.locator("main")).to_contain_text("20 supporters: the last letter leaves")
