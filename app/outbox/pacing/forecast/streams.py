"""One mailbox while its letters are poured out."""

from datetime import date, datetime
from functools import cache
from itertools import count
from math import floor, inf

from app.outbox.pacing import limits
from app.outbox.pacing.calendars import Calendar
from app.outbox.pacing.forecast.departure import NEARLY, Departure, Point, Waiting

_numbers = count()


@cache
def _pace(calendar: Calendar, per_hour: int, per_day: int) -> int:
    """A number for how fast a mailbox is written to."""
    return next(_numbers)


class Stream:
    """How many of a mailbox's letters have left, and when more may.

    `room_to_spare`, `day_began_with` and `waits_from` tell of the day that is being poured: the
    least room there was on it, how many had left when its mailbox's own day began, and from when
    it last waited for its office to open.
    """

    def __init__(self, mailbox: Waiting, now: datetime) -> None:
        self.mailbox = mailbox
        self.calendar = mailbox.calendar
        self.leaves = mailbox.leaves
        self.pace = _pace(mailbox.calendar, mailbox.per_hour, mailbox.per_day)
        self.rate = 1 / limits.spacing(mailbox.per_hour)  # letters an hour at peak
        self.left = 0.0
        self.fresh = True  # its next letter leaves the moment it is ready
        self.day = mailbox.today
        self.day_ends_at = float(mailbox.per_day - mailbox.today_n)
        self.points: list[Point] = []
        self.begin()
        self.wait_until(max(now, mailbox.next_at))

    @property
    def done(self) -> bool:
        return self.left >= self.leaves - NEARLY

    def begin(self) -> None:
        """Another day is poured."""
        self.room_to_spare = inf
        self.day_began_with: float | None = None
        self.waits_from: datetime | None = None

    def room(self, today: date) -> float:
        """How many more may leave on the day it is there."""
        if today != self.day:
            self.day_begins(today, self.left)
        room = self.day_ends_at - self.left
        self.room_to_spare = min(self.room_to_spare, room)
        return min(self.leaves - self.left, room)

    def day_begins(self, day: date, left: float) -> None:
        self.day, self.day_began_with = day, left
        # a letter leaves when the count comes to a whole number
        self.day_ends_at = floor(left + NEARLY) + self.mailbox.per_day

    def leave(self, n: float, *, since: datetime, until: datetime) -> None:
        """So many leave, evenly."""
        left, self.left = self.left, self.left + n
        if not self.points or self.points[-1] != (since, left):
            self.points.append(Point(since, left))
        self.points.append(Point(until, self.left))
        self.room_to_spare = min(self.room_to_spare, self.day_ends_at - self.left)
        self.fresh = False

    def full_for_today(self, at: datetime) -> None:
        self.fresh = True
        self.wait_until(self.calendar.tomorrow(at))

    def wait_until(self, at: datetime) -> None:
        """Or until it is open then."""
        self.waits_from = at
        self.ready = self.calendar.next_open(at)

    def result(self) -> Departure:
        curve = Departure(None, tuple(self.points), self.calendar)
        return Departure(curve.nth(self.mailbox.n), curve.curve, self.calendar)
