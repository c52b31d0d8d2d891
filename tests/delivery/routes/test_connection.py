"""Every ending of a dialogue with a real server, as an outcome."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from app.delivery.messages.message import Message
from app.delivery.outcome import Deferred, Rejected, Taken, Unreached
from app.delivery.routes.connection import Connection
from app.delivery.routes.relays import Relay
from app.errors import MessageRefused
from tests.grounds.smtp import Point, SmtpServer
from tests.grounds.smtp.scripted import answering, content, greet, hear

MESSAGE = Message(
    "letters+b-1-0123456789ab@letters.example.org",
    "pm@example.org",
    b"Subject: Please stay\r\n\r\n.\r\nDear Minister\r\n",
)


def connection_to(server: SmtpServer, **changes: float) -> Connection:
    relay = Relay.from_url(server.url)
    times = {"timeout": 5.0, "data_timeout": 5.0} | changes
    return Connection(relay, hello="letters.example.org", **times)


@pytest.fixture(params=[True, False], ids=["pipelining", "step by step"], autouse=True)
def pipelining(request: pytest.FixtureRequest, smtp_server: SmtpServer) -> None:
    """Every ending is the same with a server that offers it and with one that does not."""
    smtp_server.pipelining = request.param


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
    smtp_server: SmtpServer,
) -> None:
    connection = connection_to(smtp_server, letters=3)
    for _ in range(3):
        assert isinstance(await connection.send(MESSAGE), Taken)
        assert smtp_server.connections == 1
    assert isinstance(await connection.send(MESSAGE), Taken)
    assert smtp_server.connections == 2
    await connection.close()


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


@pytest.mark.parametrize("point", ["MAIL", "RCPT", "DATA"])
async def test_a_server_that_hangs_up_or_talks_nonsense_defers(
    smtp_server: SmtpServer, connection: Connection, point: Point
) -> None:
    for fault in (smtp_server.drops, smtp_server.answers_garbage):
        fault(at=point, times=1)
        outcome = await connection.send(MESSAGE)
        assert isinstance(outcome, Deferred)
        assert outcome.code is None
        assert outcome.began_data == (point == "DATA")
        assert isinstance(await connection.send(MESSAGE), Taken)
        await connection.close()


async def test_a_server_that_closes_at_once_is_not_reached(
    smtp_server: SmtpServer, connection: Connection
) -> None:
    smtp_server.closes_at_once(times=1)
    outcome = await connection.send(MESSAGE)
    assert isinstance(outcome, Unreached)
    assert outcome.why == "connect"
    assert isinstance(await connection.send(MESSAGE), Taken)


async def test_greylisting_defers_the_first_time_and_takes_the_second(
    smtp_server: SmtpServer, connection: Connection
) -> None:
    smtp_server.greylists()
    other = replace(MESSAGE, rcpt_to="defence@example.org")
    for message in (MESSAGE, other):
        outcome = await connection.send(message)
        assert isinstance(outcome, Deferred)
        assert (outcome.code, outcome.enhanced) == (451, "4.7.1")
    for message in (MESSAGE, other):
        assert isinstance(await connection.send(message), Taken)
    assert smtp_server.connections == 1


async def test_a_tarpit_is_waited_for_and_a_deeper_one_given_up(
    smtp_server: SmtpServer,
) -> None:
    smtp_server.tarpits(0.05)
    patient, hasty = connection_to(smtp_server), connection_to(smtp_server, timeout=0.02)
    assert isinstance(await patient.send(MESSAGE), Taken)
    assert isinstance(await hasty.send(MESSAGE), Unreached)
    await patient.close()


async def test_a_server_that_changes_its_mind_gets_what_it_asks_for(
    smtp_server: SmtpServer, connection: Connection
) -> None:
    smtp_server.changes_its_mind("451 4.2.0 later", "550 5.7.1 never", at="DATA")
    endings = [await connection.send(MESSAGE) for _ in range(3)]
    assert [type(one) for one in endings] == [Deferred, Rejected, Taken]


async def test_a_server_that_is_busy_is_not_reached_and_asked_again(
    smtp_server: SmtpServer, connection: Connection
) -> None:
    smtp_server.greets("421 4.3.2 not now", times=1)
    outcome = await connection.send(MESSAGE)
    assert outcome == Unreached(421, "4.3.2 not now", "127.0.0.1", why="connect")
    assert isinstance(await connection.send(MESSAGE), Taken)


@pytest.mark.parametrize(
    ("reply", "point", "ending"),
    [
        ("554 5.7.0 no mail service here", "GREETING", Unreached),
        ("530 5.7.0 authentication required", "MAIL", Unreached),
        ("550 5.7.1 sender not allowed", "MAIL", Unreached),
        ("530 5.7.0 authentication required", "RCPT", Deferred),
        ("554 5.7.1 <pm@example.org>: Relay access denied", "RCPT", Unreached),
    ],
)
async def test_a_fault_of_our_own_rejects_no_letter(
    smtp_server: SmtpServer, connection: Connection, reply: str, point: Point, ending: type
) -> None:
    smtp_server.answers(reply, at=point)
    outcome = await connection.send(MESSAGE)
    assert type(outcome) is ending
    assert outcome.reply == reply[4:]
    assert outcome.code == int(reply[:3])


async def test_a_message_too_large_for_the_server_is_rejected(
    smtp_server: SmtpServer, connection: Connection
) -> None:
    smtp_server.answers("552 5.3.4 message too large", at="MAIL")
    assert isinstance(await connection.send(MESSAGE), Rejected)


async def test_delivery_reports_are_asked_for_where_they_are_offered(
    smtp_server: SmtpServer, connection: Connection
) -> None:
    tracked = replace(MESSAGE, rcpt_to="p+m@example.org", envelope_id="letter=7+1")
    await connection.send(tracked)
    assert smtp_server.received[0].options == []
    await connection.close()
    smtp_server.dsn = True
    await connection.send(tracked)
    await connection.send(MESSAGE)
    asked, unasked = (one.options for one in smtp_server.received[1:])
    assert asked == [
        "RET=HDRS",
        "ENVID=letter+3D7+2B1",
        "NOTIFY=SUCCESS,FAILURE,DELAY",
        "ORCPT=rfc822;p+2Bm@example.org",
    ]
    assert unasked == []


async def test_an_address_that_would_end_the_command_is_never_written(
    smtp_server: SmtpServer, connection: Connection
) -> None:
    for address in (
        "pm@example.org>\r\nRCPT TO:<x@example.org",
        "pm @example.org",
        "pä@example.org",
    ):
        with pytest.raises(MessageRefused):
            await connection.send(replace(MESSAGE, rcpt_to=address))
    assert isinstance(await connection.send(MESSAGE), Taken)
    assert smtp_server.asked == [MESSAGE.rcpt_to]


async def test_a_relay_that_is_down_is_not_reached(smtp_server: SmtpServer) -> None:
    closed = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = closed.sockets[0].getsockname()[1]
    closed.close()
    await closed.wait_closed()
    connection = Connection(Relay("127.0.0.1", port), hello="letters.example.org", timeout=5)
    for _ in range(2):
        outcome = await connection.send(MESSAGE)
        assert isinstance(outcome, Unreached)
        assert outcome.code is None


@pytest.mark.parametrize("goodbye", [b"", b"421 4.4.2 idle for too long\r\n"])
async def test_a_kept_connection_that_was_hung_up_says_nothing_of_the_next_message(
    goodbye: bytes,
) -> None:
    async def one_message(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        for command, reply in (("MAIL", b"250 OK"), ("RCPT", b"250 OK"), ("DATA", b"354 go on")):
            await hear(reader, command)
            writer.write(reply + b"\r\n")
        await content(reader)
        writer.write(b"250 2.0.0 taken\r\n")
        await reader.readline()
        writer.write(goodbye)

    async with answering(one_message) as relay:
        connection = Connection(relay, hello="letters.example.org", timeout=5)
        assert isinstance(await connection.send(MESSAGE), Taken)
        assert isinstance(await connection.send(MESSAGE), Taken)
        await connection.close()


async def test_a_garbled_greeting_is_no_code() -> None:
    async def garble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"what do you want\r\n")
        await reader.read()

    async with answering(garble) as relay:
        outcome = await Connection(relay, hello="letters.example.org", timeout=5).send(MESSAGE)
    assert isinstance(outcome, Unreached)
    assert outcome.code is None


async def test_a_server_that_stops_reading_is_given_up(smtp_server: SmtpServer) -> None:
    async def stuffed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        for reply in (b"250 OK", b"250 OK", b"354 go on"):
            await reader.readline()
            writer.write(reply + b"\r\n")
        await asyncio.sleep(0.6)

    async with answering(stuffed) as relay:
        connection = Connection(relay, hello="x.example.org", timeout=0.2, data_timeout=0.2)
        # more than all buffers on the way hold
        outcome = await connection.send(replace(MESSAGE, raw=b"x" * 30_000_000 + b"\r\n"))
    assert isinstance(outcome, Deferred)
    assert outcome.began_data
