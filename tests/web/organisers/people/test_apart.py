"""Two organisations on one installation: neither sees or changes what is the other's."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio
from fastapi.routing import APIRoute
from sqlalchemy import select

from app import audit, clock
from app.accounts import api_tokens
from app.db import Database
from app.models import (
    Alert,
    ContactImport,
    Letter,
    Organiser,
    Returned,
    Role,
    SandboxMessage,
    StageMove,
)
from app.settings import Settings
from app.web import ROUTERS
from tests.grounds.alerts import confirmed, mine_ban, submitted
from tests.grounds.desk import token_in
from tests.grounds.rows import all_of
from tests.web.organisers.people.conftest import Browser, MakePerson

# everybody's: the directory of contacts and how fast letters leave; an invitation has its own key
SHARED = ("/organise/pacing/", "/organise/contacts/offices/", "/organise/contacts/export")
SHARED += ("/organise/invitations/", "/organise/outbox/hosts/", "/organise/outbox/contacts/")
NOT_THEIRS = ("send-one-email", "Mine Ban Treaty", "Mari M", "mari@example.org", "anna@example.org")
FORM = {"why": "x", "name": "x", "role": "viewer", "version": "1", "approval": "1"}


@dataclass(frozen=True)
class Foreign:
    """What belongs to the first organisation, by the names that addresses use."""

    values: dict[str, tuple[str, ...]]
    campaign: str
    letter: int
    by_start: dict[str, str]

    def of(self, path: str) -> Iterator[str]:
        """The addresses of a route with the first organisation's names and numbers in it."""
        filled = [path]
        for name in re.findall(r"{(\w+)(?::\w+)?}", path):
            values = self.values.get(name, ())
            if name == "slug" and path.startswith("/organise/campaigns"):
                values = (self.campaign,)
            if name in {"number", "import_id"}:
                start = next(one for one in self.by_start if path.startswith(one))
                values = (self.by_start[start],)
            assert values, f"{path}: say whose {{{name}}} is"
            filled = [re.sub(rf"{{{name}[^}}]*}}", v, one) for one in filled for v in values]
        for one in filled:
            places = one.replace("/letters/send-one-email", f"/letters/{self.letter}")
            yield places


def routes(method: str) -> list[str]:
    return [
        route.path
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        and route.path.startswith("/organise")
        and method in route.methods
    ]


def rows(
    alert: Alert, anna: Organiser, letter: int
) -> dict[str, Returned | StageMove | ContactImport]:
    """A row of each kind that pages call by its number, by how their addresses begin."""
    now = clock.now()
    moved = StageMove(
        campaign_id=alert.campaign_id,
        country="EE",
        from_stage="announced",
        to_stage="voted",
        at=now,
        by=anna.email,
    )
    read = ContactImport(
        organiser_id=anna.id,
        file_name="mari@example.org.csv",
        at=now,
        ready_at=now,
        rows=[],
        refused=[],
    )
    returned = Returned(received_at=now, kind="unclear", letter_id=letter, raw=b"Mari")
    return {
        "/organise/returns": returned,
        "/organise/stage-moves": moved,
        "/organise/contacts/imports": read,
    }


@pytest_asyncio.fixture
async def foreign(
    furnished: None, anna: Organiser, database: Database, settings: Settings
) -> Foreign:
    """An alert with a supporter, a letter, a returned message, a token and a line on record."""
    alert = await mine_ban(database)
    submission = await submitted(database, settings, alert)
    await confirmed(database, settings, submission.public_id)
    async with database.transaction() as session:
        letter = (await session.scalars(select(Letter.id).limit(1))).one()
        _, token = await api_tokens.make(session, anna, name="x", scopes=["alerts:read"])
        await audit.note(session, anna.email, f"Froze the alert “{alert.slug}”: x")
        await audit.note(session, "contacts import", "estonia.csv was taken: mari@example.org")
        made = rows(alert, anna, letter)
        session.add_all(made.values())
        await session.flush()
    values = {
        "slug": (alert.slug,),
        "kind": ("letters", "alerts"),
        "ref": (alert.slug,),
        "organiser_id": (str(anna.id),),
        "act": ("role", "disable", "again", "reset-second-factor"),
        "token_id": (str(token.id),),
        "name": ("call",),
        "country": ("EE",),
        "language": ("et",),
    }
    numbers = {start: str(row.id) for start, row in made.items()}
    return Foreign(values, alert.campaign.slug, letter, numbers)


