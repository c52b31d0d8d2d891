"""When each country took which step, on one axis: numbers in, numbers out."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.campaigns import stages
from app.models import Alert, AlertCountry, Campaign, StageStep
from app.web.looks import timeline
from app.wording.language.translated import AlertWords

STAGES = ["announced", "voted", "notified", "in_effect"]
TODAY = date(2026, 3, 1)
CODES = ["EE", "LV", "LT", "PL", "FI"]


def drawn(*steps: dict[str, date], kinds: list[str] = STAGES) -> timeline.Timeline | None:
    """The timeline of countries with these steps: a date for a stage."""
    campaign = Campaign(stages=[{"key": one, "label": one.capitalize()} for one in kinds])
    words = AlertWords(Alert(title="", campaign=campaign), "en", {})
    found = []
    for code, dated in zip(CODES, steps, strict=False):
        rows = [StageStep(country=code, stage=stage, on=on) for stage, on in dated.items()]
        ordered = stages.in_order(campaign, rows)
        country = AlertCountry(country=code, name=code)
        found.append((country, stages.standing(campaign, code, ordered, TODAY)))
    return timeline.of_countries(found, words)


def test_a_country_is_a_line_from_its_first_step_to_its_last() -> None:
    made = drawn(
        {
            "announced": date(2025, 3, 18),
            "voted": date(2025, 6, 4),
            "in_effect": date(2025, 12, 27),
        },
        {"announced": date(2025, 4, 1)},
    )
    assert made
    first, second = made.rows
    assert [mark.shape for mark in first.marks] == ["ring", "half", "disc"]
    assert [mark.shape for mark in second.marks] == ["ring"]
    assert (first.x, first.end) == (first.marks[0].x, first.marks[-1].x)
    assert first.marks[0].x < second.marks[0].x < first.marks[1].x
    assert [one.shape for one in made.legend] == ["ring", "half", "disc"]
    assert [one.label for one in made.legend] == ["Announced", "Voted", "In_effect"]


def test_a_step_that_is_still_to_come_is_not_drawn() -> None:
    later = TODAY + timedelta(days=1)
    made = drawn(
        {"announced": date(2025, 3, 18), "in_effect": later}, {"announced": date(2025, 4, 1)}
    )
    assert made
    assert [len(row.marks) for row in made.rows] == [1, 1]
    assert [one.label for one in made.legend] == ["Announced"]


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [{"announced": date(2025, 3, 18), "voted": date(2025, 6, 4)}],
        [{"announced": date(2025, 3, 18)}, {"announced": date(2025, 3, 18)}],
        [{"announced": TODAY + timedelta(days=1)}, {"voted": TODAY + timedelta(days=9)}],
    ],
)
def test_one_country_or_one_day_is_no_timeline(steps: list[dict[str, date]]) -> None:
    assert drawn(*steps) is None


def test_more_stages_than_there_are_shapes_are_left_to_the_words() -> None:
    kinds = [f"stage{n}" for n in range(len(timeline.SHAPES) + 1)]
    steps = [{one: date(2025, 1, 1) + timedelta(days=n)} for n, one in enumerate(kinds[:3])]
    assert drawn(*steps, kinds=kinds[:-1])
    assert drawn(*steps, kinds=kinds) is None


def test_a_year_is_named_where_it_begins() -> None:
    made = drawn({"announced": date(2025, 3, 18)}, {"in_effect": date(2026, 2, 20)})
    assert made
    assert [(one.date, one.with_year, one.with_month) for one in made.ticks] == [
        (date(2025, 3, 1), True, True),
        (date(2025, 7, 1), False, True),
        (date(2025, 11, 1), False, True),
        (date(2026, 3, 1), True, True),
    ]
    assert [one.anchor for one in made.ticks] == ["start", "middle", "middle", "end"]


def test_over_many_years_only_years_are_named() -> None:
    made = drawn({"announced": date(1997, 5, 1)}, {"in_effect": date(2025, 12, 27)})
    assert made
    assert {one.with_month for one in made.ticks} == {False}
    assert {one.date.month for one in made.ticks} == {1}


@given(st.lists(st.dates(date.min, TODAY), min_size=2, max_size=5, unique=True))
def test_whatever_the_days_all_of_it_lies_within_the_drawing(days: list[date]) -> None:
    made = drawn(*({"announced": day} for day in days))
    assert made
    assert 2 <= len(made.ticks) <= timeline.MOST_SPANS + 1
    assert (made.ticks[0].x, made.ticks[-1].x) == (0, 100)
    marks = [mark for row in made.rows for mark in row.marks]
    assert all(0 <= mark.x <= 100 for mark in marks)
    in_time = sorted(marks, key=lambda mark: mark.on)
    assert [mark.x for mark in in_time] == sorted(mark.x for mark in marks)
