"""How a run is seen to its end from outside, and what must be true then."""

import asyncio
from time import monotonic

from sqlalchemy import func, select

from app import clock
from app.bench.ground.databases import Room
from app.bench.ground.postfix import Sink
from app.bench.ground.processes import CannotMeasure, last_words
from app.db import Database
from app.models import Alert, Attempt, Letter, LetterStatus, SendCount
from app.reporting import recount

PATIENCE = 60.0  # seconds without a letter taken, after which something is wrong


async def taken(room: Room, sink: Sink, n: int) -> None:
    """Until the sink has taken so many. Raises CannotMeasure when the workers stop before.

    It alone is watched: to ask the database meanwhile would slow what is measured.
    """
    found, since = -1, monotonic()
    while found < n:
        if sink.taken > found:
            found, since = sink.taken, monotonic()
        if monotonic() - since > PATIENCE:
            said = last_words(room.folder, "worker")
            raise CannotMeasure(f"the worker stopped after {found} letters: {said}")
        await asyncio.sleep(0.01)


async def all_settled(database: Database, letters: int) -> float:
    """Seconds from the first claim until all are on record as handed over.

    Raises CannotMeasure.
    """
    handed_over = select(func.sum(SendCount.n)).where(SendCount.status == LetterStatus.HANDED_OVER)
    until = monotonic() + PATIENCE
    async with database.reading() as session:
        began = await session.scalar(select(func.min(Letter.first_attempt_at)))
    while began and monotonic() < until:
        async with database.reading() as session:
            if (await session.scalar(handed_over) or 0) >= letters:
                return float((clock.now() - began).total_seconds())
        await asyncio.sleep(0.002)
    raise CannotMeasure("the server took letters that were never settled")


async def check(database: Database, sink: Sink, letters: int) -> None:
    """Every letter handed over once, and the counts are those of the rows.

    Raises CannotMeasure.
    """
    recorded = select(func.count(Attempt.id)).where(Attempt.outcome == "taken")
    async with database.reading() as session:
        alert_id = (await session.scalars(select(Alert.id))).one()
        differences = await recount.differences(session, alert_id)
        if differences:
            raise CannotMeasure(f"the counts are wrong: {differences[0]}")
        n = await session.scalar(recorded)
    if not n == sink.taken == letters:
        raise CannotMeasure(f"{letters} letters, {n} attempts, {sink.taken} at the sink")
