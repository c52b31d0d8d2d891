"""From a fresh organisation to a published alert, by the keyboard, with and without JavaScript."""

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from app.accounts import organisers
from app.db import Database
from app.models import Role
from tests.grounds.browser.keyboard import Keyboard
from tests.grounds.browser.windows import Windows, looks_right
from tests.grounds.desk import PASSWORD

LIIS = "liis@example.org"
GAPS = {  # what stands in square brackets in a new letter → what Liis writes
    "subjects.1": "A letter from {{ city }} about antipersonnel mines",
    "asks.open": "- declare that Estonia will not use antipersonnel mines.",
}


@pytest_asyncio.fixture(loop_scope="session")
async def liis(database: Database) -> str:
    """The first organiser of an organisation that has nothing else."""
    async with database.transaction() as session:
        await organisers.add(session, email=LIIS, name="Liis", password=PASSWORD, role=Role.OWNER)
    return LIIS


@pytest.mark.parametrize(
    "javascript",
    [
        pytest.param(True, id="scripts", marks=pytest.mark.thorough),
        pytest.param(False, id="no scripts"),
    ],
)
async def test_from_nothing_to_a_published_alert(
    windows: Windows, liis: str, javascript: bool
) -> None:
    page = await windows.open("/organise", javascript=javascript)
    hands = Keyboard(page, scripts=javascript)
    await hands.fill("#email", liis)
    await hands.fill("#password", PASSWORD)
    await hands.press("main button")
    await _add_an_office(page, hands)
    await _begin(page, hands)
    if javascript:
        await looks_right(page)
    await _write_the_page(page, hands)
    await _write_the_letter(page, hands)
    if javascript:
        await looks_right(page)
    await _publish(page, hands)
    await page.goto("/alerts/no-mines-in-estonia")
    await expect(page.locator("h1")).to_have_text("No mines in Estonia")
    await expect(page.locator("main")).to_contain_text("Estonia can still decide")
    await expect(page.locator("form [name=own_words]")).to_be_visible()


async def _add_an_office(page: Page, hands: Keyboard) -> None:
    """The directory of a fresh installation is empty."""
    await hands.press("nav a[href='/organise/contacts']")
    await hands.press("main a[href='/organise/contacts/offices/new']")
    await hands.choose("#country", "Estonia")
    await hands.fill("#office", "Prime Minister")
    await hands.choose("#role", "head of government")
    await hands.fill("#institution", "Government Office")
    await hands.fill("#email", "prime.minister@example.org")
    await hands.fill("#languages", "et en")
    await hands.choose("#evidence", "an off")
    await hands.fill("#source_url", "https://example.org/contact")
    await hands.press("main form button")
    await hands.fill("#source", "https://example.org/contact")
    await hands.press("form[action$='/check'] button")
    await expect(page.locator("[role=status]").first).to_contain_text("check is noted")


async def _begin(page: Page, hands: Keyboard) -> None:
    await hands.press("nav a[href='/organise']")
    await hands.press("main a[href='/organise/alerts/new']")
    await hands.fill("#title", "No mines in Estonia")
    await hands.fill("#campaign_title", "Estonia without mines")
    await hands.fill("#aim", "Estonia decides never to lay a mine.")
    await hands.press("form.beginning button")
    await expect(page).to_have_url("/organise/alerts/no-mines-in-estonia/edit")


async def _write_the_page(page: Page, hands: Keyboard) -> None:
    await hands.fill("#call-summary", "One letter to the Prime Minister of Estonia.")
    await hands.fill("#call-body", "Estonia can still decide never to lay a mine.")
    await hands.press("#call button")
    await hands.choose("#countries-add", "Estonia")
    await hands.press("#countries .add button")
    await hands.press("#standing button")
    await expect(page.locator("#standing")).to_contain_text("Open")


async def _write_the_letter(page: Page, hands: Keyboard) -> None:
    await hands.press("#letters a[href$='/EE.en']")
    for place, text in GAPS.items():
        await hands.fill(f"[name='{place}']", text)
    await hands.tick("[name=reviewed]")
    await hands.press("#letter p.save button")
    await expect(page.locator("[role=status]").first).to_contain_text("Saved")
    letter = page.frame_locator("#sample-letter")
    await expect(letter.locator("body")).to_contain_text("will not use antipersonnel mines")


async def _publish(page: Page, hands: Keyboard) -> None:
    await page.goto("/organise/alerts/no-mines-in-estonia/edit")
    await hands.press("#before a.button")
    await hands.press("form[action$='/test-letters'] button")
    await expect(page.locator("main")).to_contain_text("left for")
    await hands.press("main a[href$='/publish']")
    await hands.press("form[action$='/publish'] button")
    await expect(page.locator("main")).to_contain_text("It is published")
