"""Returns that nobody could make sense of: they wait for a person, and none is dropped."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from app import clock
from app.errors import Missing
from app.models import Letter, Notice, Organisation, Returned, Submission
from app.outbox import places


async def waiting(
    session: AsyncSession, *, organisation_id: int | None = None, limit: int = 200
) -> Sequence[Returned]:
    """What waits, the longest first, without its octets; an organisation's own, if it is given."""
    ours = true() if organisation_id is None else await _readable(session, organisation_id)
    found = (
        select(Returned)
        .where(Returned.settled_at.is_(None), ours)
        .options(defer(Returned.raw, raiseload=True))
        .order_by(Returned.received_at, Returned.id)
        .limit(limit)
    )
    return (await session.scalars(found)).all()


async def one(
    session: AsyncSession, number: int, *, organisation_id: int | None = None
) -> Returned:
    """A returned message, as long as it is kept. Raises Missing."""
    asked = select(Returned).where(Returned.id == number)
    if organisation_id is not None:
        asked = asked.where(await _readable(session, organisation_id))
    found = await session.scalar(asked)
    if found is None:
        raise Missing("returned message", str(number))
    return found


async def _readable(session: AsyncSession, organisation_id: int) -> ColumnElement[bool]:
    """What came back to its own letters; what belongs to nobody, the first organisation reads,
    whose machine it is."""
    alerts = places.alerts_of(organisation_id)
    letters = exists().where(Letter.id == Returned.letter_id, Letter.alert_id.in_(alerts))
    notices = exists().where(
        Notice.id == Returned.notice_id,
        Submission.id == Notice.submission_id,
        Submission.alert_id.in_(alerts),
    )
    own = or_(letters, notices)
    if organisation_id != await session.scalar(select(func.min(Organisation.id))):
        return own
    return or_(own, and_(Returned.letter_id.is_(None), Returned.notice_id.is_(None)))


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
