"""What would have left lands in a table, exactly as it was sent, before the server says 250."""

import asyncio
from email.utils import format_datetime

from sqlalchemy import select, text

from app import clock
from app.accounts import organisers
from app.db import Database
from app.delivery import sandbox
from app.delivery.messages.message import Message
from app.delivery.outcome import Deferred, Outcome, Taken
from app.delivery.routes.connection import Connection, Relay
from app.models import SandboxMessage
from tests.grounds.letters import make_alert, make_notice, make_queued_letters
from tests.grounds.rows import all_of

RAW = (
    b"From: =?utf-8?q?Mari_M=C3=A4gi?= <letters@letters.example.org>\r\n"
    b"Subject: =?utf-8?q?Palun_j=C3=A4=C3=A4ge?=\r\n"
    b"Message-ID: <1@letters.example.org>\r\n"
    b"Date: " + format_datetime(clock.now()).encode() + b"\r\n"
    b"\r\n.\r\n..\r\nDear Minister,\r\n \r\n"
)


async def send(relay: Relay, n: int = 1) -> list[Outcome]:
    connection = Connection(relay, hello="letters.example.org", timeout=10)
    sent = [
        await connection.send(Message("letters@letters.example.org", "pm@example.org", RAW))
        for _ in range(n)
    ]
    await connection.close()
    return sent


async def test_a_message_is_kept_exactly_as_it_was_sent(
    database: Database, database_url: str
) -> None:
    async with sandbox.serving(database_url) as relay:
        outcome = (await send(relay))[0]
    assert outcome == Taken(250, sandbox.KEPT[4:], "127.0.0.1")
    kept = (await all_of(database, SandboxMessage))[0]
    assert kept.raw == RAW
    assert kept.subject == "Palun jääge"
    assert kept.message_id == "<1@letters.example.org>"
    assert (kept.mail_from, kept.rcpt_to) == ("letters@letters.example.org", "pm@example.org")


async def test_ten_connections_at_once_lose_nothing(database: Database, database_url: str) -> None:
    async with sandbox.serving(database_url) as relay:
        sent = await asyncio.gather(*(send(relay, 20) for _ in range(10)))
    assert all(isinstance(outcome, Taken) for group in sent for outcome in group)
    assert len(await all_of(database, SandboxMessage)) == 200


async def test_what_is_answered_is_already_committed(database: Database, database_url: str) -> None:
    async with sandbox.serving(database_url) as relay:
        await send(relay)
        async with database.reading() as session:
            assert len(list(await session.scalars(select(SandboxMessage.id)))) == 1


async def test_a_database_that_fails_is_a_deferral(database: Database, database_url: str) -> None:
    async with database.transaction() as session:
        await session.execute(text("ALTER TABLE sandbox_message RENAME TO elsewhere"))
    async with sandbox.serving(database_url) as relay:
        outcome = (await send(relay))[0]
    assert isinstance(outcome, Deferred)
    assert outcome.code == 451


async def test_headers_that_make_no_sense_do_not_stop_it(
    database: Database, database_url: str
) -> None:
    raw = b"Subject: \xff\xfe =?utf-8?q?=00?= \r\nnot a header\r\n\r\nx\r\n"
    async with sandbox.serving(database_url) as relay:
        connection = Connection(relay, hello="letters.example.org", timeout=10)
        outcome = await connection.send(Message("a@example.org", "b@example.org", raw))
        await connection.close()
    assert isinstance(outcome, Taken)
    assert (await all_of(database, SandboxMessage))[0].raw == raw


async def test_whose_a_message_is_stands_with_it(database: Database, database_url: str) -> None:
    """By its letter or notice, or by the organiser it goes to; else it is nobody's."""
    async with database.transaction() as session:
        ground = await make_alert(session)
        (letter,) = await make_queued_letters(session, 1, ground=ground)
        notice = await make_notice(session, ground)
        await organisers.add(session, email="anna@example.org", name="", password="long enough")
    ids = [letter.message_id, notice.message_id, "<by-hand@x.example>", "<by-hand@y.example>"]
    to = ["pm@example.org", "mari@example.org", "Anna@example.org", "x@example.org"]
    async with sandbox.serving(database_url) as relay:
        connection = Connection(relay, hello="letters.example.org", timeout=10)
        for message_id, recipient in zip(ids, to, strict=True):
            raw = f"Message-ID: {message_id}\r\n\r\nx\r\n".encode()
            await connection.send(Message("letters@letters.example.org", recipient, raw))
        await connection.close()
    kept = await all_of(database, SandboxMessage)
    assert [(one.message_id, one.organisation_id) for one in kept] == list(
        zip(ids, [1, 1, 1, None], strict=True)
    )
