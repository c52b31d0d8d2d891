"""How the letters stand: in sentences, in a picture with words, and while one looks."""

from datetime import timedelta

import httpx
import pytest
import pytest_asyncio

from app import clock
from app.db import Database
from app.models import Answer, LetterStatus, Submission
from app.outbox import queue
from app.reporting.departures import Leaving
from app.reporting.receipts import LetterLine
from app.settings import Delivery, Settings
from app.tokens import LETTERS, link_token
from app.web.supporters.mine import way
from tests.grounds.letters import Ground, make_alert
from tests.outbox.one_form import end, make_form


def line(number: int, status: LetterStatus, **ago: int) -> LetterLine:
    at = clock.now() - timedelta(**ago)
    return LetterLine(
        letter_id=number,
        country="EE",
        office="Prime Minister",
        institution="",
        institution_local="",
        status=status,
        status_at=at,
        not_before=at,
        sealed=True,
        frozen=False,
        unchecked=False,
        tries=0,
        last=None,
        taken=None,
        in_doubt=False,
    )


def seen(
    *statuses: LetterStatus,
    leaving: dict[int, Leaving] | None = None,
    delivery: str = Delivery.LIVE,
    answers: dict[int, Answer] | None = None,
    **ago: int,
) -> way.Way:
    return way.of_letters(
        [line(n, status, **ago) for n, status in enumerate(statuses)],
        leaving or {},
        answers or {},
        delivery=delivery,
        now=clock.now(),
        zone="Europe/Tallinn",
        language="en",
    )


def test_a_sentence_says_how_many_left_and_when_the_next_leaves() -> None:
    waits = [queue.QUEUED] * 2
    soon = {3: Leaving(clock.now() + timedelta(minutes=4)), 4: Leaving(None)}
    found = seen(queue.ACCEPTED, queue.HANDED_OVER, queue.BOUNCED, *waits, leaving=soon)
    assert found.sentences == [
        "3 of 5 letters have left.",
        "The next leaves in the next minutes.",
    ]
    assert seen(*waits).sentences == ["None of 2 letters has left yet."]
    assert seen(queue.ACCEPTED, queue.ACCEPTED).sentences == ["All 2 letters have left."]
    here = seen(queue.HANDED_OVER, queue.QUEUED, delivery=Delivery.SANDBOX)
    assert here.sentences == ["In the practice mailbox: 1 of 2."]
    # one letter says it itself, and what was called off is on no way
    assert seen(queue.ACCEPTED, queue.CANCELLED).sentences == []
    only = seen(queue.QUEUED, leaving={0: Leaving(clock.now(), soon=True)})
    assert only.sentences == ["It leaves in a moment."]
    assert seen(queue.QUEUED, leaving={0: Leaving(None, refusing=True)}).sentences == []


def test_every_letter_is_at_one_station_and_no_practice_letter_at_an_office() -> None:
    yes = Answer(letter_id=0, answered=True, on=None, at=clock.now())
    for delivery in Delivery:
        stations = seen(*LetterStatus, delivery=delivery, answers={0: yes}).stations
        told = [one for one in stations if one.name == way.ANSWERED]
        assert sum(one.n for one in stations if one not in told) == len(LetterStatus)
        assert [one.n for one in told] == [1]
    practice = [one.name for one in seen(queue.HANDED_OVER, delivery=Delivery.SANDBOX).stations]
    assert practice == [way.WAITING, way.IN_THE_SANDBOX]


def test_a_page_stops_asking_when_nothing_changes_by_itself_any_more() -> None:
    assert not seen(queue.ACCEPTED, queue.SENDING).settled
    assert not seen(queue.HANDED_OVER, minutes=5).settled  # its server may still report
    assert seen(queue.HANDED_OVER, days=2).settled
    assert seen(queue.HANDED_OVER, delivery=Delivery.SANDBOX).settled
    assert seen(queue.ACCEPTED, queue.FAILED, queue.CANCELLED).settled


@pytest_asyncio.fixture
async def made(database: Database) -> Ground:
    async with database.transaction() as session:
        return await make_alert(session, targets=3)


def link(settings: Settings, submission: Submission) -> str:
    return f"/letters/{link_token(settings, LETTERS, submission.public_id)}"


async def test_the_part_that_changes_is_the_pages_own_and_is_sent_only_when_it_changed(
    client: httpx.AsyncClient, database: Database, settings: Settings, made: Ground
) -> None:
    async with database.transaction() as session:
        submission, (first, _, _) = await make_form(session, made)
    where = link(settings, submission)
    whole = (await client.get(where)).text
    part = await client.get(f"{where}/live")
    assert part.headers["cache-control"] == "no-store"
    assert part.text.strip() in whole
    assert "<html" not in part.text
    seen_before = {"If-None-Match": part.headers["etag"]}
    same = await client.get(f"{where}/live", headers=seen_before)
    assert (same.status_code, same.content) == (304, b"")
    async with database.transaction() as session:
        await end(session, first, queue.REJECTED)
    changed = await client.get(f"{where}/live", headers=seen_before)
    assert changed.status_code == 200
    assert "Estonia: Refused" in changed.text
    assert (await client.get("/letters/forged/live")).status_code == 404


async def test_who_has_just_sent_is_thanked_and_told_where_the_letters_go(
    client: httpx.AsyncClient, database: Database, settings: Settings, made: Ground
) -> None:
    async with database.transaction() as session:
        submission, letters = await make_form(session, made)
        await end(session, letters[0], queue.CANCELLED)
    where = link(settings, submission)
    page = (await client.get(where)).text
    assert "<h1>Thank you: your 2 letters are written</h1>" in page
    assert "The letters go to its sandbox mailbox." in page
    assert "The letters are in" not in page
    assert 'class="button quiet">Withdraw' not in page
    async with database.transaction() as session:
        for letter in letters[1:]:
            await end(session, letter, queue.HANDED_OVER)
    page = (await client.get(where)).text
    assert "<h1>What became of my letters</h1>" in page
    assert "The letters are in the sandbox mailbox." in (await client.get(f"{where}/live")).text


async def test_nobody_is_told_that_letters_which_all_failed_are_in_the_mailbox(
    client: httpx.AsyncClient, database: Database, settings: Settings, made: Ground
) -> None:
    async with database.transaction() as session:
        submission, letters = await make_form(session, made)
        for letter in letters:
            await end(session, letter, queue.REJECTED)
    page = (await client.get(link(settings, submission))).text
    assert "The letters are in" not in page


@pytest.mark.parametrize("language", ["en", "et"])
async def test_a_page_of_one_letter_is_short_and_names_the_readers_language(
    client: httpx.AsyncClient, database: Database, settings: Settings, language: str
) -> None:
    async with database.transaction() as session:
        one = await make_alert(session, slug="single", targets=1)
        submission, _ = await make_form(session, one)
    page = (await client.get(f"{link(settings, submission)}?lang={language}")).text
    assert 'class="stations"' not in page
    assert f"/live?lang={language}" in page


async def test_many_letters_take_a_line_each_with_all_of_it_one_touch_away(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    async with database.transaction() as session:
        many = await make_alert(session, slug="many", targets=7)
        submission, letters = await make_form(session, many)
        await end(session, letters[0], queue.ACCEPTED)
    where = link(settings, submission)
    page = (await client.get(where)).text
    assert page.count('<details class="folded"') == 7
    assert "In the practice mailbox: 1 of 7." in page
    wrong = {"letter": letters[0], "said": "yes", "on": "soon"}
    refused = (await client.post(f"{where}/answer", data=wrong)).text
    assert refused.count('<details class="folded" data-part="one" open>') == 1
