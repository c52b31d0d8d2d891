"""Letters of the mailboxes behind one host, poured hour by hour."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import inf

from app.outbox.pacing.calendars import Calendar
from app.outbox.pacing.forecast.departure import NEARLY
from app.outbox.pacing.forecast.streams import Stream

AN_HOUR = timedelta(hours=1)


def pour(streams: Sequence[Stream], at: datetime, end: datetime, per_hour: float) -> datetime:
    """Let letters leave until `end`, or until all have left, and say until when they did.

    It may be a part of an hour later. `per_hour`: letters that the host takes.
    """
    while waiting := [one for one in streams if not one.done]:
        first = max(at, min(one.ready for one in waiting))
        if first >= end:
            break
        later = [one.ready for one in waiting if one.ready > first]
        at = min([_next_hour(first, waiting[0].calendar), *later])
        host_room = per_hour * ((at - first) / AN_HOUR)
        _one_hour([one for one in waiting if one.ready <= first], first, at, host_room)
    return at


def _one_hour(streams: Sequence[Stream], at: datetime, until: datetime, host_room: float) -> None:
    """An hour of one weight, or a part of it in which the same mailboxes are ready."""
    there = {one.calendar for one in streams}
    today = {calendar: calendar.day(at) for calendar in there}
    hours = {calendar: calendar.between(at, until) for calendar in there}
    wanted: list[tuple[Stream, float, float]] = []
    for one in streams:
        room = one.room(today[one.calendar])
        if one.fresh and room >= 1 - NEARLY and host_room >= 1:
            one.leave(1, since=at, until=at)
            host_room, room = host_room - 1, room - 1
        wanted.append((one, room, one.rate * hours[one.calendar]))
    share = _level([min(room, at_most) for _, room, at_most in wanted], host_room)
    while_all_run = _level([at_most for _, _, at_most in wanted], host_room)
    for one, room, at_most in wanted:
        n = min(room, at_most, share)
        if n > 0:
            part = min(n / min(at_most, while_all_run), 1)
            one.leave(n, since=at, until=at + (until - at) * part if part < 1 else until)
        if room - n < NEARLY and not one.done:
            one.full_for_today(at)
        elif at_most == 0:
            one.wait_until(until)


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
