"""The drawings: bars that fit, ticks that are round, parts that make the whole."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models import LetterStatus
from app.reporting import drawing, way
from app.reporting.counts import Day

FIRST = date(2025, 3, 20)


def days(*handed_over: int, accepted: int = 0) -> list[Day]:
    return [Day(FIRST + timedelta(days=i), n, accepted) for i, n in enumerate(handed_over)]


def test_no_day_is_no_chart() -> None:
    assert drawing.day_chart([]) is None


def test_one_day_is_a_bar_and_not_a_wall() -> None:
    chart = drawing.day_chart(days(7))
    assert chart is not None
    [bar] = chart.places[0].bars
    assert bar.width < 15
    assert [label.date for label in chart.labels] == [FIRST]


def test_a_series_that_never_happened_takes_no_room() -> None:
    alone = drawing.day_chart(days(3, 4))
    both = drawing.day_chart(days(3, 4, accepted=1))
    assert alone is not None
    assert both is not None
    assert alone.series == ("handed_over",)
    assert both.series == ("handed_over", "accepted")
    # side by side: the second begins where the first ends
    first, second = both.places[0].bars
    assert second.x == pytest.approx(first.x + first.width, abs=0.01)


@pytest.mark.parametrize(
    ("n", "step", "places"), [(92, "day", 92), (93, "week", 14), (400, "week", 58)]
)
def test_many_days_become_weeks(n: int, step: str, places: int) -> None:
    chart = drawing.day_chart(days(*[1] * n))
    assert chart is not None
    assert (chart.step, len(chart.places)) == (step, places)
    assert sum(place.handed_over for place in chart.places) == n
    # the first week begins on the first day, not on a Monday before anything happened
    assert chart.places[0].first == FIRST
    assert chart.places[1].first.weekday() == 0 or step == "day"


def test_many_weeks_become_months() -> None:
    chart = drawing.day_chart(days(*[1] * 900))
    assert chart is not None
    assert chart.step == "month"
    assert chart.with_year
    assert {place.first.day for place in chart.places[1:]} == {1}
    assert len(chart.labels) <= drawing.MOST_LONG_LABELS


@given(st.integers(min_value=0, max_value=10**9))
def test_ticks_are_two_to_four_and_no_bar_passes_the_highest(highest: int) -> None:
    ticks = drawing.ticks_for(highest)
    assert 2 <= len(ticks) <= 4
    assert ticks[0] == 0
    assert ticks[-1] >= highest
    assert len({b - a for a, b in zip(ticks, ticks[1:], strict=False)}) == 1


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=1500))
def test_whatever_the_days_the_drawing_stays_in_its_frame(pairs: list[tuple[int, int]]) -> None:
    chart = drawing.day_chart(
        [Day(FIRST + timedelta(days=i), *pair) for i, pair in enumerate(pairs)]
    )
    assert chart is not None
    assert len(chart.places) <= drawing.MOST_BARS
    assert 1 <= len(chart.labels) <= drawing.MOST_LABELS
    for place in chart.places:
        for bar in place.bars:
            assert 0 <= bar.x < bar.x + bar.width <= 100.01
            assert 0 <= bar.y < drawing.HEIGHT
            assert bar.y + bar.height == pytest.approx(drawing.HEIGHT)


def test_labels_stand_evenly_and_a_narrow_page_keeps_every_second() -> None:
    chart = drawing.day_chart(days(*[1] * 25))
    assert chart is not None
    assert [label.date.day for label in chart.labels] == [20, 24, 28, 1, 5, 9, 13]
    assert [label.spare for label in chart.labels] == [False, True] * 3 + [False]


@given(st.dictionaries(st.sampled_from(list(LetterStatus)), st.integers(0, 10**7)))
def test_the_parts_of_the_way_lie_end_to_end_and_make_the_whole(letters: dict[str, int]) -> None:
    whole, *parts = way.stretches(letters)
    assert whole.n == sum(part.n for part in parts) == sum(letters.values())
    end = 0.0
    for part in parts:
        assert part.x == pytest.approx(end, abs=0.01)
        end = part.x + part.width
    assert end == pytest.approx(whole.width, abs=0.02)


def test_every_status_is_in_exactly_one_part_of_the_way() -> None:
    named = [status for statuses in way.PARTS.values() for status in statuses]
    assert sorted(named) == sorted(LetterStatus)
