"""The mailboxes by their hosts, and half a year of days for each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from math import inf

from app.outbox.pacing import limits
from app.outbox.pacing.forecast import hours
from app.outbox.pacing.forecast.days import A_DAY, FINELY, Days
from app.outbox.pacing.forecast.departure import HORIZON, Departure, Waiting
from app.outbox.pacing.forecast.streams import Stream

_DAYS = Days()


def departures(
    mailboxes: Sequence[Waiting],
    *,
    host_hours: Mapping[str, int],
    now: datetime,
    hour_by_hour: bool = False,
) -> dict[str, Departure]:
    """When the waiting letters of each mailbox leave, by address.

    `host_hours`: letters an hour that each host takes; one that is not named takes any number.
    After FINELY a curve is true where leaving begins and ends and at Greenwich's midnights (those
    of an office's own country fall where nothing leaves), and straight between them.
    `hour_by_hour`: no day is told from a day before, and all is drawn finely; many times slower.
    """
    # in one order behind every host, so that their days are more often the same
    streams = [Stream(mailbox, now) for mailbox in sorted(mailboxes, key=_order)]
    behind: dict[str, list[Stream]] = defaultdict(list)
    for one in streams:
        behind[one.mailbox.host].append(one)
    for host, together in behind.items():
        per_hour = 1 / limits.spacing(host_hours[host]) if host in host_hours else inf
        if hour_by_hour:
            hours.pour(together, now, now + HORIZON, per_hour)
        else:
            _day_by_day(together, now, per_hour)
    return {one.mailbox.email: one.result() for one in streams}


def _day_by_day(streams: Sequence[Stream], now: datetime, per_hour: float) -> None:
    at, end = now, now + HORIZON
    while waiting := [one for one in streams if not one.done]:
        at = max(at, min(one.ready for one in waiting))
        if at >= end:
            return
        midnight = datetime.combine(at.astimezone(UTC).date(), time(), UTC)
        if midnight + A_DAY > end:
            at = hours.pour(waiting, at, end, per_hour)
        else:
            at = _DAYS.pour(waiting, at, midnight, per_hour, finely=at < now + FINELY)


def _order(mailbox: Waiting) -> tuple[str, str, int, int, str]:
    zone, country = mailbox.calendar.zone.key, mailbox.calendar.country
    return zone, country, mailbox.per_hour, mailbox.per_day, mailbox.email
