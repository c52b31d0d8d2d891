"""What becomes of a letter after an attempt: a pure decision."""

from datetime import datetime, timedelta

from app.delivery.outcome import Deferred, Failed, Outcome, Rejected, Taken
from app.models import LetterStatus

NO_WAIT = timedelta(0)
FIRST_WAIT = timedelta(minutes=2)
LONGEST_WAIT = timedelta(hours=2)
PATIENCE = timedelta(hours=72)
AN_HOUR = timedelta(hours=1)
SURPRISES = 3


def next_step(
    outcome: Outcome,
    *,
    attempts: int,
    first_attempt_at: datetime | None,
    now: datetime,
    surprises: int = 0,
) -> tuple[LetterStatus, timedelta]:
    """The status to move to, and how long to wait before the next attempt.

    `attempts`: how many there were, this one included; `surprises`: how many failures of our own
    are on record already, this one not included.
    """
    match outcome:
        case Taken():
            return LetterStatus.HANDED_OVER, NO_WAIT
        case Rejected():
            return LetterStatus.REJECTED, NO_WAIT
        case Deferred():
            return _after_deferral(attempts, first_attempt_at or now, now)
        case Failed(surprise=True) if surprises + 1 < SURPRISES:
            # an hour ahead, or the letter that nobody can send is first in line again
            return LetterStatus.QUEUED, AN_HOUR
        case Failed():
            return LetterStatus.FAILED, NO_WAIT


def _after_deferral(
    attempts: int, first_attempt_at: datetime, now: datetime
) -> tuple[LetterStatus, timedelta]:
    if now - first_attempt_at >= PATIENCE:
        return LetterStatus.EXPIRED, NO_WAIT
    doublings = min(max(attempts - 1, 0), 10)
    return LetterStatus.QUEUED, min(FIRST_WAIT * 2**doublings, LONGEST_WAIT)
