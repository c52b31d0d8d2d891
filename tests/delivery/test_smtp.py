"""Every ending of a dialogue with a real server, as an outcome."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import pytest_asyncio

from app.delivery.messages.message import Message
from app.delivery.outcome import Deferred, Rejected, Taken
from app.delivery.routes.connection import LETTERS_A_CONNECTION, Connection, Relay
from tests.grounds.smtp import SmtpServer

MESSAGE = Message(
    "letters+b-1-0123456789ab@letters.example.org",
    "pm@example.org",
    b"Subject: Please stay\r\n\r\n.\r\nDear Minister\r\n",
)

Dialogue = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def connection_to(server: SmtpServer, **changes: float) -> Connection:
    relay = Relay.from_url(server.url)
    times = {"timeout": 5.0, "data_timeout": 5.0} | changes
    return Connection(relay, hello="letters.example.org", **times)


@pytest_asyncio.fixture
async def connection(smtp_server: SmtpServer) -> AsyncIterator[Connection]:
    opened = connection_to(smtp_server)
    yield opened
    await opened.close()


async def test_a_message_that_the_server_took_has_its_receipt(
    smtp_server: SmtpServer, connection: Connection
) -> None:
    outcome = await connection.send(MESSAGE)
    assert outcome == Taken(250, "2.0.0 OK queued as 1", "127.0.0.1")
    assert outcome.enhanced == "2.0.0"
    received = smtp_server.received[0]
    assert received.raw == MESSAGE.raw
    assert received.mail_from == MESSAGE.mail_from
    assert received.rcpt_to == [MESSAGE.rcpt_to]


async def test_one_connection_carries_many_messages_and_then_a_new_one(
    smtp_server: SmtpServer, connection: Connection
) -> None:
    for _ in range(LETTERS_A_CONNECTION):
        assert isinstance(await connection.send(MESSAGE), Taken)
    assert smtp_server.connections == 1
    await connection.send(MESSAGE)
    assert smtp_server.connections == 2


async def test_a_refused_recipient_is_rejected_and_the_next_message_leaves_on_the_same_connection(
    smtp_server: SmtpServer, connection: Connection
) -> None:
    smtp_server.rejects("550 5.1.1 no such user", to="gone@example.org")
    outcome = await connection.send(Message(MESSAGE.mail_from, "gone@example.org", MESSAGE.raw))
    assert outcome == Rejected(550, "5.1.1 no such user", "127.0.0.1")
    assert outcome.enhanced == "5.1.1"
    assert isinstance(await connection.send(MESSAGE), Taken)
    assert smtp_server.connections == 1


@pytest.mark.parametrize("point", ["RCPT", "DATA"])
async def test_a_greylisted_message_is_deferred(
    smtp_server: SmtpServer, connection: Connection, point: str
) -> None:
    smtp_server.answers("451 4.7.1 try later", at=point, times=1)  # type: ignore[arg-type]
    assert await connection.send(MESSAGE) == Deferred(451, "4.7.1 try later", "127.0.0.1")
    assert isinstance(await connection.send(MESSAGE), Taken)


async def test_a_message_refused_after_its_data_is_rejected(
    smtp_server: SmtpServer, connection: Connection
) -> None:
    smtp_server.answers("554 5.6.0 not this", at="DATA")
    assert isinstance(await connection.send(MESSAGE), Rejected)


async def test_a_reply_lost_after_the_data_says_that_it_may_have_arrived(
    smtp_server: SmtpServer, connection: Connection
) -> None:
    smtp_server.drops_after_data(times=1)
    outcome = await connection.send(MESSAGE)
    assert isinstance(outcome, Deferred)
    assert outcome.began_data
    assert outcome.code is None
    assert isinstance(await connection.send(MESSAGE), Taken)
    assert smtp_server.connections == 2


async def test_a_server_that_never_answers_is_given_up(smtp_server: SmtpServer) -> None:
    connection = connection_to(smtp_server, data_timeout=0.2)
    smtp_server.never_answers(times=1)
    outcome = await connection.send(MESSAGE)
    assert isinstance(outcome, Deferred)
    assert outcome.began_data
    assert isinstance(await connection.send(MESSAGE), Taken)
    await connection.close()


async def test_a_server_that_is_busy_is_deferred_and_asked_again(
    smtp_server: SmtpServer, connection: Connection
) -> None:
    smtp_server.greets("421 4.3.2 not now", times=1)
    outcome = await connection.send(MESSAGE)
    assert isinstance(outcome, Deferred)
    assert outcome.code == 421
    assert not outcome.began_data
    assert connection.failures == 1
    assert isinstance(await connection.send(MESSAGE), Taken)
    assert connection.failures == 0


@pytest.mark.parametrize(
    ("reply", "point"),
    [
        ("554 5.7.0 no mail service here", "GREETING"),
        ("530 5.7.0 authentication required", "MAIL"),
        ("550 5.7.1 sender not allowed", "MAIL"),
        ("530 5.7.0 authentication required", "RCPT"),
        ("554 5.7.1 <pm@example.org>: Relay access denied", "RCPT"),
    ],
)
async def test_a_fault_of_our_own_rejects_no_letter(
    smtp_server: SmtpServer, connection: Connection, reply: str, point: str
) -> None:
    smtp_server.answers(reply, at=point)  # type: ignore[arg-type]
    outcome = await connection.send(MESSAGE)
    assert isinstance(outcome, Deferred)
    assert outcome.reply == reply[4:]
    assert outcome.code == int(reply[:3])


async def test_a_message_too_large_for_the_server_is_rejected(
    smtp_server: SmtpServer, connection: Connection
) -> None:
    smtp_server.answers("552 5.3.4 message too large", at="MAIL")
    assert isinstance(await connection.send(MESSAGE), Rejected)


async def test_a_relay_that_refuses_starttls_defers(
    smtp_server: SmtpServer, connection: Connection
) -> None:
    smtp_server.refuses_starttls()
    outcome = await connection.send(MESSAGE)
    assert isinstance(outcome, Deferred)
    assert outcome.code == 454


async def test_a_relay_that_offers_no_sign_in_defers(smtp_server: SmtpServer) -> None:
    relay = Relay("127.0.0.1", smtp_server.port, username="us", password="secret")
    connection = Connection(relay, hello="letters.example.org", timeout=5)
    outcome = await connection.send(MESSAGE)
    assert isinstance(outcome, Deferred)
    assert "AUTH" in outcome.reply
    assert connection.failures == 1


async def test_a_refused_sign_in_defers_in_the_servers_own_words() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        await reader.readline()
        writer.write(b"250-hello\r\n250 AUTH PLAIN\r\n")
        await reader.readline()
        writer.write(b"535 5.7.8 wrong password\r\n")
        await reader.read()

    async with answering(refuse) as relay:
        ours = replace(relay, username="us", password="secret")
        connection = Connection(ours, hello="letters.example.org", timeout=5)
        outcome = await connection.send(MESSAGE)
    assert outcome == Deferred(535, "5.7.8 wrong password", "127.0.0.1")
    assert connection.failures == 1


async def test_beyond_this_machine_a_relay_without_starttls_gets_nothing(
    smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Relay, "on_this_machine", False)
    outcome = await connection_to(smtp_server).send(MESSAGE)
    assert isinstance(outcome, Deferred)
    assert "STARTTLS" in outcome.reply
    assert smtp_server.asked == []


async def test_a_relay_that_is_down_defers(smtp_server: SmtpServer) -> None:
    closed = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = closed.sockets[0].getsockname()[1]
    closed.close()
    await closed.wait_closed()
    connection = Connection(Relay("127.0.0.1", port), hello="letters.example.org", timeout=5)
    for failures in (1, 2):
        outcome = await connection.send(MESSAGE)
        assert isinstance(outcome, Deferred)
        assert outcome.code is None
        assert connection.failures == failures


@pytest.mark.parametrize("goodbye", [b"", b"421 4.4.2 idle for too long\r\n"])
async def test_a_kept_connection_that_was_hung_up_says_nothing_of_the_next_message(
    goodbye: bytes,
) -> None:
    async def one_message(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        for reply in (b"250 hello\r\n", b"250 OK\r\n", b"250 OK\r\n", b"354 go on\r\n"):
            await reader.readline()
            writer.write(reply)
        await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"250 2.0.0 taken\r\n")
        await reader.readline()
        writer.write(goodbye)

    async with answering(one_message) as relay:
        connection = Connection(relay, hello="letters.example.org", timeout=5)
        assert isinstance(await connection.send(MESSAGE), Taken)
        assert isinstance(await connection.send(MESSAGE), Taken)
        await connection.close()


async def test_a_garbled_reply_is_no_code() -> None:
    async def garble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"what do you want\r\n")
        await reader.read()

    async with answering(garble) as relay:
        outcome = await Connection(relay, hello="letters.example.org", timeout=5).send(MESSAGE)
    assert isinstance(outcome, Deferred)
    assert outcome.code is None


@asynccontextmanager
async def answering(dialogue: Dialogue) -> AsyncIterator[Relay]:
    """A server that holds `dialogue` with everybody who calls, and then hangs up."""
    calls: list[asyncio.Task[None]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(asyncio.current_task())  # type: ignore[arg-type]
        await dialogue(reader, writer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield Relay("127.0.0.1", server.sockets[0].getsockname()[1])
    server.close()
    await asyncio.wait_for(asyncio.gather(*calls), 5)


def test_a_relay_is_read_from_its_address() -> None:
    relay = Relay.from_url("smtp://letters%40example.org:p%2Fw@relay.example.org")
    assert relay == Relay("relay.example.org", 587, "letters@example.org", "p/w")
    assert not relay.on_this_machine
    secure = Relay.from_url("smtps://relay.example.org")
    assert (secure.port, secure.implicit_tls) == (465, True)
    assert Relay.from_url("smtp://localhost:2525").on_this_machine
