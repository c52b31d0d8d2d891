"""Personal data goes when it is asked for, and on schedule; counts stay."""

import secrets
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.letters.people import person_key
from app.models import (
    Attempt,
    Letter,
    LetterPrint,
    LetterStatus,
    Notice,
    Participation,
    SandboxMessage,
    Submission,
)
from app.outbox import notices, queue
from app.settings import TO_THE_WRITER, TRIED_OUT, Settings

Personal = Submission | Letter | Notice | Participation

# `failed` is not among them: nobody may have looked, but ninety days are enough
UNSETTLED = (LetterStatus.HELD, LetterStatus.QUEUED, LetterStatus.SENDING)
NOTHING = {
    "name": "",
    "email": "",
    "city": "",
    "country": "",
    "postal_address": "",
    "own_words": "",
    "subject": "",
    "edits": {},
    "source": {},
}


async def erase(session: AsyncSession, email: str, settings: Settings) -> int:
    """Forget a person: calls back what has not left, empties their forms; gives how many forms.

    A letter that is leaving at this moment keeps its words until the next call.
    """
    return sum([await _erase(session, key) for key in await keys(session, email, settings)])


async def erase_under(session: AsyncSession, key: str, delivery: str) -> int:
    """The same for what one person has here under one delivery, and nothing else."""
    return await _erase(session, key, delivery)


async def keys(session: AsyncSession, email: str, settings: Settings) -> list[str]:
    """By which all that a person has here is found."""
    return [person_key(settings, email), *await _keys_of_tries(session, email)]


async def _keys_of_tries(session: AsyncSession, email: str) -> Sequence[str]:
    """Whoever tries an alert out is somebody else each time: found by the address alone."""
    found = select(Submission.person_key).where(
        Submission.delivery.in_(TRIED_OUT),
        func.lower(Submission.email) == email.strip().lower(),
        Submission.erased_at.is_(None),
    )
    return (await session.scalars(found)).all()


async def _erase(session: AsyncSession, key: str, delivery: str = "") -> int:
    """`delivery`: only what is under it; empty: all."""
    await notices.drop_for(session, key, delivery)
    for status in (LetterStatus.HELD, LetterStatus.QUEUED):
        await queue.move(
            session,
            _theirs(Letter, key, delivery),
            frm=status,
            to=LetterStatus.CANCELLED,
            by="supporter",
            note="forgotten at their request",
        )
    leaving = exists().where(
        Letter.submission_id == Submission.id, Letter.status == LetterStatus.SENDING
    )
    found = await session.scalars(
        select(Submission.id).where(
            *_theirs(Submission, key, delivery), Submission.erased_at.is_(None), ~leaving
        )
    )
    emptied = list(found)
    await _empty(session, emptied)
    await _forget_mail(session, key, delivery)
    sending = Letter.status == LetterStatus.SENDING
    if not await session.scalar(select(Letter.id).where(*_theirs(Letter, key, delivery), sending)):
        await _unlink(session, key, delivery)
    return len(emptied)


def _theirs(table: type[Personal], key: str, delivery: str) -> list[ColumnElement[bool]]:
    theirs = [table.person_key == key]
    return [*theirs, table.delivery == delivery] if delivery else theirs


async def leaving(session: AsyncSession, email: str, settings: Settings) -> int:
    """How many letters of this person are being sent at this moment."""
    found = select(func.count(Letter.id)).where(
        Letter.person_key == person_key(settings, email), Letter.status == LetterStatus.SENDING
    )
    return await session.scalar(found) or 0


async def erase_old(session: AsyncSession, settings: Settings) -> int:
    """Empty the forms whose letters have all been settled for `keep_days`; gives how many."""
    before = clock.now() - timedelta(days=settings.keep_days)
    standing = exists().where(
        Letter.submission_id == Submission.id,
        (Letter.status.in_(UNSETTLED)) | (Letter.status_at > before),
    )
    ids = await session.scalars(
        select(Submission.id)
        .where(Submission.created_at < before, Submission.erased_at.is_(None), ~standing)
        .limit(1000)
    )
    emptied = list(ids)
    await _empty(session, emptied)
    await session.execute(delete(SandboxMessage).where(SandboxMessage.received_at < before))
    return len(emptied)


async def _empty(session: AsyncSession, submission_ids: Sequence[int]) -> None:
    if not submission_ids:
        return
    which = Submission.id.in_(submission_ids)
    await session.execute(update(Submission).where(which).values(**NOTHING, erased_at=clock.now()))
    letters = select(Letter.id).where(Letter.submission_id.in_(submission_ids))
    await session.execute(delete(LetterPrint).where(LetterPrint.letter_id.in_(letters)))
    told = select(Notice.id).where(Notice.submission_id.in_(submission_ids))
    # a notice's attempt holds the supporter's own address; a reflected letter's does too
    addressed = Attempt.notice_id.in_(told) | Attempt.letter_id.in_(
        letters.where(Letter.delivery.in_(TO_THE_WRITER))
    )
    await session.execute(update(Attempt).where(addressed).values(address="", reply=""))


async def _forget_mail(session: AsyncSession, key: str, delivery: str) -> None:
    """Practice mail to them, and practice letters from them."""
    for table in (Letter, Notice):
        theirs = select(table.message_id).where(*_theirs(table, key, delivery))
        await session.execute(delete(SandboxMessage).where(SandboxMessage.message_id.in_(theirs)))


async def _unlink(session: AsyncSession, key: str, delivery: str) -> None:
    """A new, meaningless key in place of theirs: the counts stay, the person cannot be found."""
    fresh = secrets.token_hex(32)
    for table in (Submission, Letter, Notice, Participation):
        theirs = _theirs(table, key, delivery)
        await session.execute(update(table).where(*theirs).values(person_key=fresh))
