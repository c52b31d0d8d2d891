"""The table of a supporter's pages has them all."""

import re

from app.db import Database
from app.settings import Settings
from app.web import ROUTERS
from tests.grounds.pages.supporters import everywhere

# of organisers, of programs, and what is no page
OTHERS = ("/organise", "/sandbox", "/docs", "/api", "/static", "/healthz", "/readyz", "/metrics")
NO_PAGES = ("/embed.js", "/picture.png", "/favicon.ico", "/apple-touch-icon.png")
# these lead on to another page
LEADING_ON = (
    "/preview",
    "/own-mailbox",
    "/own-mailbox/opened",
    "/anew",
    "{letter_id}/wrong-address",
)


def pages_of_supporters() -> list[str]:
    """The paths of the routes that answer a GET with a page."""
    return [
        route.path
        for router in ROUTERS
        for route in router.routes
        if "GET" in getattr(route, "methods", ())
        and not route.path.startswith(OTHERS)
        and not route.path.endswith((*NO_PAGES, *LEADING_ON))
    ]


async def test_no_page_is_left_out_of_the_table(
    database: Database, settings: Settings, furnished: None
) -> None:
    table = await everywhere(database, settings)
    assert len({one.name for one in table}) == len(table)
    assert {one.like for one in table} - {""} <= {one.name for one in table}
    visited = [one.path.partition("?")[0] for one in table]
    found = pages_of_supporters()
    assert len(found) > 10
    missing = []
    for path in found:
        shape = re.sub(r"\{[^}]+\}", "[^/]+", path)
        if not any(re.fullmatch(shape, one) for one in visited):
            missing.append(path)
    assert missing == []
