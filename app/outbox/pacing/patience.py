"""How much of a letter's waiting counts: only the time in which it could have left."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.models import Contact, Freeze, Letter, Mailbox, MailDomain
from app.outbox.pacing import limits, turns
from app.outbox.pacing.calendars import ALWAYS
from app.settings import Settings

Stretch = tuple[datetime, datetime]


async def waited(
    session: AsyncSession, letter: Letter, contact: Contact, country: str, settings: Settings
) -> timedelta:
    """The time since its first attempt that was open at its office and not frozen."""
    now = clock.now()
    start = letter.first_attempt_at or now
    calendar = ALWAYS
    if settings.paced:
        mailbox = await session.get(Mailbox, contact.email.lower())
        calendar = turns.calendar_of(country, limits.of(mailbox, settings))
    frozen = await _frozen(session, letter, contact, start)
    return calendar.open_time(start, now) - sum(
        (calendar.open_time(*stretch) for stretch in _joined(frozen)), timedelta()
    )


async def _frozen(
    session: AsyncSession, letter: Letter, contact: Contact, start: datetime
) -> list[Stretch]:
    """When a hold stood on the letter, its contact, its host or its alert."""
    host_id = (
        select(MailDomain.host_id)
        .join(Mailbox, Mailbox.domain == MailDomain.name)
        .where(Mailbox.email == contact.email.lower())
        .scalar_subquery()
    )
    holds = await session.execute(
        select(Freeze.at, func.coalesce(Freeze.released_at, clock.now())).where(
            or_(Freeze.released_at.is_(None), Freeze.released_at > start),
            or_(
                and_(Freeze.scope == "letter", Freeze.ref == letter.id),
                and_(Freeze.scope == "contact", Freeze.ref == contact.id),
                and_(Freeze.scope == "alert", Freeze.ref == letter.alert_id),
                and_(Freeze.scope == "host", Freeze.ref == host_id),
            ),
        )
    )
    return [(max(at, start), until) for at, until in holds]


def _joined(stretches: Sequence[Stretch]) -> list[Stretch]:
    """The same time, none of it twice."""
    joined: list[Stretch] = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined
