"""Where the supporters of an alert came from: confirmed forms by partner or page."""

from dataclasses import dataclass

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Event, Letter, LetterStatus, SourceCount, Submission


@dataclass(frozen=True)
class Source:
    """A partner, a newsletter or a page; empty: no link named one. `share` of all, in percent."""

    name: str
    n: int
    share: float


async def of_alert(session: AsyncSession, alert_id: int, delivery: str) -> list[Source]:
    """The most fruitful first."""
    rows = await session.execute(
        select(SourceCount.source, SourceCount.n)
        .where(SourceCount.alert_id == alert_id, SourceCount.delivery == delivery)
        .order_by(SourceCount.n.desc(), SourceCount.source)
    )
    found = [(name, int(n)) for name, n in rows]
    total = sum(n for _, n in found)
    return [Source(name, n, round(100 * n / total, 1)) for name, n in found if n]


async def differences(session: AsyncSession, alert_id: int) -> list[str]:
    """Each delivery whose kept sources are more or fewer than its confirmed forms, as a sentence.

    Not source by source: a form forgets where it came from when it is erased.
    """
    kept = await session.execute(
        select(SourceCount.delivery, func.sum(SourceCount.n))
        .where(SourceCount.alert_id == alert_id)
        .group_by(SourceCount.delivery)
    )
    was_queued = exists().where(
        Letter.submission_id == Submission.id,
        Event.letter_id == Letter.id,
        Event.what == LetterStatus.QUEUED,
    )
    forms = await session.execute(
        select(Submission.delivery, func.count())
        .where(Submission.alert_id == alert_id, Submission.confirmed_at.is_not(None), was_queued)
        .group_by(Submission.delivery)
    )
    by_source = {delivery: int(n) for delivery, n in kept}
    by_form = {delivery: int(n) for delivery, n in forms}
    return [
        f"supporters by source ({delivery}): {by_source.get(delivery, 0)} kept,"
        f" {by_form.get(delivery, 0)} confirmed forms"
        for delivery in sorted(by_source.keys() | by_form.keys())
        if by_source.get(delivery, 0) != by_form.get(delivery, 0)
    ]
