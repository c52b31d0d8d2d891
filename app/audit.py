"""Who did what, in sentences that a person can read years later."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.models import AuditLine, Organisation, Organiser


async def note(
    session: AsyncSession, by: str, sentence: str, *, organisation_id: int | None = None
) -> None:
    """Put a sentence on record: `by` is an organiser's address, or the command that acted.

    Without `organisation_id` it is the organiser's own; a command's concerns the installation.
    """
    if organisation_id is None:
        whose = select(Organiser.organisation_id).where(Organiser.email == by)
        organisation_id = await session.scalar(whose)
    session.add(
        AuditLine(at=clock.now(), by=by, sentence=sentence, organisation_id=organisation_id)
    )
    await session.flush()


async def lines(
    session: AsyncSession,
    organisation_id: int,
    *,
    by: str = "",
    about: str = "",
    before: int | None = None,
    limit: int = 50,
) -> Sequence[AuditLine]:
    """What an organisation may read, newest first; `about`: words that the sentence holds.

    What concerns the whole installation is read by its first organisation, whose machine it is.
    """
    found = select(AuditLine).where(await _readable(session, organisation_id))
    if by:
        found = found.where(AuditLine.by == by)
    if about:
        found = found.where(AuditLine.sentence.icontains(about, autoescape=True))
    if before is not None:
        found = found.where(AuditLine.id < before)
    return (await session.scalars(found.order_by(AuditLine.id.desc()).limit(limit))).all()


async def authors(session: AsyncSession, organisation_id: int) -> Sequence[str]:
    """Everybody, and every command, with a line that the organisation may read."""
    found = select(AuditLine.by).where(await _readable(session, organisation_id)).distinct()
    return (await session.scalars(found.order_by(AuditLine.by))).all()


async def _readable(session: AsyncSession, organisation_id: int) -> ColumnElement[bool]:
    own = AuditLine.organisation_id == organisation_id
    first = await session.scalar(select(func.min(Organisation.id)))
    return or_(own, AuditLine.organisation_id.is_(None)) if organisation_id == first else own
