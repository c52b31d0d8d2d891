"""The alert's page on an old phone: light and at once, in few steps, without scripts or a mouse."""

from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from app.db import Database
from app.models import Alert, Submission
from app.settings import Settings
from app.tokens import CONFIRM, link_token
from tests.grounds.alerts import mine_ban
from tests.grounds.browser.windows import Windows, fits
from tests.grounds.pages.supporters import ALERT
from tests.grounds.rows import all_of, statuses

FIRST_VISIT = 60_000  # bytes on the line, without the script of the preview
REQUESTS = 6
MUST_BE_FILLED = 6
# what moved by itself while the page came
WATCH = """() => {
  window.moved = [];
  new PerformanceObserver(list => window.moved.push(...list.getEntries().map(one => one.value)))
    .observe({type: 'layout-shift', buffered: true});
}"""
# the controls of the form, and what has the focus: both by what they are, and where they stand
SAID = """one => [one.tagName, one.name || one.href || one.className, one.value,
  [...document.querySelectorAll('*')].indexOf(one)].join(' ')"""
IN_ORDER = f"""() => [...document.querySelectorAll(
    '#writing :is(a[href], button, input, select, textarea, summary)')]
  .filter(one => one.tabIndex >= 0 && one.type !== 'hidden' && one.checkVisibility()).map({SAID})"""
FOCUSED = f"""() => {{
  const style = getComputedStyle(document.activeElement);
  const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  return {{said: ({SAID})(document.activeElement), ring: ring ? 'seen' : 'none'}};
}}"""


@pytest_asyncio.fixture(loop_scope="session")
async def alert(database: Database, furnished: None) -> Alert:
    return await mine_ban(database)


class Line:
    """What comes over the line to a page: bytes as they were sent, by address."""

    def __init__(self) -> None:
        self.addresses: dict[str, str] = {}
        self.bytes: dict[str, int] = {}

    async def listen(self, page: Page) -> None:
        session = await page.context.new_cdp_session(page)
        session.on("Network.responseReceived", self._began)
        session.on("Network.loadingFinished", self._ended)
        await session.send("Network.enable")

    def _began(self, told: dict[str, Any]) -> None:
        self.addresses[told["requestId"]] = told["response"]["url"]

    def _ended(self, told: dict[str, Any]) -> None:
        self.bytes[self.addresses[told["requestId"]]] = told["encodedDataLength"]


@pytest.mark.parametrize("language", ["en", "lv"])
async def test_a_first_visit_is_light_and_nothing_moves_while_it_comes(
    windows: Windows, alert: Alert, language: str
) -> None:
    page = await windows.open(width=360, locale=language)
    line = Line()
    await line.listen(page)
    await page.add_init_script(f"({WATCH})()")
    await page.goto(ALERT)
    await expect(page.locator("html")).to_have_class("with-script")
    await page.wait_for_timeout(300)
    without_preview = {url: n for url, n in line.bytes.items() if not url.endswith("/preview.js")}
    assert sum(without_preview.values()) < FIRST_VISIT, line.bytes
    assert len(line.bytes) <= REQUESTS, line.bytes
    assert sum(await page.evaluate("window.moved")) == 0


async def test_what_a_search_engine_and_a_second_visit_need_is_there(
    windows: Windows, alert: Alert
) -> None:
    page = await windows.open(width=360, locale="lv")
    answers: dict[str, dict[str, str]] = {}
    page.on("response", lambda one: answers.update({one.url: one.headers}))
    await page.goto(ALERT)
    assert await page.evaluate("document.doctype.name + document.compatMode") == "htmlCSS1Compat"
    description = await page.get_attribute("meta[name=description]", "content")
    assert description
    assert len(description) > 50
    viewport = await page.get_attribute("meta[name=viewport]", "content")
    assert viewport == "width=device-width, initial-scale=1"
    kept = {url: headers for url, headers in answers.items() if "/static/" in url}
    assert len(kept) >= 3
    assert all("immutable" in headers["cache-control"] for headers in kept.values())
    texts = [one for one in answers.values() if int(one.get("content-length", 2000)) > 1000]
    assert all(one.get("content-encoding") == "gzip" for one in texts)
    small = await page.evaluate(
        "[...document.querySelectorAll('main *')].filter(one => one.checkVisibility()"
        " && parseFloat(getComputedStyle(one).fontSize) < 14).length"
    )
    assert small == 0


