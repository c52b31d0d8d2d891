"""Returns that nobody could make sense of: they wait for a person, and none is dropped."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from app import clock
from app.errors import Missing
from app.models import Returned


async def waiting(session: AsyncSession, *, limit: int = 200) -> Sequence[Returned]:
    """What waits, the longest first, without its octets."""
    found = (
        select(Returned)
        .where(Returned.settled_at.is_(None))
        .options(defer(Returned.raw, raiseload=True))
        .order_by(Returned.received_at, Returned.id)
        .limit(limit)
    )
    return (await session.scalars(found)).all()


async def one(session: AsyncSession, number: int) -> Returned:
    """A returned message, as long as it is kept. Raises Missing."""
    found = await session.get(Returned, number)
    if found is None:
        raise Missing("returned message", str(number))
    return found


async def forget_old(session: AsyncSession, days: int) -> int:
    """Settle those that nobody read in so many days: they may hold a person's words."""
    old = Returned.received_at < clock.now() - timedelta(days=days)
    dropped = await session.execute(
        update(Returned)
        .where(Returned.settled_at.is_(None), old)
        .values(settled_at=clock.now(), settled_by=f"kept for {days} days", raw=None)
        .execution_options(synchronize_session=False)
    )
    return int(dropped.rowcount)  # type: ignore[attr-defined]


async def settle(session: AsyncSession, number: int, *, by: str) -> None:
    """A person has read it: its octets are dropped, what was learned stays. Raises Missing."""
    settled = await session.execute(
        update(Returned)
        .where(Returned.id == number, Returned.settled_at.is_(None))
        .values(settled_at=clock.now(), settled_by=by, raw=None)
        .execution_options(synchronize_session=False)
    )
    if not settled.rowcount:  # type: ignore[attr-defined]
        raise Missing("returned message that waits", str(number))
