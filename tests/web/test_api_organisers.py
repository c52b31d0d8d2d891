"""The JSON door for an organisation's own programs."""

import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from app import clock
from app.accounts import api_tokens
from app.campaigns.drafts import keeping
from app.campaigns.zips import reading
from app.db import Database
from app.models import Alert, AuditLine, Campaign, Contact, Freeze, Organisation, Organiser, Role
from app.settings import Settings
from tests.campaigns.small_pack import LETTER, a_pack
from tests.grounds.rows import all_of

API = "/api/v1"
ALERTS = f"{API}/alerts"
ROW = "XA,Prime Minister,prime_minister,Government,,pm@example.org,en,test,https://example.org/,\n"
HEAD = (
    "country,office,role,institution,institution_local,email,languages,evidence,source_url,"
    "checked_on\n"
)


@pytest.fixture
def sent(tmp_path: Path) -> dict[str, Any]:
    """The small pack as a program sends it."""
    folder = a_pack(tmp_path)
    alert = tomllib.loads((folder / "alert.toml").read_text())
    return {"alert": plain(alert), "letters": {"XA.en": LETTER, "XB.en": LETTER}}


def plain(found: Any) -> Any:
    """Days and moments as JSON has them."""
    if isinstance(found, dict):
        return {key: plain(value) for key, value in found.items()}
    if isinstance(found, list):
        return [plain(value) for value in found]
    return found.isoformat() if hasattr(found, "isoformat") else found


@pytest_asyncio.fixture
async def program(
    app: FastAPI, settings: Settings, database: Database, mari: Organiser
) -> AsyncIterator[httpx.AsyncClient]:
    """A program of Mari's organisation, with a token for everything."""
    async with database.transaction() as session:
        scopes = list(api_tokens.NEEDS)
        secret, _ = await api_tokens.make(session, mari, name="test", scopes=scopes)
    transport = httpx.ASGITransport(app=app)
    headers = {"Authorization": f"Bearer {secret}"}
    async with httpx.AsyncClient(
        transport=transport, base_url=settings.public_url, headers=headers
    ) as opened:
        yield opened


async def test_a_program_writes_a_draft_and_publishes_it_with_a_reason(
    program: httpx.AsyncClient, database: Database, sent: dict[str, Any]
) -> None:
    made = await program.post(ALERTS, json=sent)
    assert made.status_code == 201, made.text
    assert (made.json()["slug"], made.json()["state"]) == ("riverbank", "draft")
    assert [one for one in made.json()["faults"] if one["serious"]] == []
    assert (await program.get(f"{ALERTS}/riverbank")).status_code == 404
    refused = await program.post(f"{ALERTS}/riverbank/publish")
    assert refused.status_code == 409
    assert "contacts" in refused.json()["detail"]
    reason = {"reason": "Only a test of the door, nobody is written to."}
    done = await program.post(f"{ALERTS}/riverbank/publish", json=reason)
    assert done.json() == {
        "slug": "riverbank",
        "state": "published",
        "frozen": False,
        "changed": True,
    }
    assert (await program.get(f"{ALERTS}/riverbank")).status_code == 200
    said = [one.sentence for one in await all_of(database, AuditLine)]
    assert any("Published the alert “riverbank”" in one and "Only a test" in one for one in said)


async def test_a_change_is_a_draft_until_it_is_published(
    program: httpx.AsyncClient, database: Database, sent: dict[str, Any]
) -> None:
    await program.post(ALERTS, json=sent)
    reason = {"reason": "Only a test of the door."}
    await program.post(f"{ALERTS}/riverbank/publish", json=reason)
    sent["alert"]["title"] = "Another title"
    changed = await program.put(f"{ALERTS}/riverbank", json=sent)
    assert changed.status_code == 200, changed.text
    [alert] = await all_of(database, Alert)
    assert alert.title == "Keep the Riverbank Treaty"
    [line] = (await program.get(f"{API}/organise/alerts")).json()
    assert line["unpublished_changes"] is True
    assert (line["state"], line["campaign"], line["sent"]) == ("published", "rivers", 0)
    await program.post(f"{ALERTS}/riverbank/publish", json=reason)
    [alert] = await all_of(database, Alert)
    assert alert.title == "Another title"