async def test_from_the_link_to_look_in_your_mail_are_six_fields_and_one_press(
    windows: Windows, alert: Alert, database: Database
) -> None:
    page = await windows.open(ALERT, width=360)
    required = page.locator("#writing :is(input, select, textarea)[required]")
    names = [await one.get_attribute("name") for one in await required.all()]
    assert names == ["name", "email", "city", "country", "consent"]
    assert len(names) <= MUST_BE_FILLED
    for name in ("name", "email", "city"):
        await page.fill(f"#{name}", {"email": "mari@example.org"}.get(name, "Mari"))
    await page.select_option("#country", "EE")
    await page.check("#consent")
    await page.click(".consent button")
    await page.wait_for_url("**/look-in-your-mail**")
    assert await statuses(database) == {"held": 5}


async def test_by_keys_alone_every_control_of_the_form_is_met_in_its_order(
    windows: Windows, alert: Alert
) -> None:
    page = await windows.open(ALERT, width=360)
    await expect(page.locator("html")).to_have_class("with-script")
    wanted = await page.evaluate(IN_ORDER)
    assert len(wanted) > 15
    await page.focus("#main a.button")
    met: list[dict[str, str]] = []
    while not met or met[-1]["said"] != wanted[-1]:
        await page.keyboard.press("Tab")
        met.append(await page.evaluate(FOCUSED))
        assert len(met) < 150
    assert [one["said"] for one in met if one["said"] in wanted] == wanted
    assert [one["said"] for one in met if one["ring"] == "none"] == []


@pytest.mark.parametrize("status", [429, 500])
async def test_letters_that_cannot_be_had_beside_the_form_are_had_with_its_button(
    windows: Windows, alert: Alert, status: int
) -> None:
    page = await windows.open(ALERT, width=360)
    button = page.locator(".without-script button")
    await expect(button).to_be_hidden()
    await page.route("**/preview*", lambda route: route.fulfill(status=status, body="no"))
    await page.fill("#name", "Līga")
    await expect(button).to_be_visible()
    await page.unroute("**/preview*")
    await button.click()
    await expect(page.locator("#letters .sheet-body").first).to_contain_text("Līga")


async def test_without_scripts_the_whole_walk_in_latvian(
    windows: Windows, alert: Alert, database: Database, settings: Settings
) -> None:
    page = await windows.open("/", width=360, javascript=False, locale="lv-LV")
    await page.click(f"a[href='{ALERT}']")
    await fill_in(page)
    await here(page, ".without-script button")
    await expect(page.locator("#letters .sheet-body").first).to_contain_text("Man ir iemesls.")
    assert await page.input_value("#name") == "Līga Bērziņa"
    await here(page, ".consent button")
    await page.wait_for_url("**/look-in-your-mail**")
    await fits(page)
    (kept,) = await all_of(database, Submission)
    assert kept.language == "lv"
    await page.goto(f"/confirm/{link_token(settings, CONFIRM, kept.public_id)}")
    await expect(page.locator(".sheet-body").first).to_contain_text("Man ir iemesls.")
    await here(page, "form.writing-desk button.button:last-of-type")
    await page.wait_for_url("**/letters/**")
    await expect(page.locator(".my-letter")).to_have_count(5)
    assert await page.get_attribute("html", "lang") == "lv"
    await fits(page)
    assert await statuses(database) == {"queued": 5}


async def fill_in(page: Page) -> None:
    typed = {"name": "Līga Bērziņa", "email": "liga@example.org", "city": "Cēsis"}
    for name, text in typed.items():
        await page.fill(f"#{name}", text)
    await page.select_option("#country", "LV")
    await page.fill("#own_words", "Man ir iemesls.")
    await page.check("#consent")


async def here(page: Page, button: str) -> None:
    """The page is in Latvian and fits; its button leads on."""
    assert await page.get_attribute("html", "lang") == "lv"
    await fits(page)
    await page.click(button)
