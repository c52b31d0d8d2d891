"""Whether offices answer, as supporters told us: per office, and how long it took."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from zoneinfo import ZoneInfo

from sqlalchemy import ScalarSelect, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import (
    Alert,
    AlertCountry,
    Answer,
    Event,
    Letter,
    LetterStatus,
    SendCount,
    Target,
    Told,
    ToldCount,
)
from app.outbox import queue

LEFT = (LetterStatus.HANDED_OVER, LetterStatus.ACCEPTED, LetterStatus.BOUNCED)
ANSWERS = (Told.ANSWERED, Told.UNANSWERED)
ENOUGH = 5  # dated answers; of fewer, the middle one says something of a person, not of an office
NEWEST = 2_000  # dated answers that are looked at: a page must not wait for a hundred thousand


@dataclass(frozen=True)
class OfficeAnswers:
    """`told`: letters of which their supporters told us; `days`: the median, where enough are
    dated."""

    country: str
    office: str
    named: str  # what the alert calls the country
    left: int
    told: int
    answered: int
    days: int | None


@dataclass(frozen=True)
class Answers:
    """Of an alert or a campaign; only offices of which somebody told us."""

    offices: Sequence[OfficeAnswers]
    left: int  # letters to all offices
    days: int | None

    @property
    def told(self) -> int:
        return sum(one.told for one in self.offices)

    @property
    def answered(self) -> int:
        return sum(one.answered for one in self.offices)


async def of_alerts(session: AsyncSession, alerts: Sequence[Alert], delivery: str) -> Answers:
    """What supporters told us of these alerts' letters, the offices by country and name."""
    ids = [alert.id for alert in alerts]
    left = await _by_office(session, _left(ids, delivery))
    told: dict[int, dict[str, int]] = defaultdict(dict)
    for target_id, what, n in await session.execute(_told(ids, delivery)):
        told[target_id][what] = int(n)
    days = await _days(session, alerts, delivery)
    written_to = select(AlertCountry).where(AlertCountry.alert_id.in_(ids))
    named = {one.country: one.name for one in await session.scalars(written_to)}
    targets = await session.scalars(
        select(Target)
        .where(Target.id.in_([key for key, said in told.items() if any(said.values())]))
        .order_by(Target.country, Target.office)
    )
    offices = [
        OfficeAnswers(
            country=target.country,
            office=target.office,
            named=named.get(target.country, ""),
            left=left.get(target.id, 0),
            told=sum(told[target.id].values()),
            answered=told[target.id].get(Told.ANSWERED, 0),
            days=_middle(days[target.id]),
        )
        for target in targets
    ]
    every_day = [one for some in days.values() for one in some]
    return Answers(offices, sum(left.values()), _middle(every_day))


async def differences(session: AsyncSession, alert: Alert) -> list[str]:
    """Each difference between the kept counts of answers and the answers, as a sentence."""
    said = select(Letter.target_id, Letter.delivery, Answer.answered, func.count().label("n"))
    rows = await session.execute(
        said.join(Answer, Answer.letter_id == Letter.id)
        .where(Letter.alert_id == alert.id)
        .group_by(Letter.target_id, Letter.delivery, Answer.answered)
    )
    found = {
        (target_id, delivery, (Told.ANSWERED if answered else Told.UNANSWERED).value): n
        for target_id, delivery, answered, n in rows
    }
    counted = await session.scalars(
        select(ToldCount).where(ToldCount.alert_id == alert.id, ToldCount.what.in_(ANSWERS))
    )
    kept = {(one.target_id, one.delivery, one.what): one.n for one in counted}
    unequal = [key for key in sorted(kept | found) if kept.get(key, 0) != found.get(key, 0)]
    named = select(Target).where(Target.id.in_([key[0] for key in unequal]))
    offices = {one.id: f"{one.country}, {one.office}" for one in await session.scalars(named)}
    return [
        f"{offices[key[0]]} ({key[1]}), {key[2]}: {kept.get(key, 0)} kept,"
        f" {found.get(key, 0)} told by supporters"
        for key in unequal
    ]


async def _by_office(session: AsyncSession, asked: Select[int, int]) -> Mapping[int, int]:
    return {target_id: int(n) for target_id, n in await session.execute(asked)}


def _left(ids: Sequence[int], delivery: str) -> Select[int, int]:
    return (
        select(SendCount.target_id, func.sum(SendCount.n))
        .where(SendCount.alert_id.in_(ids), SendCount.delivery == delivery)
        .where(SendCount.status.in_(LEFT))
        .group_by(SendCount.target_id)
    )


def _told(ids: Sequence[int], delivery: str) -> Select[int, str, int]:
    return (
        select(ToldCount.target_id, ToldCount.what, func.sum(ToldCount.n))
        .where(ToldCount.alert_id.in_(ids), ToldCount.delivery == delivery)
        .where(ToldCount.what.in_(ANSWERS))
        .group_by(ToldCount.target_id, ToldCount.what)
    )


async def _days(
    session: AsyncSession, alerts: Sequence[Alert], delivery: str
) -> dict[int, list[int]]:
    """Days from a letter's leaving to its answer, by office, in the alert's time zone."""
    zones = {alert.id: ZoneInfo(alert.timezone) for alert in alerts}
    rows = await session.execute(
        select(Letter.alert_id, Letter.target_id, Answer.on, _left_at())
        .join(Letter, Letter.id == Answer.letter_id)
        .where(Letter.alert_id.in_(zones), Letter.delivery == delivery, Answer.on.is_not(None))
        .order_by(Answer.letter_id.desc())
        .limit(NEWEST)
    )
    found: dict[int, list[int]] = defaultdict(list)
    for alert_id, target_id, on, left_at in rows:
        if on and left_at:
            # an answer may carry the day before, by the calendar of whoever read it
            days = (on - left_at.astimezone(zones[alert_id]).date()).days
            found[target_id].append(max(days, 0))
    return found


def _left_at() -> ScalarSelect[datetime]:
    sent = Event.letter_id == Letter.id, Event.what.in_(sorted(queue.SENT))
    first = select(func.min(Event.at)).where(*sent)
    return first.correlate(Letter).scalar_subquery()


def _middle(days: Sequence[int]) -> int | None:
    return round(median(days)) if len(days) >= ENOUGH else None
