"""When letters leave for an office: in its working day, in its own time zone.

Moments are counted in whole microseconds and weights in tenths, so that what goes by between
two moments is exact, and the parts of a stretch add up to the whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import NamedTuple
from zoneinfo import ZoneInfo

# tenths of the peak by local hour: none at night, peaks at 10 and 15
CURVE = (0,) * 8 + (4, 8, 10, 8, 5, 6, 8, 10, 7, 4) + (0,) * 6
ROUND_THE_CLOCK = (10,) * 24
DAYS_AHEAD = 5 * 366  # nobody waits for longer than this
# where zone.tab begins with an island or an occupied land and not with the seat of government
SEATS = {
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
}
SATURDAY = 5

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_A_DAY = timedelta(days=1)
_HOUR = 3_600_000_000  # microseconds
_FULL = 10 * _HOUR  # an hour at peak: microseconds times tenths


class _Stretch(NamedTuple):
    """Microseconds since midnight, and the weight between them in tenths."""

    start: int
    end: int
    weight: int


class _Day(NamedTuple):
    """The open stretches of a local day; `midnight` in microseconds since 1970, in UTC."""

    midnight: int
    stretches: tuple[_Stretch, ...]


@dataclass(frozen=True, eq=False)
class Calendar:
    """When letters leave for an office: its working day in its own time zone.

    `off_days`: on weekends and public holidays too. Moments given are aware, moments answered
    are in UTC.
    """

    zone: ZoneInfo
    country: str
    off_days: bool
    curve: tuple[int, ...] = CURVE
    _days: dict[date, _Day] = field(default_factory=dict, init=False, repr=False)

    def weight(self, at: datetime) -> float:
        """From 0 to 1, the share of the peak at that moment; 0 is closed."""
        local = at.astimezone(self.zone)
        return self.curve[local.hour] / 10 if self._works(local.date()) else 0.0

    def is_open(self, at: datetime) -> bool:
        return self.weight(at) > 0

    def next_open(self, at: datetime) -> datetime:
        """The moment itself when open. Raises ValueError when that is years away."""
        return self.after(at, 0)

    def after(self, at: datetime, peak_hours: float) -> datetime:
        """The first open moment by which so many hours' worth of peak have gone by since `at`.

        Raises ValueError when that is years away.
        """
        now = _microseconds(at)
        left = round(peak_hours * _FULL)
        for day in self._from(at):
            for opens, closes, weight in day.stretches:
                start, end = max(day.midnight + opens, now), day.midnight + closes
                if left < (end - start) * weight:
                    then = start - (-left // weight)
                    if then < end:
                        return _EPOCH + timedelta(microseconds=then)
                    left = 0  # rounded up, it is the first moment of what comes next
                elif start < end:
                    left -= (end - start) * weight
        raise ValueError(f"not within {DAYS_AHEAD} days of {at}")

    def between(self, start: datetime, end: datetime) -> float:
        """How many hours' worth of peak lie between two moments; 0 when they are the wrong way."""
        return sum(length * weight for length, weight in self._parts(start, end)) / _FULL

    def open_time(self, start: datetime, end: datetime) -> timedelta:
        """How long it was open between two moments, whatever the weight."""
        return timedelta(microseconds=sum(length for length, _ in self._parts(start, end)))

    def day(self, at: datetime) -> date:
        """The day it is there."""
        return at.astimezone(self.zone).date()

    def tomorrow(self, at: datetime) -> datetime:
        """The beginning of the next day there."""
        return self._midnight(self.day(at) + _A_DAY)

    def _parts(self, start: datetime, end: datetime) -> Iterator[tuple[int, int]]:
        """Length and weight of each open piece between two moments."""
        first, last = _microseconds(start), _microseconds(end)
        if first >= last:
            return
        for day in self._from(start):
            if day.midnight >= last:
                return
            for opens, closes, weight in day.stretches:
                length = min(day.midnight + closes, last) - max(day.midnight + opens, first)
                if length > 0:
                    yield length, weight

    def _from(self, at: datetime) -> Iterator[_Day]:
        """Its local day and those that follow, for some years."""
        day = self.day(at)
        for _ in range(DAYS_AHEAD):
            found = self._days.get(day)
            if found is None:
                found = self._days[day] = self._made(day)
            yield found
            day += _A_DAY

    def _made(self, day: date) -> _Day:
        midnight = self._midnight(day)
        start = _microseconds(midnight)
        if not self._works(day):
            return _Day(start, ())
        if self._midnight(day + _A_DAY) - midnight == _A_DAY:
            return _Day(start, _regular(self.curve))
        # the clock is changed: an hour of this day is missing, or there twice
        hours = [_microseconds(self._moment(day, hour)) - start for hour in range(24)]
        hours.append(_microseconds(self._midnight(day + _A_DAY)) - start)
        return _Day(start, _stretches(self.curve, hours))

    def _midnight(self, day: date) -> datetime:
        return self._moment(day, 0)

    def _moment(self, day: date, hour: int) -> datetime:
        """An hour that the clock leaps over begins where it leaps."""
        return datetime(day.year, day.month, day.day, hour, tzinfo=self.zone).astimezone(UTC)

    def _works(self, day: date) -> bool:
        return self.off_days or not (
            day.weekday() in _weekend(self.country) or day in _holidays(self.country, day.year)
        )


ALWAYS = Calendar(ZoneInfo("UTC"), "", True, ROUND_THE_CLOCK)  # nobody's office is asked


@cache
def of_country(country: str, *, off_days: bool = False) -> Calendar:
    """The calendar of a country's offices; UTC for a country that no time zone knows."""
    zone = SEATS.get(country) or _zones().get(country, "UTC")
    return Calendar(ZoneInfo(zone), country, off_days)


def warm() -> None:
    """Read the table of zones and the library of holidays: a second that nobody should wait for."""
    of_country("EE").next_open(_EPOCH)


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


@cache
def _regular(curve: tuple[int, ...]) -> tuple[_Stretch, ...]:
    return _stretches(curve, [hour * _HOUR for hour in range(25)])


def _stretches(curve: tuple[int, ...], hours: list[int]) -> tuple[_Stretch, ...]:
    return tuple(
        _Stretch(hours[hour], hours[hour + 1], weight)
        for hour, weight in enumerate(curve)
        if weight and hours[hour + 1] > hours[hour]
    )


@cache
def _zones() -> dict[str, str]:
    """The first zone that tzdata's zone.tab lists for each country: the most populous one."""
    table = (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    zones: dict[str, str] = {}
    for line in table.splitlines():
        if not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            zones.setdefault(country, zone)
    return zones


@cache
def _weekend(country: str) -> frozenset[int]:
    """The days of the week that nobody works on, Monday being 0."""
    if country not in _with_holidays():
        return frozenset({SATURDAY, SATURDAY + 1})
    from holidays import country_holidays

    return frozenset(country_holidays(country).weekend)


@cache
def _holidays(country: str, year: int) -> frozenset[date]:
    """The public holidays of a country in a year; none of one that the library does not know."""
    if country not in _with_holidays():
        return frozenset()
    from holidays import country_holidays

    return frozenset(country_holidays(country, years=year))


@cache
def _with_holidays() -> frozenset[str]:
    # imported where it is used: it takes a second, and most commands pace nothing
    from holidays import list_supported_countries

    return frozenset(list_supported_countries())
