"""When the letters that wait will have left: the rule of the pace, hour by hour, as if poured.

A mailbox's letters follow each other by `limits.spacing` hours at peak, so many a day and so many
in all; all mailboxes behind one host share what that host takes in an hour. Jitter moves a single
letter and not the last one's day, so it is left out.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import floor, inf
from typing import NamedTuple

from app.outbox.pacing import limits
from app.outbox.pacing.calendars import Calendar

HORIZON = timedelta(days=183)  # what leaves later than this is not forecast
NEARLY = 1e-6  # of a letter: less than this is rounding
AN_HOUR = timedelta(hours=1)


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
        counts = [point.n for point in self.curve]
        index = bisect_left(counts, n - NEARLY)
        if index == len(counts) or n < 1:
            return None
        at = _where(self.curve[max(index - 1, 0)], self.curve[index], n)
        return self.calendar.next_open(at)  # not at six in the evening, but at eight

    def by(self, at: datetime) -> float:
        """How many have left by then."""
        index = bisect_right([point.at for point in self.curve], at)
        if index == 0:
            return 0.0
        if index == len(self.curve):
            return self.curve[-1].n
        before, then = self.curve[index - 1], self.curve[index]
        return before.n + (then.n - before.n) * ((at - before.at) / (then.at - before.at))


def departures(
    mailboxes: Sequence[Waiting], *, host_hours: Mapping[str, int], now: datetime
) -> dict[str, Departure]:
    """When the waiting letters of each mailbox leave, by address.

    `host_hours`: letters an hour that each host takes; one that is not named takes any number.
    """
    streams = [_Stream(mailbox, now) for mailbox in mailboxes]
    behind: dict[str, list[_Stream]] = defaultdict(list)
    for one in streams:
        behind[one.mailbox.host].append(one)
    hours = _Hours()
    for host, together in behind.items():
        per_hour = 1 / limits.spacing(host_hours[host]) if host in host_hours else inf
        _pour(together, per_hour, now, hours)
    return {one.mailbox.email: one.result() for one in streams}


class _Stream:
    """One mailbox while its letters are poured out: how many have left, and when more may."""

    def __init__(self, mailbox: Waiting, now: datetime) -> None:
        self.mailbox = mailbox
        self.calendar = mailbox.calendar
        self.rate = 1 / limits.spacing(mailbox.per_hour)  # letters an hour at peak
        self.left = 0.0
        self.fresh = True  # its next letter leaves the moment it is ready
        self.day = mailbox.today
        self.day_ends_at = float(mailbox.per_day - mailbox.today_n)
        self.points: list[Point] = []
        self._wait_until(max(now, mailbox.next_at))

    @property
    def done(self) -> bool:
        return self.left >= self.mailbox.leaves - NEARLY

    def room(self, at: datetime) -> float:
        """How many more may leave on the day it is."""
        today = self.calendar.day(at)
        if today != self.day:
            self.day = today
            # a letter leaves when the count comes to a whole number
            self.day_ends_at = floor(self.left + NEARLY) + self.mailbox.per_day
        return min(self.mailbox.leaves, self.day_ends_at) - self.left

    def leave(self, n: float, *, since: datetime, until: datetime) -> None:
        """So many leave, evenly."""
        for point in (Point(since, self.left), Point(until, self.left + n)):
            if not self.points or self.points[-1] != point:
                self.points.append(point)
        self.left += n
        self.fresh = False

    def full_for_today(self, at: datetime) -> None:
        self.fresh = True
        self._wait_until(self.calendar.tomorrow(at))

    def _wait_until(self, at: datetime) -> None:
        self.ready = self.calendar.next_open(at)

    def result(self) -> Departure:
        curve = Departure(None, tuple(self.points), self.calendar)
        return replace(curve, last_at=curve.nth(self.mailbox.n))


class _Hours:
    """Hours at peak of one calendar between two moments, reckoned once for all its mailboxes."""

    def __init__(self) -> None:
        self._known: dict[tuple[Calendar, datetime, datetime], float] = {}

    def between(self, calendar: Calendar, start: datetime, end: datetime) -> float:
        key = (calendar, start, end)
        if key not in self._known:
            self._known[key] = calendar.between(start, end)
        return self._known[key]


def _pour(streams: Sequence[_Stream], per_hour: float, now: datetime, hours: _Hours) -> None:
    """Let the letters of the mailboxes behind one host leave, hour after hour."""
    at = now
    while at < now + HORIZON:
        waiting = [one for one in streams if not one.done]
        if not waiting:
            return
        at = max(at, min(one.ready for one in waiting))
        later = [one.ready for one in waiting if one.ready > at]
        until = min([_next_hour(at, waiting[0].calendar), *later])
        host_room = per_hour * ((until - at) / AN_HOUR)
        _one_hour([one for one in waiting if one.ready <= at], at, until, host_room, hours)
        at = until


def _one_hour(
    streams: Sequence[_Stream], at: datetime, until: datetime, host_room: float, hours: _Hours
) -> None:
    """An hour of one weight, or a part of it in which the same mailboxes are ready."""
    wanted: list[tuple[_Stream, float, float]] = []
    for one in streams:
        room = one.room(at)
        if one.fresh and room >= 1 - NEARLY and host_room >= 1:
            one.leave(1, since=at, until=at)
            host_room, room = host_room - 1, room - 1
        wanted.append((one, room, one.rate * hours.between(one.calendar, at, until)))
    share = _level([min(room, at_most) for _, room, at_most in wanted], host_room)
    while_all_run = _level([at_most for _, _, at_most in wanted], host_room)
    for one, room, at_most in wanted:
        n = min(room, at_most, share)
        if n > 0:
            part = min(n / min(at_most, while_all_run), 1)
            one.leave(n, since=at, until=at + (until - at) * part)
        if room - n < NEARLY and not one.done:
            one.full_for_today(at)
        elif at_most == 0:
            one.ready = one.calendar.next_open(until)


def _level(wishes: Sequence[float], room: float) -> float:
    """The most that each may have so that together they have no more than there is room."""
    for n_before, wish in enumerate(sorted(wishes)):
        share = room / (len(wishes) - n_before)
        if wish > share:
            return share
        room -= wish
    return inf


def _next_hour(at: datetime, calendar: Calendar) -> datetime:
    """By the clock there: not every country's hours begin with Greenwich's."""
    local = at.astimezone(calendar.zone)
    gone = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return at - gone + AN_HOUR


def _where(before: Point, then: Point, n: float) -> datetime:
    share = (n - before.n) / (then.n - before.n) if then.n > before.n else 1
    return before.at + (then.at - before.at) * min(share, 1)
