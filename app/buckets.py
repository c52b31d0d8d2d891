"""So many per so long, kept in the database: over all processes, and through a restart.

Each key has one row with one moment in it (GCRA: the time at which the bucket would be full
again), so a limit costs one row however many it counts.
"""

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import insert_for
from app.models import Bucket


async def take(
    session: AsyncSession, key: str, *, every: timedelta, burst: int = 1
) -> timedelta | None:
    """Take one: None when allowed, else how long to wait; a refusal costs nothing.

    One comes back `every` so long, and `burst` may be taken at once.
    """
    row = insert_for(session)(Bucket).values(key=key, next_at=clock.now())
    await session.execute(row.on_conflict_do_nothing())
    # the lock makes two takers wait for each other; SQLite's writer has it already
    kept = select(Bucket.next_at).where(Bucket.key == key).with_for_update()
    kept_at = (await session.execute(kept)).scalar_one()
    now = clock.now()  # after the lock: whoever waited for it would else ask in the past
    next_at = max(kept_at, now) + every
    too_early = next_at - burst * every - now
    if too_early > timedelta():
        return too_early
    await session.execute(update(Bucket).where(Bucket.key == key).values(next_at=next_at))
    return None
