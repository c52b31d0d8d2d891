"""Content and the next envelope in one group: RFC 2920, and every way in which it goes wrong."""

import asyncio
from dataclasses import replace

import pytest

from app.delivery.messages.message import Message
from app.delivery.outcome import Deferred, Rejected, Taken
from app.delivery.routes.connection import Connection
from app.delivery.routes.relays import Relay
from tests.grounds.smtp import SmtpServer
from tests.grounds.smtp.scripted import answering, content, greet, hear

OURS = "letters+b-1-0123456789ab@letters.example.org"
FIRST, SECOND, THIRD = (
    Message(OURS, f"{name}@example.org", b"Subject: %s\r\n\r\nDear all\r\n" % name.encode())
    for name in ("first", "second", "third")
)
AGREED = b"250 2.1.0 OK\r\n250 2.1.5 OK\r\n354 go on\r\n"
TAKEN = b"250 2.0.0 queued as ABC123\r\n"
Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter


def connection_to(relay: Relay, timeout: float = 5) -> Connection:
    return Connection(relay, hello="letters.example.org", timeout=timeout, data_timeout=timeout)


async def envelope(reader: Reader, message: Message) -> None:
    await hear(reader, "MAIL", f"RCPT TO:<{message.rcpt_to}>".upper(), "DATA")


async def begin(reader: Reader, writer: Writer) -> None:
    """Up to the content of the first message, which comes with the second's envelope."""
    await greet(reader, writer, "PIPELINING")
    await envelope(reader, FIRST)
    writer.write(AGREED)
    assert await content(reader) == FIRST.raw + b".\r\n"
    await envelope(reader, SECOND)


async def take(reader: Reader, writer: Writer, message: Message) -> None:
    """One message on a new connection."""
    await greet(reader, writer, "PIPELINING")
    await envelope(reader, message)
    writer.write(AGREED)
    await content(reader)
    writer.write(TAKEN)
    await hear(reader, "QUIT")


async def test_a_letter_costs_one_round_trip() -> None:
    """The server hears the second envelope before it has said a word of the first content."""

    async def script(reader: Reader, writer: Writer) -> None:
        await begin(reader, writer)
        writer.write(TAKEN + AGREED)
        assert await content(reader) == SECOND.raw + b".\r\n"
        writer.write(TAKEN)
        await hear(reader, "QUIT")

    async with answering(script) as relay:
        connection = connection_to(relay)
        assert isinstance(await connection.send(FIRST, SECOND), Taken)
        outcome = await connection.send(SECOND)
        await connection.close()
    assert isinstance(outcome, Taken)
    assert outcome.queue_id == "ABC123"


@pytest.mark.parametrize("size", [1, 2, 7])
async def test_replies_may_come_in_any_pieces(size: int) -> None:
    async def script(reader: Reader, writer: Writer) -> None:
        await begin(reader, writer)
        said = b"250-2.0.0 it\r\n250 2.0.0 is in\r\n" + AGREED
        for i in range(0, len(said), size):
            writer.write(said[i : i + size])
            await writer.drain()
            await asyncio.sleep(0)
        await content(reader)
        writer.write(TAKEN)
        await hear(reader, "QUIT")

    async with answering(script) as relay:
        connection = connection_to(relay)
        first = await connection.send(FIRST, SECOND)
        assert first == Taken(250, "2.0.0 it\n2.0.0 is in", "127.0.0.1")
        assert isinstance(await connection.send(SECOND), Taken)
        await connection.close()


