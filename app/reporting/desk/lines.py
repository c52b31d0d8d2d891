"""Each alert of an organisation in one line: what it has come to, and its last days drawn."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app import clock
from app.models import (
    Alert,
    AlertState,
    Campaign,
    DayCount,
    DraftSection,
    Freeze,
    LetterStatus,
    SendCount,
    SupporterCount,
)
from app.outbox import queue
from app.reporting import way

DAYS = 14  # of an alert's line
PRACTICE = ("rehearsal", "trial")
HIGH = 24  # pixels of the drawing; across, a day is 6


class Day(NamedTuple):
    """`confirmed`: letters confirmed on a day; `y` and `height` of its bar, in pixels."""

    on: date
    confirmed: int
    y: float
    height: float


@dataclass(frozen=True)
class Line:
    """An alert on the desk. `letters`: by status, of rehearsals while it is one."""

    alert: Alert
    freeze: Freeze | None
    draft: bool  # changes that are not public yet
    supporters: int
    letters: dict[str, int] = field(default_factory=dict)
    days: Sequence[Day] = ()
    left_today: int = 0

    @property
    def sent(self) -> int:
        return sum(n for status, n in self.letters.items() if status in queue.SENT)

    @property
    def waiting(self) -> int:
        return self._part("waiting")

    @property
    def not_through(self) -> int:
        return self._part("lost")

    @property
    def failed(self) -> int:
        return self.letters.get(LetterStatus.FAILED, 0)

    @property
    def confirmed_today(self) -> int:
        return self.days[-1].confirmed if self.days else 0

    def _part(self, key: str) -> int:
        return sum(self.letters.get(status, 0) for status in way.PARTS[key])


async def of_organisation(session: AsyncSession, organisation_id: int, delivery: str) -> list[Line]:
    """Its alerts, those that run first, then the others, the newest of each first."""
    rows = await session.execute(
        select(Alert, Freeze)
        .join(Campaign, Campaign.id == Alert.campaign_id)
        .outerjoin(
            Freeze,
            and_(Freeze.scope == "alert", Freeze.ref == Alert.id, Freeze.released_at.is_(None)),
        )
        .where(Campaign.organisation_id == organisation_id)
        .options(selectinload(Alert.campaign))
    )
    found = [(alert, freeze) for alert, freeze in rows]
    ids = [alert.id for alert, _ in found]
    letters = await _letters(session, ids)
    people = await _supporters(session, ids)
    days = await _days(session, ids)
    drafts = set(
        await session.scalars(
            select(DraftSection.alert_id).where(DraftSection.alert_id.in_(ids)).distinct()
        )
    )
    lines = []
    for alert, freeze in found:
        shown = _deliveries(alert, delivery)
        lines.append(
            Line(
                alert,
                freeze,
                draft=alert.id in drafts,
                supporters=sum(people[alert.id, one] for one in shown),
                letters=_sum(letters[alert.id, one] for one in shown),
                days=_drawn(alert, [days[alert.id, one] for one in shown]),
                left_today=_left_today(alert, [days[alert.id, one] for one in shown]),
            )
        )
    return sorted(lines, key=_order)


def _order(line: Line) -> tuple[int, bool, float]:
    """What runs, what is prepared, what is over; made-up ones last."""
    now, alert = clock.now(), line.alert
    over = alert.state in {AlertState.CLOSED, AlertState.ARCHIVED} or (
        alert.closes_at is not None and alert.closes_at <= now
    )
    rank = 3 if alert.state == AlertState.ARCHIVED else 2 if over else 0
    if alert.state in {AlertState.DRAFT, AlertState.REHEARSAL}:
        rank = 1
    return rank, alert.made_up, -alert.opens_at.timestamp()


def _deliveries(alert: Alert, delivery: str) -> tuple[str, ...]:
    return PRACTICE if alert.state == AlertState.REHEARSAL else (delivery,)


Daily = dict[tuple[date, str], int]


def _drawn(alert: Alert, daily: Sequence[Daily]) -> list[Day]:
    """The letters confirmed on each of the last days, oldest first; nothing where none were."""
    if not any(daily):
        return []
    today = _today(alert)
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    counts = [sum(one.get((day, LetterStatus.QUEUED), 0) for one in daily) for day in days]
    most = max(*counts, 1)
    drawn = []
    for day, n in zip(days, counts, strict=True):
        height = round(max(n / most * HIGH, 1.5 if n else 0), 1)
        drawn.append(Day(day, n, round(HIGH - height, 1), height))
    return drawn


def _left_today(alert: Alert, daily: Sequence[Daily]) -> int:
    """Handed over is the first that happens to a letter through a relay; accepted, straight."""
    today = _today(alert)
    return max(
        (sum(one.get((today, status), 0) for one in daily) for status in queue.SENT), default=0
    )


def _today(alert: Alert) -> date:
    return clock.now().astimezone(ZoneInfo(alert.timezone)).date()


def _sum(many: object) -> dict[str, int]:
    total: dict[str, int] = defaultdict(int)
    for one in many:  # type: ignore[attr-defined]
        for status, n in one.items():
            total[status] += n
    return total


async def _letters(
    session: AsyncSession, ids: Sequence[int]
) -> defaultdict[tuple[int, str], dict[str, int]]:
    rows = await session.execute(
        select(SendCount.alert_id, SendCount.delivery, SendCount.status, func.sum(SendCount.n))
        .where(SendCount.alert_id.in_(ids))
        .group_by(SendCount.alert_id, SendCount.delivery, SendCount.status)
    )
    found: defaultdict[tuple[int, str], dict[str, int]] = defaultdict(dict)
    for alert_id, delivery, status, n in rows:
        found[alert_id, delivery][status] = int(n)
    return found


async def _supporters(
    session: AsyncSession, ids: Sequence[int]
) -> defaultdict[tuple[int, str], int]:
    rows = await session.execute(
        select(SupporterCount.ref, SupporterCount.delivery, SupporterCount.n).where(
            SupporterCount.scope == "alert", SupporterCount.ref.in_(ids)
        )
    )
    return defaultdict(int, {(ref, delivery): n for ref, delivery, n in rows})


async def _days(session: AsyncSession, ids: Sequence[int]) -> defaultdict[tuple[int, str], Daily]:
    since = clock.now().date() - timedelta(days=DAYS + 1)
    shown = (LetterStatus.QUEUED, *sorted(queue.SENT))
    rows = await session.execute(
        select(
            DayCount.alert_id, DayCount.delivery, DayCount.day, DayCount.status, DayCount.n
        ).where(DayCount.alert_id.in_(ids), DayCount.day >= since, DayCount.status.in_(shown))
    )
    found: defaultdict[tuple[int, str], Daily] = defaultdict(dict)
    for alert_id, delivery, day, status, n in rows:
        found[alert_id, delivery][day, status] = n
    return found
