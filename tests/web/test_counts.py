"""The public counts: a page for people, JSON for programs, and nothing anyone could inflate."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest_asyncio

from app import clock
from app.db import Database
from app.main import create_app
from app.outbox import queue
from app.settings import Settings
from tests.grounds.databases import both
from tests.reporting.rows import Grounds, an_alert, another_alert, write

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
UNTOLD = {"answers": {"answered": 0, "unanswered": 0}, "own_mailbox": 0}


@pytest_asyncio.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as opened:
        yield opened
    await app.state.database.close()


async def some_letters(database: Database, *, made_up: bool = False) -> Grounds:
    async with database.transaction() as session:
        with clock.held(NOON) as time:
            grounds = await an_alert(session, made_up=made_up)
            await write(session, grounds, "one", queue.HANDED_OVER, queue.ACCEPTED)
            await write(session, grounds, "two", queue.HELD, queue.LAPSED)
            time.advance(timedelta(days=2))
            await write(session, grounds, "three", queue.HANDED_OVER, queue.BOUNCED)
    return grounds


@both
async def test_the_json_is_what_was_promised(database: Database, client: httpx.AsyncClient) -> None:
    await some_letters(database)
    answer = await client.get("/api/v1/alerts/stop/counts")
    assert answer.status_code == 200
    said = answer.json()
    assert datetime.fromisoformat(said.pop("as_of")).tzinfo
    nothing = dict.fromkeys(
        (
            *("queued", "sending", "handed_over", "accepted", "bounced"),
            *("rejected", "expired", "failed", "cancelled", "suppressed"),
        ),
        0,
    )
    assert said == {
        "alert": "stop",
        "delivery": "sandbox",
        "supporters": 2,
        "sent": 3,
        "letters": nothing | {"handed_over": 2, "accepted": 1, "bounced": 1},
        "targets": [
            {
                "country": "EE",
                "office": "Minister of Defence (stop)",
                "letters": nothing | {"accepted": 1, "bounced": 1},
                **UNTOLD,
            },
            {
                "country": "EE",
                "office": "Prime Minister (stop)",
                "letters": nothing | {"handed_over": 2},
                **UNTOLD,
            },
        ],
        "days": [
            {"date": "2026-03-02", "handed_over": 2, "accepted": 1},
            {"date": "2026-03-03", "handed_over": 0, "accepted": 0},
            {"date": "2026-03-04", "handed_over": 2, "accepted": 0},
        ],
        "own_mailbox": 0,
    }


@both
async def test_a_campaign_answers_for_all_its_alerts(
    database: Database, client: httpx.AsyncClient
) -> None:
    grounds = await some_letters(database)
    async with database.transaction() as session:
        other = await another_alert(session, grounds.campaign, "a-second")
        draft = await another_alert(session, grounds.campaign, "not-yet")
        draft.alert.state = "draft"
        await write(session, other, "one", queue.ACCEPTED)
    said = (await client.get("/api/v1/campaigns/stop-aim/counts")).json()
    assert (said["campaign"], said["alerts"]) == ("stop-aim", ["a-second", "stop"])
    assert (said["supporters"], said["sent"]) == (2, 4)
    assert "alert" not in said


async def test_what_is_not_there_is_a_problem_in_json(client: httpx.AsyncClient) -> None:
    for path in ("/api/v1/alerts/nothing/counts", "/api/v1/campaigns/nothing/counts"):
        answer = await client.get(path)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("application/problem+json")


async def test_a_draft_has_no_public_counts(database: Database, client: httpx.AsyncClient) -> None:
    async with database.transaction() as session:
        grounds = await an_alert(session)
        grounds.alert.state = "draft"
    for path in ("/alerts/stop/counts", "/api/v1/alerts/stop/counts"):
        assert (await client.get(path)).status_code == 404


async def test_the_page_prints_the_number_and_says_that_it_was_practice(
    database: Database, client: httpx.AsyncClient
) -> None:
    await some_letters(database)
    page = (await client.get("/alerts/stop/counts")).text
    assert "<strong>3</strong>\n    <span>practice letters sent</span>" in page
    assert "Practice: nothing left this machine" in page
    assert "From <strong>2</strong> supporters" in page
    assert "made up" not in page
    assert "delivered" not in page


async def test_the_page_shows_the_drawings_and_the_same_numbers_as_tables(
    database: Database, client: httpx.AsyncClient
) -> None:
    await some_letters(database)
    page = (await client.get("/alerts/stop/counts")).text
    assert (
        'role="img" aria-label="Letters that left, day by day: 2 March 2026 to 4 March 2026. '
        '4 handed over, 1 accepted. The table below has each number."' in page
    )
    assert "<title>2 March 2026: 2 handed over, 1 accepted</title>" in page
    assert '<th scope="row">3 March 2026</th>' in page
    assert page.count("<caption>") == 2
    assert "style=" not in page


async def test_unconfirmed_letters_are_not_on_the_public_page(
    database: Database, client: httpx.AsyncClient
) -> None:
    await some_letters(database)
    page = (await client.get("/alerts/stop/counts")).text
    assert "Not confirmed" not in page
    assert "leaving out forms whose writer has not confirmed yet" in page


async def test_a_made_up_alert_says_that_its_numbers_are_made_up(
    database: Database, client: httpx.AsyncClient
) -> None:
    await some_letters(database, made_up=True)
    page = (await client.get("/alerts/stop/counts")).text
    assert "This alert is made up" in page


async def test_an_alert_nobody_wrote_for_still_has_a_page(
    database: Database, client: httpx.AsyncClient
) -> None:
    async with database.transaction() as session:
        await an_alert(session)
    answer = await client.get("/alerts/stop/counts")
    assert answer.status_code == 200
    assert "No letter has left yet" in answer.text
    assert 'role="img"' not in answer.text


@both
async def test_live_pages_count_live_letters_only(database: Database, settings: Settings) -> None:
    async with database.transaction() as session:
        grounds = await an_alert(session)
        await write(session, grounds, "one", queue.HANDED_OVER, queue.ACCEPTED, delivery="sandbox")
        await write(session, grounds, "two", queue.ACCEPTED, delivery="live")
    app = create_app(settings.model_copy(update={"delivery": "live"}))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
        said = (await client.get("/api/v1/alerts/stop/counts")).json()
        page = (await client.get("/alerts/stop/counts")).text
    await app.state.database.close()
    assert (said["delivery"], said["sent"]) == ("live", 1)
    assert "<strong>1</strong>\n    <span>letter sent</span>" in page
    assert "ractice" not in page
    assert date.fromisoformat(said["days"][0]["date"])
