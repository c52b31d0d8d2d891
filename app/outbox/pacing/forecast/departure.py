"""What waits for a mailbox, and when it will have left."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import NamedTuple

from app.outbox.pacing.calendars import Calendar

HORIZON = timedelta(days=183)  # what leaves later than this is not forecast
NEARLY = 1e-6  # of a letter: less than this is rounding


@dataclass(frozen=True)
class Waiting:
    """What waits for one mailbox, and how fast it is written to.

    `next_at`: not before. `left_in_all`: letters until its cap in all; None without one.
    `today_n` letters have left on `today`, a day of its calendar.
    """

    email: str
    host: str
    n: int
    next_at: datetime
    per_hour: int
    per_day: int
    left_in_all: int | None
    today_n: int
    today: date | None
    calendar: Calendar
    frozen: bool

    @property
    def leaves(self) -> int:
        """How many of those that wait leave at all."""
        if self.frozen:
            return 0
        return self.n if self.left_in_all is None else max(min(self.n, self.left_in_all), 0)


class Point(NamedTuple):
    """So many letters have left by then; between two points the line is straight."""

    at: datetime
    n: float


_AT, _N = attrgetter("at"), attrgetter("n")


@dataclass(frozen=True)
class Departure:
    """When a mailbox's letters leave.

    `last_at`: None when nothing waits, or when what waits will not all leave within half a year
    (frozen, its cap in all reached, too many).
    """

    last_at: datetime | None
    curve: tuple[Point, ...]
    calendar: Calendar

    def nth(self, n: int) -> datetime | None:
        """When the n-th of the letters that wait leaves, from 1; None: not within half a year."""
        index = bisect_left(self.curve, n - NEARLY, key=_N)
        if index == len(self.curve) or n < 1:
            return None
        at = _where(self.curve[max(index - 1, 0)], self.curve[index], n)
        return self.calendar.next_open(at)  # not at six in the evening, but at eight

    def by(self, at: datetime) -> float:
        """How many have left by then."""
        index = bisect_right(self.curve, at, key=_AT)
        return self._between(index, at)

    def by_each(self, moments: Iterable[datetime]) -> Iterator[float]:
        """How many have left by each of these, which come in order."""
        index, curve = 0, self.curve
        for at in moments:
            while index < len(curve) and curve[index].at <= at:
                index += 1
            yield self._between(index, at)

    def _between(self, index: int, at: datetime) -> float:
        """`index`: of the first point that is later."""
        if index == 0:
            return 0.0
        if index == len(self.curve):
            return self.curve[-1].n
        before, then = self.curve[index - 1], self.curve[index]
        if before.n == then.n:
            return before.n
        return before.n + (then.n - before.n) * ((at - before.at) / (then.at - before.at))


def _where(before: Point, then: Point, n: float) -> datetime:
    share = (n - before.n) / (then.n - before.n) if then.n > before.n else 1
    return before.at + (then.at - before.at) * min(share, 1)
