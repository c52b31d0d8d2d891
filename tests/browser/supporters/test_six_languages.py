"""Every supporter page in six languages: on small and large screens, by day, by night, on paper."""

from typing import Any

import pytest
from playwright.async_api import Page

from app.languages import LANGUAGES, SOURCE
from tests.browser.supporters.conftest import Served, visit
from tests.grounds.browser.layout import reads_well
from tests.grounds.browser.windows import ALL_RULES, Windows, axe, fits
from tests.grounds.pages.supporters import Visited

QUICK = "lv"  # the one of `make test`
LONGEST = "fi"  # whose words are the longest; it meets the rarer shapes of a page too
# beyond what axe looks at by itself: text at 7:1, and targets that a finger meets. What is below
# 4.5:1 (large: 3:1) is below 7:1 (4.5:1) too, so that axe's own rule for it finds nothing more.
STRICTLY: dict[str, Any] = ALL_RULES | {
    "rules": {
        "color-contrast": {"enabled": False},
        "color-contrast-enhanced": {"enabled": True},
        "target-size": {"enabled": True},
    }
}
# A page is made of the same elements and colours in every language, but for what is said where
# nobody has read a translation yet: each is looked at in full in the source, the rarer shapes
# in the longest, which says that too, and all else in the longest in what words alone can break,
# which is the language itself, names, and how wide things are. In the others the browser tells
# whether anything has lost its name.
BY_WORDS: dict[str, Any] = ALL_RULES | {
    "runOnly": [
        "html-has-lang",
        "html-lang-valid",
        "html-xml-lang-mismatch",
        "valid-lang",
        "document-title",
        "frame-title",
        "frame-title-unique",
        "page-has-heading-one",
        "empty-heading",
        "empty-table-header",
        "table-duplicate-name",
        "landmark-unique",
        "link-name",
        "button-name",
        "input-button-name",
        "summary-name",
        "label",
        "label-title-only",
        "select-name",
        "aria-input-field-name",
        "aria-meter-name",
        "aria-progressbar-name",
        "image-alt",
        "image-redundant-alt",
        "role-img-alt",
        "svg-img-alt",
        "nested-interactive",
        "link-in-text-block",
        "target-size",
        "scrollable-region-focusable",
    ]
}
NAMELESS = """() => {
  const said = one => one && (one.innerText || one.textContent || '').trim();
  const by = one => (one.getAttribute('aria-labelledby') || '').split(' ')
    .map(id => said(document.getElementById(id))).join('');
  const labelled = one => [...(one.labels || [])].map(said).join('');
  const pressed = one => one.matches('input') ? one.value : said(one) ||
    [...one.querySelectorAll('img, svg')].map(img => img.alt || said(img)).join('');
  const kinds = 'a[href], button, summary, input:not([type=hidden]), select, textarea, iframe, h1';
  const found = [...document.querySelectorAll(kinds)].filter(one => one.checkVisibility() &&
    !one.getAttribute('aria-label') && !by(one) && !labelled(one) && !(one.title || '').trim() &&
    !(one.matches('a, button, summary, h1, input[type=submit]') && pressed(one)));
  const titles = document.title.trim() ? [] : ['the page has no title'];
  return [...titles, ...found.map(one => one.outerHTML.slice(0, 110))];
}"""
COLOURS: dict[str, Any] = ALL_RULES | {"runOnly": ["color-contrast-enhanced"]}
ONLY_ON_A_SCREEN = """() => [...document.querySelectorAll('nav, button, .button, input, select')]
  .filter(one => one.checkVisibility()).map(one => one.outerHTML.slice(0, 100))"""


@pytest.fixture
def served(shown: Served) -> str:
    """No test here changes what the others see."""
    return shown.address


@pytest.mark.parametrize("half", [0, 1])  # of the pages, so that no test is long
@pytest.mark.parametrize(
    "language",
    [one if one == QUICK else pytest.param(one, marks=pytest.mark.thorough) for one in LANGUAGES],
)
async def test_a_page_fits_shuts_nobody_out_and_can_be_read(
    windows: Windows, shown: Served, language: str, half: int
) -> None:
    page = await windows.open(width=360, locale=language)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    shapes = [one for one in shown.pages if language == LONGEST or not one.like]
    for visited in shapes[half::2]:
        await visit(page, visited)
        assert await page.get_attribute("html", "lang") == language
        await reads_well(page)
        if language in (SOURCE, LONGEST):
            await axe(page, STRICTLY if language == SOURCE or visited.like else BY_WORDS)
        assert await page.evaluate(NAMELESS) == [], visited.name
        if language == LONGEST:
            await by_night_and_on_paper(page, visited)
    assert len(asked) > len(shapes)
    assert [url for url in asked if not url.startswith((f"{shown.address}/", "data:"))] == []


async def by_night_and_on_paper(page: Page, visited: Visited) -> None:
    """Its colours in the dark; on paper nothing that can only be pressed."""
    await page.emulate_media(color_scheme="dark")
    await axe(page, COLOURS)
    await page.emulate_media(color_scheme="light", media="print")
    assert await page.evaluate(ONLY_ON_A_SCREEN) == [], visited.name
    assert await page.locator("h1").is_visible()
    await page.emulate_media(media="screen")


@pytest.mark.parametrize("language", [QUICK, pytest.param(LONGEST, marks=pytest.mark.thorough)])
async def test_counts_fit_a_phone_whose_text_is_twice_as_large(
    windows: Windows, shown: Served, language: str
) -> None:
    page = await windows.open(width=360, locale=language)
    (counts,) = [one for one in shown.pages if one.name == "counts"]
    await visit(page, counts)
    assert await page.locator(".way .bar").count() > 1
    await page.evaluate("document.documentElement.style.fontSize = '225%'")  # twice our own
    await fits(page)
