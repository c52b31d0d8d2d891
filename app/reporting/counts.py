"""How many: read from the count tables alone, so that a million letters cost what ten do."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Row,
    Select,
    bindparam,
    func,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app import clock
from app.models import (
    Alert,
    AlertCountry,
    DayCount,
    LetterStatus,
    SendCount,
    SupporterCount,
    Target,
    Told,
    ToldCount,
)
from app.outbox import queue
from app.reporting import drawing, way

# an unconfirmed form proves nobody, and anyone could post a thousand
PRIVATE = frozenset({LetterStatus.HELD, LetterStatus.LAPSED})
NOTHING_TOLD = {what.value: 0 for what in Told}


@dataclass(frozen=True)
class OfficeCounts:
    """Letters to one office by their current status; every status is there, zeros too."""

    country: str
    office: str
    letters: dict[str, int]
    named: str = ""  # what the alert calls the country; a made-up one has no other name
    # what supporters told us of it, a Told each, zeros too; never part of the letters
    told: dict[str, int] = field(default_factory=NOTHING_TOLD.copy)

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

    @property
    def own_mailbox(self) -> int:
        """Letters opened in supporters' own mail programs: apart from `sent`, for nobody here saw
        one of them leave."""
        return sum(target.told[Told.OWN_MAILBOX] for target in self.targets)

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
            targets=[one for one in targets if any((*one.letters.values(), *one.told.values()))],
        )

    @property
    def day_chart(self) -> drawing.DayChart | None:
        """The days as bars; None while nothing has left."""
        return drawing.day_chart(self.days)

    @property
    def stretches(self) -> list[way.Stretch]:
        """The way of the letters: the whole, then the parts it is made of."""
        return way.stretches(self.letters)


# ── the questions, written once: to write them anew takes longer than to answer them ──


@dataclass(frozen=True)
class Questions:
    """What is asked of an alert, or of all alerts of a campaign."""

    offices: Select[str, str, str, int, str]
    days: Select[date, str, int]
    told: Select[str, str, str, int, str]


# what names an alert in a count: itself, or that it is one of a campaign's
_Which = Callable[[InstrumentedAttribute[int]], ColumnElement[bool]]


def _questions(which: _Which) -> Questions:
    delivery: BindParameter[str] = bindparam("delivery")
    of_days = (
        select(DayCount.day, DayCount.status, func.sum(DayCount.n).label("n"))
        .where(which(DayCount.alert_id), DayCount.delivery == delivery)
        .where(DayCount.status.in_(sorted(queue.SENT)))
        .group_by(DayCount.day, DayCount.status)
    )
    return Questions(
        _of_offices(SendCount, SendCount.status, which),
        of_days,
        _of_offices(ToldCount, ToldCount.what, which),
    )


def _of_offices(
    counted: type[SendCount] | type[ToldCount], by: InstrumentedAttribute[str], which: _Which
) -> Select[str, str, str, int, str]:
    """Country, office, what is counted by, how many, and what the alert calls the country."""
    # summed first: to join every row of every alert takes half as long again
    sums = (
        select(counted.target_id, by.label("what"), func.sum(counted.n).label("n"))
        .where(which(counted.alert_id), counted.delivery == bindparam("delivery"))
        .group_by(counted.target_id, by)
        .subquery()
    )
    names = (
        select(AlertCountry.country, func.min(AlertCountry.name).label("named"))
        .where(which(AlertCountry.alert_id))
        .group_by(AlertCountry.country)
        .subquery()
    )
    return (
        select(Target.country, Target.office, sums.c.what, sums.c.n, names.c.named)
        .join(sums, sums.c.target_id == Target.id)
        .outerjoin(names, names.c.country == Target.country)
        .order_by(Target.country, Target.office)
    )


_REF = bindparam("ref", type_=Integer)
_ALERTS = select(Alert.id).where(Alert.campaign_id == _REF)
OF_ALERT = _questions(lambda alert_id: alert_id == _REF)
OF_CAMPAIGN = _questions(lambda alert_id: alert_id.in_(_ALERTS))
SUPPORTERS = select(SupporterCount.n).where(
    SupporterCount.scope == bindparam("scope"),
    SupporterCount.ref == _REF,
    SupporterCount.delivery == bindparam("delivery"),
)
SENT = select(func.sum(SendCount.n)).where(
    SendCount.alert_id == _REF,
    SendCount.delivery == bindparam("delivery"),
    SendCount.status.in_(sorted(queue.SENT)),
)
NONE = {status.value: 0 for status in LetterStatus}


async def of_alert(session: AsyncSession, alert_id: int, delivery: str) -> Counts:
    """The counts of one alert; its supporters are distinct people with a confirmed letter."""
    return await _counts(session, OF_ALERT, "alert", alert_id, delivery)


async def sent(session: AsyncSession, alert_id: int, delivery: str) -> int:
    """The number of an alert that we print large, without the rest of its counts."""
    return await session.scalar(SENT, {"ref": alert_id, "delivery": delivery}) or 0


async def of_campaign(session: AsyncSession, campaign_id: int, delivery: str) -> Counts:
    """The counts over all alerts of a campaign; a person in two of them is one supporter."""
    return await _counts(session, OF_CAMPAIGN, "campaign", campaign_id, delivery)


async def _counts(
    session: AsyncSession, asked: Questions, scope: str, ref: int, delivery: str
) -> Counts:
    values = {"scope": scope, "ref": ref, "delivery": delivery}
    connection = await session.connection()  # rows, no objects: they would take as long again
    offices = _Offices()
    for country, office, status, n, named in await connection.execute(asked.offices, values):
        offices.of(country, office, named).letters[status] = int(n)
    lettered = len(offices)
    for country, office, what, n, named in await connection.execute(asked.told, values):
        offices.of(country, office, named).told[what] = int(n)
    targets = list(offices.values())
    if len(targets) > lettered:  # offices to which we ourselves sent nothing stand in their place
        targets.sort(key=lambda one: (one.country, one.office))
    return Counts(
        delivery=delivery,
        as_of=clock.now(),
        supporters=await connection.scalar(SUPPORTERS, values) or 0,
        letters=_sum(target.letters for target in targets),
        targets=targets,
        days=_days((await connection.execute(asked.days, values)).all()),
    )


class _Offices(dict[tuple[str, str], OfficeCounts]):
    """By country and office, each made when it is first met."""

    def of(self, country: str, office: str, named: str | None) -> OfficeCounts:
        found = self.get((country, office))
        if found is None:
            found = OfficeCounts(country, office, NONE.copy(), named or "")
            self[country, office] = found
        return found


def _days(rows: Sequence[Row[date, str, int]]) -> list[Day]:
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


def _sum(parts: Iterable[dict[str, int]]) -> dict[str, int]:
    total = NONE.copy()
    for part in parts:
        for status, n in part.items():
            total[status] += n
    return total


def _without_private(letters: dict[str, int]) -> dict[str, int]:
    return {status: n for status, n in letters.items() if status not in PRIVATE}