async def test_a_program_sends_what_the_alert_says_in_other_languages(
    program: httpx.AsyncClient, sent: dict[str, Any]
) -> None:
    words = {"reviewed": True, "title": "Hoidkem jõekalda lepingut"}
    for translations, said in (
        ({"et": words | {"colour": "red"}}, "translations: colour: there is no such key"),
        ({"en": words}, "the English texts stand in alert.toml"),
        ({"et": words | {"countries": {"XX": {"name": "X"}}}}, "alert.et.toml: countries.XX"),
    ):
        refused = await program.post(ALERTS, json=sent | {"translations": translations})
        assert (refused.status_code, said in refused.text) == (422, True), refused.text
    made = await program.post(ALERTS, json=sent | {"translations": {"et": words}})
    assert made.status_code == 201, made.text
    pack = reading.read((await program.get(f"{ALERTS}/riverbank/export")).content).pack
    assert [(one.language, one.file.title) for one in pack.translations] == [("et", words["title"])]


async def test_an_alert_is_made_once_and_keeps_its_name(
    program: httpx.AsyncClient, sent: dict[str, Any]
) -> None:
    await program.post(ALERTS, json=sent)
    again = await program.post(ALERTS, json=sent)
    assert again.status_code == 422
    assert "change it with PUT" in again.json()["detail"]
    other = await program.put(
        f"{ALERTS}/riverbank", json=sent | {"alert": sent["alert"] | {"slug": "else"}}
    )
    assert other.status_code == 422
    absent = await program.put(f"{ALERTS}/absent", json=sent)
    assert absent.status_code == 404


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"alert": {"slug": "a"}}, "title: is missing"),
        ({"alert": []}, "alert.toml"),
        ({"letters": {"XA.en": "no fence", "XB.en": LETTER}}, "the first line is not +++"),
        ({"letters": {"Estonia": LETTER}}, "a letter is named like EE.et"),
        ({"letters": {"XA.en": LETTER}}, "no letter for XB"),
        ({"letters": {"XA.en": "\x00", "XB.en": LETTER}}, "a NUL character"),
    ],
)
async def test_what_is_no_pack_is_told_with_its_key(
    program: httpx.AsyncClient,
    database: Database,
    sent: dict[str, Any],
    change: dict[str, Any],
    said: str,
) -> None:
    answer = await program.post(ALERTS, json=sent | change)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]
    assert await all_of(database, Alert) == []


async def test_an_alert_is_held_let_go_and_closed(
    program: httpx.AsyncClient, database: Database, sent: dict[str, Any]
) -> None:
    await program.post(ALERTS, json=sent)
    await program.post(f"{ALERTS}/riverbank/publish", json={"reason": "Only a test of it."})
    why = {"why": "An address is wrong"}
    held = (await program.post(f"{ALERTS}/riverbank/freeze", json=why)).json()
    again = (await program.post(f"{ALERTS}/riverbank/freeze", json=why)).json()
    assert [(one["frozen"], one["changed"]) for one in (held, again)] == [
        (True, True),
        (True, False),
    ]
    assert (await program.post(f"{ALERTS}/riverbank/freeze", json={})).status_code == 422
    let_go = (await program.post(f"{ALERTS}/riverbank/release")).json()
    assert (let_go["frozen"], let_go["changed"]) == (False, True)
    closed = await program.post(f"{ALERTS}/riverbank/close")
    assert closed.json()["state"] == "closed"
    assert (await program.post(f"{ALERTS}/riverbank/close")).status_code == 409
    assert {one.by for one in await all_of(database, Freeze)} == {"mari@example.org"}


async def test_an_alert_comes_out_as_the_same_zip_each_time(
    program: httpx.AsyncClient, database: Database, sent: dict[str, Any]
) -> None:
    await program.post(ALERTS, json=sent)
    draft = await program.get(f"{ALERTS}/riverbank/export")
    assert draft.headers["content-type"] == "application/zip"
    await program.post(f"{ALERTS}/riverbank/publish", json={"reason": "Only a test of it."})
    first, second = [await program.get(f"{ALERTS}/riverbank/export") for _ in range(2)]
    assert first.content == second.content == draft.content
    assert reading.read(first.content).pack.alert.slug == "riverbank"
    async with database.reading() as session:
        alert = (await all_of(database, Alert))[0]
        assert not await keeping.is_begun(session, alert)


