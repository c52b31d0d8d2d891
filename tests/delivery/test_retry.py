"""What becomes of a letter after each kind of ending."""

from datetime import UTC, datetime, timedelta

import pytest

from app.delivery.outcome import Deferred, Failed, Outcome, Rejected, Taken
from app.delivery.retry import next_step
from app.models import LetterStatus

BEGAN = datetime(2025, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def step(
    outcome: Outcome, attempts: int = 1, after: timedelta = timedelta(0), surprises: int = 0
) -> tuple[LetterStatus, timedelta]:
    return next_step(
        outcome,
        attempts=attempts,
        first_attempt_at=BEGAN,
        now=BEGAN + after,
        surprises=surprises,
    )


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Taken(250), LetterStatus.HANDED_OVER),
        (Rejected(550), LetterStatus.REJECTED),
        (Failed(reply="renders otherwise"), LetterStatus.FAILED),
    ],
)
def test_an_ending_that_is_final_waits_for_nothing(outcome: Outcome, status: LetterStatus) -> None:
    assert step(outcome) == (status, timedelta(0))


def test_a_deferred_letter_waits_longer_the_second_time() -> None:
    waits = [step(Deferred(451), attempts)[1] for attempts in range(1, 10)]
    minutes = [wait / timedelta(minutes=1) for wait in waits]
    assert minutes == [2, 4, 8, 16, 32, 64, 120, 120, 120]


def test_a_letter_deferred_ten_thousand_times_still_waits_two_hours() -> None:
    assert step(Deferred(), attempts=10_000) == (LetterStatus.QUEUED, 2 * HOUR)


def test_patience_ends_after_72_hours() -> None:
    assert step(Deferred(), after=72 * HOUR - timedelta(seconds=1))[0] is LetterStatus.QUEUED
    assert step(Deferred(), after=72 * HOUR) == (LetterStatus.EXPIRED, timedelta(0))


def test_a_letter_whose_first_attempt_is_not_known_is_not_expired() -> None:
    status, _ = next_step(Deferred(), attempts=0, first_attempt_at=None, now=BEGAN)
    assert status is LetterStatus.QUEUED


def test_a_surprise_goes_an_hour_ahead_twice_and_then_a_person_looks() -> None:
    surprise = Failed(surprise=True)
    assert step(surprise, surprises=0) == (LetterStatus.QUEUED, HOUR)
    assert step(surprise, surprises=1) == (LetterStatus.QUEUED, HOUR)
    assert step(surprise, surprises=2) == (LetterStatus.FAILED, timedelta(0))
