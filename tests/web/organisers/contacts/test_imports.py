"""A file of contacts in the browser: uploaded, compared, looked at, taken whole or not at all."""

from datetime import timedelta

import httpx
import pytest

from app import clock
from app.contacts import comparing, uploads
from app.contacts.files.reading import Progress, Reading, read_file
from app.db import Database
from app.models import AuditLine, Contact, ContactImport, Organisation, Organiser, Role
from app.settings import Delivery, Settings
from app.web.organisers.contacts import background
from tests.grounds import dns
from tests.grounds.desk import enter, token_in
from tests.grounds.rows import all_of

IMPORTS = "/organise/contacts/imports"
HEAD = "country;office;role;institution;institution_local;email;languages;evidence;source_url"
LINES = (
    "EE;Prime Minister;prime_minister;Office;Žemė;pm@xa.example;et en;made-up;",
    "EE;Speaker;speaker;House;;sp@xa.example;et;made-up;",
    "EE;Nobody;king;House;;<script>;et;made-up;",
)


@pytest.fixture
async def desk(client: httpx.AsyncClient, database: Database, mari: Organiser) -> httpx.AsyncClient:
    """Mari's browser, signed in."""
    await enter(client, database, mari)
    return client


async def upload(desk: httpx.AsyncClient, data: bytes, name: str = "offices.csv") -> httpx.Response:
    token = token_in((await desk.get(IMPORTS)).text)
    return await desk.post(IMPORTS, data={"form_token": token}, files={"file": (name, data)})


def a_file(*lines: str, encoding: str = "windows-1257") -> bytes:
    return "\r\n".join([HEAD, *lines]).encode(encoding)


def seen_in(page: str) -> str:
    return page.partition('name="seen" value="')[2].partition('"')[0]


async def _take(desk: httpx.AsyncClient, path: str, **more: str) -> httpx.Response:
    page = (await desk.get(path)).text
    form = {"form_token": token_in(page), "seen": seen_in(page)} | more
    return await desk.post(f"{path}/take", data=form)


async def test_a_file_is_compared_and_written_only_when_it_was_seen(
    desk: httpx.AsyncClient, database: Database
) -> None:
    answer = await upload(desk, a_file(*LINES))
    path = answer.headers["location"]
    page = (await desk.get(path)).text
    for said in (
        "Text in windows-1257 (Baltic).",
        "Cells parted by semicolons.",
        "Mail servers were not looked up: this is practice",
        "Added: 2",
        "role: not one of",
        "&lt;script&gt;",
    ):
        assert said in page
    assert await all_of(database, Contact) == []
    done = await _take(desk, path)
    assert done.headers["location"] == f"{path}?done=taken"
    assert "2 added, 0 changed, 0 unchanged" in (await desk.get(f"{path}?done=taken")).text
    assert {one.email for one in await all_of(database, Contact)} == {
        *("pm@xa.example", "sp@xa.example")
    }
    (line,) = await all_of(database, AuditLine)
    assert line.sentence.startswith("Took the contact file “offices.csv” (import 1): 2 added")
    again = await _take(desk, path)  # a button pressed twice
    assert again.headers["location"] == path
    assert len(await all_of(database, AuditLine)) == 1
    refused = await desk.get(f"{path}/refused.csv")
    assert '4,"role: not one of' in refused.text


async def test_changes_are_shown_field_by_field_and_the_rest_is_retired_when_ticked(
    desk: httpx.AsyncClient, database: Database
) -> None:
    await _take(desk, (await upload(desk, a_file(*LINES))).headers["location"])
    better = LINES[0].replace("pm@xa.example", "new@xa.example")
    path = (await upload(desk, a_file(better))).headers["location"]
    page = (await desk.get(path)).text
    assert "<del>pm@xa.example</del>" in page
    assert "<ins>new@xa.example</ins>" in page
    assert "Also take out the office that the file does not have" in page
    await _take(desk, path, retire="on")
    current = [one.email for one in await all_of(database, Contact) if not one.retired_at]
    assert current == ["new@xa.example"]
    path = (await upload(desk, a_file(better))).headers["location"]
    assert "The directory has all of it already." in (await desk.get(path)).text


async def test_a_directory_that_changed_meanwhile_is_compared_anew(
    desk: httpx.AsyncClient, database: Database
) -> None:
    path = (await upload(desk, a_file(*LINES))).headers["location"]
    page = (await desk.get(path)).text
    async with database.transaction() as session:  # a colleague, at the same time
        rows = read_file("x", a_file(LINES[0])).rows
        await comparing.take(session, await comparing.compare(session, rows))
    form = {"form_token": token_in(page), "seen": seen_in(page)}
    answer = await desk.post(f"{path}/take", data=form)
    assert answer.status_code == 409
    assert "The directory was changed meanwhile, so nothing was written." in answer.text
    assert "Added: 1" in answer.text
    assert len(await all_of(database, Contact)) == 1
    form["seen"] = seen_in(answer.text)
    assert (await desk.post(f"{path}/take", data=form)).status_code == 303
    assert len(await all_of(database, Contact)) == 2


