"""A supporter's whole walk in a real browser: a phone and a desk, with scripts and without."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from app.campaigns import packs
from app.contacts import imports
from app.db import Database
from app.models import Alert, SandboxMessage
from app.settings import Settings
from tests.grounds.alerts import ROOT, mine_ban
from tests.grounds.browser.windows import Windows, looks_right
from tests.grounds.rows import all_of, statuses
from tests.grounds.working import until, working

PAGE = "/alerts/send-one-email"
WITHOUT_SCRIPTS: set[Page] = set()


@pytest_asyncio.fixture(loop_scope="session")
async def alert(database: Database, furnished: None) -> Alert:
    return await mine_ban(database)


@pytest_asyncio.fixture(loop_scope="session", params=["scripts", "no scripts"])
async def visitor(
    windows: Windows, request: pytest.FixtureRequest, alert: Alert
) -> AsyncIterator[Page]:
    """A visitor whose browser gets our scripts or does not; axe itself needs one that runs."""
    page = await windows.open(width=360)
    if request.param == "no scripts":
        await page.route("**/*.js", lambda route: route.abort())
        WITHOUT_SCRIPTS.add(page)
        windows.errors.clear()
    yield page
    windows.errors[:] = [one for one in windows.errors if "ERR_FAILED" not in one]


async def look(page: Page, heading: str) -> None:
    """The page is the one that was meant, and looks right."""
    await expect(page.locator("h1")).to_contain_text(heading)
    # where our scripts are kept out, a page that has none is the page that was looked at before
    if page not in WITHOUT_SCRIPTS or await page.locator("script").count():
        await looks_right(page)


async def test_the_walk_from_the_form_to_what_became_of_the_letters(
    visitor: Page, database: Database, settings: Settings
) -> None:
    await visitor.goto(PAGE)
    await look(visitor, "Send One Email")
    await visitor.click("text=Continue: confirm by mail")
    await look(visitor, "Send One Email")
    await expect(visitor.locator(".notice.wrong li")).to_have_count(5)
    await fill_in(visitor)
    await visitor.click("text=Continue: confirm by mail")
    await look(visitor, "Look in your mail")
    assert await statuses(database) == {"held": 2}
    async with working(settings, database):
        await until(lambda: arrived(database, 1))
        await visitor.goto("/sandbox")
        await look(visitor, "Sandbox mailbox")
        await visitor.locator("main a[href^='/sandbox/']").first.click()
        await look(visitor, "Please confirm")
        link = re.search(r"/confirm/[\w.\-]+", await visitor.content())
        assert link
        await visitor.goto(link[0])
        await look(visitor, "Your 2 letters are ready")
        await visitor.click("text=Send my 2 letters")
        await expect(visitor.locator("h1")).to_have_text("Thank you: your 2 letters are written")
        await until(lambda: arrived(database, 3))
    await visitor.reload()
    await look(visitor, "What became of my letters")
    await expect(visitor.locator(".my-letter")).to_have_count(2)
    await visitor.goto(f"{PAGE}/counts")
    await look(visitor, "Send One Email")


async def fill_in(page: Page) -> None:
    """What a person types; the errors of before are gone once the fields are right."""
    await page.fill("#name", "Mari Mägi")
    await page.fill("#email", "mari@example.org")
    await page.fill("#city", "Tartu")
    await page.select_option("#country", "EE")
    for country in ("EE", "PL", "FI"):
        await page.uncheck(f"input[name=countries][value={country}]")
    await page.fill("#own_words", "My grandfather cleared mines.")
    await page.check("#consent")


async def arrived(database: Database, messages: int) -> bool:
    return len(await all_of(database, SandboxMessage)) == messages


async def test_with_scripts_the_letters_follow_what_is_typed(
    windows: Windows, alert: Alert
) -> None:
    page = await windows.open(PAGE, width=360)
    await expect(page.locator("#letters")).to_contain_text("Your 5 letters")
    await expect(page.locator("text=Show my letters")).to_be_hidden()
    await page.fill("#own_words", "Typed just now. {{ 7*7 }}")
    await expect(page.locator("#letters .sheet-body").first).to_contain_text(
        "Typed just now. {{ 7*7 }}"
    )
    await page.uncheck("input[name=countries][value=EE]")
    await expect(page.locator("#letters")).to_contain_text("Your 4 letters")
    assert await page.input_value("#own_words") == "Typed just now. {{ 7*7 }}"


async def test_without_javascript_a_button_shows_the_letters_and_keeps_the_form(
    plain_page: Page, alert: Alert
) -> None:
    await plain_page.goto(PAGE)
    await plain_page.fill("#own_words", "Typed without scripts.")
    await plain_page.click("text=Show my letters")
    await expect(plain_page.locator("#letters .sheet-body").first).to_contain_text(
        "Typed without scripts."
    )
    assert await plain_page.input_value("#own_words") == "Typed without scripts."
    assert plain_page.url.endswith("/preview#letters")


async def test_the_guide_has_texts_that_can_be_copied(
    windows: Windows, database: Database, alert: Alert
) -> None:
    page = await windows.open()
    async with database.transaction() as session:
        folder = ROOT / "templates" / "letters" / "urgent-action-request"
        await packs.put(session, packs.load_folder(folder), organisation_id=1)
    await page.goto("/alerts/urgent-action-request")
    await look(page, "Urgent action request")
    await expect(page.locator("text=Copy this text")).to_have_count(8)
    assert "{url}" not in await page.content()


async def test_a_closed_and_a_made_up_alert_say_so(windows: Windows, database: Database) -> None:
    page = await windows.open()
    async with database.transaction() as session:
        await imports.write(session, imports.read(ROOT / "contacts" / "example.csv"))
        pack = packs.load_folder(ROOT / "templates" / "letters" / "example")
        made = await packs.put(session, pack, organisation_id=1)
        made.state = "closed"
    await page.goto("/alerts/example")
    await look(page, "Example")
    await expect(page.locator(".eyebrow")).to_contain_text("everything here is made up")
    await expect(page.locator("#closed")).to_have_text("This action has ended")
