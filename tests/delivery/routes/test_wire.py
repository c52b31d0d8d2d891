"""Replies read from whatever pieces they come in; no bytes from outside break the reader."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.delivery.routes.wire import GARBLED, LONGEST_REPLY, MOST_REPLIES, Reply, Wire

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=30).map(
    str.strip
)
REPLIES = st.tuples(st.integers(200, 599), st.lists(WORDS, min_size=1, max_size=4))


class Deaf(asyncio.Transport):
    """Where the wire writes to when only its reading is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.aborted = False

    def set_protocol(self, protocol: Any) -> None: ...

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        self.aborted = True


def written(code: int, lines: list[str], end: str = "\r\n") -> bytes:
    marks = ["-"] * (len(lines) - 1) + [" "]
    return "".join(
        f"{code}{mark}{line}{end}" for mark, line in zip(marks, lines, strict=True)
    ).encode()


def read(*pieces: bytes) -> list[Reply]:
    async def all_of_them() -> list[Reply]:
        wire, found = Wire(Deaf()), []
        for piece in pieces:
            wire.data_received(piece)
        wire.connection_lost(None)
        while True:
            try:
                found.append(await wire.reply(1))
            except ConnectionError:
                return found

    return asyncio.run(all_of_them())


@given(
    st.lists(REPLIES, max_size=MOST_REPLIES),
    st.lists(st.integers(0, 2000), max_size=6),
    st.sampled_from(["\r\n", "\n"]),
)
def test_replies_are_the_same_however_they_are_cut(
    replies: list[tuple[int, list[str]]], cuts: list[int], end: str
) -> None:
    octets = b"".join(written(code, lines, end) for code, lines in replies)
    edges = [0, *sorted(cuts), len(octets)]
    pieces = [octets[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    assert read(*pieces) == [Reply(code, "\n".join(lines)) for code, lines in replies]


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_whatever_comes_is_a_reply_or_garbled(pieces: list[bytes]) -> None:
    for reply in read(*pieces):
        assert reply.code == GARBLED or 200 <= reply.code <= 599


@pytest.mark.parametrize(
    "line",
    [b"hello\r\n", b"\r\n", b"25 short\r\n", b"2500 long\r\n", b"150 odd\r\n", b"999 odd\r\n"],
)
def test_after_a_line_that_is_no_reply_nothing_is_believed(line: bytes) -> None:
    found = read(b"250 OK\r\n" + line + b"250 OK\r\n", b"250 OK\r\n")
    assert [reply.code for reply in found] == [250, GARBLED]


def test_a_code_alone_is_a_reply() -> None:
    assert read(b"250\r\n") == [Reply(250, "")]


@pytest.mark.parametrize(
    "flood",
    [b"x" * (LONGEST_REPLY + 1), b"250-\r\n" * (LONGEST_REPLY + 1), b"250 OK\r\n" * 1000],
)
def test_a_server_that_talks_without_end_is_not_listened_to(flood: bytes) -> None:
    assert read(flood, flood)[-1].code == GARBLED


async def test_silence_is_given_up_and_a_lost_line_is_told() -> None:
    wire = Wire(Deaf())
    with pytest.raises(TimeoutError, match="did not answer"):
        await wire.reply(0.01)
    waiting = asyncio.create_task(wire.reply(5))
    await asyncio.sleep(0)
    wire.connection_lost(None)
    with pytest.raises(ConnectionError):
        await waiting
    with pytest.raises(ConnectionError):
        await wire.write(b"NOOP\r\n", 1)


async def test_what_was_said_before_the_line_was_lost_still_counts() -> None:
    wire = Wire(Deaf())
    wire.data_received(b"250 taken\r\n")
    wire.connection_lost(None)
    assert await wire.reply(1) == Reply(250, "taken")
    with pytest.raises(ConnectionError):
        await wire.reply(1)


async def test_words_that_nobody_asked_for_are_noticed() -> None:
    wire = Wire(Deaf())
    assert wire.quiet
    wire.data_received(b"421 4.4")
    assert not wire.quiet


@pytest.mark.parametrize(("first", "second"), [(0.2, 0.3), (5.0, 0.1)])
async def test_each_reply_has_its_own_time(first: float, second: float) -> None:
    wire, loop = Wire(Deaf()), asyncio.get_running_loop()
    loop.call_later(0.1, wire.data_received, b"250 yes\r\n")
    assert (await wire.reply(first)).code == 250
    began = loop.time()
    with pytest.raises(TimeoutError):
        await wire.reply(second)
    assert second - 0.01 < loop.time() - began < second + 0.5
    wire.data_received(b"250 late\r\n")
    assert (await wire.reply(first)).text == "late"
    wire.drop()
