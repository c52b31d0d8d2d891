"""The alert editor in a real browser: it saves by itself, loses nothing, and needs no script."""

import asyncio
import re

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

from app.accounts import organisers
from app.db import Database
from app.models import Role
from tests.grounds.browser.windows import Windows, axe, fits, looks_right
from tests.grounds.desk import PASSWORD

ALERT = "/organise/alerts/send-one-email"
TITLE, STATUS = "[name=call-title]", "#call [role=status]"
BELOW_THE_LIST = """() => document.activeElement.getBoundingClientRect().top >=
    document.querySelector('.parts').getBoundingClientRect().bottom"""


@pytest_asyncio.fixture(loop_scope="session")
async def organiser(database: Database, furnished: None) -> None:
    async with database.transaction() as session:
        await organisers.add(
            session, email="liis@example.org", name="Liis", password=PASSWORD, role=Role.ORGANISER
        )


async def enter(page: Page, path: str) -> None:
    if "/organise/sign-in" not in page.url:
        await page.goto(f"/organise/sign-in?next={path}")
    await page.fill("input[type=email]", "liis@example.org")
    await page.fill("input[type=password]", PASSWORD)
    async with page.expect_navigation():  # to the end: keys pressed before the script came are lost
        await page.click("main button")


async def test_it_saves_by_itself_and_keeps_what_it_cannot_save(
    windows: Windows, organiser: None
) -> None:
    page = await windows.open()
    await enter(page, f"{ALERT}/edit")
    await page.fill(TITLE, "Typed and left alone")
    await page.press(TITLE, "Control+s")
    await expect(page.locator(STATUS)).to_contain_text("Saved")
    shown = page.frame_locator("iframe.of-page").locator("h1")
    await expect(shown).to_have_text("Typed and left alone")
    await page.focus(TITLE)
    await page.fill(TITLE, "")
    await page.press(TITLE, "Control+s")
    await expect(page.locator("#call .faults")).to_contain_text("Please fill this in.")
    await axe(page)  # at one width: the page is long, and there is nothing else on the phone
    await page.set_viewport_size({"width": 360, "height": 740})
    await fits(page)
    await page.focus("#resources button")
    for _ in range(12):  # upwards, under the list of parts that stays in sight
        await page.keyboard.press("Shift+Tab")
        assert await page.evaluate(BELOW_THE_LIST)
    await page.context.clear_cookies()
    await page.fill(TITLE, "Typed while signed out")
    await page.press(TITLE, "Control+s")
    await expect(page.locator(STATUS)).to_contain_text("you are signed out")
    await page.goto(f"{ALERT}/edit")
    await enter(page, "")
    await expect(page.locator(TITLE)).to_have_value("Typed while signed out")
    await expect(page.locator(STATUS)).to_contain_text("it is back in its fields")
    await page.click("#call button:has-text('Save')")
    await expect(page.locator(STATUS)).to_have_text("Saved")
    await expect(page.locator(TITLE)).to_have_value("Typed while signed out")


@pytest.mark.thorough
async def test_what_is_typed_before_the_script_came_is_saved_too(
    windows: Windows, organiser: None
) -> None:
    page = await windows.open()
    await enter(page, f"{ALERT}/edit")
    held = asyncio.Event()

    async def late(route: Route) -> None:
        await held.wait()
        await route.continue_()

    await page.route("**/editor.*js*", late)
    await page.goto(f"{ALERT}/edit", wait_until="commit")
    await page.fill(TITLE, "Typed very early")
    held.set()
    await expect(page.locator(STATUS)).to_contain_text("Saved")
    await page.reload()
    await expect(page.locator(TITLE)).to_have_value("Typed very early")


@pytest.mark.thorough
async def test_two_at_once_are_shown_both_without_scripts(
    windows: Windows, plain_page: Page, organiser: None
) -> None:
    page = plain_page
    await enter(page, f"{ALERT}/edit")
    other = await page.context.new_page()
    await other.goto(f"{ALERT}/edit")
    for window, title in ((page, "The first title"), (other, "The second title")):
        await window.fill(TITLE, title)
        await window.click("#call button")
    assert page.url.endswith("saved=call#call")
    await expect(other.locator("#call .both")).to_contain_text("first second title")
    await other.click("text=Save mine")
    await expect(other.locator(TITLE)).to_have_value("The second title")
    await other.click(".to-preview")
    await expect(other.locator("h1")).to_have_text("The second title")
    await other.click("text=Back to the editor")
    await expect(other.locator("#before")).to_contain_text("Nothing stands in its way")


async def test_where_it_begins_and_what_stands_beside_it_shut_nobody_out(
    windows: Windows, organiser: None
) -> None:
    page = await windows.open()
    await enter(page, "/organise/alerts/new")
    await page.check("#campaign-new")
    await looks_right(page)
    await page.goto(f"{ALERT}/draft/page")
    await fits(page)
    assert await page.locator("[name=email]").is_disabled()
    await page.goto(f"{ALERT}/draft/letter")
    await page.select_option("[name=country]", "FI")
    await expect(page).to_have_url(re.compile("country=FI"))
    await looks_right(page)


LETTER = f"{ALERT}/edit/letters/EE.lv"


async def test_a_letter_beside_it_is_shown_and_what_was_typed_stays_without_scripts(
    plain_page: Page, organiser: None
) -> None:
    page = plain_page
    await enter(page, f"{LETTER}?beside=en")
    await page.fill("#note", "Typed, not saved, then looked beside.")
    await page.select_option("#beside", "et")
    await page.click("text=Show")
    await expect(page).to_have_url(re.compile("beside=et"))
    await expect(page.locator("#note")).to_have_value("Typed, not saved, then looked beside.")
    assert await page.locator(".beside .words[lang=et]").count()


async def test_a_letter_beside_it_waits_for_the_save_that_is_under_way(
    windows: Windows, organiser: None
) -> None:
    page = await windows.open()
    await enter(page, f"{LETTER}?beside=en")
    held, begun = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        if "x-autosave" in route.request.headers:
            begun.set()
            await held.wait()
        await route.continue_()

    await page.route(f"**{LETTER}", late)
    await page.fill("#note", "Being saved.")
    await page.press("#note", "Control+s")
    await begun.wait()
    await page.fill("#note", "Typed while that was under way.")
    await page.select_option("#beside", "et")
    await page.click("text=Show")
    held.set()
    await expect(page).to_have_url(re.compile("beside=et"))
    await expect(page.locator("#note")).to_have_value("Typed while that was under way.")
