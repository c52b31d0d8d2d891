"""The geometry of letters that leave over days as a rising curve; the template adds the words.

Across and upwards it is thousandths of the drawing, which is stretched to its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.outbox.pacing.forecast import Departure
from app.reporting.drawing import HEIGHT, MOST_LABELS, Label, Tick, ticks_for

SAMPLES = 240  # points of the curve
WIDE = 1000
MOST_DAYS = 31  # lines of the table; more of them and it goes by weeks
LABELS_OVER = 4  # from as many on, a narrow page leaves every second out


@dataclass(frozen=True)
class DayEnd:
    """`n`: letters that have left by the end of the day."""

    date: date
    n: int


@dataclass(frozen=True)
class Curve:
    """`line` and `area`: paths in a box of WIDE by HEIGHT. `days`: the same as numbers."""

    line: str
    area: str
    ticks: tuple[Tick, ...]
    labels: tuple[Label, ...]
    days: tuple[DayEnd, ...]
    start: datetime
    end: datetime


def together(departures: Sequence[Departure], *, start: datetime, zone: ZoneInfo) -> Curve | None:
    """All of them in one curve from `start` to the last letter; None when none leaves."""
    ends = [one.curve[-1].at for one in departures if one.curve]
    if not ends:
        return None
    end = max(*ends, start + timedelta(minutes=1))

    counts = _left_by(
        [start + (end - start) * (n / SAMPLES) for n in range(SAMPLES + 1)], departures
    )
    ticks = ticks_for(max(round(counts[-1]), 1))
    points = [
        f"{n / SAMPLES * WIDE:.1f},{HEIGHT - count / ticks[-1] * HEIGHT:.1f}"
        for n, count in enumerate(counts)
    ]
    line = "M" + " L".join(points)
    midnights = _midnights(start, end, zone)
    day_ends = _thinned([*midnights, end])
    return Curve(
        line=line,
        area=f"{line} L{WIDE},{HEIGHT} L0,{HEIGHT} Z",
        ticks=tuple(Tick(n, round(HEIGHT - n / ticks[-1] * HEIGHT, 2)) for n in ticks),
        labels=_labels(midnights, start, end, zone),
        days=tuple(
            DayEnd((at - timedelta(seconds=1)).astimezone(zone).date(), round(n))
            for at, n in zip(day_ends, _left_by(day_ends, departures), strict=True)
        ),
        start=start,
        end=end,
    )


def _left_by(moments: Sequence[datetime], departures: Sequence[Departure]) -> list[float]:
    """How many of all of them have left by each of these moments, which come in order."""
    return [
        sum(at_once) for at_once in zip(*(one.by_each(moments) for one in departures), strict=True)
    ]


def _midnights(start: datetime, end: datetime, zone: ZoneInfo) -> list[datetime]:
    """The ends of the days between two moments, in UTC."""
    day = start.astimezone(zone).date()
    found: list[datetime] = []
    while True:
        day += timedelta(days=1)
        at = datetime.combine(day, time(), zone).astimezone(UTC)
        if at >= end:
            return found
        found.append(at)


def _thinned(moments: list[datetime]) -> list[datetime]:
    """At most so many, the last one always among them."""
    step = -(-len(moments) // MOST_DAYS)
    return moments[::-step][::-1]


def _labels(
    midnights: Sequence[datetime], start: datetime, end: datetime, zone: ZoneInfo
) -> tuple[Label, ...]:
    """Days below the axis, where they begin."""
    at = midnights or [start]
    chosen = at[:: -(-len(at) // MOST_LABELS)]
    return tuple(
        Label(
            date=one.astimezone(zone).date(),
            x=(x := round((one - start) / (end - start) * 100, 2)),
            anchor="end" if x > 90 else "start" if x < 6 else "middle",
            spare=number % 2 == 1 and len(chosen) > LABELS_OVER,
        )
        for number, one in enumerate(chosen)
    )
