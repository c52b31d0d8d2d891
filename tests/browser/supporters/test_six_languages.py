"""Every supporter page in six languages: on small and large screens, by day, by night, on paper."""

from typing import Any

import pytest
from playwright.async_api import Page

from app.languages import LANGUAGES
from tests.browser.supporters.conftest import visit
from tests.grounds.browser.layout import reads_well
from tests.grounds.browser.windows import ALL_RULES, Windows, axe
from tests.grounds.pages.supporters import Visited

LONGEST = "fi"  # whose words are the longest; it meets the rarer shapes of a page too
# beyond what axe looks at by itself: text at 7:1, and targets that a finger meets
STRICTLY: dict[str, Any] = ALL_RULES | {
    "rules": {"color-contrast-enhanced": {"enabled": True}, "target-size": {"enabled": True}}
}
# A page is made of the same elements and colours in every language, but for what is said where
# nobody has read a translation yet: the source and the longest are looked at in full, the others
# in all that words alone can break, which is the language itself, names, and how wide things are.
IN_FULL = ("en", LONGEST)
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
COLOURS: dict[str, Any] = ALL_RULES | {"runOnly": ["color-contrast", "color-contrast-enhanced"]}
ONLY_ON_A_SCREEN = """() => [...document.querySelectorAll('nav, button, .button, input, select')]
  .filter(one => one.checkVisibility()).map(one => one.outerHTML.slice(0, 100))"""


@pytest.mark.parametrize("half", [0, 1])  # of the pages, so that no test is long
@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_page_fits_shuts_nobody_out_and_can_be_read(
    windows: Windows, pages: list[Visited], served: str, language: str, half: int
) -> None:
    page = await windows.open(width=360, locale=language)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    shapes = [one for one in pages if language == LONGEST or not one.like]
    for visited in shapes[half::2]:
        await visit(page, visited)
        assert await page.get_attribute("html", "lang") == language
        await reads_well(page)
        await axe(page, STRICTLY if language in IN_FULL else BY_WORDS)
        if language == LONGEST:
            await by_night_and_on_paper(page, visited)
    assert len(asked) > len(shapes)
    assert [url for url in asked if not url.startswith((f"{served}/", "data:"))] == []


async def by_night_and_on_paper(page: Page, visited: Visited) -> None:
    """Its colours in the dark; on paper nothing that can only be pressed."""
    await page.emulate_media(color_scheme="dark")
    await axe(page, COLOURS)
    await page.emulate_media(color_scheme="light", media="print")
    assert await page.evaluate(ONLY_ON_A_SCREEN) == [], visited.name
    assert await page.locator("h1").is_visible()
    await page.emulate_media(media="screen")
