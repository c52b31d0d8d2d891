"""A real Chromium for the pages: found, opened at a width, and listened to for errors."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from tests.grounds.browser.setup import installed

# Playwright's own list is lost where there is another: what it keeps from happening in a test is
# here again, beside the popups of the address bar, which cost a quarter of a visit to a page
WITHOUT = (
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup"),
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "PaintHolding"),
    *("HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable", "ThirdPartyStoragePartitioning"),
    *("AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints", "NetworkTimeServiceQuerying"),
    *("AimEnabled", "PreconnectToSearch", "LensOverlay", "MediaRouter"),
)
ARGUMENTS = (
    f"--disable-features={','.join(WITHOUT)}",
    "--disable-background-networking",
    "--disable-component-update",
    # each page in a process of its own takes as long again
    "--renderer-process-limit=1",
    "--process-per-site",
    "--disable-site-isolation-trials",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
# all else that it could tell of takes most of its time
ALL_RULES = {"resultTypes": ["violations"]}
# the one of its rules that goes by how wide things are, and not by what they are and show
BY_WIDTH = ALL_RULES | {"runOnly": ["scrollable-region-focusable"]}
FIND_VIOLATIONS = "options => axe.run(options).then(found => found.violations)"
# what shows, where, and in which colours
SHOWN = """() => [...document.querySelectorAll('body, body *')].map(one => {
  const {color, backgroundColor, backgroundImage, opacity, position} = getComputedStyle(one);
  const worn = [color, backgroundColor, backgroundImage, opacity, position];
  return one.checkVisibility() && worn.join()
}).join('|')"""
PATIENCE = 20_000  # ms, for a machine that does other things as well
WIDTHS = {360: 740, 1280: 900}  # an old phone, a desk


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """The system's Chromium, or the one that Playwright keeps when there is no other."""
    root = os.geteuid() == 0
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=installed(),
            args=[*ARGUMENTS, *(["--no-sandbox"] if root else [])],
        )
        yield browser
        await browser.close()


@dataclass
class Windows:
    """Opens pages for one test, remembers what went wrong in them, and closes them."""

    browser: Browser
    address: str
    errors: list[str] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)

    async def open(
        self, path: str = "", *, width: int = 1280, javascript: bool = True, **context: Any
    ) -> Page:
        """A new visitor's page; with a path, already there. `context`: Playwright's options."""
        opened = await self.browser.new_context(
            base_url=self.address,
            viewport={"width": width, "height": WIDTHS.get(width, 900)},
            java_script_enabled=javascript,
            **context,
        )
        opened.set_default_timeout(PATIENCE)
        self._contexts.append(opened)
        page = await opened.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._listen)
        if path:
            await page.goto(path)
        return page

    def _listen(self, message: Any) -> None:
        # a refused form is an answer of ours, not a fault of the page
        if message.type == "error" and "the server responded with a status" not in message.text:
            self.errors.append(message.text)

    async def close(self) -> None:
        for context in self._contexts:
            await context.close()


async def axe(page: Page, options: dict[str, Any] = ALL_RULES) -> None:
    """Fail with the rule, the place and the reason if axe finds that a page shuts people out.

    axe is a script: it runs for ever in a page without JavaScript. Raises TimeoutError.
    """
    async with asyncio.timeout(30):
        if not await page.evaluate("'axe' in window"):  # half a megabyte of script, once a page
            await page.evaluate(AXE_SCRIPT)
        found = await page.evaluate(FIND_VIOLATIONS, options)
    lines = [
        f"{rule['id']} ({rule['impact']}): {rule['help']}\n    {node['target']}\n    {node['html']}"
        f"\n    {node.get('failureSummary', '')}"
        for rule in found
        for node in rule["nodes"]
    ]
    assert not lines, f"{page.url}\n" + "\n".join(lines)


async def looks_right(page: Page) -> None:
    """It fits and shuts nobody out, on a phone and on a desk, with everything unfolded."""
    await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    before = ""
    for width, height in sorted(WIDTHS.items()):  # letters are smallest on the phone
        await page.set_viewport_size({"width": width, "height": height})
        await fits(page)
        shown = await page.evaluate(SHOWN)
        await axe(page, BY_WIDTH if shown == before else ALL_RULES)
        before = shown


async def fits(page: Page) -> None:
    """Fail if the page must be pushed sideways to be read."""
    widths = await page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert widths[0] <= widths[1], f"{page.url} is {widths[0]} px wide in a {widths[1]} px window"
