"""“They answered”: told, changed, taken back; counted once, per office, and never with a text."""

from datetime import timedelta

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import select

from app import clock
from app.db import Database
from app.letters.told import answers
from app.models import Alert, Answer, Letter, LetterStatus, Organiser, Submission, Told, ToldCount
from app.outbox import queue
from app.reporting import recount
from app.reporting.told import answers as reported
from app.settings import Settings
from app.tokens import LETTERS, link_token
from tests.grounds.databases import both
from tests.grounds.desk import enter
from tests.grounds.letters import Ground, make_alert
from tests.outbox.one_form import end, make_form

SLUG = "keep-the-treaty"


@pytest_asyncio.fixture
async def made(database: Database) -> Ground:
    async with database.transaction() as session:
        return await make_alert(session, targets=2)


async def a_form(
    database: Database, made: Ground, status: LetterStatus = queue.ACCEPTED
) -> tuple[Submission, list[int]]:
    """Its first letter has come that far; the second waits."""
    async with database.transaction() as session:
        submission, letters = await make_form(session, made)
        await end(session, letters[0], status)
    return submission, letters


def link(settings: Settings, submission: Submission) -> str:
    return f"/letters/{link_token(settings, LETTERS, submission.public_id)}"


async def kept(database: Database) -> dict[str, int]:
    async with database.reading() as session:
        rows = await session.execute(select(ToldCount.what, ToldCount.n))
        return {what: n for what, n in rows if n}


@both
async def test_an_answer_is_counted_once_moved_when_changed_and_taken_back(
    client: httpx.AsyncClient, database: Database, settings: Settings, made: Ground
) -> None:
    submission, (letter, _) = await a_form(database, made)
    where = link(settings, submission)
    page = (await client.get(where)).text
    assert page.count("Did they answer?") == 1  # the other has not left
    today = clock.now().date().isoformat()
    for said, on, counted, shown in (
        ("no", "", {Told.UNANSWERED: 1}, "No answer yet, as you told us"),
        ("no", today, {Told.UNANSWERED: 1}, "No answer yet, as you told us"),
        ("yes", today, {Told.ANSWERED: 1}, "They answered, as you told us:"),
        ("yes", "", {Told.ANSWERED: 1}, "They answered, as you told us."),
        ("", "", {}, "Did they answer?"),
    ):
        answer = await client.post(
            f"{where}/answer", data={"letter": letter, "said": said, "on": on}
        )
        assert answer.status_code == 303
        assert await kept(database) == counted
        assert shown in (await client.get(where)).text
        async with database.reading() as session:
            alert = await session.get_one(Alert, made.alert.id)
            assert await reported.differences(session, alert) == []


@pytest.mark.parametrize(
    ("on", "said"),
    [
        ("2999-01-01", "still to come"),
        ("2020-01-01", "had not left yet"),
        ("the day <b>before</b>", "not a day we can read"),
    ],
)
async def test_an_impossible_day_is_refused_at_its_field_and_kept(
    client: httpx.AsyncClient,
    database: Database,
    settings: Settings,
    made: Ground,
    on: str,
    said: str,
) -> None:
    submission, (letter, _) = await a_form(database, made)
    answer = await client.post(
        f"{link(settings, submission)}/answer", data={"letter": letter, "said": "yes", "on": on}
    )
    assert answer.status_code == 422
    assert said in answer.text
    assert f'value="{on.replace("<", "&lt;").replace(">", "&gt;")}"' in answer.text
    assert f'aria-describedby="on-{letter}-error"' in answer.text
    assert await kept(database) == {}


async def test_the_reader_ahead_of_us_may_name_their_own_day(
    client: httpx.AsyncClient, database: Database, settings: Settings, made: Ground
) -> None:
    submission, (letter, _) = await a_form(database, made)
    tomorrow_in_kiribati = clock.now().astimezone(answers.LATEST).date()
    data = {"letter": letter, "said": "yes", "on": tomorrow_in_kiribati.isoformat()}
    answer = await client.post(f"{link(settings, submission)}/answer", data=data)
    assert answer.status_code == 303


