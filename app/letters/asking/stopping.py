"""“This was not me: never write to me again”, and the same for who has had enough of our mail."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.addresses import fold
from app.errors import Missing
from app.letters import erasure
from app.letters.confirmation import WITH_ALERT
from app.letters.people import stopped_key
from app.models import Letter, LetterStatus, Submission
from app.outbox import notices, queue, suppressions
from app.settings import STAYS_HERE, TO_THE_WRITER, Settings
from app.tokens import STOP, read_token

WHY = "asked not to be written to"
BY = "whoever reads its mail"


async def find(session: AsyncSession, settings: Settings, token: str) -> Submission:
    """The submission of a stop link, also one that was erased. Raises Missing."""
    public_id = read_token(settings, STOP, token)
    submission = await session.scalar(
        select(Submission).where(Submission.public_id == public_id).options(*WITH_ALERT)
    )
    if submission is None:
        raise Missing("link")
    return submission


async def is_done(session: AsyncSession, settings: Settings, submission: Submission) -> bool:
    """Whether its button was pressed, or nothing would change if it were."""
    if submission.erased_at:
        return submission.person_key == stopped_key(settings, submission.public_id)
    if submission.confirmed_at is None:
        return False
    return bool(await suppressions.among(session, [submission.email], submission.delivery))


async def stop(session: AsyncSession, settings: Settings, submission: Submission) -> None:
    """Never write to its address again; empty the forms of that mailbox that wait for it.

    What its owner has confirmed still leaves. In practice, only what is under its delivery. Of a
    form that was erased nobody knows the address any more: nothing is done.
    """
    if submission.erased_at:
        return
    email, unproven = submission.email, submission.delivery in STAYS_HERE
    await suppressions.suppress(session, fold(email), why=WHY, by=BY, delivery=submission.delivery)
    delivery = submission.delivery if unproven else ""
    proven = [] if unproven else await erasure.keys(session, email, settings)
    for key in dict.fromkeys((submission.person_key, *proven)):
        await notices.drop_for(session, key, delivery)
        await erasure.erase_unconfirmed(session, key, settings, delivery)
        if not unproven:
            await _call_off_what_comes_back(session, key)


async def _call_off_what_comes_back(session: AsyncSession, key: str) -> None:
    """Letters that reflect and trial would send to this address."""
    await queue.move(
        session,
        [Letter.person_key == key, Letter.delivery.in_(TO_THE_WRITER)],
        frm=LetterStatus.QUEUED,
        to=LetterStatus.CANCELLED,
        by="supporter",
        note=WHY,
    )