@pytest.mark.parametrize(
    ("replies", "ending", "code"),
    [
        (b"250 OK\r\n550 5.1.1 nobody\r\n503 no recipients\r\n", Rejected, 550),
        (b"250 OK\r\n550 5.1.1 nobody\r\n554 no valid recipients\r\n", Rejected, 550),
        (b"250 OK\r\n451 4.7.1 later\r\n503 no recipients\r\n", Deferred, 451),
        (b"451 4.3.0 no MAIL now\r\n503 MAIL first\r\n503 MAIL first\r\n", Deferred, 451),
        (b"250 OK\r\n250 OK\r\n451 4.3.0 no DATA now\r\n", Deferred, 451),
        (b"250 OK\r\n250 OK\r\n554 5.6.0 no DATA\r\n", Rejected, 554),
    ],
)
async def test_a_refused_envelope_costs_nobody_else_anything(
    replies: bytes, ending: type, code: int
) -> None:
    """Its replies are its own: the message before was taken, and the one after leaves."""

    async def script(reader: Reader, writer: Writer) -> None:
        await begin(reader, writer)
        writer.write(TAKEN + replies)
        await hear(reader, "RSET")
        writer.write(b"250 OK\r\n")
        await envelope(reader, THIRD)
        writer.write(AGREED)
        assert await content(reader) == THIRD.raw + b".\r\n"
        writer.write(TAKEN)
        await hear(reader, "QUIT")

    async with answering(script) as relay:
        connection = connection_to(relay)
        assert isinstance(await connection.send(FIRST, SECOND), Taken)
        outcome = await connection.send(SECOND, THIRD)
        assert type(outcome) is ending
        assert outcome.code == code
        assert not isinstance(outcome, Deferred) or not outcome.began_data
        assert isinstance(await connection.send(THIRD), Taken)
        await connection.close()


@pytest.mark.parametrize("last", [b"554 no valid recipients", b"250 so it is empty", b"garbage"])
async def test_a_server_that_wants_content_for_nobody_gets_a_dot_and_took_nothing(
    last: bytes,
) -> None:
    """RFC 2920 3.1: what it says to an empty message says nothing of the refused one."""

    async def script(reader: Reader, writer: Writer) -> None:
        await begin(reader, writer)
        writer.write(TAKEN + b"250 OK\r\n550 5.1.1 nobody\r\n354 go on\r\n")
        assert await reader.readline() == b".\r\n"
        writer.write(last + b"\r\n")
        await hear(reader, "QUIT")

    async with answering(script) as relay:
        connection = connection_to(relay)
        assert isinstance(await connection.send(FIRST, SECOND), Taken)
        outcome = await connection.send(SECOND)
        await connection.close()
    assert outcome == Rejected(550, "5.1.1 nobody", "127.0.0.1")


@pytest.mark.parametrize("reply", [b"", b"421 4.3.2 going down\r\n"])
async def test_an_envelope_on_its_way_when_the_line_breaks_was_never_begun(reply: bytes) -> None:
    """The first may have arrived; the second goes over a new connection as if nothing had been."""

    async def breaks(reader: Reader, writer: Writer) -> None:
        await begin(reader, writer)
        writer.write(reply)

    async def then(reader: Reader, writer: Writer) -> None:
        await take(reader, writer, SECOND)

    async with answering(breaks, then) as relay:
        connection = connection_to(relay)
        outcome = await connection.send(FIRST, SECOND)
        assert isinstance(outcome, Deferred)
        assert outcome.began_data == (reply == b"")
        assert isinstance(await connection.send(SECOND), Taken)
        await connection.close()


@pytest.mark.parametrize(
    "after", [b"", b"250 OK\r\n", b"250 OK\r\n250 OK\r\n", b"421 4.7.0 too many\r\n", AGREED]
)
async def test_a_server_that_closes_after_one_message_is_called_again(after: bytes) -> None:
    """Whatever it had said of the second envelope: no word of its content had been sent."""

    async def one_only(reader: Reader, writer: Writer) -> None:
        await begin(reader, writer)
        writer.write(TAKEN + after)

    async def then(reader: Reader, writer: Writer) -> None:
        await take(reader, writer, SECOND)

    async with answering(one_only, then) as relay:
        connection = connection_to(relay)
        assert isinstance(await connection.send(FIRST, SECOND), Taken)
        await asyncio.sleep(0.02)  # until the line is seen to be closed
        assert isinstance(await connection.send(SECOND), Taken)
        await connection.close()


@pytest.mark.parametrize(
    ("said", "goes"),
    [
        # it waits for the second's content: a dot would send its office an empty letter
        (AGREED, THIRD),
        # its goodbye would be taken for the answer to a content that it took all the same
        (AGREED + b"421 4.3.2 going down\r\n", SECOND),
    ],
    ids=["another message than the one announced", "more was said than asked"],
)
async def test_a_line_with_an_envelope_that_cannot_be_used_is_left(
    said: bytes, goes: Message
) -> None:
    async def left_waiting(reader: Reader, writer: Writer) -> None:
        await begin(reader, writer)
        writer.write(TAKEN + said)
        assert await reader.read() == b""

    async def then(reader: Reader, writer: Writer) -> None:
        await take(reader, writer, goes)

    async with answering(left_waiting, then) as relay:
        connection = connection_to(relay)
        assert isinstance(await connection.send(FIRST, SECOND), Taken)
        assert isinstance(await connection.send(goes), Taken)
        await connection.close()


