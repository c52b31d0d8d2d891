"""The organisers' outbox in a real browser: every page of it looked at, and its forms used."""

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect
from sqlalchemy import update

from app import clock
from app.accounts import organisers
from app.db import Database
from app.models import Contact, Letter, RelayState, Role
from app.outbox import freezes, queue
from app.outbox.pacing import hosts
from tests.grounds.browser.windows import Windows, looks_right
from tests.grounds.desk import PASSWORD
from tests.grounds.letters import make_alert, make_queued_letters

OUTBOX = "/organise/outbox"
BLOCKED = "550 5.7.1 client host [192.0.2.1] blocked; see https://postmaster.example/a/long/path"


@pytest_asyncio.fixture(loop_scope="session")
async def trouble(database: Database) -> None:
    """Letters in the outbox, and one of everything that needs a person."""
    async with database.transaction() as session:
        liis = {"email": "liis@example.org", "name": "Liis", "role": Role.ORGANISER}
        await organisers.add(session, password=PASSWORD, **liis)
        made = await make_alert(session)
        await make_queued_letters(session, 6, ground=made)
        await hosts.know(session, [contact.email for contact in made.contacts])
        which = [Letter.id == 1]
        await queue.move(session, which, frm=queue.QUEUED, to=queue.SENDING, by="w")
        await queue.move(session, which, frm=queue.SENDING, to=queue.FAILED, by="w", note="torn")
        await freezes.freeze(session, scope="host", ref=1, why=BLOCKED, by="worker")
        review = {"review_at": clock.now(), "review_why": "550 5.1.1 User unknown"}
        await session.execute(update(Contact).values(review))
        session.add(RelayState(name="relay.example.org:587", failures=3, why="535 5.7.8 no"))


async def enter(page: Page) -> None:
    await page.goto("/organise/sign-in")
    await page.fill("input[type=email]", "liis@example.org")
    await page.fill("input[type=password]", PASSWORD)
    await page.click("main button")


@pytest.mark.thorough
async def test_the_outbox_and_all_it_leads_to(windows: Windows, trouble: None) -> None:
    page = await windows.open()
    await enter(page)
    await expect(page.locator("#attention + ul")).to_contain_text(BLOCKED)
    await looks_right(page)
    await page.click("text=Outbox")
    for path in ("", "/hosts/1", "/contacts/1", "/letters/1", "/letters/2", "/letters/2/cancel"):
        await page.goto(f"{OUTBOX}{path}")
        await looks_right(page)


async def test_letters_are_released_tried_again_and_called_off_without_scripts(
    plain_page: Page, trouble: None
) -> None:
    await enter(plain_page)
    await plain_page.goto(OUTBOX)
    await plain_page.click("text=example.org >> nth=0")
    await plain_page.click("main button:has-text('Release')")
    await expect(plain_page.locator("[role=status]")).to_contain_text("Released")
    await plain_page.click("text=Queue the failed letter again")
    await expect(plain_page.locator("[role=status]")).to_have_text("One letter is queued again.")
    await plain_page.click("text=Call off the 6 letters that wait")
    await plain_page.fill("[name=why]", "The office closed.")
    await plain_page.click("main button")
    await expect(plain_page.locator("[role=status]")).to_have_text("6 letters are called off.")
