"""What becomes of a letter after an attempt: a pure decision."""

from datetime import timedelta

from app.delivery.outcome import Answer, Deferred, Failed, Outcome, Rejected, Taken, Unreached
from app.models import LetterStatus

NO_WAIT = timedelta(0)
FIRST_WAIT = timedelta(minutes=5)
LONGEST_WAIT = timedelta(hours=3)
PATIENCE = timedelta(hours=72)
# Hours go by in which nobody could have tried, for our relay rested or no worker ran: who has been
# put off for this often has really been put off. With nothing in between it takes some eight hours.
LEAST_TRIES = 8
AN_HOUR = timedelta(hours=1)
SURPRISES = 3
MAILBOX_FULL = "5.2.2"  # it may be emptied: RFC 3463 3.3


def next_step(
    outcome: Outcome,
    *,
    attempts: int,
    waited: timedelta = NO_WAIT,
    surprises: int = 0,
    chance: float = 0.5,
) -> tuple[LetterStatus, timedelta]:
    """The status to move to, and how long to wait before the next attempt.

    `attempts`: how many there were, this one included; `waited`: how much of the time since the
    first of them it could have left in; `surprises`: how many failures of our own are on record
    already, this one not included; `chance`: from 0 to 1, moves the wait by up to a quarter.
    """
    match outcome:
        case Taken(by_exchange=True):
            return LetterStatus.ACCEPTED, NO_WAIT
        case Taken():
            return LetterStatus.HANDED_OVER, NO_WAIT
        case Rejected() if outcome.enhanced != MAILBOX_FULL:
            return LetterStatus.REJECTED, NO_WAIT
        case Rejected() | Deferred() | Unreached():
            return _after_deferral(attempts, waited, chance)
        case Failed(surprise=True) if surprises + 1 < SURPRISES:
            # an hour ahead, or the letter that nobody can send is first in line again
            return LetterStatus.QUEUED, AN_HOUR
        case Failed():
            return LetterStatus.FAILED, NO_WAIT


def is_deferred(outcome: Answer) -> bool:
    """Whether patience decides what becomes of it."""
    full = isinstance(outcome, Rejected) and outcome.enhanced == MAILBOX_FULL
    return full or isinstance(outcome, Deferred | Unreached)


def _after_deferral(
    attempts: int, waited: timedelta, chance: float
) -> tuple[LetterStatus, timedelta]:
    if waited >= PATIENCE and attempts >= LEAST_TRIES:
        return LetterStatus.EXPIRED, NO_WAIT
    doublings = min(max(attempts - 1, 0), 10)
    wait = min(FIRST_WAIT * 2**doublings, LONGEST_WAIT)
    return LetterStatus.QUEUED, wait * (0.75 + chance / 2)
