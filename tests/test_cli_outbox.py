"""The `outbox` command: a calm table, JSON for programs, and the operator's hand."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.accounts import organisers
from app.db import Database
from app.models import Contact, Letter, RelayState, Role
from app.outbox import freezes, operating, queue
from app.outbox.pacing import hosts
from app.settings import Settings
from tests.grounds.databases import apart
from tests.grounds.letters import make_alert, make_queued_letters
from tests.grounds.rows import counted

ANNA = ("--by", "anna@example.org")
Ended = tuple[int, str, str]
Command = Callable[..., Ended]
T = TypeVar("T")


@pytest.fixture
def database_kind() -> str:
    """What the commands say is the same on both; what they do is tested on both elsewhere."""
    return "sqlite"


@pytest.fixture
def outbox(command: Command, settings: Settings) -> Command:
    """Run `outbox …` with an organiser and six letters there."""
    changed(settings, _six_letters)
    return partial(command, "outbox")


def changed(settings: Settings, work: Callable[[AsyncSession], Awaitable[None]]) -> None:
    """Do something in a transaction of its own."""

    async def once() -> None:
        database = Database(settings.database_url)
        async with database.transaction() as session:
            await work(session)
        await database.close()

    apart(once())


def seen(settings: Settings, look: Callable[[Database], Awaitable[T]]) -> T:
    async def once() -> T:
        database = Database(settings.database_url)
        try:
            return await look(database)
        finally:
            await database.close()

    return asyncio.run(once())


async def _six_letters(session: AsyncSession) -> None:
    anna = {"email": "anna@example.org", "name": "Anna", "role": Role.ORGANISER}
    await organisers.add(session, password="a long password", **anna)
    made = await make_alert(session)
    await make_queued_letters(session, 6, ground=made)
    await hosts.know(session, [contact.email for contact in made.contacts])


async def _two_fail(session: AsyncSession) -> None:
    for frm, to in ((queue.QUEUED, queue.SENDING), (queue.SENDING, queue.FAILED)):
        await queue.move(session, [Letter.id.in_([1, 2])], frm=frm, to=to, by="w")
    await session.execute(update(Letter).filter_by(id=2).values(text_sha256="0" * 64))


async def _trouble(session: AsyncSession) -> None:
    await freezes.freeze(session, scope="host", ref=1, why="550 5.7.1\n blocked", by="worker")
    await freezes.freeze(session, scope="alert", ref=1, why="A vote.", by="anna@example.org")
    review = {"review_at": clock.now(), "review_why": "550 5.1.1 unknown"}
    await session.execute(update(Contact).filter_by(id=1).values(review))
    session.add(RelayState(name="relay.example.org:587", failures=3, why="535 no"))


def test_the_table_says_what_waits_and_what_is_the_matter(
    outbox: Command, settings: Settings
) -> None:
    code, out, err = outbox()
    assert (code, err) == (0, "")
    assert "queued           6\n" in out
    assert "oldest due       20" in out
    assert "min ago" in out
    assert "example.org                               6          0  –\n" in out
    changed(settings, _two_fail)
    changed(settings, _trouble)
    out = outbox()[1]
    assert "oldest due       nothing is due\n" in out
    assert "by worker: 550 5.7.1 blocked\n" in out
    assert "frozen alert     keep-the-treaty: since 20" in out
    assert "UTC: 550 5.1.1 unknown\n" in out
    assert "    failed: 1\n" in out
    assert "relay            relay.example.org:587 REFUSED 3 times in a row: 535 no\n" in out
    assert max(len(line) for line in out.splitlines()) <= 100


def test_programs_read_the_same_as_json(outbox: Command) -> None:
    found = json.loads(outbox("--json")[1])
    assert found["depth"] == {"held": 0, "queued": 6, "sending": 0}
    (host,) = found["hosts"]
    assert (host["name"], host["waiting"], host["hold"]) == ("example.org", 6, None)
    assert found["oldest_due"].endswith("+00:00")


def test_a_host_is_frozen_and_released(outbox: Command, settings: Settings) -> None:
    place = ("host", "example.org", *ANNA)
    assert outbox("freeze", *place, "--why", "A doubt.")[1] == (
        "the mail host example.org: frozen.\n"
    )
    assert outbox("freeze", *place, "--why", "Again.")[1].endswith(": was frozen already.\n")
    assert "FROZEN since" in outbox()[1]
    assert outbox("release", *place)[1] == "the mail host example.org: released.\n"
    assert outbox("release", *place)[1] == "the mail host example.org: was not frozen.\n"


def test_what_waits_for_a_contact_is_cancelled_in_steps_that_are_told(
    outbox: Command, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operating, "AT_ONCE", 4)
    code, out, err = outbox("cancel", "alert", "keep-the-treaty", *ANNA, "--why", "It is over.")
    assert (code, out) == (0, "the alert “keep-the-treaty”: letters cancelled: 6.\n")
    assert err == "so far: 4\n"
    assert seen(settings, counted) == {"cancelled": 6}


def test_a_letter_that_cannot_be_queued_again_is_named_and_is_no_success(
    outbox: Command, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operating, "AT_ONCE", 1)
    changed(settings, _two_fail)
    code, out, err = outbox("requeue", "host", "example.org", *ANNA)
    assert (code, out) == (1, "the mail host example.org: letters queued again: 1.\n")
    assert err.splitlines() == [
        "so far: 1",
        "letter 2 stays as it is: it would not read as it was confirmed",
    ]
    assert seen(settings, counted) == {"queued": 5, "failed": 1}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("freeze", "host", "nowhere.example", "--why", "x", *ANNA), "no such mail host"),
        (("freeze", "letter", "1", "--why", " ", *ANNA), "why: missing"),
        (("release", "letter", "1", "--by", "x@example.org"), "no such organiser"),
        (("requeue", "letter", "1", *ANNA), "letter 1 is queued: only what failed"),
        (("cancel", "letter", "99", "--why", "x", *ANNA), "no such letter: 99"),
    ],
)
def test_a_refusal_is_one_line(outbox: Command, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = outbox(*arguments)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert said in err


@pytest.mark.parametrize("act", ["freeze", "cancel"])
def test_a_freeze_and_a_cancel_need_a_reason(outbox: Command, act: str) -> None:
    code, _, err = outbox(act, "letter", "1", *ANNA)
    assert code == 2
    assert "--why" in err
