"""The same form once more, for a person whose link has proved the address: no mail is needed."""

from collections.abc import Sequence

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.campaigns.offices import Office
from app.letters.submission import PATIENCE, letter_to, new_id
from app.models import Letter, LetterStatus, Submission
from app.outbox import queue
from app.settings import Settings

AT_MOST = 20  # looked through; a stranger can have left any number
WORDS = ("name", "city", "country", "postal_address", "own_words", "subject")


async def waiting(
    session: AsyncSession, submission: Submission, offices: Sequence[Office] = ()
) -> Submission | None:
    """Their newest form with the same words that waits to be confirmed; `offices`: for one of
    these.

    Only with the same words, letters written anew among them, and of exactly this address: anybody
    can fill in a form with it, and one key stands for `mari@` and `mari+mines@`, of which a link
    has proved only one.
    """
    held = exists().where(Letter.submission_id == Submission.id, Letter.status == LetterStatus.HELD)
    if offices:
        held = held.where(Letter.target_id.in_([one.target.id for one in offices]))
    found = await session.scalars(
        select(Submission)
        .where(
            Submission.person_key == submission.person_key,
            Submission.alert_id == submission.alert_id,
            Submission.delivery == submission.delivery,
            func.lower(Submission.email) == submission.email.lower(),
            *(getattr(Submission, one) == getattr(submission, one) for one in WORDS),
            Submission.confirmed_at.is_(None),
            Submission.erased_at.is_(None),
            Submission.expires_at > clock.now(),
            held,
        )
        .order_by(Submission.id.desc())
        .limit(AT_MOST)
    )
    # letters written anew are words too; a database compares no JSON
    return next((one for one in found if (one.edits or {}) == (submission.edits or {})), None)


async def write(
    session: AsyncSession, settings: Settings, old: Submission, offices: Sequence[Office]
) -> Submission:
    """A new form with the words of an old one, for these offices, which waits to be confirmed.

    The person has asked for it just now: that is its consent. Raises TemplateBroken.
    """
    now = clock.now()
    made = Submission(
        public_id=new_id(),
        alert_id=old.alert_id,
        delivery=old.delivery,
        person_key=old.person_key,
        **{one: getattr(old, one) for one in WORDS},
        email=old.email,
        edits=dict(old.edits),  # each for the one office and stage it was written for
        language=old.language,
        variant_seed=old.variant_seed,
        source=dict(old.source),
        consent_at=now,
        created_at=now,
        expires_at=now + PATIENCE,
    )
    session.add(made)
    await session.flush()
    await queue.hold(session, [letter_to(settings, made, one) for one in offices], by="supporter")
    return made
