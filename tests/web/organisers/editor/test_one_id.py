"""Each place on a page of the desk has a name of its own, and each label a field."""

from html.parser import HTMLParser

import httpx

from app.db import Database
from app.models import Organiser
from tests.grounds.alerts import MINE_BAN
from tests.grounds.desk import enter

HERE = f"alerts/{MINE_BAN}"
PAGES = (
    "",
    "/alerts/new",
    f"/{HERE}",
    f"/{HERE}/edit",
    f"/{HERE}/publish",
    f"/{HERE}/letters",
    f"/{HERE}/counts",
    f"/{HERE}/share",
    f"/{HERE}/edit/languages/et",
    f"/{HERE}/edit/letters/EE.et?beside=en",
    f"/{HERE}/edit/letters/EE.et/file",
    f"/{HERE}/edit/letters/EE.fi",
    f"/{HERE}/draft/letter",
    "/campaigns",
    "/campaigns/keep-the-mine-ban-treaty/stages",
    "/campaigns/keep-the-mine-ban-treaty/stages/kinds",
    "/campaigns/keep-the-mine-ban-treaty/stages/EE",
    "/contacts",
    "/contacts/suppressed",
    "/contacts/offices/new",
    "/contacts/imports",
    "/outbox",
    "/pacing",
    "/people",
    "/people/me",
    "/people/second-factor",
    "/people/tokens",
    "/people/audit",
    "/returns",
    "/packs",
)


class Names(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.labelled: list[str] = []
        self.fields: set[str] = set()
        self.copies = 0  # inside a template a place is only a pattern
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.copies += tag == "template"
        if self.copies:
            return
        if named := given.get("id"):
            self.ids.append(named)
            if tag in {"input", "select", "textarea", "output", "meter", "progress"}:
                self.fields.add(named)
        if tag == "label" and (of := given.get("for")):
            self.labelled.append(of)

    def handle_endtag(self, tag: str) -> None:
        self.copies -= tag == "template"


async def test_no_place_has_the_name_of_another(
    client: httpx.AsyncClient, mari: Organiser, database: Database, furnished: None
) -> None:
    await enter(client, database, mari)
    wrong = {}
    for path in PAGES:
        answer = await client.get(f"/organise{path}")
        assert answer.status_code == 200, path
        names = Names(answer.text)
        twice = {one for one in names.ids if names.ids.count(one) > 1}
        if lost := twice.union(names.labelled) - (names.fields - twice):
            wrong[path] = lost
    assert wrong == {}
