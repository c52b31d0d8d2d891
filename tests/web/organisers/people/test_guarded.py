"""Who gets no further than the door, and what nobody brings through it."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import select
from starlette.types import Message

from app import clock
from app.accounts import api_tokens, sign_in
from app.db import Database
from app.models import Alert, AlertState, Notice, Organiser, Role, SandboxMessage
from app.outbox import notices
from app.settings import Settings
from app.web import ROUTERS, armour
from app.web.gate import COOKIE
from tests.grounds.alerts import mine_ban
from tests.grounds.databases import both
from tests.grounds.desk import enter, token_in

MORE = armour.LARGEST_BODY + 1
IMPORT = "/api/v1/contacts/import"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# what is posted before somebody has signed in, or is only just doing so
DOORS = ("/organise/sign-in", "/organise/sign-in/code", "/organise/invitations/{token}")
# whose page tells by itself that the sign-in is another, with the text that was typed
TELLS_ITSELF = "token_holds"
ONES_OWN = ("/organise/sign-out", "/organise/people/me", "/organise/people/second-factor")
ONES_OWN += ("/organise/people/tokens",)


@pytest_asyncio.fixture
async def desk(client: httpx.AsyncClient, database: Database, mari: Organiser) -> httpx.AsyncClient:
    await enter(client, database, mari)
    return client


@pytest_asyncio.fixture
async def secret(database: Database, mari: Organiser) -> str:
    """Of an API token that may take contact files."""
    async with database.transaction() as session:
        made = await api_tokens.make(session, mari, name="test", scopes=["contacts:write"])
    return made[0]


# ── every form ──────────────────────────────────────────────────────────────────────────────


def called(route: APIRoute) -> set[str]:
    """The names of all that stands before a route."""
    found, left = set[str](), list(route.dependant.dependencies)
    while left:
        one = left.pop()
        left += one.dependencies
        found.add(getattr(one.call, "__qualname__", ""))
    return found


def posted() -> list[APIRoute]:
    return [
        route
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        and route.path.startswith("/organise")
        and route.methods - {"GET"}
    ]


def test_every_form_of_the_desk_is_of_this_sign_in_and_of_a_role() -> None:
    routes = [one for one in posted() if one.path not in DOORS]
    assert len(routes) > 50
    for route in routes:
        before = called(route)
        assert before & {"form_token", TELLS_ITSELF}, route.path
        if not route.path.startswith(ONES_OWN):
            assert "at_least.<locals>.check" in before, route.path


# ── how much ────────────────────────────────────────────────────────────────────────────────


def much() -> dict[str, str]:
    """More than a stranger may send, and less than an organiser may."""
    return {"email": "x" * MORE}


@pytest.mark.parametrize(
    "path", ["/organise/sign-in", "/organise/people/me", "/organise/contacts/imports"]
)
async def test_a_cookie_that_somebody_made_up_lets_in_no_more_than_none(
    stranger: httpx.AsyncClient, path: str
) -> None:
    stranger.cookies.set(COOKIE, "made-up")
    assert (await stranger.post(path, data=much())).status_code == 413


async def test_a_large_file_is_read_for_a_token_that_works(
    stranger: httpx.AsyncClient, secret: str
) -> None:
    made_up = {"Authorization": "Bearer one_made-up"}
    real = {"Authorization": f"Bearer {secret}"}
    for headers, status in ((made_up, 401), (real, 422)):  # 422: it is read, and is no such file
        answer = await stranger.post(IMPORT, content=b"x" * MORE, headers=headers)
        assert answer.status_code == status


async def test_a_body_that_hides_its_length_is_counted(stranger: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 100_000

    stranger.cookies.set(COOKIE, "made-up")
    answer = await stranger.post("/organise/people/me", content=endless(), headers=FORM)
    assert answer.status_code == 413


async def test_an_organiser_may_send_much_and_loses_nothing_when_the_sign_in_fell_idle(
    desk: httpx.AsyncClient,
) -> None:
    token = token_in((await desk.get("/organise/alerts/new")).text)
    form = {"form_token": token, "title": "x" * MORE}
    assert (await desk.post("/organise/alerts/new", data=form)).status_code == 422
    with clock.held(clock.now() + sign_in.IDLE):
        answer = await desk.post("/organise/alerts/new", data=form)
        assert answer.status_code == 401
        assert "x" * MORE in answer.text
    too_much = {"form_token": token, "title": "x" * (armour.LARGEST_UPLOAD + 1)}
    assert (await desk.post("/organise/alerts/new", data=too_much)).status_code == 413


SLOW = [
    "/alerts/send-one-email",
    "/confirm/made-up",
    "/alerts/send-one-email/offices/1/wrong-address",
    "/organise/people/second-factor/begin",
    "/organise/alerts/send-one-email/edit/call",
    IMPORT,
]


def a_post(path: str, **headers: str) -> dict[str, object]:
    """A form that begins, as a server hands it over."""
    headers |= {"host": "127.0.0.1", "content-type": FORM["Content-Type"]}
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "client": ("192.0.2.7", 40000),
        "server": ("127.0.0.1", 8000),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }


@pytest.mark.parametrize("path", SLOW)
async def test_whoever_sends_word_by_word_keeps_nobody_else_from_writing(
    app: FastAPI, database: Database, mari: Organiser, secret: str, path: str
) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()
    answers: list[Message] = []

    async def receive() -> Message:
        asked.set()
        await go_on.wait()
        return {"type": "http.request", "body": b"name=Mari", "more_body": False}

    async def send(message: Message) -> None:
        answers.append(message)

    async with database.transaction() as session:
        cookie, _ = await sign_in.sign_in(session, mari)
    scope = a_post(path, authorization=f"Bearer {secret}", cookie=f"{COOKIE}={cookie}")
    posting = asyncio.create_task(app(scope, receive, send))
    await asyncio.wait_for(asked.wait(), 5)
    try:
        async with asyncio.timeout(2), app.state.database.transaction() as session:
            assert await session.get_one(Organiser, mari.id)
    finally:
        go_on.set()
        await posting
    assert answers[0]["status"] in {403, 404, 422}


# ── what ────────────────────────────────────────────────────────────────────────────────────


@both
async def test_signs_that_no_table_takes_are_told_and_are_no_fault_of_the_database(
    desk: httpx.AsyncClient, settings: Settings
) -> None:
    on_sqlite = settings.database.startswith("sqlite")  # which keeps a zero byte like any other
    page = "/organise/people/me"
    token = token_in((await desk.get(page)).text)
    answer = await desk.post(page, data={"form_token": token, "name": "Mari\x00Mägi"})
    assert answer.status_code == (303 if on_sqlite else 422)
    assert on_sqlite or "Mägi" in answer.text
    addresses = ["/alerts/%00", "/api/v1/alerts/%00", "/organise/outbox/contacts/a%00@b.example"]
    for address in addresses:
        assert (await desk.get(address)).status_code == (404 if on_sqlite else 422)


@both
async def test_half_a_character_from_a_program_is_told(
    furnished: None, client: httpx.AsyncClient, database: Database, mari: Organiser
) -> None:
    async with database.transaction() as session:
        secret, _ = await api_tokens.make(session, mari, name="test", scopes=["alerts:write"])
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    path = "/api/v1/alerts/send-one-email/freeze"
    answer = await client.post(path, content='{"why": "\\ud800"}', headers=headers)
    assert answer.status_code == 422
    assert "not as expected" in answer.json()["detail"]


# ── practice ────────────────────────────────────────────────────────────────────────────────


async def test_an_office_is_no_test_person(
    furnished: None, desk: httpx.AsyncClient, database: Database
) -> None:
    alert = await mine_ban(database)
    async with database.transaction() as session:
        kept = await session.get_one(Alert, alert.id)
        kept.state = AlertState.REHEARSAL
    page = f"/organise/alerts/{alert.slug}"
    token = token_in((await desk.get(page)).text)
    export = (await desk.get("/organise/contacts/export.csv?country=EE")).text
    office = next(cell for cell in export.split(",") if "@" in cell)
    form = {"form_token": token, "test_people": f"kati@example.org\n{office.upper()}"}
    answer = await desk.post(f"{page}/test-people", data=form)
    assert answer.status_code == 422
    assert "the address of an office" in answer.text
    assert office.upper() in answer.text
    async with database.reading() as session:
        assert (await session.get_one(Alert, alert.id)).test_people == ""


async def test_an_invitation_in_the_sandbox_is_read_by_owners(
    desk: httpx.AsyncClient, database: Database, mari: Organiser, settings: Settings
) -> None:
    """Or an organiser takes the link that makes somebody else an owner."""
    async with database.transaction() as session:
        await notices.invite(session, mari.id, settings)
        notice = (await session.scalars(select(Notice))).one()
        message = SandboxMessage(
            organisation_id=1,
            received_at=clock.now(),
            mail_from="letters@letters.example",
            rcpt_to="kati@example.org",
            subject="Please join the organisers",
            message_id=notice.message_id,
            raw=b"Subject: x\r\n\r\nx\r\n",
        )
        session.add(message)
    paths = [f"/sandbox/{message.id}", f"/sandbox/{message.id}/raw"]
    paths.append(f"/api/v1/sandbox/messages/{message.id}")
    for role, status in ((Role.ORGANISER, 404), (Role.OWNER, 200)):
        async with database.transaction() as session:
            (await session.get_one(Organiser, mari.id)).role = role
        assert [(await desk.get(path)).status_code for path in paths] == [status] * 3
        assert ("Please join" in (await desk.get("/sandbox")).text) == (role == Role.OWNER)
