"""The geometry of the days as bars: numbers in, numbers out; the template adds the words.

Across, everything is a percentage, so that one drawing fits a telephone and a wall without its
letters shrinking; upwards, it is pixels of `HEIGHT`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Protocol

from app.models import LetterStatus

HEIGHT = 200  # pixels from the foot of a bar to the highest tick
MOST_BARS = 92  # more than this and days become weeks, weeks become months
FEWEST_PLACES = 10  # a single day is a bar, not a wall
FILLED = 0.78  # how much of its place a day's bars take
MOST_LABELS = 7  # on a wide page; a narrow one leaves every second out
MOST_LONG_LABELS = 5  # of those that need their year
A_YEAR = 366
SERIES = (LetterStatus.HANDED_OVER, LetterStatus.ACCEPTED)


class DayLike(Protocol):
    """A day and how many letters first reached each series on it."""

    @property
    def date(self) -> date: ...
    @property
    def handed_over(self) -> int: ...
    @property
    def accepted(self) -> int: ...


@dataclass(frozen=True)
class Bar:
    """One bar: `x` and `width` in percent, `y` (from above) and `height` in pixels."""

    series: str
    n: int
    x: float
    width: float
    y: float
    height: float


@dataclass(frozen=True)
class Place:
    """A day, week or month on the axis, with its bars."""

    first: date
    last: date
    handed_over: int
    accepted: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Tick:
    n: int
    y: float


@dataclass(frozen=True)
class Label:
    """A date below the axis. `spare`: a narrow page leaves it out."""

    date: date
    x: float
    anchor: str
    spare: bool


@dataclass(frozen=True)
class DayChart:
    """`step`: day, week or month. `series`: what is drawn, which is what there is.

    `with_year`: it spans so long that a label needs its year.
    """

    step: str
    series: tuple[str, ...]
    places: tuple[Place, ...]
    ticks: tuple[Tick, ...]
    labels: tuple[Label, ...]
    with_year: bool

    @property
    def first(self) -> date:
        return self.places[0].first

    @property
    def last(self) -> date:
        return self.places[-1].last


def day_chart(days: Sequence[DayLike]) -> DayChart | None:
    """The days as bars, the two series side by side; None when there is no day.

    Side by side and not on top of each other: a letter that is handed over on Monday and
    accepted on Tuesday is in both, and a stack would count it twice.
    """
    if not days:
        return None
    step, with_year = step_for(len(days)), len(days) > A_YEAR
    groups = [list(group) for _, group in groupby(days, key=lambda day: _opening(day.date, step))]
    totals = [
        {name: sum(getattr(day, name) for day in group) for name in SERIES} for group in groups
    ]
    series = tuple(name for name in SERIES if any(total[name] for total in totals))
    ticks = ticks_for(max(max(total.values()) for total in totals))
    width = 100 / max(len(groups), FEWEST_PLACES)
    places = tuple(
        Place(
            first=group[0].date,
            last=group[-1].date,
            handed_over=total[LetterStatus.HANDED_OVER],
            accepted=total[LetterStatus.ACCEPTED],
            bars=tuple(_bars(index * width, width, {s: total[s] for s in series}, ticks[-1])),
        )
        for index, (group, total) in enumerate(zip(groups, totals, strict=True))
    )
    return DayChart(
        step=step,
        series=series,
        places=places,
        ticks=tuple(Tick(n, _y(n, ticks[-1])) for n in ticks),
        labels=tuple(_labels([place.first for place in places], width, with_year)),
        with_year=with_year,
    )


def step_for(n_days: int) -> str:
    """How many days one place stands for, so that its bars can still be told apart."""
    if n_days <= MOST_BARS:
        return "day"
    return "week" if n_days <= MOST_BARS * 7 else "month"


def ticks_for(highest: int) -> list[int]:
    """Two to four round numbers from 0 to one that no bar exceeds."""
    step = next(step for step in _round_numbers() if step * 3 >= highest)
    return [step * n for n in range(max(-(-highest // step), 1) + 1)]


def _round_numbers() -> Iterable[int]:
    ten = 1
    while True:
        yield from (ten, 2 * ten)
        if ten > 1:
            yield 5 * ten // 2
        yield 5 * ten
        ten *= 10


def _opening(day: date, step: str) -> date:
    """The first day of the week (Monday) or month that a day lies in."""
    if step == "month":
        return day.replace(day=1)
    return day - timedelta(days=day.weekday()) if step == "week" else day


def _bars(x: float, width: float, numbers: Mapping[str, int], top: int) -> Iterable[Bar]:
    """The bars of one place, each with its share of it; nothing is drawn for nothing."""
    each = width * FILLED / max(len(numbers), 1)
    start = x + width * (1 - FILLED) / 2
    for index, (series, n) in enumerate(numbers.items()):
        if n:
            y = _y(n, top)
            yield Bar(
                series=series,
                n=n,
                x=round(start + index * each, 3),
                width=round(each, 3),
                y=y,
                height=round(HEIGHT - y, 2),
            )


def _y(n: int, top: int) -> float:
    """Pixels from above; a bar that is not nothing can be seen."""
    height = max(n / top * HEIGHT, 1.5) if n else 0
    return round(HEIGHT - height, 2)


def _labels(dates: Sequence[date], width: float, with_year: bool) -> Iterable[Label]:
    """Every so many places, evenly, never more than fit."""
    most = MOST_LONG_LABELS if with_year else MOST_LABELS
    places = range(0, len(dates), -(-len(dates) // most))
    for number, index in enumerate(places):
        x = round((index + 0.5) * width, 3)
        yield Label(
            date=dates[index],
            x=x,
            anchor="end" if x > (88 if with_year else 94) else "middle",
            spare=number % 2 == 1 and len(places) > 4,
        )
