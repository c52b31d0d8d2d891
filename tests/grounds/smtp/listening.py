"""Runs the server in a thread of its own, so that other processes can reach it too."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from tests.grounds.smtp.dialogue import Dialogue
from tests.grounds.smtp.server import HERE, SmtpServer


@contextmanager
def running(
    host: str = HERE, port: int = 0, *, implicit_tls: ssl.SSLContext | None = None
) -> Iterator[SmtpServer]:
    """A server until the block ends. Port 0: any; 127.0.0.2 and further are this machine too.

    `implicit_tls`: TLS before any greeting; for STARTTLS set `server.tls`.
    """
    server, listening = SmtpServer(host), Event()
    loop = asyncio.new_event_loop()
    arguments = (loop, server, port, implicit_tls, listening)
    thread = Thread(target=_serve, args=arguments, daemon=True)
    thread.start()
    if not listening.wait(5):
        raise TimeoutError("the SMTP server of the tests did not start")
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


def _serve(
    loop: asyncio.AbstractEventLoop,
    server: SmtpServer,
    port: int,
    implicit_tls: ssl.SSLContext | None,
    listening: Event,
) -> None:
    asyncio.set_event_loop(loop)
    listener: Any = loop.run_until_complete(
        loop.create_server(lambda: Dialogue(server), server.host, port, ssl=implicit_tls)
    )
    server.port = listener.sockets[0].getsockname()[1]
    listening.set()
    loop.run_forever()
    listener.close()
    # also those that are still shaking hands, of which no protocol of ours knows
    for line in list(loop._transports.values()):  # type: ignore[attr-defined]
        line.abort()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
