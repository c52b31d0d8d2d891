"""When each country took which step, on one axis: dates in, numbers out; the template draws them.

Across, everything is a percentage, so that one drawing fits a telephone and a wall; downwards, it
is pixels. Each stage has a shape of its own, for those who see no colours.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from app.campaigns.stages import Standing
from app.models import AlertCountry
from app.wording.language.translated import AlertWords, Spoken

ROW = 30  # pixels from one country to the next
SHAPES = ("ring", "half", "diamond", "square", "triangle", "disc")
MOST_SPANS = 3  # between the dates below the axis: more would run into each other on a telephone
A_YEAR = 12  # months
FIRST = A_YEAR  # month in which dates begin: the year 1


@dataclass(frozen=True)
class Mark:
    """A step, `x` in percent."""

    shape: str
    label: Spoken
    on: date
    x: float


@dataclass(frozen=True)
class Row:
    """A country: its line from `x` to `end` in percent, at `y` pixels from above."""

    name: Spoken
    y: int
    x: float
    end: float
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Tick:
    """A month's first day. `anchor`: which end of its words stands at `x`."""

    date: date
    x: float
    anchor: str
    with_month: bool
    with_year: bool


@dataclass(frozen=True)
class Key:
    shape: str
    label: Spoken


@dataclass(frozen=True)
class Timeline:
    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]
    legend: tuple[Key, ...]

    @property
    def height(self) -> int:
        """Pixels down to the foot of the lines; the dates stand below."""
        return len(self.rows) * ROW


def of_countries(
    places: Iterable[tuple[AlertCountry, Standing | None]], words: AlertWords
) -> Timeline | None:
    """What has happened up to the day of each standing.

    None when there is nothing to compare: less than two countries, or all on one day; and where
    there are more stages than shapes.
    """
    stages = [str(one["key"]) for one in words.alert.campaign.stages]
    shapes = _shapes(stages)
    reached = [
        (country, [step for step in standing.steps if step.on <= standing.day])
        for country, standing in places
        if standing and standing.current
    ]
    days = [step.on for _, steps in reached for step in steps]
    known = all(step.stage in shapes for _, steps in reached for step in steps)
    if len(reached) < 2 or not known or min(days) == max(days):
        return None
    ends, every = _axis(min(days), max(days))
    rows = []
    for number, (country, steps) in enumerate(reached):
        marks = tuple(
            Mark(shapes[one.stage], words.stage(one.stage, "label"), one.on, _percent(one.on, ends))
            for one in steps
        )
        y = number * ROW + ROW // 2
        rows.append(Row(words.country_name(country), y, marks[0].x, marks[-1].x, marks))
    drawn = {step.stage for _, steps in reached for step in steps}
    legend = tuple(Key(shapes[s], words.stage(s, "label")) for s in stages if s in drawn)
    return Timeline(tuple(rows), tuple(_ticks(ends, every)), legend)


def _shapes(stages: Sequence[str]) -> Mapping[str, str]:
    """The last stage is the full disc, however many come before it; nothing when they are too
    many."""
    if not 0 < len(stages) <= len(SHAPES):
        return {}
    return dict(zip(stages, (*SHAPES[: len(stages) - 1], SHAPES[-1]), strict=True))


def _axis(first: date, last: date) -> tuple[tuple[int, int], int]:
    """Where it begins and ends, and how far its dates are apart, in months."""
    opening, closing = _month(first), _month(last) + 1
    for every in _round_months():
        start = max(FIRST, opening - opening % every) if every >= A_YEAR else opening
        spans = -(-(closing - start) // every)
        if spans <= MOST_SPANS:
            break
    return (start, start + spans * every), every


def _round_months() -> Iterator[int]:
    yield from (1, 2, 3, 4, 6)
    years = 1
    while True:
        yield from (A_YEAR * years, 2 * A_YEAR * years, 5 * A_YEAR * years)
        years *= 10


def _ticks(ends: tuple[int, int], every: int) -> Iterator[Tick]:
    start, end = ends
    for month in range(start, end + 1, every):
        day = date(month // 12, month % 12 + 1, 1)
        anchor = {start: "start", end: "end"}.get(month, "middle")
        named = month == start or month // 12 != (month - every) // 12
        yield Tick(day, _percent(day, ends), anchor, every < A_YEAR, named)


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1


def _percent(day: date, ends: tuple[int, int]) -> float:
    """Months are equally wide: nobody sees that February is not."""
    start, end = ends
    return round(100 * (_month(day) + (day.day - 1) / 31 - start) / (end - start), 3)
