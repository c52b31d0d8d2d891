"""A person who has a link to their letters is forgotten at the touch of a button."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.letters import erasure
from app.models import Freeze, Letter, LetterStatus, Submission
from app.outbox import freezes
from app.settings import Settings

WHY = "its supporter asked to be forgotten"
WAITS = (LetterStatus.HELD, LetterStatus.QUEUED)


@dataclass(frozen=True)
class Going:
    """What a press of the button would do: forms that are emptied, letters that are called off,
    letters that left and stay counted, letters at a mail server at this moment."""

    forms: int
    called_off: int
    left: int
    leaving: int


async def what_goes(session: AsyncSession, submission: Submission) -> Going:
    """Of all that the person behind a submission has here."""
    theirs = Submission.person_key == submission.person_key, Submission.erased_at.is_(None)
    forms = list(await session.scalars(select(Submission.id).where(*theirs)))
    statuses = list(
        await session.scalars(select(Letter.status).where(Letter.submission_id.in_(forms)))
    )
    waiting = sum(one in WAITS for one in statuses)
    leaving = statuses.count(LetterStatus.SENDING)
    left = sum(one in (LetterStatus.HANDED_OVER, LetterStatus.ACCEPTED) for one in statuses)
    return Going(len(forms), waiting, left, leaving)


async def forget(session: AsyncSession, settings: Settings, submission: Submission) -> int:
    """Forget the person behind a submission; gives how many letters are leaving at this moment.

    Those keep their words until a server has answered: each is held, so that it is not tried
    again, and `finish` does the rest.
    """
    await erasure.erase(session, submission.email, settings)
    leaving = await session.scalars(
        select(Letter.id)
        .join(Submission, Submission.id == Letter.submission_id)
        .where(Letter.status == LetterStatus.SENDING, Submission.email == submission.email)
        .where(Submission.person_key == submission.person_key)
    )
    ids = list(leaving)
    for letter_id in ids:
        await freezes.freeze(session, scope="letter", ref=letter_id, why=WHY, by="supporter")
    return len(ids)


async def finish(session: AsyncSession, settings: Settings) -> int:
    """Forget those whose letters were at a mail server when they asked; gives how many letters."""
    rows = await session.execute(
        select(Letter.id, Submission.email)
        .join(Freeze, Freeze.ref == Letter.id)
        .join(Submission, Submission.id == Letter.submission_id)
        .where(Freeze.scope == "letter", freezes.STANDING, Freeze.why == WHY)
        .where(Letter.status != LetterStatus.SENDING)
    )
    found = rows.all()
    for email in {row.email for row in found if row.email}:
        await erasure.erase(session, email, settings)
    for row in found:
        await freezes.release(session, scope="letter", ref=row.id, by="the clock")
    return len(found)
