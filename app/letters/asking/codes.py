"""The six digits beside the confirm link, typed where the form was filled in.

A million codes, and what guessing them is worth: ten tries at once and then ten a day for one
person make at most 80 in the week that a form waits, one chance in 12,500, whoever tries and with
however many forms; five at once and five an hour go to one form. Who guesses at many people needs a
form for each five tries, and each form tells its person by mail: the 300 posts an hour of one
visitor are 250 guesses, one hit in five months.
"""

import hmac
import unicodedata
from datetime import timedelta

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import buckets, clock
from app.errors import FormRefused, TooMany
from app.models import LetterStatus, Notice, NoticeKind, Submission
from app.settings import Settings
from app.tokens import CODE_DIGITS, confirm_code

TRIES_A_DAY = 10  # for one person
TRIES_AN_HOUR = 5  # for one form
LONGEST = 60  # characters; nobody types six digits in more
BETWEEN = frozenset({"Pd", "Zs", "Cf", "Cc", "Po"})  # dashes, blanks, marks of direction, dots
ASKING = (NoticeKind.CONFIRM, NoticeKind.REMINDER)
NOT_TOLD = (LetterStatus.CANCELLED, LetterStatus.SUPPRESSED)


def digits(typed: str) -> str:
    """The digits of a code however it was typed, of any script; empty where there is more in it
    than digits and what people put between them."""
    found = []
    for one in typed[:LONGEST]:
        if (value := unicodedata.decimal(one, None)) is not None:
            found.append(str(value))
        elif unicodedata.category(one) not in BETWEEN:
            return ""
    return "".join(found)


async def check(
    session: AsyncSession, settings: Settings, submission: Submission | None, typed: str
) -> None:
    """Whether this is the code of these letters. `submission`: None when there is none.

    Raises FormRefused; TooMany when it was tried too often. A wrong code is counted, so the caller
    commits. What does not look like a code is not: nobody guesses so.
    """
    given = digits(typed)
    if not given:
        raise FormRefused({"code": "missing" if not typed.strip() else "not_a_code"})
    if len(given) != CODE_DIGITS:
        raise FormRefused({"code": "not_a_code"})
    if submission is None:
        raise FormRefused({"code": "wrong_code"})
    await _count(session, submission)
    right = hmac.compare_digest(given, confirm_code(settings, submission.public_id))
    if not (right and is_waiting(submission) and await _was_told(session, submission)):
        raise FormRefused({"code": "wrong_code"})


def is_waiting(submission: Submission) -> bool:
    """Whether its letters can still be confirmed."""
    over = submission.confirmed_at or submission.erased_at or submission.expires_at <= clock.now()
    return not over


async def _count(session: AsyncSession, submission: Submission) -> None:
    """One try more. Raises TooMany."""
    limits = (
        (f"code:{submission.public_id}", timedelta(hours=1), TRIES_AN_HOUR),
        (f"code:{submission.person_key}", timedelta(days=1), TRIES_A_DAY),
    )
    for key, time, tries in limits:
        wait = await buckets.take(session, key, every=time / tries, burst=tries)
        if wait:
            raise TooMany(wait.total_seconds())


async def _was_told(session: AsyncSession, submission: Submission) -> bool:
    """Whether a message with this code was put: else only somebody who guesses can know it."""
    told = exists().where(
        Notice.submission_id == submission.id,
        Notice.person_key == submission.person_key,  # its index
        Notice.kind.in_(ASKING),
        Notice.status.not_in(NOT_TOLD),
    )
    return bool(await session.scalar(select(told)))
