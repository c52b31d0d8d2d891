"""A person who uses no mouse: Tab to a control, type, Enter."""

from playwright.async_api import Locator, Page

MOST_TABS = 250
# how many controls lie between the focus and an element, as far as the page itself knows: what is
# in a frame is not counted. A page with a fragment is begun there.
CONTROLS = """
  const kinds = 'a[href],button,input,select,textarea,summary,[tabindex]';
  const all = [...document.querySelectorAll(kinds)]
    .filter(one => one.tabIndex >= 0 && !one.disabled && one.checkVisibility());
  const at = all.indexOf(wanted);
"""
AHEAD = f"""wanted => {{
  {CONTROLS}
  const focused = document.activeElement;
  if (focused?.matches('iframe')) return 1;
  const start = location.hash && document.getElementById(location.hash.slice(1));
  const before = one => start.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_PRECEDING;
  const here = all.includes(focused) || !start
    ? all.indexOf(focused) : all.findLastIndex(before);
  return at >= here ? at - here : at - here + all.length;
}}"""
JUST_BEFORE = f"wanted => {{ {CONTROLS} all[at - 1]?.focus() }}"
FAR = 3


class Keyboard:
    """Drives a page by its keys alone; a control that Tab never reaches fails the test.

    `scripts`: whether the page has any. Nothing else can hold the focus or lead it astray, so
    without them it is the last step to a control that is made with Tab.
    """

    def __init__(self, page: Page, *, scripts: bool = True) -> None:
        self.page = page
        self.scripts = scripts

    async def to(self, selector: str) -> None:
        """Tab until the focus is on it."""
        wanted = self.page.locator(selector).first
        await wanted.wait_for(state="attached")
        for _ in range(MOST_TABS):
            if await self._on(wanted):
                return
            # to ask after every step takes most of a test's time
            steps = int(await wanted.evaluate(AHEAD)) - 1
            if steps > FAR and not self.scripts:
                await wanted.evaluate(JUST_BEFORE)
                steps = 1
            for _ in range(max(1, steps)):
                await self.page.keyboard.press("Tab")
        raise AssertionError(f"{selector} cannot be reached with the keyboard on {self.page.url}")

    async def press(self, selector: str) -> None:
        """A button or a link; waits for the page it leads to."""
        await self.to(selector)
        async with self.page.expect_navigation():
            await self.page.keyboard.press("Enter")

    async def tick(self, selector: str) -> None:
        await self.to(selector)
        await self.page.keyboard.press("Space")

    async def fill(self, selector: str, text: str) -> None:
        """Replaces what stands in a field."""
        await self.to(selector)
        await self.page.keyboard.press("Control+a")
        await self.page.keyboard.insert_text(text)

    async def choose(self, selector: str, beginning: str) -> None:
        """An option of a list, by the first letters of its name."""
        await self.to(selector)
        await self.page.keyboard.type(beginning)

    async def _on(self, wanted: Locator) -> bool:
        return bool(await wanted.evaluate("one => one === document.activeElement"))
