"""What holds on every page that anybody may open: it fits, shuts nobody out, needs no script."""

import pytest
from playwright.async_api import Page

from tests.grounds.browser.windows import Windows, fits, looks_right

PATHS = ["/", "/docs", "/no/such/page"]  # the walks look at the others


@pytest.mark.thorough
@pytest.mark.parametrize("path", PATHS)
async def test_it_fits_shuts_nobody_out_and_asks_nobody_else(
    windows: Windows, served: str, path: str
) -> None:
    page = await windows.open(width=360)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    response = await page.goto(path)
    assert response is not None
    assert response.status == (404 if path == "/no/such/page" else 200)
    assert [url for url in asked if not url.startswith((f"{served}/", "data:"))] == []
    await looks_right(page)


@pytest.mark.parametrize("path", PATHS)
async def test_it_says_the_same_without_scripts(
    windows: Windows, plain_page: Page, path: str
) -> None:
    page = await windows.open(path, width=360)
    await plain_page.goto(path)
    assert await plain_page.inner_text("h1") == await page.inner_text("h1")
    await fits(plain_page)
