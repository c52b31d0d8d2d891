"""How fast letters leave for one mailbox, over all alerts and workers; survives a restart."""

from datetime import timedelta

from sqlalchemy import String, and_, exists, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import buckets, clock
from app.models import Bucket, Contact, Letter, LetterStatus


def mailbox_key(email: str) -> str:
    return f"mailbox:{email.lower()}"


async def due_mailboxes(session: AsyncSession, delivery: str) -> list[str]:
    """Addresses, in lower case, that have a due letter and whose next moment has come."""
    now = clock.now()
    email = func.lower(Contact.email)
    key = literal("mailbox:", String) + email
    waiting = exists().where(
        Letter.target_id == Contact.target_id,
        Letter.status == LetterStatus.QUEUED,
        Letter.not_before <= now,
        Letter.delivery == delivery,
    )
    found = await session.execute(
        select(email.label("email"), Bucket.next_at)
        .outerjoin(Bucket, and_(Bucket.key == key))
        .where(Contact.retired_at.is_(None), waiting)
        .where(or_(Bucket.key.is_(None), Bucket.next_at <= now))
        .order_by(Bucket.next_at.nulls_first())
        .distinct()
    )
    return [row.email for row in found]


async def take(session: AsyncSession, email: str, *, every: timedelta) -> bool:
    """Take the mailbox's next moment, if it has come and no other worker was quicker."""
    return await buckets.take(session, mailbox_key(email), every=every) is None
