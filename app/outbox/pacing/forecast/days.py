"""A day on which everything stands as on a day before is not poured again, but told from it.

Mailboxes that have more than they can send are for months, day after day, where they were the day
before. Days are Greenwich's: the mailboxes behind one host may lie in many countries.
"""

from collections import deque
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from itertools import count
from math import floor
from typing import NamedTuple

from app.outbox.pacing.calendars import Calendar
from app.outbox.pacing.forecast import hours
from app.outbox.pacing.forecast.departure import NEARLY, Point
from app.outbox.pacing.forecast.streams import Stream

A_DAY = timedelta(days=1)
AN_HOUR = timedelta(hours=1)
LOOKED_AHEAD = A_DAY + AN_HOUR  # the last hour of a day may end so late
FINELY = timedelta(days=14)  # so long hour by hour; then as `_coarse` has it
KEPT = 8  # days that began alike, but for parts of a letter
MOST_KEPT = 300  # days that began otherwise; the oldest go
SAME = 1e-9  # of a letter

Drawn = tuple[tuple[timedelta, float], ...]


@dataclass(frozen=True, slots=True)
class Course:
    """What a day brought one mailbox; moments are told since midnight, letters since it began.

    `room`: how many more might leave on the mailbox's own day, if that went on (else None);
    `part`: of a letter that had left.
    `spare`: the least room there was. `own_day`: the day there, in days from Greenwich's, if one
    began, and after how many letters. `waits`: since when it waited for its office to open.
    """

    room: float | None
    part: float
    spare: float
    n: float
    fine: Drawn
    coarse: Drawn
    fresh: bool
    own_day: tuple[int, float] | None
    waits: timedelta | None

    def fits(self, stream: Stream) -> bool:
        """Whether it would come to the same.

        It does with room to spare on both days: what may leave on a day that begins differs with
        the part of a letter that has left, by less than one. Else both must be the same.
        """
        if stream.leaves - stream.left - self.n < 1:
            return False
        less = 0 if self.room is None else self.room - _room(stream)
        return self.spare > max(less, 0) + 1 + NEARLY or (
            abs(less) < SAME and abs(self.part - _part(stream)) < SAME
        )

    def again(self, stream: Stream, on: "Morrow") -> None:
        """The stream takes it once more."""
        left, points, midnight = stream.left, stream.points, on.midnight
        drawn = self.fine if on.finely else self.coarse
        new = [_point(Point, (midnight + after, left + n)) for after, n in drawn]
        points += new[1:] if new and points and points[-1] == new[0] else new
        if self.own_day is not None:
            days, n = self.own_day
            stream.day_begins(on.dates[days], left + n)
        stream.left = left + self.n
        stream.fresh = self.fresh
        if self.waits is not None:
            stream.ready = _next_open(stream.calendar, midnight + self.waits)


_point = tuple.__new__  # a named tuple's own way takes twice as long, and there are many


class Morrow(NamedTuple):
    """The day that is told from one before."""

    midnight: datetime
    finely: bool
    dates: Mapping[int, date]  # of the mailboxes' own days


class Day(NamedTuple):
    """One that was poured: what each mailbox had of it, and when its last hour ended."""

    courses: Sequence[Course]
    ended: timedelta


class Days:
    """Those that were poured, by how they began; true for good, so forecasts may share them."""

    def __init__(self) -> None:
        self._poured: dict[Hashable, deque[Day]] = {}

    def pour(
        self,
        streams: Sequence[Stream],
        at: datetime,
        midnight: datetime,
        per_hour: float,
        *,
        finely: bool,
    ) -> datetime:
        """As `hours.pour` until the midnight after this one, or told from a day that was alike."""
        key = (per_hour, at - midnight, *_standing(streams, at, midnight))
        for day in self._poured.get(key, ()):
            pairs = list(zip(day.courses, streams, strict=True))
            if all(course.fits(stream) for course, stream in pairs):
                today = midnight.date()
                dates = {days: today + timedelta(days) for days in (-1, 0, 1)}
                morrow = Morrow(midnight, finely, dates)
                for course, stream in pairs:
                    course.again(stream, morrow)
                return midnight + day.ended
        began = [_Began(one, at) for one in streams]
        until = hours.pour(streams, at, midnight + A_DAY, per_hour)
        if all(one.leaves - one.left >= 1 for one in streams):
            courses = [one.course(midnight) for one in began]
            self._keep(key, Day(courses, until - midnight))
        return until

    def _keep(self, key: Hashable, day: Day) -> None:
        self._poured.setdefault(key, deque(maxlen=KEPT)).appendleft(day)
        if len(self._poured) > MOST_KEPT:
            del self._poured[next(iter(self._poured))]