async def test_a_contact_file_is_compared_and_taken_only_when_it_is_asked(
    program: httpx.AsyncClient, database: Database
) -> None:
    data = (HEAD + ROW).encode()
    path = f"{API}/contacts/import"
    compared = (await program.post(path, content=data)).json()
    assert compared["written"] is False
    assert compared["added"] == [
        {"country": "XA", "office": "Prime Minister", "email": "pm@example.org"}
    ]
    assert await all_of(database, Contact) == []
    taken = await program.post(path, params={"write": "true"}, files={"file": ("xa.csv", data)})
    assert taken.json()["written"] is True
    assert [one.email for one in await all_of(database, Contact)] == ["pm@example.org"]
    moved = data.replace(b"pm@", b"office@")
    changed = (await program.post(path, content=moved)).json()["changed"]
    assert changed[0]["differences"] == {"email": ["pm@example.org", "office@example.org"]}
    said = [one.sentence for one in await all_of(database, AuditLine)]
    assert "xa.csv was taken: 1 added, 0 changed, 0 unchanged." in said


async def test_a_contact_file_with_a_broken_line_is_told_and_not_taken(
    program: httpx.AsyncClient, database: Database
) -> None:
    data = (HEAD + ROW + ROW.replace("Prime", "Other").replace("pm@", "pm at ")).encode()
    compared = (await program.post(f"{API}/contacts/import", content=data)).json()
    assert [one["line"] for one in compared["refused"]] == [3]
    refused = await program.post(f"{API}/contacts/import?write=true", content=data)
    assert refused.status_code == 422
    assert "line 3" in refused.json()["detail"]
    assert (await program.post(f"{API}/contacts/import", content=b"")).status_code == 422
    assert await all_of(database, Contact) == []


async def test_another_organisations_alerts_are_not_there(
    program: httpx.AsyncClient, database: Database, sent: dict[str, Any]
) -> None:
    await program.post(ALERTS, json=sent)
    async with database.transaction() as session:
        other = Organisation(slug="other", name="Other", created_at=clock.now())
        session.add(other)
        await session.flush()
        campaign = await session.get_one(Campaign, 1)
        campaign.organisation_id = other.id
    assert (await program.get(f"{API}/organise/alerts")).json() == []
    taken = await program.post(ALERTS, json=sent)
    assert "is taken here: choose another name" in taken.json()["detail"]
    calls = [
        ("PUT", "", sent),
        ("POST", "/publish", {"reason": "Because I want to"}),
        ("POST", "/freeze", {"why": "x"}),
        ("POST", "/release", {}),
        ("POST", "/close", {}),
        ("GET", "/export", None),
    ]
    for method, path, body in calls:
        answer = await program.request(method, f"{ALERTS}/riverbank{path}", json=body)
        assert answer.status_code == 404, (method, path)


CALLS = [
    ("GET", f"{API}/organise/alerts"),
    ("POST", ALERTS),
    ("PUT", f"{ALERTS}/x"),
    ("POST", f"{ALERTS}/x/publish"),
    ("POST", f"{ALERTS}/x/freeze"),
    ("POST", f"{ALERTS}/x/release"),
    ("POST", f"{ALERTS}/x/close"),
    ("GET", f"{ALERTS}/x/export"),
    ("POST", f"{API}/contacts/import"),
]


async def test_every_call_needs_a_token_made_for_it(
    client: httpx.AsyncClient, database: Database, mari: Organiser
) -> None:
    async with database.transaction() as session:
        scopes = ["counts:read"]
        secret, _ = await api_tokens.make(session, mari, name="counts", scopes=scopes)
    for method, path in CALLS:
        body = {"json": {"alert": {}, "why": "x"}}
        without = await client.request(method, path, **body)
        assert without.status_code == 401, path
        headers = {"Authorization": f"Bearer {secret}"}
        wrong = await client.request(method, path, headers=headers, **body)
        assert wrong.status_code == (200 if path.endswith("organise/alerts") else 403), path


async def test_a_viewers_token_changes_nothing(
    program: httpx.AsyncClient, database: Database, sent: dict[str, Any]
) -> None:
    async with database.transaction() as session:
        mari = await session.get_one(Organiser, 1)
        mari.role = Role.VIEWER
    assert (await program.post(ALERTS, json=sent)).status_code == 403
    assert (await program.get(f"{API}/organise/alerts")).status_code == 200


async def test_every_call_is_described_with_an_example(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    for method, path in CALLS:
        assert path.replace("/x", "/{slug}") in page, method
    schema = (await client.get("/openapi.json")).json()
    pack = schema["components"]["schemas"]["PackIn"]
    assert pack["example"]["alert"]["slug"] == "keep-the-river-clean"
    assert pack["properties"]["alert"]["$ref"].endswith("/AlertFile")
