"""Who did what, in sentences that a person can read years later."""

from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.models import AuditLine


async def note(session: AsyncSession, by: str, sentence: str) -> None:
    """Put a sentence on record: `by` is an organiser's address, or the command that acted."""
    session.add(AuditLine(at=clock.now(), by=by, sentence=sentence))
    await session.flush()
