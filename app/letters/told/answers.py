"""Whether an office answered, as its supporter says: yes or no, perhaps a day, and never a text."""

from collections.abc import Mapping
from datetime import date, timedelta, timezone

from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import add_up
from app.errors import FormRefused, Missing, TooEarly
from app.models import Answer, Event, Letter, Submission, Told, ToldCount
from app.outbox import queue

# it is tomorrow already in Kiribati and still yesterday on Baker Island: whoever reads the day of
# an answer off their own mail is not told that it is wrong
EARLIEST, LATEST = timezone(timedelta(hours=-12)), timezone(timedelta(hours=14))


async def of_submission(session: AsyncSession, submission_id: int) -> Mapping[int, Answer]:
    """What was told of each letter, by its id."""
    mine = select(Letter.id).where(Letter.submission_id == submission_id)
    found = await session.scalars(select(Answer).where(Answer.letter_id.in_(mine)))
    return {one.letter_id: one for one in found}


async def tell(
    session: AsyncSession,
    submission: Submission,
    letter_id: int,
    *,
    answered: bool,
    on: date | None = None,
) -> None:
    """Take a supporter's word on one of their letters; told again, it replaces what was told.

    Raises Missing, TooEarly for a letter that has not left, FormRefused for a day on which it
    cannot have been.
    """
    letter = await _mine(session, submission, letter_id)
    kept = await session.get(Answer, letter.id)
    if kept is None and letter.status not in queue.SENT:
        raise TooEarly()
    on = on if answered else None
    if on is not None:
        await _check_day(session, letter, on)
    if kept is None:
        kept = Answer(letter_id=letter.id)
        session.add(kept)
        _count(session, letter, answered=answered, n=1)
    elif kept.answered != answered:
        _count(session, letter, answered=kept.answered, n=-1)
        _count(session, letter, answered=answered, n=1)
    kept.answered, kept.on, kept.at = answered, on, clock.now()
    await session.flush()


async def take_back(session: AsyncSession, submission: Submission, letter_id: int) -> None:
    """As if nothing had been told. Raises Missing."""
    letter = await _mine(session, submission, letter_id)
    kept = await session.get(Answer, letter.id)
    if kept is not None:
        _count(session, letter, answered=kept.answered, n=-1)
        await session.delete(kept)
        await session.flush()


async def _mine(session: AsyncSession, submission: Submission, letter_id: int) -> Letter:
    """Locked, so that two windows of one person are not counted twice."""
    mine = Letter.id == letter_id, Letter.submission_id == submission.id
    letter = await session.scalar(select(Letter).where(*mine).with_for_update())
    if letter is None:
        raise Missing("letter")
    return letter


async def _check_day(session: AsyncSession, letter: Letter, on: date) -> None:
    if on > clock.now().astimezone(LATEST).date():
        raise FormRefused({"on": "to_come"})
    sent = Event.letter_id == letter.id, Event.what.in_(sorted(queue.SENT))
    left = await session.scalar(select(func.min(Event.at)).where(*sent))
    if left is not None and on < left.astimezone(EARLIEST).date():
        raise FormRefused({"on": "before_it_left"})


def _count(session: AsyncSession, letter: Letter, *, answered: bool, n: int) -> None:
    key = {
        "alert_id": letter.alert_id,
        "target_id": letter.target_id,
        "delivery": letter.delivery,
        "what": Told.ANSWERED if answered else Told.UNANSWERED,
    }
    table: Table = ToldCount.__table__  # type: ignore[assignment]
    add_up(session, table, [key | {"n": n}])
