"""Where no server can hand it over, the mailbox is looked into: each message once, none dropped."""

import asyncio
from collections.abc import Iterator

import pytest
from imapclient.exceptions import LoginError
from sqlalchemy import update

from app.db import Database
from app.delivery.messages.message import bounce_address
from app.delivery.returns import imap
from app.delivery.returns.imap import Mailbox
from app.errors import SettingsRefused
from app.models import Returned, Submission
from app.settings import Delivery, Settings
from tests.delivery.returns import imap_server, sample
from tests.delivery.returns.imap_server import ImapServer
from tests.grounds.databases import once
from tests.grounds.rows import all_of, statuses

pytestmark = once


@pytest.fixture
def box() -> Iterator[ImapServer]:
    with imap_server.running() as server:
        yield server


async def look(settings: Settings, database: Database, box: ImapServer) -> int:
    return await imap.look(settings, database, Mailbox.from_url(box.url), asyncio.Event())


async def test_each_message_is_taken_in_once_and_then_seen(
    database: Database, settings: Settings, box: ImapServer
) -> None:
    letter = await sample.make_letter(database)
    to = bounce_address("b", letter.id, settings)
    bounce = box.put(sample.raw("postfix-unknown-user", to=to))
    odd = box.put(b"what is this?")
    assert await look(settings, database, box) == 2
    assert await look(settings, database, box) == 0
    assert await statuses(database) == {"bounced": 1}
    assert [one.kind for one in await all_of(database, Returned)] == ["report", "unreadable"]
    assert box.seen == {bounce, odd}
    assert box.logins[0] == ("returns", "se cret")
    assert box.selected == ["INBOX", "INBOX"]


async def test_where_there_is_a_folder_for_it_it_is_moved_there(
    database: Database, settings: Settings, box: ImapServer
) -> None:
    box.has_taken = True
    number = box.put(b"what is this?")
    assert await look(settings, database, box) == 1
    assert (box.taken, box.messages) == ([number], {})


async def test_what_cannot_be_taken_in_now_stays_and_holds_nothing_up(
    database: Database, settings: Settings, box: ImapServer
) -> None:
    live = settings.model_copy(update={"delivery": Delivery.LIVE, "smtp_url": ""})
    letter = await sample.make_letter(database, delivery="live")
    to = bounce_address("b", letter.id, live)
    answer = box.put(sample.raw("reply", to=to))
    bounce = box.put(sample.raw("gmail", to=to))
    assert await look(live, database, box) == 1
    assert box.seen == {bounce}
    assert await look(live, database, box) == 0
    assert answer in box.messages


async def test_an_answer_to_somebody_forgotten_is_seen_and_not_kept(
    database: Database, settings: Settings, box: ImapServer
) -> None:
    letter = await sample.make_letter(database)
    async with database.transaction() as session:
        await session.execute(update(Submission).values(erased_at=letter.created_at))
    number = box.put(sample.raw("reply", to=bounce_address("b", letter.id, settings)))
    assert await look(settings, database, box) == 1
    assert box.seen == {number}
    assert await all_of(database, Returned) == []


async def test_a_password_that_does_not_fit_is_no_end(
    database: Database, settings: Settings, box: ImapServer
) -> None:
    wrong = box.url.replace("se%20cret", "wrong")
    with pytest.raises(LoginError):
        await imap.look(settings, database, Mailbox.from_url(wrong), asyncio.Event())
    stop = asyncio.Event()
    ours = settings.model_copy(update={"returns_imap": wrong})
    running = asyncio.create_task(imap.run(ours, database, stop))
    async with asyncio.timeout(10):
        while len(box.logins) < 2:
            await asyncio.sleep(0.02)
    assert not running.done()
    stop.set()
    await asyncio.wait_for(running, 10)


async def test_of_several_workers_one_looks(
    database: Database, settings: Settings, box: ImapServer
) -> None:
    box.put(b"what is this?")
    stop = asyncio.Event()
    ours = settings.model_copy(update={"returns_imap": box.url})
    running = [asyncio.create_task(imap.run(ours, database, stop)) for _ in range(3)]
    async with asyncio.timeout(10):
        while not box.seen:
            await asyncio.sleep(0.02)
    stop.set()
    await asyncio.wait_for(asyncio.gather(*running), 10)
    assert len(box.logins) == 1
    assert len(await all_of(database, Returned)) == 1


async def test_without_a_mailbox_nobody_looks(database: Database, settings: Settings) -> None:
    await asyncio.wait_for(imap.run(settings, database, asyncio.Event()), 5)


def test_a_mailbox_is_read_from_its_address(database_kind: str) -> None:
    found = Mailbox.from_url("imaps://re%40turns:p%3Aw@mail.example/Returned%20mail")
    assert found == Mailbox("mail.example", 993, True, "re@turns", "p:w", "Returned mail")
    assert Mailbox.from_url("imap://a:b@localhost").folder == "INBOX"


@pytest.mark.parametrize(
    "url", ["imap://a:b@mail.example/INBOX", "pop3://mail.example", "imaps://", "imaps://x:y@h:z/"]
)
def test_a_mailbox_that_would_tell_its_password_is_refused(database_kind: str, url: str) -> None:
    with pytest.raises(SettingsRefused):
        Mailbox.from_url(url)
