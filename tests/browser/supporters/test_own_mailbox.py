"""Letters opened in people's own mailboxes, in a real browser: touched, copied, counted."""

from playwright.async_api import expect
from sqlalchemy import select, update

from app.db import Database
from app.models import Alert, ToldCount
from tests.grounds.browser.windows import Windows, looks_right


async def told(database: Database) -> int:
    async with database.reading() as session:
        return sum(await session.scalars(select(ToldCount.n)))


async def test_a_touch_counts_the_letter_and_copies_what_its_link_is_too_short_for(
    windows: Windows, database: Database, furnished: None
) -> None:
    page = await windows.open("/alerts/send-one-email", width=360)
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.fill("#name", "Mari Mägi")
    await page.fill("#city", "Tartu")
    await page.select_option("#country", "EE")
    await page.click("text=Send them from my own mailbox")
    await expect(page.locator("h1")).to_have_text("Your 5 letters, from your own mailbox")
    await looks_right(page)
    assert await told(database) == 0
    first, second = page.locator("article").nth(0), page.locator("article").nth(1)
    # nothing of this machine opens mail
    await page.evaluate(
        "addEventListener('click', e => e.target.closest('a') && e.preventDefault())"
    )
    for _ in range(2):
        await first.locator("text=Open in my mail program").click()
    await expect(first.locator("[data-thanks]")).to_have_text("Counted as opened. Thank you.")
    await expect(first.locator("[data-pasted]")).to_contain_text("paste it into the mail")
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied == await first.locator(".sheet-body").text_content()
    assert await told(database) == 1
    await second.locator("text=Copy the text").click()
    await expect(second.locator("[data-thanks]")).to_have_text("Counted as opened. Thank you.")
    await page.locator("article").nth(2).locator("text=I have opened this one").click()
    await expect(page.locator("text=Counted as opened")).to_have_count(3)
    assert page.url.endswith("/own-mailbox")  # the page stayed
    assert await told(database) == 3


async def test_who_goes_back_finds_the_letter_as_they_wrote_it(
    windows: Windows, database: Database, furnished: None
) -> None:
    async with database.transaction() as session:
        await session.execute(update(Alert).values(editable=True))
    page = await windows.open("/alerts/send-one-email", width=360)
    for name in ("name", "city"):
        await page.fill(f"#{name}", "Viljandi")
    await page.select_option("#country", "EE")
    await expect(page.locator("#letters .sheet-body").first).to_contain_text("from Viljandi")
    await page.click("text=Change this letter")
    await page.fill("textarea.whole-letter", "Dear Prime Minister,\n\nmy own.\n\nViljandi")
    await page.click("text=Send them from my own mailbox")
    await expect(page.locator(".sheet-body").first).to_contain_text("my own.")
    await page.go_back()
    kept = page.locator("textarea.whole-letter")
    await expect(kept).to_have_value("Dear Prime Minister,\n\nmy own.\n\nViljandi")
    assert await page.locator("#letters .sheet-body").count() == 4  # the others are ours
    await expect(page.locator("#letters .sheet-body").first).to_contain_text("from Viljandi")
    await page.click("text=Back to our text")
    await expect(kept).to_have_count(0)
    await page.reload()
    await expect(page.locator("html")).to_have_class("with-script")
    await expect(kept).to_have_count(0)
