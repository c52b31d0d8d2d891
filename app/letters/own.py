"""A supporter's own letters: find them by their link, withdraw what has not left."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Forgotten, Missing, TooLate
from app.letters.confirmation import load
from app.models import Letter, LetterStatus, Submission
from app.outbox import queue
from app.settings import Settings
from app.tokens import LETTERS, read_token

CAN_BE_WITHDRAWN = (LetterStatus.HELD, LetterStatus.QUEUED)


async def by_token(session: AsyncSession, settings: Settings, token: str) -> Submission:
    """The submission of a letters link. Raises Missing, or Forgotten for one that was erased."""
    public_id = read_token(settings, LETTERS, token)
    try:
        return await load(session, public_id)
    except Missing:
        if await session.scalar(select(Submission.id).where(Submission.public_id == public_id)):
            raise Forgotten("link") from None
        raise


async def withdraw(session: AsyncSession, submission: Submission, letter_id: int) -> None:
    """Call a letter back. Withdrawn twice is withdrawn. Raises Missing, or TooLate once it left."""
    which = [Letter.id == letter_id, Letter.submission_id == submission.id]
    for status in CAN_BE_WITHDRAWN:
        if await queue.move(
            session, which, frm=status, to=LetterStatus.CANCELLED, by="supporter", note="withdrawn"
        ):
            return
    status = await session.scalar(select(Letter.status).where(*which))
    if status is None:
        raise Missing("letter")
    if status != LetterStatus.CANCELLED:
        raise TooLate()
