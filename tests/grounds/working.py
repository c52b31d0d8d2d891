"""Runs a real worker beside a test until something has come true."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from app.db import Database
from app.delivery import worker
from app.settings import Settings

PATIENCE = 20.0
DATA_TIMEOUT = 1.0


@asynccontextmanager
async def working(settings: Settings, database: Database) -> AsyncIterator[None]:
    """A worker for as long as the block lasts; it ends as on a polite signal."""
    stop = asyncio.Event()
    task = asyncio.create_task(
        worker.run(settings, database, name="test", stop=stop, data_timeout=DATA_TIMEOUT)
    )
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, PATIENCE)


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait for it, and fail when it never comes."""
    async with asyncio.timeout(PATIENCE):
        while not await true():  # noqa: ASYNC110 (what is waited for is another process's row)
            await asyncio.sleep(0.05)