async def test_only_ones_own_letters_and_only_those_that_left_can_be_answered(
    client: httpx.AsyncClient, database: Database, settings: Settings, made: Ground
) -> None:
    submission, (_, waiting) = await a_form(database, made)
    _, (other, _) = await a_form(database, made)
    where = f"{link(settings, submission)}/answer"
    for letter, status in ((waiting, 409), (other, 404), (99_999, 404)):
        answer = await client.post(where, data={"letter": letter, "said": "yes"})
        assert answer.status_code == status
    assert (await client.post(where, data={"letter": "x"})).status_code == 422
    assert await kept(database) == {}


async def test_a_letter_that_came_back_later_keeps_what_was_told(
    client: httpx.AsyncClient, database: Database, settings: Settings, made: Ground
) -> None:
    submission, (letter, _) = await a_form(database, made)
    data = {"letter": letter, "said": "no"}
    await client.post(f"{link(settings, submission)}/answer", data=data)
    async with database.transaction() as session:
        await queue.move(
            session, [Letter.id == letter], frm=queue.ACCEPTED, to=queue.BOUNCED, by="test"
        )
    assert "Take it back" in (await client.get(link(settings, submission))).text
    assert await kept(database) == {Told.UNANSWERED: 1}


async def tell_many(database: Database, made: Ground, days: list[int | None]) -> None:
    """An answer to a letter each, so many days after it left; None: not answered."""
    for after in days:
        submission, (letter, _) = await a_form(database, made)
        at = clock.now() + timedelta(days=after or 0)
        with clock.held(at):
            async with database.transaction() as session:
                day = at.date() if after is not None else None
                await answers.tell(session, submission, letter, answered=bool(day), on=day)


@both
async def test_counts_say_what_was_told_and_days_only_of_enough_answers(
    database: Database, made: Ground
) -> None:
    with clock.held(clock.now().replace(hour=9)):
        await tell_many(database, made, [1, 2, 3, None])
        async with database.reading() as session:
            found = await reported.of_alerts(session, [made.alert], "sandbox")
            assert (found.left, found.told, found.answered, found.days) == (4, 4, 3, None)
        await tell_many(database, made, [40, 50])
        async with database.reading() as session:
            found = await reported.of_alerts(session, [made.alert], "sandbox")
            assert (found.told, found.answered, found.days) == (6, 5, 3)
            (office,) = found.offices
            assert (office.office, office.told, office.days) == (f"{SLUG} office 0", 6, 3)
            nothing = await reported.of_alerts(session, [made.alert], "live")
            assert (nothing.told, nothing.offices) == (0, [])


async def test_the_public_and_the_organisers_read_it_as_told_by_supporters(
    client: httpx.AsyncClient,
    database: Database,
    made: Ground,
    mari: Organiser,
) -> None:
    pages = [f"/alerts/{SLUG}/counts", f"/organise/alerts/{SLUG}/counts"]
    pages.append(f"/organise/campaigns/{SLUG}-campaign/counts")
    await enter(client, database, mari)
    for page in pages:
        assert "as supporters told us" not in (await client.get(page)).text
    await tell_many(database, made, [1, None])
    for page in pages:
        text = " ".join((await client.get(page)).text.split())
        assert "Answers, as supporters told us" in text, page
        assert "Of 2 letters that left, supporters told us about 2." in text
        assert "1 was answered." in text


async def test_a_recount_finds_an_answer_that_was_not_counted(
    database: Database, made: Ground
) -> None:
    _, (letter, _) = await a_form(database, made)
    async with database.transaction() as session:
        session.add(Answer(letter_id=letter, answered=True, on=None, at=clock.now()))
    async with database.reading() as session:
        alert = await session.get_one(Alert, made.alert.id)
        (said,) = await reported.differences(session, alert)
        assert said in await recount.differences(session, alert.id)
    assert said == f"EE, {SLUG} office 0 (sandbox), answered: 0 kept, 1 told by supporters"
