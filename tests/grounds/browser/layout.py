"""Whether a page can be read at a width: nothing cut off, nothing over another thing."""

from playwright.async_api import Page

# px: the narrowest phones, an old phone, a desk of 1280 px zoomed to 200 %, a tablet, a desk.
# A browser lays out a page that is zoomed to 200 % as one in a window half as wide.
# Each is a window of its own to the browser: it ends at the one that a page is opened in.
WIDTHS = (1280, 768, 640, 320, 360)
FAULTS = """() => {
  const wide = document.documentElement.clientWidth, found = [];
  const named = one => one.outerHTML.slice(0, 110);
  const hidden = one => one.closest('.visually-hidden, .skip, .not-for-people, thead');
  const shown = [...document.querySelectorAll('body *')].filter(one =>
    one.checkVisibility() && !hidden(one));
  for (const one of shown) {
    const style = getComputedStyle(one), box = one.getBoundingClientRect();
    const cut = style.overflowX !== 'visible' && style.overflowX !== 'auto';
    if (cut && one.scrollWidth > one.clientWidth + 1 && !one.matches('input, select, textarea'))
      found.push('cut off: ' + named(one));
    if (box.right > wide + 1 && !one.closest('.scroll'))
      found.push('beyond the edge: ' + named(one));
  }
  const kinds = 'a[href], button, input, select, textarea, summary';
  const controls = shown.filter(one => one.matches(kinds));
  const boxes = controls.map(one => [...one.getClientRects()].filter(box => box.width));
  for (let n = 0; n < controls.length; n++) for (let m = n + 1; m < controls.length; m++) {
    if (controls[n].contains(controls[m])) continue;
    for (const a of boxes[n]) for (const b of boxes[m]) {
      const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (x > 1 && y > 1 && Math.min(y / a.height, y / b.height) > .25)
        found.push('over each other: ' + named(controls[n]) + ' and ' + named(controls[m]));
    }
  }
  return found;
}"""
TEXT_TWICE_AS_LARGE = "of => document.documentElement.style.fontSize = of"


async def reads_well(page: Page) -> None:
    """At every width, and with the text alone at 200 % on a desk. Leaves the page at a phone's."""
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 740})
        await _nothing_wrong(page, f"{width} px")
        if width == WIDTHS[0]:
            await page.evaluate(TEXT_TWICE_AS_LARGE, "225%")
            await _nothing_wrong(page, "text at 200 %")
            await page.evaluate(TEXT_TWICE_AS_LARGE, "")


async def _nothing_wrong(page: Page, where: str) -> None:
    faults = await page.evaluate(FAULTS)
    assert not faults, f"{page.url} at {where}:\n" + "\n".join(faults[:10])