def _standing(
    streams: Sequence[Stream], at: datetime, midnight: datetime
) -> Iterator[tuple[int, int, bool, int | None, timedelta | None]]:
    """Where each mailbox stands, but for what `Course.fits` compares."""
    today, far = midnight.date(), midnight + LOOKED_AHEAD
    there = {
        calendar: (_shape(calendar, midnight), _day(calendar, at))
        for calendar in {one.calendar for one in streams}
    }
    for one in streams:
        shape, day = there[one.calendar]
        own_day = (one.day - today).days if one.day is not None and one.day >= day else None
        ready = None if one.ready > far else max(one.ready, at) - midnight
        yield one.pace, shape, one.fresh, own_day, ready


class _Began:
    """Where a mailbox stood when a day began, to tell its course at the end."""

    def __init__(self, stream: Stream, at: datetime) -> None:
        self.stream, self.left = stream, stream.left
        goes_on = stream.day is not None and stream.day >= stream.calendar.day(at)
        self.room = _room(stream) if goes_on else None
        self.part = _part(stream)
        points = stream.points
        # letters may leave through midnight: then the last point is the day's first
        self.n_points = len(points) - 1 if points and points[-1].at == at else len(points)
        stream.begin()

    def course(self, midnight: datetime) -> Course:
        stream = self.stream
        fine = tuple((at - midnight, n - self.left) for at, n in stream.points[self.n_points :])
        own_day = None
        if stream.day is not None and stream.day_began_with is not None:
            days = (stream.day - midnight.date()).days
            own_day = days, stream.day_began_with - self.left
        return Course(
            room=self.room,
            part=self.part,
            spare=stream.room_to_spare,
            n=stream.left - self.left,
            fine=fine,
            coarse=_coarse(fine),
            fresh=stream.fresh,
            own_day=own_day,
            waits=None if stream.waits_from is None else stream.waits_from - midnight,
        )


def _room(stream: Stream) -> float:
    return stream.day_ends_at - stream.left


def _part(stream: Stream) -> float:
    return stream.left - floor(stream.left + NEARLY)


def _coarse(fine: Drawn) -> Drawn:
    """Only where leaving begins and ends, for an hour or more, and what midnight needs.

    A last hour that ends after midnight, by the clock of a country half an hour from Greenwich's,
    is drawn as it was: so the line is true at every midnight in Greenwich.
    """
    kept = {0, len(fine) - 1}
    if fine and fine[-1][0] > A_DAY:
        kept.add(len(fine) - 2)
    return tuple(
        point
        for place, point in enumerate(fine)
        if place in kept
        or point[0] - fine[place - 1][0] > AN_HOUR
        or fine[place + 1][0] - point[0] > AN_HOUR
    )


@lru_cache(maxsize=50_000)
def _shape(calendar: Calendar, midnight: datetime) -> int:
    """A number for what the calendar has of this day: when its own days begin, and which open.

    Those on which the clock is changed are like no other.
    """
    shape: list[tuple[timedelta, bool] | int] = []
    far = midnight + LOOKED_AHEAD
    begins = calendar.tomorrow(midnight - 2 * A_DAY)
    while begins < far:
        ends = calendar.tomorrow(begins)
        if ends > midnight:
            opens = calendar.next_open(max(begins, midnight)) < min(ends, far)
            usual = ends - begins == A_DAY
            shape.append((begins - midnight, opens) if usual else next(_numbers))
        begins = ends
    return _number(tuple(shape))


# the mailboxes of a country ask the same, and so do the next forecasts
_next_open = lru_cache(maxsize=50_000)(Calendar.next_open)
_day = lru_cache(maxsize=50_000)(Calendar.day)
_numbers = count()


@cache
def _number(shape: Hashable) -> int:
    return next(_numbers)