async def test_what_cannot_be_read_is_told_in_one_sentence(
    desk: httpx.AsyncClient, database: Database
) -> None:
    for data, said in (
        (b"", "Please choose a file that is not empty."),
        (b"x" * (10 * 1024 * 1024 + 1), "This file is larger than 10 MB."),
    ):
        answer = await upload(desk, data)
        assert answer.status_code == 422
        assert said in answer.text
    assert await all_of(database, ContactImport) == []
    path = (await upload(desk, b"PK\x03\x04", "bomb.xlsx")).headers["location"]
    page = (await desk.get(path)).text
    assert "This file cannot be taken: it is not a workbook that can be read." in page
    assert (await _take(desk, path)).headers["location"] == path
    far_too_much = await upload(desk, b"x" * (13 * 1024 * 1024))
    assert far_too_much.status_code == 413


async def test_an_import_is_nobody_elses_and_stays_when_the_session_is_lost(
    desk: httpx.AsyncClient, database: Database, mari: Organiser
) -> None:
    path = (await upload(desk, a_file(*LINES))).headers["location"]
    desk.cookies.clear()
    assert (await desk.get(path)).status_code == 303
    await enter(desk, database, mari)
    assert "read, and not taken yet" in (await desk.get(IMPORTS)).text
    assert "Added: 2" in (await desk.get(path)).text
    olga = Organiser(
        organisation_id=2,
        email="olga@example.org",
        name="Olga",
        password_hash="",
        role=Role.ORGANISER,
        created_at=clock.now(),
    )
    async with database.transaction() as session:
        session.add(Organisation(id=2, slug="other", name="Other", created_at=clock.now()))
        await session.flush()
        session.add(olga)
    await enter(desk, database, olga)
    for there in (path, f"{path}/refused.csv"):
        assert (await desk.get(there)).status_code == 404
    assert "offices.csv" not in (await desk.get(IMPORTS)).text


async def test_a_reading_is_told_while_it_runs_and_when_it_broke_off(
    desk: httpx.AsyncClient, database: Database, mari: Organiser
) -> None:
    async with database.transaction() as session:
        kept = await uploads.begin(session, mari, "offices.csv")
        await uploads.tell(session, kept.id, 500, 20_000)
    page = await desk.get(f"{IMPORTS}/{kept.id}")
    assert "Read so far: 500 of 20,000" in page.text
    assert page.headers["refresh"] == "2"
    assert "Take these changes" not in page.text
    with clock.held(clock.now() + timedelta(minutes=6)):
        page = await desk.get(f"{IMPORTS}/{kept.id}")
    assert "The reading was broken off" in page.text
    assert "refresh" not in page.headers


async def test_progress_is_kept_while_a_file_is_read(
    database: Database, settings: Settings, mari: Organiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []

    async def tell(session: object, import_id: int, done: int, total: int) -> None:
        seen.append((done, total))

    def slowly(name: str, data: bytes, progress: Progress) -> Reading:
        progress(1, 2)
        while not seen:
            pass
        return read_file(name, data, progress)

    monkeypatch.setattr(uploads, "tell", tell)
    monkeypatch.setattr(background, "read_file", slowly)
    monkeypatch.setattr(background, "EVERY", 0.01)
    async with database.transaction() as session:
        kept = await uploads.begin(session, mari, "offices.csv")
    await background.read(database, settings, kept.id, "offices.csv", a_file(*LINES))
    assert seen[0] == (1, 2)
    (found,) = await all_of(database, ContactImport)
    assert (found.done, found.total) == (3, 3)


async def test_a_fault_of_ours_is_told_too(
    database: Database, settings: Settings, mari: Organiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Reading:
        raise ZeroDivisionError

    monkeypatch.setattr(background, "read_file", broken)
    async with database.transaction() as session:
        kept = await uploads.begin(session, mari, "offices.csv")
    await background.read(database, settings, kept.id, "offices.csv", b"")
    (found,) = await all_of(database, ContactImport)
    assert found.fault == background.OUR_FAULT


async def test_long_comparisons_are_shown_in_parts(
    desk: httpx.AsyncClient, database: Database
) -> None:
    lines = [f"EE;Chair of {n:03};committee;House;;c{n}@xa.example;et;made-up;" for n in range(120)]
    path = (await upload(desk, a_file(*lines))).headers["location"]
    page = (await desk.get(path)).text
    assert "Chair of 019" in page
    assert "Chair of 020" not in page
    assert "All 120 of these" in page
    last = (await desk.get(f"{path}?part=added&page=2")).text
    assert "Chair of 119" in last
    assert "Chair of 099" not in last


async def test_domains_that_take_no_mail_are_named_where_letters_leave(
    database: Database, settings: Settings, mari: Organiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [
        f"EE;Chair of {n};committee;House;;c@{domain};et;made-up;"
        for n, domain in enumerate(("good.example", "null.example", "none.example", "late.example"))
    ]
    monkeypatch.setattr(background, "LOOK_UP", 0.5)
    settings.delivery = Delivery.REFLECT
    with dns.running() as names:
        names.mx("good.example", (10, "mx.good.example"))
        names.null_mx("null.example")
        names.is_silent("late.example")
        settings.nameserver = names.address
        async with database.transaction() as session:
            kept = await uploads.begin(session, mari, "offices.csv")
        await background.read(database, settings, kept.id, "offices.csv", a_file(*lines))
    (found,) = await all_of(database, ContactImport)
    assert sorted(uploads.notes_of(found))[1:] == [
        "mail servers not looked up in time: 1 domains",
        "no mail server takes mail for none.example (addresses: 1)",
        "no mail server takes mail for null.example (addresses: 1)",
        "text in UTF-8",
    ]
