"""The page behind “This was not me”: a link shows, its button acts, and so does a mail program."""

import httpx
import pytest_asyncio
from structlog.testing import capture_logs

from app.db import Database
from app.models import Alert, Submission
from app.settings import Delivery, Settings
from app.tokens import CONFIRM, STOP, link_token
from tests.grounds.alerts import confirmed, filled, mine_ban, submitted
from tests.grounds.databases import both
from tests.grounds.rows import all_of, counted

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest_asyncio.fixture
async def alert(database: Database, furnished: None) -> Alert:
    return await mine_ban(database)


def link(settings: Settings, submission: Submission) -> str:
    return f"/stop/{link_token(settings, STOP, submission.public_id)}"


@both
async def test_a_link_shows_one_button_which_erases_stops_and_says_so_each_time(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert, filled(own_words="Not hers."))
    page = await client.get(link(settings, kept))
    assert page.status_code == 200
    assert page.text.count("<button") == page.text.count('<form method="post"') == 1
    assert "This was not me: never write to me again" in page.text
    assert "Mari" not in page.text
    assert await counted(database) == {"held": 5}
    for _ in range(2):
        done = await client.post(link(settings, kept))
        assert (done.status_code, "It is done" in done.text) == (200, True)
        assert "its letters are called off" in done.text
        assert await counted(database) == {"cancelled": 5}
    assert [one.own_words for one in await all_of(database, Submission)] == [""]
    assert "It is done" in (await client.get(link(settings, kept))).text
    confirm = f"/confirm/{link_token(settings, CONFIRM, kept.public_id)}"
    assert (await client.get(confirm)).status_code == 410


async def test_it_is_private_keeps_no_cookie_and_its_token_is_in_no_log(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert)
    with capture_logs() as lines:
        answers = [await client.get(link(settings, kept)), await client.post(link(settings, kept))]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert "noindex" in answer.headers["x-robots-tag"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "set-cookie" not in answer.headers
    assert [one["path"] for one in lines if one["event"] == "answered"] == ["/stop/…"] * 2
    assert kept.public_id not in str(lines)


async def test_a_mail_program_presses_it_with_one_click(
    stranger: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert, filled(countries=["EE"]))
    answer = await stranger.post(link(settings, kept), data=ONE_CLICK)
    assert answer.status_code == 200
    assert await counted(database) == {"cancelled": 1}


async def test_who_confirmed_is_told_that_their_letters_still_leave(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert, filled(countries=["EE"]))
    await confirmed(database, settings, kept.public_id)
    assert "those that wait still leave" in (await client.get(link(settings, kept))).text
    done = await client.post(link(settings, kept), data=ONE_CLICK)
    assert "Your letters are not touched" in done.text
    assert await counted(database) == {"queued": 1}


async def test_nobody_is_told_so_whose_letters_would_come_back_to_that_address(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    reflecting = settings.model_copy(update={"delivery": Delivery.REFLECT})
    kept = await submitted(database, reflecting, alert, filled(countries=["EE"]))
    await confirmed(database, reflecting, kept.public_id)
    shown = await client.get(link(settings, kept))
    assert "no more mail comes from us to your address" in shown.text
    done = await client.post(link(settings, kept), data=ONE_CLICK)
    assert "It is done" in done.text
    for page in (shown, done):
        assert "are not touched" not in page.text
    assert await counted(database) == {"cancelled": 1}


async def test_another_links_token_and_a_made_up_one_open_nothing(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert)
    for token in (link_token(settings, CONFIRM, kept.public_id), "made-up"):
        assert (await client.get(f"/stop/{token}")).status_code == 404
        assert (await client.post(f"/stop/{token}")).status_code == 404
    stop = link_token(settings, STOP, kept.public_id)
    for elsewhere in (f"/confirm/{stop}", f"/letters/{stop}"):
        assert (await client.get(elsewhere)).status_code == 404
    assert await counted(database) == {"held": 5}


async def test_the_form_answers_the_same_for_an_address_that_asked_not_to_be_written_to(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert)
    await client.post(link(settings, kept))
    answers = []
    for email in ("mari@example.org", "nobody@example.org"):
        form = {"name": "M", "email": email, "city": "T", "country": "EE", "consent": True}
        answer = await client.post(f"/api/v1/alerts/{alert.slug}/submissions", json=form)
        answers.append((answer.status_code, {**answer.json(), "id": ""}))
    assert answers[0] == answers[1]
    assert answers[0][0] == 201
