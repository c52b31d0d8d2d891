"""Beside the worker: what is tried out leaves by itself, unpaced, and takes no office's turn.

Letters of a rehearsal land in the mailbox on this machine wherever others go; those of a trial go
back to whoever tries, the way that others go. Nothing of this runs until something waits.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import structlog
from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import Database
from app.models import Letter, LetterStatus, Notice
from app.outbox.pacing import lanes
from app.settings import TRIED_OUT, Delivery, Settings, Switch

LOOK_EVERY = 2.0  # seconds between two looks for what waits to be tried out
REHEARSALS_AT_ONCE = 2  # connections to the mailbox on this machine

log = structlog.get_logger()


class Side(NamedTuple):
    """`claims`: the settings under which letters are taken; `lines`: those that say where to."""

    claims: Settings
    lines: Settings


# works for one side until the event is set
Work = Callable[[Side, str, asyncio.Event], Coroutine[Any, Any, None]]


def sides(settings: Settings) -> tuple[Side, Side]:
    """Rehearsal and trial, as an installation with these settings sends them."""

    def as_if(delivery: Delivery, connections: int) -> Settings:
        changes = {"delivery": delivery, "pacing": Switch.OFF, "connections": connections}
        return settings.model_copy(update=changes)

    rehearsal = Side(
        as_if(Delivery.REHEARSAL, REHEARSALS_AT_ONCE), as_if(Delivery.SANDBOX, REHEARSALS_AT_ONCE)
    )
    return rehearsal, Side(as_if(Delivery.TRIAL, 1), as_if(settings.delivery, 1))


@asynccontextmanager
async def beside(
    settings: Settings, database: Database, name: str, stop: asyncio.Event, work: Work
) -> AsyncIterator[None]:
    """Look for what is tried out while the block lasts; `stop` is set when it ends well."""
    looking = asyncio.create_task(_look(sides(settings), database, name, stop, work))
    try:
        yield
        await looking
    finally:
        looking.cancel()
        await asyncio.wait([looking])


async def _look(
    both: tuple[Side, Side], database: Database, name: str, stop: asyncio.Event, work: Work
) -> None:
    """One look after the other; a trouble here is none of the letters that really leave."""
    while not stop.is_set():
        try:
            if await _anything(database):
                await asyncio.gather(*(_serve(one, database, name, stop, work) for one in both))
        except Exception as error:
            log.warning("could not try out letters", worker=name, error=type(error).__name__)
        await _rest(stop)


async def _serve(
    side: Side, database: Database, name: str, stop: asyncio.Event, work: Work
) -> None:
    """Work for one side for as long as something is due there."""
    delivery, done = side.claims.delivery, asyncio.Event()
    if not await _due(database, delivery):
        return
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(work(side, f"{name}:{delivery}"[-80:], done))
        while not stop.is_set() and await _due(database, delivery):
            await _rest(stop)
        done.set()


async def _anything(database: Database) -> bool:
    """The cheap look: whether anything is queued that is tried out."""
    queued = [
        exists().where(table.status == LetterStatus.QUEUED, table.delivery.in_(TRIED_OUT))
        for table in (Letter, Notice)
    ]
    async with database.reading() as session:
        return bool(await session.scalar(select(or_(*queued))))


async def _due(database: Database, delivery: str) -> bool:
    async with database.reading() as session:
        waiting = await lanes.of_delivery(session, delivery)
        if await lanes.first(session, delivery, waiting, 1):
            return True
        return await _notice_due(session, delivery)


async def _notice_due(session: AsyncSession, delivery: str) -> bool:
    due = exists().where(
        Notice.status == LetterStatus.QUEUED,
        Notice.delivery == delivery,
        Notice.not_before <= clock.now(),
    )
    return bool(await session.scalar(select(due)))


async def _rest(stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(LOOK_EVERY):
            await stop.wait()
    except TimeoutError:
        pass
