"""Runs a real worker beside a test until something has come true."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta

from app import clock
from app.db import Database
from app.delivery import worker
from app.settings import Settings

PATIENCE = 40.0  # a busy machine is no fault of the program
DATA_TIMEOUT = 15.0
IMPATIENT = 1.0  # for a server that is meant not to answer


@asynccontextmanager
async def working(
    settings: Settings,
    database: Database,
    *,
    name: str = "test",
    data_timeout: float = DATA_TIMEOUT,
) -> AsyncIterator[asyncio.Event]:
    """A worker for as long as the block lasts; it ends as on a polite signal."""
    stop = asyncio.Event()
    task = asyncio.create_task(
        worker.run(settings, database, name=name, stop=stop, data_timeout=data_timeout)
    )
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, PATIENCE)


async def until(true: Callable[[], Awaitable[bool]], *, within: float = PATIENCE) -> None:
    """Wait for it, and fail when it never comes."""
    async with asyncio.timeout(within):
        while not await true():  # noqa: ASYNC110 (what is waited for is another process's row)
            await asyncio.sleep(0.05)


class _Running(clock.HeldClock):
    """Goes as the real one goes, but ahead of it or behind."""

    def __init__(self, later: timedelta) -> None:
        self.later = later

    @property
    def at(self) -> datetime:  # type: ignore[override]
        return datetime.now(UTC) + self.later


@contextmanager
def running_clock(later: timedelta) -> Iterator[None]:
    """The time goes on so far ahead, for this task and the tasks it starts."""
    token = clock._held.set(_Running(later))
    try:
        yield
    finally:
        clock._held.reset(token)
