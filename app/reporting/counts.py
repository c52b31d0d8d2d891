"""How many: read from the count tables alone, so that a million letters cost what ten do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.models import (
    Alert,
    AlertCountry,
    DayCount,
    LetterStatus,
    SendCount,
    SupporterCount,
    Target,
)
from app.outbox import queue
from app.reporting import drawing, way

# an unconfirmed form proves nobody, and anyone could post a thousand
PRIVATE = frozenset({LetterStatus.HELD, LetterStatus.LAPSED})


@dataclass(frozen=True)
class OfficeCounts:
    """Letters to one office by their current status; every status is there, zeros too."""

    country: str
    office: str
    letters: dict[str, int]
    named: str = ""  # what the alert calls the country; a made-up one has no other name

    @property
    def parts(self) -> dict[str, int]:
        """The same by the parts of the way."""
        return way.parts(self.letters)


@dataclass(frozen=True)
class Day:
    """Letters by the day they first reached a status, in the alert's time zone.

    A letter that is handed over and later accepted is on both its days.
    """

    date: date
    handed_over: int
    accepted: int


@dataclass(frozen=True)
class Counts:
    """What an alert or a campaign has come to, under one delivery."""

    delivery: str
    as_of: datetime
    supporters: int
    letters: dict[str, int]
    targets: list[OfficeCounts]
    days: list[Day]
    # nobody can send from their own mail program yet, so there is nothing to count; when they
    # can, they are counted apart from `sent`: we did not see those letters leave
    own_mailbox: int = field(default=0)

    @property
    def sent(self) -> int:
        """The number we print large: handed over or accepted, and not returned since."""
        return sum(n for status, n in self.letters.items() if status in queue.SENT)

    def public(self) -> "Counts":
        """The same without what an unconfirmed form could inflate."""
        targets = [replace(t, letters=_without_private(t.letters)) for t in self.targets]
        return replace(
            self,
            letters=_without_private(self.letters),
            targets=[target for target in targets if any(target.letters.values())],
        )

    @property
    def day_chart(self) -> drawing.DayChart | None:
        """The days as bars; None while nothing has left."""
        return drawing.day_chart(self.days)

    @property
    def stretches(self) -> list[way.Stretch]:
        """The way of the letters: the whole, then the parts it is made of."""
        return way.stretches(self.letters)


async def of_alert(session: AsyncSession, alert_id: int, delivery: str) -> Counts:
    """The counts of one alert; its supporters are distinct people with a confirmed letter."""
    return await _counts(
        session,
        delivery,
        supporters=("alert", alert_id),
        sends=SendCount.alert_id == alert_id,
        days=DayCount.alert_id == alert_id,
    )


async def of_campaign(session: AsyncSession, campaign_id: int, delivery: str) -> Counts:
    """The counts over all alerts of a campaign; a person in two of them is one supporter."""
    alerts = select(Alert.id).where(Alert.campaign_id == campaign_id)
    return await _counts(
        session,
        delivery,
        supporters=("campaign", campaign_id),
        sends=SendCount.alert_id.in_(alerts),
        days=DayCount.alert_id.in_(alerts),
    )


async def _counts(
    session: AsyncSession,
    delivery: str,
    *,
    supporters: tuple[str, int],
    sends: ColumnElement[bool],
    days: ColumnElement[bool],
) -> Counts:
    scope, ref = supporters
    targets = await _targets(session, sends, delivery)
    return Counts(
        delivery=delivery,
        as_of=clock.now(),
        supporters=await session.scalar(
            select(SupporterCount.n).where(
                SupporterCount.scope == scope,
                SupporterCount.ref == ref,
                SupporterCount.delivery == delivery,
            )
        )
        or 0,
        letters=_sum(target.letters for target in targets),
        targets=targets,
        days=await _days(session, days, delivery),
    )


async def _targets(
    session: AsyncSession, where: ColumnElement[bool], delivery: str
) -> list[OfficeCounts]:
    rows = await session.execute(
        select(
            Target.country,
            Target.office,
            SendCount.status,
            func.sum(SendCount.n).label("n"),
            func.min(AlertCountry.name).label("named"),
        )
        .join(Target, Target.id == SendCount.target_id)
        .outerjoin(
            AlertCountry,
            and_(
                AlertCountry.alert_id == SendCount.alert_id, AlertCountry.country == Target.country
            ),
        )
        .where(where, SendCount.delivery == delivery)
        .group_by(Target.country, Target.office, SendCount.status)
        .order_by(Target.country, Target.office)
    )
    offices: dict[tuple[str, str], OfficeCounts] = {}
    for row in rows:
        new = OfficeCounts(row.country, row.office, _zeros(), row.named or "")
        offices.setdefault((row.country, row.office), new).letters[row.status] = int(row.n)
    return list(offices.values())


async def _days(session: AsyncSession, where: ColumnElement[bool], delivery: str) -> list[Day]:
    rows = await session.execute(
        select(DayCount.day, DayCount.status, func.sum(DayCount.n).label("n"))
        .where(where, DayCount.delivery == delivery, DayCount.status.in_(queue.SENT))
        .group_by(DayCount.day, DayCount.status)
    )
    found = {(row.day, row.status): int(row.n) for row in rows}
    return [
        Day(
            day,
            handed_over=found.get((day, LetterStatus.HANDED_OVER), 0),
            accepted=found.get((day, LetterStatus.ACCEPTED), 0),
        )
        for day in _every_day([day for day, _ in found])
    ]


def _every_day(days: Sequence[date]) -> list[date]:
    """From the first to the last, the days on which nothing left among them."""
    if not days:
        return []
    first, last = min(days), max(days)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _zeros() -> dict[str, int]:
    return {status.value: 0 for status in LetterStatus}


def _sum(parts: Iterable[dict[str, int]]) -> dict[str, int]:
    total = _zeros()
    for part in parts:
        for status, n in part.items():
            total[status] += n
    return total


def _without_private(letters: dict[str, int]) -> dict[str, int]:
    return {status: n for status, n in letters.items() if status not in PRIVATE}
