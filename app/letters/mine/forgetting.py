"""A person who has a link to their letters is forgotten at the touch of a button."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.letters import erasure
from app.models import Freeze, Letter, LetterStatus, Submission
from app.outbox import freezes, queue
from app.settings import STAYS_HERE, TO_THE_WRITER, Delivery, Settings

WHY = "its supporter asked to be forgotten"
WAITS = (LetterStatus.HELD, LetterStatus.QUEUED)


@dataclass(frozen=True)
class Going:
    """What a press of the button would do: forms that are emptied, letters that are called off,
    letters at a mail server at this moment; and of those that went their way, and stay counted:
    the ones that `left`, the ones that stayed in the mailbox of this machine, and the ones that
    `came_back` to the person who wrote them."""

    forms: int
    called_off: int
    leaving: int
    left: int
    stayed_here: int
    came_back: int


async def what_goes(session: AsyncSession, settings: Settings, submission: Submission) -> Going:
    """Of all that the person behind a submission has here, as far as its link proves."""
    theirs = *await _theirs(session, settings, submission), Submission.erased_at.is_(None)
    forms = list(await session.scalars(select(Submission.id).where(*theirs)))
    found = select(Letter.status, Letter.delivery).where(Letter.submission_id.in_(forms))
    letters = (await session.execute(found)).all()
    went = Counter(one.delivery for one in letters if one.status in queue.SENT)
    return Going(
        forms=len(forms),
        called_off=sum(one.status in WAITS for one in letters),
        leaving=sum(one.status == LetterStatus.SENDING for one in letters),
        left=went[Delivery.LIVE],
        stayed_here=sum(went[one] for one in STAYS_HERE),
        came_back=sum(went[one] for one in TO_THE_WRITER),
    )


async def forget(session: AsyncSession, settings: Settings, submission: Submission) -> int:
    """Forget the person behind a submission; gives how many letters are leaving at this moment.

    Those keep their words until a server has answered: each is held, so that it is not tried
    again, and `finish` does the rest.
    """
    theirs = await _theirs(session, settings, submission)
    await _erase(session, settings, submission)
    leaving = await session.scalars(
        select(Letter.id)
        .join(Submission, Submission.id == Letter.submission_id)
        .where(Letter.status == LetterStatus.SENDING, *theirs)
    )
    ids = list(leaving)
    for letter_id in ids:
        await freezes.freeze(session, scope="letter", ref=letter_id, why=WHY, by="supporter")
    return len(ids)


async def finish(session: AsyncSession, settings: Settings) -> int:
    """Forget those whose letters were at a mail server when they asked; gives how many letters."""
    rows = await session.execute(
        select(Letter.id, Submission)
        .join(Freeze, Freeze.ref == Letter.id)
        .join(Submission, Submission.id == Letter.submission_id)
        .where(Freeze.scope == "letter", freezes.STANDING, Freeze.why == WHY)
        .where(Letter.status != LetterStatus.SENDING)
    )
    found = rows.all()
    for submission in {one.id: one for _, one in found if not one.erased_at}.values():
        await _erase(session, settings, submission)
    for letter_id, _ in found:
        await freezes.release(session, scope="letter", ref=letter_id, by="the clock")
    return len(found)


async def _erase(session: AsyncSession, settings: Settings, submission: Submission) -> None:
    # or whoever types a stranger's address in practice would have them forgotten in earnest too
    if submission.delivery in STAYS_HERE:
        await erasure.erase_under(session, submission.person_key, submission.delivery)
    else:
        await erasure.erase(session, submission.email, settings)


async def _theirs(
    session: AsyncSession, settings: Settings, submission: Submission
) -> list[ColumnElement[bool]]:
    """The forms that `_erase` empties."""
    if submission.delivery in STAYS_HERE:
        key, delivery = submission.person_key, submission.delivery
        return [Submission.person_key == key, Submission.delivery == delivery]
    keys = await erasure.keys(session, submission.email, settings)
    return [Submission.person_key.in_(keys)]
