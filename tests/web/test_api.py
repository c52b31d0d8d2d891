"""The JSON door: alerts, submissions, the sandbox."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio

from app.db import Database
from app.models import Alert, SandboxMessage, Submission
from app.settings import Delivery, Settings
from tests.grounds.alerts import mine_ban
from tests.grounds.databases import both
from tests.grounds.rows import all_of, statuses
from tests.grounds.working import until, working

SUBMISSIONS = "/api/v1/alerts/send-one-email/submissions"
FILLED: dict[str, Any] = {
    "name": "Mari Mägi",
    "email": "mari@example.org",
    "city": "Tartu",
    "country": "EE",
    "consent": True,
}


@pytest_asyncio.fixture(autouse=True)
async def alert(database: Database, furnished: None) -> Alert:
    return await mine_ban(database)


@both
async def test_a_submission_is_unconfirmed_and_says_how_many_letters(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await client.post(SUBMISSIONS, json=FILLED | {"countries": ["EE", "LV"]})
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == {"id", "status", "letters"}
    assert (body["status"], body["letters"]) == ("unconfirmed", 2)
    (kept,) = await all_of(database, Submission)
    assert kept.public_id == body["id"]
    again = await client.post(SUBMISSIONS, json=FILLED | {"countries": ["EE", "LV"]})
    assert again.json()["letters"] == 2, "a duplicate is counted as asked for"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"consent": False}, "consent"),
        ({"email": "x"}, "email"),
        ({"country": "Estonia"}, "country"),
        ({"countries": ["XX"]}, "countries"),
        ({"roles": ["king"]}, "offices"),
        ({"name": None}, "name"),
        ({"name": {"a": 1}}, "name"),
    ],
)
async def test_a_fault_is_problem_json_that_names_the_field(
    client: httpx.AsyncClient, database: Database, changes: dict[str, Any], field: str
) -> None:
    answer = await client.post(SUBMISSIONS, json=FILLED | changes)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert field in str(answer.json()["fields"])
    assert await all_of(database, Submission) == []


async def test_an_unknown_alert_and_a_broken_body_are_problems(client: httpx.AsyncClient) -> None:
    missing = await client.post(SUBMISSIONS.replace("send-one", "send-two"), json=FILLED)
    assert missing.status_code == 404
    assert missing.json()["status"] == 404
    headers = {"Content-Type": "application/json"}
    assert (await client.post(SUBMISSIONS, content=b"{", headers=headers)).status_code == 422
    assert (await client.post(SUBMISSIONS, content=b"x" * 2_000_000)).status_code == 413


@both
async def test_alerts_are_listed_with_where_each_country_stands(client: httpx.AsyncClient) -> None:
    (line,) = (await client.get("/api/v1/alerts")).json()
    assert line["slug"] == "send-one-email"
    whole = (await client.get("/api/v1/alerts/send-one-email")).json()
    stages = {one["country"]: one["stage"] for one in whole["countries"]}
    assert stages == dict.fromkeys(["EE", "LV", "LT", "PL", "FI"], "in_effect")
    assert sum(len(one["offices"]) for one in whole["countries"]) == 32
    assert "@" not in str(whole["countries"])
    assert whole["own_mailbox"] == "offered"


@both
async def test_the_sandbox_gives_each_message_as_it_arrived(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    await client.post(SUBMISSIONS, json=FILLED)
    async with working(settings, database):
        await until(_arrived(database, 1))
    (line,) = (await client.get("/api/v1/sandbox/messages?to=MARI@")).json()
    assert line["rcpt_to"] == "mari@example.org"
    raw = await client.get(f"/api/v1/sandbox/messages/{line['id']}")
    assert raw.headers["content-type"].startswith("message/rfc822")
    assert raw.content.startswith(b"From: ") or b"\r\nFrom: " in raw.content
    assert (await client.get("/api/v1/sandbox/messages/999")).status_code == 404
    assert (await client.get("/api/v1/sandbox/messages?to=nobody")).json() == []
    for after, found in ((2**63, 0), (10**40, 0), (-(10**40), 1)):
        listed = await client.get(f"/api/v1/sandbox/messages?after={after}")
        assert (listed.status_code, len(listed.json())) == (200, found)
    for number in (2**63, -(10**40)):
        assert (await client.get(f"/api/v1/sandbox/messages/{number}")).status_code == 404
    assert await statuses(database) == {"held": 5}


def _arrived(database: Database, n: int) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return len(await all_of(database, SandboxMessage)) == n

    return check


async def test_the_sandbox_is_closed_to_strangers_and_where_mail_leaves(
    stranger: httpx.AsyncClient, client: httpx.AsyncClient, settings: Settings
) -> None:
    assert (await stranger.get("/api/v1/sandbox/messages")).status_code == 401
    settings.delivery = Delivery.LIVE
    assert (await client.get("/api/v1/sandbox/messages")).status_code == 403
