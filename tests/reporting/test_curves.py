"""A rising curve: inside its box, from nothing to everything, with its days as numbers."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.outbox.pacing.calendars import ALWAYS
from app.outbox.pacing.forecast import Departure, Point
from app.reporting import curves
from app.reporting.drawing import HEIGHT

TALLINN = ZoneInfo("Europe/Tallinn")
NOON = datetime(2026, 12, 2, 12, tzinfo=UTC)


def straight(n: float, hours: float) -> Departure:
    points = (Point(NOON, 0), Point(NOON + timedelta(hours=hours), n))
    return Departure(points[-1].at, points, ALWAYS)


def drawn(*departures: Departure) -> curves.Curve:
    curve = curves.together(departures, start=NOON, zone=TALLINN)
    assert curve is not None
    return curve


def test_several_mailboxes_are_one_curve() -> None:
    curve = drawn(straight(100, 24), straight(50, 48))
    assert curve.end == NOON + timedelta(hours=48)
    assert [(day.date, day.n) for day in curve.days] == [
        (date(2026, 12, 2), 52),  # ten hours until midnight in Tallinn
        (date(2026, 12, 3), 135),
        (date(2026, 12, 4), 150),
    ]


def test_the_line_rises_from_the_foot_and_stays_in_its_box() -> None:
    curve = drawn(straight(100, 24), straight(50, 48))
    points = [tuple(map(float, one.split(","))) for one in curve.line[1:].split(" L")]
    assert points[0] == (0, HEIGHT)
    assert points[-1][0] == curves.WIDE
    assert points[-1][1] == pytest.approx(HEIGHT * (1 - 150 / curve.ticks[-1].n), abs=0.1)
    assert points == sorted(points, key=lambda point: (point[0], -point[1]))
    assert all(0 <= y <= HEIGHT for _, y in points)
    assert curve.area.startswith(curve.line)


def test_months_of_days_are_thinned_and_the_last_one_stays() -> None:
    curve = drawn(straight(1000, 24 * 100))
    assert len(curve.days) <= curves.MOST_DAYS
    assert curve.days[-1].n == 1000
    assert len(curve.labels) <= 7
    assert all(0 <= label.x <= 100 for label in curve.labels)


def test_an_hour_has_a_label_too() -> None:
    curve = drawn(straight(3, 1))
    assert [(label.date, label.x) for label in curve.labels] == [(date(2026, 12, 2), 0)]
    assert [day.n for day in curve.days] == [3]


def test_where_nothing_leaves_nothing_is_drawn() -> None:
    assert curves.together([Departure(None, (), ALWAYS)], start=NOON, zone=TALLINN) is None
    assert curves.together([], start=NOON, zone=TALLINN) is None
