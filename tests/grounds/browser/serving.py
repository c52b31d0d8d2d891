"""The program's own web server, on a loopback port, in a thread beside the tests."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import uvicorn
from fastapi import FastAPI


def door() -> socket.socket:
    """A free loopback port that is ours already, so that pages can know their address."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    opened.bind(("127.0.0.1", 0))
    return opened


@contextmanager
def serving(app: FastAPI, at: socket.socket) -> Iterator[str]:
    """Serve `app` at that socket until the block ends; gives the address."""
    # asyncio's own loop: uvloop opens sockets past the guard of the tests
    config = uvicorn.Config(
        app, loop="asyncio", ws="none", log_config=None, timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    thread = Thread(target=server.run, kwargs={"sockets": [at]}, daemon=True)
    thread.start()
    try:
        _wait(server, thread)
        yield f"http://127.0.0.1:{at.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


def _wait(server: uvicorn.Server, thread: Thread) -> None:
    until = time.monotonic() + 10
    while not server.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise RuntimeError("the web server of the tests did not start")
        time.sleep(0.01)
