"""The forecast against the rule itself: letters sent one by one, as the worker would."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.outbox.pacing import forecast, limits
from app.outbox.pacing.calendars import ALWAYS, Calendar, of_country
from app.outbox.pacing.forecast import Departure, Waiting, departures
from app.outbox.pacing.forecast import hours as by_hours
from app.outbox.pacing.forecast.days import FINELY

WEDNESDAY = datetime(2026, 12, 2, 7, 20, tzinfo=UTC)  # 9:20 in Tallinn
ESTONIA = of_country("EE")
MINUTE = timedelta(minutes=1)


def waiting(n: int, email: str = "peaminister@example.org", **other: object) -> Waiting:
    usual = Waiting(
        email=email,
        host="mx.example.org",
        n=n,
        next_at=WEDNESDAY,
        per_hour=20,
        per_day=150,
        left_in_all=None,
        today_n=0,
        today=None,
        calendar=ESTONIA,
        frozen=False,
    )
    return replace(usual, **other)  # type: ignore[arg-type]


def alone(mailbox: Waiting, now: datetime = WEDNESDAY) -> Departure:
    return departures([mailbox], host_hours={}, now=now)[mailbox.email]


@dataclass
class Turns:
    """A mailbox that is written to letter by letter."""

    mailbox: Waiting
    due: datetime
    left: list[datetime] = field(default_factory=list)
    by_day: Counter[date] = field(default_factory=Counter)

    def after(self, at: datetime) -> None:
        calendar = self.mailbox.calendar
        today = calendar.day(at)
        self.left.append(at)
        self.by_day[today] += 1
        self.due = calendar.after(at, limits.spacing(self.mailbox.per_hour))
        before = self.mailbox.today_n if today == self.mailbox.today else 0
        if self.by_day[today] + before >= self.mailbox.per_day:
            self.due = calendar.next_open(max(self.due, calendar.tomorrow(at)))


def one_by_one(mailboxes: Sequence[Waiting], host_hour: int | None) -> dict[str, list[datetime]]:
    """When each letter leaves, as the rule of the pace has it, without jitter."""
    turns = [Turns(one, one.calendar.next_open(one.next_at)) for one in mailboxes]
    host_due = WEDNESDAY
    while waits := [one for one in turns if len(one.left) < one.mailbox.n]:
        first = min(waits, key=lambda one: (max(one.due, host_due), one.due))
        at = first.mailbox.calendar.next_open(max(first.due, host_due))
        first.after(at)
        if host_hour is not None:
            host_due = at + timedelta(hours=limits.spacing(host_hour))
    return {one.mailbox.email: one.left for one in turns}


def test_the_first_letter_leaves_at_once_and_the_next_ones_a_turn_apart() -> None:
    departure = alone(waiting(3))
    first, second, third = (departure.nth(n) for n in (1, 2, 3))
    assert first == WEDNESDAY
    assert second is not None
    assert third is not None
    assert abs(second - ESTONIA.after(WEDNESDAY, limits.spacing(20))) < MINUTE / 60
    assert abs(third - ESTONIA.after(WEDNESDAY, 2 * limits.spacing(20))) < MINUTE
    assert departure.last_at == third
    assert departure.nth(4) is None


@pytest.mark.parametrize(
    "mailbox",
    [
        waiting(1000),
        waiting(400, per_hour=7),
        waiting(400, per_day=11),
        waiting(90, today_n=140, today=date(2026, 12, 2)),
        waiting(90, today_n=150, today=date(2026, 12, 1)),
        waiting(300, next_at=datetime(2026, 12, 4, 15, 59, tzinfo=UTC)),
        waiting(300, calendar=of_country("EE", off_days=True), per_hour=60, per_day=100),
        waiting(1000, calendar=ALWAYS, per_hour=30, per_day=200),
        waiting(250, calendar=of_country("IN")),  # five and a half hours from Greenwich
    ],
)
def test_every_letter_of_a_mailbox_leaves_when_it_was_foretold(mailbox: Waiting) -> None:
    (truth,) = one_by_one([mailbox], None).values()
    departure = alone(mailbox)
    for n, at in enumerate(truth, start=1):
        foretold = departure.nth(n)
        assert foretold is not None
        assert abs(foretold - at) < timedelta(minutes=15)
    assert departure.last_at == departure.nth(mailbox.n)


@pytest.mark.parametrize("host_hour", [60, 30, 200])
def test_mailboxes_behind_one_host_share_what_it_takes(host_hour: int) -> None:
    boxes = [waiting(300, f"{n}@example.org", per_day=(150, 60)[n % 2]) for n in range(6)]
    truth = one_by_one(boxes, host_hour)
    foretold = departures(boxes, host_hours={"mx.example.org": host_hour}, now=WEDNESDAY)
    for email, moments in truth.items():
        last_at = foretold[email].last_at
        assert last_at is not None
        apart = ESTONIA.open_time(*sorted((moments[-1], last_at)))
        assert apart < timedelta(hours=1.5), f"{email}: {last_at} instead of {moments[-1]}"


def test_a_busy_host_makes_its_mailboxes_later_and_nobody_elses() -> None:
    boxes = [waiting(300, f"{n}@example.org") for n in range(6)]
    other = waiting(300, "one@example.net", host="mx.example.net")
    found = departures([*boxes, other], host_hours={"mx.example.org": 60}, now=WEDNESDAY)
    assert found["one@example.net"].last_at == alone(waiting(300)).last_at
    behind = [found[box.email].last_at for box in boxes]
    assert all(at and at > found["one@example.net"].last_at for at in behind)  # type: ignore[operator]


def test_what_is_frozen_never_leaves_and_holds_nobody_back() -> None:
    boxes = [waiting(100, "still@example.org", frozen=True), waiting(100, "goes@example.org")]
    found = departures(boxes, host_hours={"mx.example.org": 22}, now=WEDNESDAY)
    assert found["still@example.org"] == Departure(None, (), ESTONIA)
    assert found["goes@example.org"].last_at == alone(waiting(100)).last_at


@pytest.mark.parametrize(("cap", "leave"), [(10, 10), (0, 0), (-3, 0)])
def test_a_cap_in_all_ends_it_for_good(cap: int, leave: int) -> None:
    departure = alone(waiting(25, left_in_all=cap))
    assert departure.last_at is None
    assert departure.by(datetime(2027, 3, 1, tzinfo=UTC)) == pytest.approx(leave)
    assert departure.nth(leave + 1) is None
    assert leave == 0 or departure.nth(leave) is not None


def test_where_nothing_waits_nothing_leaves() -> None:
    assert alone(waiting(0)) == Departure(None, (), ESTONIA)
    assert departures([], host_hours={}, now=WEDNESDAY) == {}


def test_what_would_take_years_is_not_foretold() -> None:
    departure = alone(waiting(1_000_000))
    assert departure.last_at is None
    assert departure.nth(100) is not None
    assert departure.curve[-1].at < WEDNESDAY + forecast.HORIZON + timedelta(days=5)


some_calendars = st.sampled_from([ESTONIA, ALWAYS, of_country("PL", off_days=True)])


@st.composite
def mailboxes(draw: st.DrawFn) -> list[Waiting]:
    def one(number: int, calendar: Calendar) -> Waiting:
        return waiting(
            draw(st.integers(0, 120)),
            f"{number}@example.org",
            per_hour=draw(st.integers(1, 60)),
            per_day=draw(st.integers(1, 200)),
            next_at=WEDNESDAY + timedelta(minutes=draw(st.integers(-500, 5000))),
            calendar=calendar,
            frozen=draw(st.booleans()),
        )

    return [one(n, draw(some_calendars)) for n in range(draw(st.integers(1, 4)))]


@given(mailboxes(), st.integers(1, 60))
def test_no_forecast_breaks_a_limit(boxes: list[Waiting], host_hour: int) -> None:
    found = departures(boxes, host_hours={"mx.example.org": host_hour}, now=WEDNESDAY)
    for box in boxes:
        curve = found[box.email].curve
        assert list(curve) == sorted(curve), "moments and counts only ever grow"
        assert not curve or curve[0].at >= max(WEDNESDAY, box.next_at)
        assert found[box.email].by(WEDNESDAY + forecast.HORIZON) <= box.leaves + 1e-3
    for hours in range(0, 72, 5):
        start = WEDNESDAY + timedelta(hours=hours)
        left = sum(one.by(start + timedelta(hours=4)) - one.by(start) for one in found.values())
        assert left <= 4 * host_hour + len(boxes)


@given(mailboxes(), st.integers(1, 60))
def test_letters_leave_one_after_the_other_while_it_is_open(
    boxes: list[Waiting], host_hour: int
) -> None:
    found = departures(boxes, host_hours={"mx.example.org": host_hour}, now=WEDNESDAY)
    for box in boxes:
        moments = [found[box.email].nth(n + 1) for n in range(box.n)]
        if found[box.email].last_at is None:
            assert box.frozen or box.n == 0 or moments[-1] is None
            continue
        assert moments == sorted(moments)  # type: ignore[type-var]
        assert all(at and box.calendar.is_open(at) for at in moments)


def lately(mailbox: Waiting, now: datetime, minutes: int, days: int) -> Waiting:
    today = mailbox.calendar.day(now) + timedelta(days=days)
    return replace(mailbox, next_at=now + timedelta(minutes=minutes), today=today)


some_offices = st.builds(
    of_country, st.sampled_from(["EE", "PL", "US", "IN", "AU"]), off_days=st.booleans()
)
full_mailboxes = st.builds(
    waiting,
    st.sampled_from([5, 300, 3_000, 100_000]),
    st.uuids().map(lambda one: f"{one}@example.org"),
    per_hour=st.sampled_from([1, 7, 20, 200]),
    per_day=st.sampled_from([3, 11, 138, 150, 1000]),
    left_in_all=st.sampled_from([None, None, 400]),
    today_n=st.integers(0, 12),
    calendar=st.one_of(st.just(ALWAYS), some_offices),
)
a_moment = st.integers(0, 300 * 24 * 60).map(lambda n: WEDNESDAY + timedelta(minutes=n))


@settings(max_examples=15, deadline=None)
@given(
    st.lists(full_mailboxes, min_size=1, max_size=4, unique_by=lambda one: one.email),
    st.sampled_from([{}, {"mx.example.org": 3}, {"mx.example.org": 60}]),
    a_moment,
    st.integers(-600, 9000),
    st.integers(-1, 1),
)
@example(  # hours begin as India's, half an hour from Greenwich's: the last ends after midnight
    [
        waiting(3_000, "always@example.org", per_hour=7, per_day=138, calendar=ALWAYS),
        waiting(300, "pradhan@example.org", per_hour=1, per_day=3, calendar=of_country("IN")),
    ],
    {"mx.example.org": 3},
    WEDNESDAY,
    0,
    0,
)
def test_a_day_told_from_a_day_before_is_the_day_that_would_have_been_poured(
    boxes: list[Waiting], host_hours: dict[str, int], now: datetime, minutes: int, days: int
) -> None:
    boxes = [lately(one, now, minutes, days) for one in boxes]
    told = departures(boxes, host_hours=host_hours, now=now)
    poured = departures(boxes, host_hours=host_hours, now=now, hour_by_hour=True)
    for email, truth in poured.items():
        assert list(told[email].curve) == sorted(told[email].curve)
        assert (told[email].last_at is None) == (truth.last_at is None)
        if truth.last_at:
            assert abs(truth.last_at - told[email].last_at) < timedelta(seconds=1)  # type: ignore[operator]
        for hour in range(0, FINELY.days * 24, 7):
            at = now + timedelta(hours=hour)
            assert told[email].by(at) == pytest.approx(truth.by(at), abs=1e-3)
        for calendar in (truth.calendar, ALWAYS):
            for day in range(forecast.HORIZON.days):
                # at the end of a day there and in Greenwich: within it the line is drawn straight
                at = calendar.tomorrow(now + timedelta(days=day)) - timedelta.resolution
                assert told[email].by(at) == pytest.approx(truth.by(at), abs=1e-3)


def test_letters_that_take_half_a_year_are_not_poured_for_half_a_year(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    boxes = [waiting(100_000, f"{n}@example.org") for n in range(3)]
    poured: list[datetime] = []
    pour = by_hours.pour

    def counted(streams: Any, at: datetime, end: datetime, per_hour: float) -> datetime:
        poured.append(at)
        return pour(streams, at, end, per_hour)

    monkeypatch.setattr(by_hours, "pour", counted)
    found = departures(boxes, host_hours={"mx.example.org": 30}, now=WEDNESDAY)
    assert len(poured) < 10, "the first day, one like all others, the days of a changed clock"
    assert found["0@example.org"].by(WEDNESDAY + forecast.HORIZON) > 5_000


def test_several_moments_are_asked_at_once() -> None:
    departure = alone(waiting(1000))
    moments = [WEDNESDAY + timedelta(hours=n) for n in range(-5, 900, 3)]
    assert list(departure.by_each(moments)) == [departure.by(at) for at in moments]
