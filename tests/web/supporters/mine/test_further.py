"""“Send the same”: offered where it can go, made once, and sent only by its own button."""

import re

import httpx
import pytest_asyncio
from sqlalchemy import update

from app.db import Database
from app.models import Alert, AlertState, OwnMailbox, Submission
from app.outbox import queue
from app.settings import Delivery, Settings
from app.tokens import LETTERS, link_token
from tests.grounds.alerts import confirmed, filled, mine_ban, submitted
from tests.grounds.databases import both
from tests.grounds.rows import all_of, notices, statuses


@pytest_asyncio.fixture
async def alert(database: Database, furnished: None) -> Alert:
    return await mine_ban(database)


@pytest_asyncio.fixture
async def kept(database: Database, settings: Settings, alert: Alert) -> Submission:
    form = filled(countries=["EE"], own_words="My own words.", postal_address="Riia 2, Tartu")
    made = await submitted(database, settings, alert, form)
    await confirmed(database, settings, made.public_id)
    return made


def link(settings: Settings, submission: Submission) -> str:
    return f"/letters/{link_token(settings, LETTERS, submission.public_id)}"


async def offered(client: httpx.AsyncClient, settings: Settings, kept: Submission) -> list[str]:
    page = (await client.get(link(settings, kept))).text
    return re.findall(r'name="country" value="(\w+)"', page)


async def change(database: Database, **values: object) -> None:
    async with database.transaction() as session:
        await session.execute(update(Alert).where(Alert.kind == "letters").values(**values))


@both
async def test_the_same_words_go_to_another_country_after_they_were_read(
    client: httpx.AsyncClient, database: Database, settings: Settings, kept: Submission
) -> None:
    assert await offered(client, settings, kept) == ["LV", "LT", "PL", "FI"]
    before = await notices(database)
    answer = await client.post(f"{link(settings, kept)}/further", data={"country": "FI"})
    confirm = answer.headers["location"]
    assert confirm.startswith("/confirm/")
    assert await statuses(database) == {"queued": 1, "held": 1}
    page = (await client.get(confirm)).text
    assert "My own words." in page
    (seal,) = re.findall(r'name="shown" value="(\w+)"', page)
    twice = await client.post(f"{link(settings, kept)}/further", data={"country": "FI"})
    assert twice.headers["location"] == confirm
    assert (await client.post(confirm, data={"shown": seal})).status_code == 303
    assert await statuses(database) == {"queued": 2}
    assert await offered(client, settings, kept) == ["LV", "LT", "PL"]
    first, second = await all_of(database, Submission)
    assert second.consent_at > first.consent_at
    same = ("person_key", "name", "email", "own_words", "variant_seed", "language", "delivery")
    assert [getattr(first, one) for one in same] == [getattr(second, one) for one in same]
    assert await notices(database) == before  # the address is proven: no mail asks for it again
    again = await client.post(f"{link(settings, kept)}/further", data={"country": "FI"})
    assert again.status_code == 404


async def test_a_withdrawn_letter_leaves_its_country_open_and_a_failed_one_does_not(
    client: httpx.AsyncClient, database: Database, settings: Settings, kept: Submission
) -> None:
    async with database.transaction() as session:
        await queue.move(session, [], frm=queue.QUEUED, to=queue.CANCELLED, by="test")
    assert "EE" in await offered(client, settings, kept)
    other = await submitted(database, settings, await mine_ban(database), filled(countries=["EE"]))
    await confirmed(database, settings, other.public_id)
    async with database.transaction() as session:
        await queue.move(session, [], frm=queue.QUEUED, to=queue.SENDING, by="test")
        await queue.move(session, [], frm=queue.SENDING, to=queue.FAILED, by="test")
    assert "EE" not in await offered(client, settings, kept)


async def test_nothing_is_offered_where_it_could_not_go(
    client: httpx.AsyncClient, database: Database, settings: Settings, kept: Submission
) -> None:
    for closing in ({"state": AlertState.CLOSED}, {"own_mailbox": OwnMailbox.ONLY}):
        await change(database, **closing)
        assert await offered(client, settings, kept) == []
        answer = await client.post(f"{link(settings, kept)}/further", data={"country": "FI"})
        assert answer.status_code == 404
        await change(database, state=AlertState.PUBLISHED, own_mailbox=OwnMailbox.OFFERED)
    unproven = await submitted(
        database, settings, await mine_ban(database), filled(email="juri@example.org")
    )
    assert await offered(client, settings, unproven) == []
    # whoever opened the practice mailbox has proved nothing about an address in earnest
    async with database.transaction() as session:
        await session.execute(update(Submission).values(delivery=Delivery.REFLECT))
    assert await offered(client, settings, kept) == []


@both
async def test_what_somebody_else_wrote_anew_with_the_same_address_is_not_taken_for_theirs(
    client: httpx.AsyncClient, database: Database, settings: Settings, kept: Submission
) -> None:
    """Anybody can fill in a form with an address; whoever has the link wrote the other one."""
    form = filled(countries=["FI"], own_words="My own words.", postal_address="Riia 2, Tartu")
    other = await submitted(database, settings, await mine_ban(database), form)
    async with database.transaction() as session:
        said = {"1": {"stage": "voted", "subject": "Leave!", "body": "Leave! Mari Mägi"}}
        await session.execute(
            update(Submission)
            .where(Submission.id == other.id)
            .values(edits=said, postal_address=kept.postal_address)
        )
    await client.post(f"{link(settings, kept)}/further", data={"country": "FI"})
    *_, made = await all_of(database, Submission)
    assert made.id != other.id
    assert made.edits == {}
