"""A server that says exactly what the test wrote, in exactly these pieces."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from app.delivery.routes.relays import Relay

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(*scripts: Script) -> AsyncIterator[Relay]:
    """The first call is held by the first script, and so on; the last one holds all further ones.

    Then it hangs up. What a script asserts fails the test when the block ends.
    """
    calls: list[asyncio.Task[None]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(asyncio.current_task())  # type: ignore[arg-type]
        script = scripts[min(len(calls), len(scripts)) - 1]
        try:
            await script(reader, writer)
        finally:
            writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield Relay("127.0.0.1", server.sockets[0].getsockname()[1])
    server.close()
    await asyncio.wait_for(asyncio.gather(*calls), 5)


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *offers: str) -> None:
    """220, and what is offered to EHLO."""
    writer.write(b"220 here\r\n")
    await reader.readline()
    lines = ["hello", *offers]
    for line in lines[:-1]:
        writer.write(f"250-{line}\r\n".encode())
    writer.write(f"250 {lines[-1]}\r\n".encode())


async def hear(reader: asyncio.StreamReader, *commands: str) -> None:
    """Wait for these, in this order; each is given by how it begins."""
    for command in commands:
        line = (await reader.readline()).decode()
        assert line.upper().startswith(command), f"expected {command}, heard {line!r}"


async def content(reader: asyncio.StreamReader) -> bytes:
    """Everything up to the dot."""
    return await reader.readuntil(b"\r\n.\r\n")
