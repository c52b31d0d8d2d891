"""Workers in processes of their own, to be killed; each may kill itself at a chosen step.

They are forked from one process that has everything loaded: starting Python anew for each would
take longer than all that they do.
"""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from functools import wraps
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess as Process
from typing import Any, Literal

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app import languages
from app.db import Database
from app.delivery import settle, worker
from app.delivery.routes.handshake import tls_context
from app.outbox import claims
from app.settings import Settings
from tests.grounds.working import running_clock

FORKS = get_context("forkserver")
DIALECTS = ("sqlalchemy.dialects.postgresql.asyncpg", "sqlalchemy.dialects.sqlite.aiosqlite")
FORKS.set_forkserver_preload([__name__, "holidays", *DIALECTS])
KILLED = -signal.SIGKILL
# these take longer than all else that a fork does until it sends
tls_context(checked=False)
languages.country_name("EE", languages.SOURCE)
# in which transaction, and on which side of its commit
Step = Literal["", "claim before", "claim after", "settle before", "settle after"]


@contextmanager
def processes() -> Iterator[list[Process]]:
    """A place for running workers: those that still run when the block ends are ended."""
    running: list[Process] = []
    try:
        yield running
    finally:
        for process in running:
            process.kill()
            process.join()
            process.close()


def start(
    settings: Settings,
    name: str,
    *,
    lease: float | None = None,
    later: timedelta = timedelta(),
    dies: Step = "",
) -> Process:
    """A worker in a process of its own, which ends on SIGTERM as it should.

    `lease`: in seconds, shorter than the program allows; `later`: how far ahead its clock is;
    `dies`: where it kills itself.
    """
    if lease is not None:
        settings = settings.model_copy(update={"lease_seconds": lease})
    process = FORKS.Process(target=_work, args=(settings, name, later, dies))
    process.start()
    return process


def _work(settings: Settings, name: str, later: timedelta, dies: Step) -> None:
    quiet = structlog.make_filtering_bound_logger(logging.ERROR)
    structlog.configure(wrapper_class=quiet)
    if dies:
        _mark("claim", claims, "claim")
        _mark("settle", settle, "settle")
    with running_clock(later):
        asyncio.run(_until_told(settings, name, dies))


async def _until_told(settings: Settings, name: str, dies: Step) -> None:
    database = Doomed(settings.database, dies) if dies else Database(settings.database)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await worker.run(settings, database, name=name, stop=stop)
    await database.close()


def _mark(step: str, module: Any, name: str) -> None:
    """A session in which that function had something to do remembers it."""
    does: Callable[..., Awaitable[Any]] = getattr(module, name)

    @wraps(does)
    async def marking(session: AsyncSession, *arguments: Any, **named: Any) -> Any:
        done = await does(session, *arguments, **named)
        if done or (arguments and arguments[0]):
            session.info["step"] = step
        return done

    setattr(module, name, marking)


class Doomed(Database):
    """A database whose user kills itself beside a commit."""

    def __init__(self, url: str, dies: Step) -> None:
        super().__init__(url)
        self.step, self.side = dies.split()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        async with super().transaction() as session:
            yield session
            mine = session.info.get("step") == self.step
            if mine and self.side == "before":
                if self.step == "claim":
                    await asyncio.sleep(0.05)  # whoever begins too early shows it now
                os.kill(os.getpid(), signal.SIGKILL)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
