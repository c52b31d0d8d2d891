"""The letters page and its receipts: plain words, the server's own line, nobody else's letters."""

import re

import httpx
import pytest
import pytest_asyncio

from app import clock
from app.db import Database
from app.models import LetterStatus, Returned, Submission, Target
from app.outbox import queue
from app.settings import Settings
from app.tokens import LETTERS, link_token
from app.web import armour
from tests.grounds.databases import both
from tests.grounds.letters import Ground, make_alert
from tests.outbox.one_form import attempt, end, make_form

SECRET_WORD = re.compile(r"\bdelivered\b", re.IGNORECASE)


@pytest_asyncio.fixture
async def made(database: Database) -> Ground:
    async with database.transaction() as session:
        return await make_alert(session, targets=2)


def link(settings: Settings, submission: Submission) -> str:
    return f"/letters/{link_token(settings, LETTERS, submission.public_id)}"


@both
async def test_a_letter_that_left_shows_its_receipt_and_one_put_off_says_how_it_stands(
    client: httpx.AsyncClient, database: Database, settings: Settings, made: Ground
) -> None:
    async with database.transaction() as session:
        submission, (left, waiting) = await make_form(session, made)
        await attempt(session, left, "taken")
        await end(session, left, queue.ACCEPTED)
        await attempt(session, waiting, "deferred", code=451, reply="4.7.1 greylisted")
        await attempt(session, waiting, "deferred", code=None, reply="", number=2, began_data=True)
    page = (await client.get(link(settings, submission))).text
    first, second = page.split('class="my-letter"')[1:]
    for said in ("250 2.0.0 Ok: queued as 4ZB3", "mx.example.org", "TLSv1.3", "It left on"):
        assert said in first
    assert "<code>4ZB3</code>" in first
    assert "tried" not in first
    assert "We tried 2 times." in second
    assert "It may have arrived" in second
    assert "next attempt is not before" in second
    assert not SECRET_WORD.search(page)


async def put_off_taken_and_reported(
    database: Database, made: Ground, status: LetterStatus
) -> Submission:
    async with database.transaction() as session:
        submission, (letter, _) = await make_form(session, made)
        await attempt(session, letter, "deferred", code=451, reply="4.7.1 greylisted")
        await attempt(session, letter, "taken", number=2)
        await end(session, letter, status)
        for action in ("delivered", "failed"):
            session.add(
                Returned(
                    received_at=clock.now(),
                    kind="report",
                    letter_id=letter,
                    action=action,
                    reply="550 5.1.1 <nobody> & co",
                    remote_mta="mx.example.org",
                )
            )
    return submission


@pytest.mark.parametrize("status", [queue.REJECTED, queue.BOUNCED, queue.EXPIRED, queue.FAILED])
async def test_a_receipt_can_be_printed_however_its_letter_ended(
    client: httpx.AsyncClient,
    database: Database,
    settings: Settings,
    made: Ground,
    status: LetterStatus,
) -> None:
    submission = await put_off_taken_and_reported(database, made, status)
    page = (await client.get(link(settings, submission))).text
    (paper,) = re.findall(r'href="(/letters/[^"]+/receipts/\d+)"', page)
    answer = await client.get(paper)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "noindex" in answer.headers["x-robots-tag"]
    assert settings.public_url not in armour.masked(paper)
    assert submission.public_id not in armour.masked(paper)
    text = answer.text
    for said in (
        "My grandmother still remembers the mines.",
        "keep-the-treaty office 0",
        "pm@example.org",
        "451 4.7.1 greylisted",
        "250 2.0.0 Ok: queued as 4ZB3",
        "&lt;nobody&gt; &amp; co",
        "Message-ID",
        "your browser&#39;s print",
    ):
        assert said in text.replace("browser's", "browser&#39;s"), said
    assert "<script" not in text.split("<main", 1)[1]
    assert not SECRET_WORD.search(text)


async def test_somebody_elses_letter_has_no_receipt_here(
    client: httpx.AsyncClient, database: Database, settings: Settings, made: Ground
) -> None:
    async with database.transaction() as session:
        mine, (letter, _) = await make_form(session, made)
        _, (other, _) = await make_form(session, made)
    assert (await client.get(f"{link(settings, mine)}/receipts/{letter}")).status_code == 200
    for wrong in (other, 99_999, "x", "9" * 40, 2**53 + 1, -1):
        answer = await client.get(f"{link(settings, mine)}/receipts/{wrong}")
        assert answer.status_code == 404, wrong
        assert answer.headers["cache-control"] == "no-store"
    assert (await client.get(f"/letters/forged/receipts/{letter}")).status_code == 404


@both
@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("late", "An answer came late"),
        ("told", "A mail to you tells of it"),
        ("report", "A mail server reported"),
        ("something new", "something new"),
    ],
)
async def test_the_history_tells_what_changed_no_status_too(
    client: httpx.AsyncClient,
    database: Database,
    settings: Settings,
    made: Ground,
    what: str,
    said: str,
) -> None:
    async with database.transaction() as session:
        submission, (letter, _) = await make_form(session, made)
        await queue.note_event(session, letter, what, "w", "")
    answer = await client.get(link(settings, submission))
    assert answer.status_code == 200
    assert said in answer.text


async def test_a_receipt_calls_the_institution_what_its_reader_calls_it(
    client: httpx.AsyncClient, database: Database, settings: Settings, made: Ground
) -> None:
    async with database.transaction() as session:
        submission, (letter, _) = await make_form(session, made)
        target = await session.get_one(Target, made.targets[0].id)
        target.institution, target.institution_local = "Government Office", "Riigikantselei"
        await attempt(session, letter, "taken")
        await end(session, letter, queue.ACCEPTED)
    paper = f"{link(settings, submission)}/receipts/{letter}"
    for language, called in (("et", "Riigikantselei"), ("en", "Government Office")):
        assert f">{called}</span>" in (await client.get(f"{paper}?lang={language}")).text
