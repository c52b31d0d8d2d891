"""“Forget me”: a page that says what goes, a button that does it, and nothing left behind."""

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import select, update

from app import chores
from app.db import Database
from app.models import Alert, Freeze, Letter, LetterStatus, Submission
from app.outbox import freezes, queue
from app.reporting import recount
from app.settings import Settings
from app.tokens import LETTERS, link_token
from tests.grounds.alerts import confirmed, filled, mine_ban, submitted
from tests.grounds.databases import both
from tests.grounds.rows import all_of, counted


@pytest_asyncio.fixture
async def alert(database: Database, furnished: None) -> Alert:
    return await mine_ban(database)


def link(settings: Settings, submission: Submission) -> str:
    return f"/letters/{link_token(settings, LETTERS, submission.public_id)}"


async def move(database: Database, frm: LetterStatus, to: LetterStatus) -> None:
    async with database.transaction() as session:
        await queue.move(session, [], frm=frm, to=to, by="test")


async def words(database: Database) -> list[str]:
    return [one.own_words for one in await all_of(database, Submission)]


@both
async def test_a_link_shows_a_button_forgets_and_the_link_then_says_so(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    form = filled(countries=["EE"], own_words="Mine.")
    kept = await submitted(database, settings, alert, form)
    await confirmed(database, settings, kept.public_id)
    waiting = await submitted(
        database, settings, alert, filled(countries=["LV", "LT"], own_words="Mine too.")
    )
    await submitted(database, settings, alert, filled(email="juri@example.org", own_words="His."))
    page = await client.get(f"{link(settings, kept)}/forget")
    assert page.headers["cache-control"] == "no-store"
    assert "Your 2 forms are emptied" in page.text
    assert "3 letters still wait here" in page.text
    assert await words(database) == ["Mine.", "Mine too.", "His."]
    answer = await client.post(f"{link(settings, kept)}/forget")
    assert "You are forgotten here" in (await client.get(answer.headers["location"])).text
    assert await words(database) == ["", "", "His."]
    assert await counted(database) == {"cancelled": 3, "held": 5}
    for gone in (kept, waiting):
        answer = await client.get(link(settings, gone))
        assert answer.status_code == 410
        assert "What was here is forgotten" in answer.text
    async with database.reading() as session:
        assert await recount.differences(session, alert.id) == []
    again = await client.post(f"{link(settings, kept)}/forget")
    assert again.headers["location"].endswith("/forgotten")
    assert (await client.post("/letters/forged/forget")).status_code == 404


@pytest.mark.parametrize(
    ("delivery", "said"),
    [
        ("live", "2 letters have left. What has left cannot be called back."),
        ("sandbox", "2 letters were practice: nothing left this machine."),
        ("rehearsal", "2 letters were practice: nothing left this machine."),
        ("reflect", "2 letters were practice: they went to you, and no office was written to."),
        ("trial", "2 letters were practice: they went to you, and no office was written to."),
    ],
)
async def test_of_what_was_handed_over_the_page_says_how_far_it_went(
    client: httpx.AsyncClient,
    database: Database,
    settings: Settings,
    alert: Alert,
    delivery: str,
    said: str,
) -> None:
    kept = await submitted(database, settings, alert, filled(countries=["EE", "LV"]))
    await confirmed(database, settings, kept.public_id)
    await move(database, queue.QUEUED, queue.SENDING)
    await move(database, queue.SENDING, queue.HANDED_OVER)
    async with database.transaction() as session:
        for table in (Submission, Letter):
            await session.execute(update(table).values(delivery=delivery))
    page = (await client.get(f"{link(settings, kept)}/forget")).text
    assert said in page
    assert "They stay counted, without your name." in page
    assert ("have left" in page) is (delivery == "live")
    assert "The office" not in page


@both
async def test_a_letter_at_a_mail_server_is_forgotten_as_soon_as_that_has_answered(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert, filled(countries=["EE"], own_words="Mine."))
    await confirmed(database, settings, kept.public_id)
    await move(database, queue.QUEUED, queue.SENDING)
    assert "at a mail server" in (await client.get(f"{link(settings, kept)}/forget")).text
    answer = await client.post(f"{link(settings, kept)}/forget")
    page = await client.get(answer.headers["location"])
    assert "go by themselves" in page.text
    async with database.transaction() as session:
        assert await chores.forget_people(session, settings) == 0
    assert await words(database) == ["Mine."]
    await move(database, queue.SENDING, queue.QUEUED)  # put off: it must not be tried again
    async with database.reading() as session:
        held = select(Letter.id).where(freezes.letter_is_frozen())
        assert len((await session.scalars(held)).all()) == 1
    async with database.transaction() as session:
        assert await chores.forget_people(session, settings) == 1
    assert await words(database) == [""]
    assert await counted(database) == {"cancelled": 1}
    (hold,) = await all_of(database, Freeze)
    assert hold.released_at is not None
    assert (await client.get(link(settings, kept))).status_code == 410