@pytest_asyncio.fixture
async def olga_in(browser: Browser, person: MakePerson, other: int) -> httpx.AsyncClient:
    """The owner of the other organisation."""
    return await browser(await person("olga@other.example", Role.OWNER, other))


async def test_no_page_of_another_organisation_opens(
    foreign: Foreign, olga_in: httpx.AsyncClient
) -> None:
    asked = {
        address: (await olga_in.get(address)).status_code
        for path in routes("GET")
        if "{" in path and not path.startswith(SHARED)
        for address in foreign.of(path)
    }
    assert len(asked) >= 8
    assert {address: status for address, status in asked.items() if status != 404} == {}


async def test_no_form_of_another_organisation_is_taken(
    foreign: Foreign, olga_in: httpx.AsyncClient, database: Database
) -> None:
    before = await everything(database)
    form = FORM | {"form_token": token_in((await olga_in.get("/organise/people")).text)}
    asked = {
        address: (await olga_in.post(address, data=form)).status_code
        for path in routes("POST")
        if "{" in path and not path.startswith(SHARED)
        for address in foreign.of(path)
    }
    assert len(asked) >= 8
    assert {address: status for address, status in asked.items() if status != 404} == {}
    assert await everything(database) == before


async def everything(database: Database) -> list[tuple[object, ...]]:
    letters = [(one.id, one.status) for one in await all_of(database, Letter)]
    alerts = [(one.id, one.state, one.title) for one in await all_of(database, Alert)]
    people = [(one.id, one.role, one.disabled_at) for one in await all_of(database, Organiser)]
    return [*letters, *alerts, *people]


async def test_no_page_of_ones_own_names_anything_of_another_organisation(
    foreign: Foreign, olga_in: httpx.AsyncClient
) -> None:
    for path in routes("GET"):
        if "{" in path:
            continue
        page = (await olga_in.get(path)).text
        assert [word for word in NOT_THEIRS if word in page] == [], path


async def test_the_first_organisation_sees_what_is_its_own(
    foreign: Foreign, anna_in: httpx.AsyncClient
) -> None:
    """Or the tests above could not fail."""
    assert "send-one-email" in (await anna_in.get("/organise")).text
    page = (await anna_in.get("/organise/people/audit")).text
    assert "Froze the alert" in page
    assert "estonia.csv was taken" in page
    for path in ("alerts/send-one-email/counts", f"outbox/letters/{foreign.letter}"):
        assert (await anna_in.get(f"/organise/{path}")).status_code == 200


@pytest.fixture
async def messages(database: Database, foreign: Foreign, other: int) -> dict[str, int]:
    async with database.transaction() as session:
        made = {
            name: SandboxMessage(
                organisation_id=whose,
                received_at=clock.now(),
                mail_from="letters@letters.example",
                rcpt_to="pm@office.example",
                subject=f"Of {name}",
                message_id=f"<{name}@letters.example>",
                raw=b"Subject: x\r\n\r\nx\r\n",
            )
            for name, whose in {"first": 1, "other": other, "nobody": None}.items()
        }
        session.add_all(made.values())
        await session.flush()
        return {name: one.id for name, one in made.items()}


async def test_the_sandbox_shows_each_organisation_its_own_and_this_machine_all(
    messages: dict[str, int],
    olga_in: httpx.AsyncClient,
    anna_in: httpx.AsyncClient,
    client: httpx.AsyncClient,
) -> None:
    seen = {"olga": olga_in, "anna": anna_in, "machine": client}
    expected = {
        "olga": {"other"},
        "anna": {"first", "nobody"},
        "machine": {"first", "other", "nobody"},
    }
    for who, browser in seen.items():
        page = (await browser.get("/sandbox")).text
        assert {name for name in messages if f"Of {name}" in page} == expected[who]
        listed = (await browser.get("/api/v1/sandbox/messages")).json()
        assert {line["subject"][3:] for line in listed} == expected[who]
        for name, number in messages.items():
            status = 200 if name in expected[who] else 404
            for path in (f"/sandbox/{number}", f"/sandbox/{number}/raw"):
                assert (await browser.get(path)).status_code == status
            api = await browser.get(f"/api/v1/sandbox/messages/{number}")
            assert api.status_code == status
