"""My letters in a real browser: a change arrives while one looks, and takes nothing away."""

import pytest
import pytest_asyncio
from playwright.async_api import expect

from app.campaigns import packs
from app.db import Database
from app.models import Submission
from app.outbox import queue
from app.settings import Settings
from app.tokens import LETTERS, link_token
from tests.grounds.alerts import ROOT
from tests.grounds.browser.windows import Windows, looks_right
from tests.grounds.letters import make_alert
from tests.outbox.one_form import attempt, end, make_form

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def mine(database: Database) -> tuple[Submission, list[int]]:
    """Three letters: one left and was answered by a server, two wait."""
    async with database.transaction() as session:
        made = await make_alert(session, targets=3)
        submission, letters = await make_form(session, made, delivery="sandbox")
        await attempt(session, letters[0], "taken")
        await end(session, letters[0], queue.ACCEPTED)
    return submission, letters


async def test_a_change_arrives_without_a_reload_and_takes_nothing_away(
    windows: Windows,
    database: Database,
    settings: Settings,
    mine: tuple[Submission, list[int]],
) -> None:
    submission, (first, second, _) = mine
    page = await windows.open(width=360)
    await page.clock.install()
    await page.goto(f"/letters/{link_token(settings, LETTERS, submission.public_id)}")
    await expect(page.locator("[data-part=summary]")).to_contain_text("1 of 3")
    await page.evaluate("window.same = true")
    answered = page.locator(f"#letter-{first}")
    await answered.locator("[data-part=receipt] > summary").click()
    await answered.locator("[data-part=answer] > summary").click()
    changing = page.locator(f"#letter-{second}")
    await changing.locator("[data-part=receipt] > summary").click()
    await page.fill(f"#on-{first}", "2026-03-18")
    async with database.transaction() as session:
        await attempt(session, second, "rejected", code=550, reply="5.1.1 nobody")
        await end(session, second, queue.REJECTED)
    await page.clock.fast_forward(6_000)
    await expect(changing.locator(".status > summary")).to_have_text("Refused")
    await expect(changing.locator("[data-part=receipt]")).to_have_attribute("open", "")
    await expect(changing.locator("code").first).to_have_text("550 5.1.1 nobody")
    await expect(changing.locator("[data-part=withdraw]")).to_have_count(0)
    await expect(page.locator("#news")).to_contain_text("Estonia: Refused")
    await expect(page.locator(f"#on-{first}")).to_have_value("2026-03-18")
    await expect(page.locator(f"#on-{first}")).to_be_focused()
    await expect(answered.locator("[data-part=receipt]")).to_have_attribute("open", "")
    assert await page.evaluate("window.same")
    await looks_right(page)


@pytest.mark.thorough
async def test_the_pages_around_it_shut_nobody_out(
    windows: Windows, settings: Settings, database: Database, furnished: None
) -> None:
    async with database.transaction() as session:
        guide = packs.load_folder(ROOT / "templates" / "letters" / "urgent-action-request")
        await packs.put(session, guide, organisation_id=1)
        made = await make_alert(session, targets=1)
        submission, _ = await make_form(session, made)
    token = link_token(settings, LETTERS, submission.public_id)
    page = await windows.open()
    for path in (
        f"/letters/{token}/forget",
        f"/letters/{token}/forgotten",
        "/alerts/send-one-email/share",
        "/alerts/send-one-email/share/mastodon?text=1&server=masto.example",
        "/alerts/urgent-action-request",
    ):
        await page.goto(path)
        await looks_right(page)
