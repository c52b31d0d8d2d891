"""When letters leave for an office: its working day, its weekends, the change of its clocks."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.outbox.pacing import calendars
from app.outbox.pacing.calendars import ALWAYS, Calendar, of_country

A_MICROSECOND = timedelta(microseconds=1)
TALLINN, WARSAW = ZoneInfo("Europe/Tallinn"), ZoneInfo("Europe/Warsaw")
ESTONIA, POLAND = of_country("EE"), of_country("PL")

# clocks that leap by an hour, by half an hour, at midnight, and never
some_calendars = st.sampled_from(
    [of_country(country, off_days=off) for country in ("EE", "PL", "XA") for off in (True, False)]
    + [
        ALWAYS,
        Calendar(ZoneInfo("Africa/Cairo"), "EG", False),
        Calendar(ZoneInfo("Australia/Lord_Howe"), "AU", True, calendars.ROUND_THE_CLOCK),
        Calendar(ZoneInfo("America/Havana"), "CU", True, calendars.ROUND_THE_CLOCK),
    ]
)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC))
some_hours = st.floats(0, 60)
# a season: a change of the clock, a change of the year, and not each day of three years
some_stretches = st.timedeltas(timedelta(0), timedelta(days=100))


def local(zone: ZoneInfo, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=zone)  # type: ignore[misc]


def test_an_office_is_written_to_in_its_own_working_hours_and_most_at_ten_and_three() -> None:
    day = [ESTONIA.weight(local(TALLINN, 2026, 12, 2, hour, 30)) for hour in range(24)]
    assert day == [0] * 8 + [0.4, 0.8, 1, 0.8, 0.5, 0.6, 0.8, 1, 0.7, 0.4] + [0] * 6
    # ten in Tallinn is nine in Warsaw
    assert POLAND.weight(local(TALLINN, 2026, 12, 2, 10)) == 0.8


def test_it_opens_at_eight_and_closes_at_six_to_the_microsecond() -> None:
    eight, six = local(TALLINN, 2026, 12, 2, 8), local(TALLINN, 2026, 12, 2, 18)
    seen = [ESTONIA.is_open(at) for at in (eight - A_MICROSECOND, eight, six - A_MICROSECOND, six)]
    assert seen == [False, True, True, False]


def test_what_is_too_late_on_friday_waits_for_monday() -> None:
    friday = local(TALLINN, 2026, 12, 4, 17, 30)
    assert ESTONIA.next_open(friday) == friday
    # 0.2 peak hours are left of Friday
    assert ESTONIA.after(friday, 0.1999) < local(TALLINN, 2026, 12, 4, 18)
    assert ESTONIA.after(friday, 0.2) == local(TALLINN, 2026, 12, 7, 8)


@pytest.mark.parametrize(
    ("country", "holiday"),
    [("EE", date(2027, 2, 24)), ("PL", date(2026, 11, 11)), ("LV", date(2026, 11, 18))],
)
def test_a_public_holiday_is_its_own_countrys(country: str, holiday: date) -> None:
    noon = datetime(holiday.year, holiday.month, holiday.day, 12, tzinfo=UTC)
    open_there = {one for one in ("EE", "PL", "LV") if of_country(one).is_open(noon)}
    assert open_there == {"EE", "PL", "LV"} - {country}
    assert of_country(country, off_days=True).is_open(noon)


def test_a_weekend_is_the_countrys_own_too() -> None:
    friday, sunday = datetime(2026, 12, 4, 9, tzinfo=UTC), datetime(2026, 12, 6, 9, tzinfo=UTC)
    egypt = of_country("EG")
    assert [egypt.is_open(friday), egypt.is_open(sunday)] == [False, True]
    assert [ESTONIA.is_open(friday), ESTONIA.is_open(sunday)] == [True, False]


@pytest.mark.parametrize(
    ("country", "zone"),
    [
        ("EE", "Europe/Tallinn"),
        ("DE", "Europe/Berlin"),
        ("US", "America/New_York"),
        ("UA", "Europe/Kyiv"),  # zone.tab begins with Simferopol, on Moscow time
        ("CA", "America/Toronto"),  # … and here with Newfoundland
        ("XA", "UTC"),
    ],
)
def test_a_countrys_time_is_that_of_its_government(country: str, zone: str) -> None:
    assert of_country(country).zone.key == zone


def test_a_country_that_no_list_of_holidays_knows_has_weekends() -> None:
    made_up = of_country("XA")
    at_ten = [datetime(2026, 12, day, 10, tzinfo=UTC) for day in range(24, 29)]
    assert [made_up.weight(at) for at in at_ten] == [1, 1, 0, 0, 1]


@pytest.mark.parametrize("zone", [TALLINN, WARSAW], ids=str)
@pytest.mark.parametrize(("changed", "hours"), [(date(2027, 3, 28), 23), (date(2026, 10, 25), 25)])
def test_the_day_on_which_clocks_change_has_its_true_length(
    zone: ZoneInfo, changed: date, hours: int
) -> None:
    calendar = Calendar(zone, "XA", True)
    midnight = local(zone, changed.year, changed.month, changed.day).astimezone(UTC)
    assert calendar.tomorrow(midnight) - midnight == timedelta(hours=hours)
    # at eight by the clock on the wall, which is not eight hours after midnight
    opens = midnight + timedelta(hours=8 + hours - 24)
    assert calendar.next_open(midnight) == opens
    assert calendar.between(midnight, midnight + timedelta(hours=hours)) == 7
    night = Calendar(zone, "XA", True, calendars.ROUND_THE_CLOCK)
    assert night.open_time(midnight, night.tomorrow(midnight)) == timedelta(hours=hours)


def test_a_letter_every_three_minutes_over_the_change_of_the_clock_stays_in_working_hours() -> None:
    at = local(WARSAW, 2026, 10, 23, 8)
    left = []
    for _ in range(300):
        at = POLAND.after(at, 1 / 20)
        left.append(at.astimezone(WARSAW))
    assert {moment.hour for moment in left} == set(range(8, 18))
    assert {moment.date().isoformat() for moment in left} == {
        "2026-10-23",
        "2026-10-26",
        "2026-10-27",
    }


def test_it_never_looks_for_ever() -> None:
    never = Calendar(TALLINN, "EE", False, (0,) * 24)
    with pytest.raises(ValueError, match="not within"):
        never.next_open(datetime(2026, 12, 2, tzinfo=UTC))


def test_always_is_open_at_full_weight() -> None:
    saturday_night = datetime(2026, 12, 5, 23, 30, tzinfo=UTC)
    assert ALWAYS.weight(saturday_night) == 1
    assert ALWAYS.after(saturday_night, 50) == saturday_night + timedelta(hours=50)


@given(some_calendars, moments, some_hours)
def test_so_many_hours_have_gone_by_when_they_have(
    calendar: Calendar, at: datetime, hours: float
) -> None:
    then = calendar.after(at, hours)
    assert calendar.between(at, then) == pytest.approx(hours, abs=1e-9)


@given(some_calendars, moments, some_hours)
def test_the_answer_is_always_an_open_moment(
    calendar: Calendar, at: datetime, hours: float
) -> None:
    then = calendar.after(at, hours)
    assert then >= at
    assert calendar.is_open(then)
    assert calendar.next_open(then) == then


@given(some_calendars, moments, some_hours, some_hours)
def test_more_hours_are_never_sooner_and_a_later_start_neither(
    calendar: Calendar, at: datetime, hours: float, more: float
) -> None:
    assert calendar.after(at, hours) <= calendar.after(at, hours + more)
    assert calendar.after(at, hours) <= calendar.after(at + timedelta(hours=more), hours)


@given(some_calendars, moments, some_stretches, some_stretches)
def test_two_stretches_add_up_to_the_whole(
    calendar: Calendar, first: datetime, one: timedelta, other: timedelta
) -> None:
    middle, last = first + one, first + one + other
    whole = calendar.between(first, last)
    assert calendar.between(first, middle) + calendar.between(middle, last) == pytest.approx(
        whole, abs=1e-6
    )
    assert calendar.open_time(first, middle) + calendar.open_time(
        middle, last
    ) == calendar.open_time(first, last)
    assert calendar.between(last, first) == 0 or first == last


@given(some_calendars, moments)
def test_tomorrow_is_the_first_moment_of_another_day(calendar: Calendar, at: datetime) -> None:
    tomorrow = calendar.tomorrow(at)
    assert at < tomorrow <= at + timedelta(hours=25)
    assert calendar.day(tomorrow) > calendar.day(at)
    assert calendar.day(tomorrow - A_MICROSECOND) == calendar.day(at)
