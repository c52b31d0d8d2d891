"""What becomes of a letter after an attempt."""

from datetime import timedelta

import pytest

from app.delivery.outcome import Deferred, Failed, Outcome, Rejected, Taken, Unreached
from app.delivery.retry import LEAST_TRIES, PATIENCE, is_deferred, next_step

A_MINUTE = timedelta(minutes=1)
AN_HOUR = timedelta(hours=1)
LATER = Deferred(451, "4.7.1 try again later")
FULL = Rejected(552, "5.2.2 mailbox full")


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Taken(250), "handed_over"),
        (Taken(250, by_exchange=True), "accepted"),
        (Rejected(550, "5.1.1 nobody"), "rejected"),
        (Rejected(550, "no such user"), "rejected"),
        (Rejected(554, "5.7.1 policy"), "rejected"),
        (Failed(), "failed"),
    ],
)
def test_an_ending_that_is_final_waits_for_nothing(outcome: Outcome, status: str) -> None:
    assert next_step(outcome, attempts=1) == (status, timedelta(0))


@pytest.mark.parametrize("outcome", [LATER, FULL, Deferred(began_data=True), Unreached()])
def test_a_deferred_letter_waits_twice_as_long_each_time_up_to_three_hours(
    outcome: Outcome,
) -> None:
    steps = [next_step(outcome, attempts=n) for n in range(1, 9)]
    assert {to for to, _ in steps} == {"queued"}
    assert [wait // A_MINUTE for _, wait in steps] == [5, 10, 20, 40, 80, 160, 180, 180]
    assert next_step(outcome, attempts=10_000)[1] == 3 * AN_HOUR
    assert is_deferred(outcome)


@pytest.mark.parametrize("outcome", [LATER, FULL])
def test_patience_ends_after_72_hours_in_which_it_could_have_left(outcome: Outcome) -> None:
    almost = PATIENCE - timedelta(seconds=1)
    assert next_step(outcome, attempts=30, waited=almost)[0] == "queued"
    assert next_step(outcome, attempts=30, waited=PATIENCE) == ("expired", timedelta(0))


@pytest.mark.parametrize("outcome", [LATER, FULL, Unreached()])
def test_nobody_gives_up_who_has_not_really_tried(outcome: Outcome) -> None:
    """A service or a relay that rested for a fortnight wore out nobody's patience but our own."""
    fortnight = timedelta(days=14)
    for tries in range(1, LEAST_TRIES):
        to, wait = next_step(outcome, attempts=tries, waited=fortnight)
        assert to == "queued"
        assert timedelta(0) < wait <= 3 * AN_HOUR
    assert next_step(outcome, attempts=LEAST_TRIES, waited=fortnight)[0] == "expired"
    usual = sum((next_step(LATER, attempts=n)[1] for n in range(1, LEAST_TRIES)), timedelta())
    assert usual < timedelta(hours=9), "with nothing in between it is 72 hours that decide"


def test_chance_moves_the_wait_by_a_quarter_and_no_more() -> None:
    waits = [next_step(LATER, attempts=3, chance=chance)[1] / A_MINUTE for chance in (0, 0.5, 1)]
    assert waits == [15, 20, 25]


def test_a_surprise_goes_an_hour_ahead_twice_and_then_a_person_looks() -> None:
    surprise = Failed(reply="KeyError in write, line 3", surprise=True)
    steps = [next_step(surprise, attempts=n + 1, surprises=n) for n in range(3)]
    assert steps == [("queued", AN_HOUR), ("queued", AN_HOUR), ("failed", timedelta(0))]


@pytest.mark.parametrize("outcome", [Taken(250), Rejected(550, "5.1.1 x"), Failed()])
def test_only_what_is_put_off_asks_for_patience(outcome: Outcome) -> None:
    assert not is_deferred(outcome)