async def test_a_close_with_an_envelope_on_its_way_sends_nothing_more() -> None:
    async def script(reader: Reader, writer: Writer) -> None:
        await begin(reader, writer)
        writer.write(TAKEN + AGREED)
        assert await reader.read() == b""

    async with answering(script) as relay:
        connection = connection_to(relay)
        assert isinstance(await connection.send(FIRST, SECOND), Taken)
        await connection.close()


async def test_a_garbled_reply_ends_the_trust_in_the_whole_line() -> None:
    """Who knows whose reply is whose after it: the second is asked again elsewhere."""

    async def garble(reader: Reader, writer: Writer) -> None:
        await begin(reader, writer)
        writer.write(b"+OK\r\n" + TAKEN + AGREED)
        assert await reader.read() == b""

    async def then(reader: Reader, writer: Writer) -> None:
        await take(reader, writer, SECOND)

    async with answering(garble, then) as relay:
        connection = connection_to(relay)
        outcome = await connection.send(FIRST, SECOND)
        assert outcome == Deferred(None, "+OK", "127.0.0.1", began_data=True)
        assert isinstance(await connection.send(SECOND), Taken)
        await connection.close()


async def test_content_that_is_never_answered_takes_nothing_along() -> None:
    async def silent(reader: Reader, writer: Writer) -> None:
        await begin(reader, writer)
        assert await reader.read() == b""

    async def then(reader: Reader, writer: Writer) -> None:
        await take(reader, writer, SECOND)

    async with answering(silent, then) as relay:
        connection = connection_to(relay, timeout=0.2)
        outcome = await connection.send(FIRST, SECOND)
        assert isinstance(outcome, Deferred)
        assert outcome.began_data
        assert isinstance(await connection.send(SECOND), Taken)
        await connection.close()


async def test_a_refused_content_does_not_refuse_what_follows() -> None:
    async def script(reader: Reader, writer: Writer) -> None:
        await begin(reader, writer)
        writer.write(b"554 5.7.1 looks like spam\r\n" + AGREED)
        await content(reader)
        writer.write(TAKEN)
        await hear(reader, "QUIT")

    async with answering(script) as relay:
        connection = connection_to(relay)
        assert isinstance(await connection.send(FIRST, SECOND), Rejected)
        assert isinstance(await connection.send(SECOND), Taken)
        await connection.close()


async def test_without_the_offer_nothing_travels_ahead(smtp_server: SmtpServer) -> None:
    smtp_server.pipelining = False
    connection = connection_to(Relay.from_url(smtp_server.url))
    assert isinstance(await connection.send(FIRST, SECOND), Taken)
    assert len(smtp_server.asked) == 1
    await connection.close()


async def test_a_following_envelope_that_cannot_be_written_is_told_in_its_own_turn(
    smtp_server: SmtpServer,
) -> None:
    connection = connection_to(Relay.from_url(smtp_server.url))
    broken = replace(SECOND, rcpt_to="no one@example.org")
    assert isinstance(await connection.send(FIRST, broken), Taken)
    assert smtp_server.asked == [FIRST.rcpt_to]
    await connection.close()


async def test_many_letters_over_one_connection_arrive_in_order_and_once(
    smtp_server: SmtpServer,
) -> None:
    smtp_server.rejects(to="7@example.org")
    connection = connection_to(Relay.from_url(smtp_server.url))
    letters = [replace(FIRST, rcpt_to=f"{n}@example.org", raw=b".%d\r\n" % n) for n in range(20)]
    endings = [
        await connection.send(one, following)
        for one, following in zip(letters, [*letters[1:], None], strict=True)
    ]
    await connection.close()
    assert [n for n, ending in enumerate(endings) if isinstance(ending, Rejected)] == [7]
    expected = [one.raw for n, one in enumerate(letters) if n != 7]
    assert [one.raw for one in smtp_server.received] == expected
    assert smtp_server.connections == 1
