"""Addresses we must not write to, and why."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import insert_for
from app.models import Suppression


async def suppress(session: AsyncSession, email: str, *, why: str, by: str) -> None:
    """From now on nothing is sent to this address; letters that wait for it end as suppressed."""
    statement = insert_for(session)(Suppression).values(
        email=email.casefold(), why=why, by=by, at=clock.now()
    )
    await session.execute(statement.on_conflict_do_nothing())


async def among(session: AsyncSession, emails: set[str]) -> dict[str, str]:
    """Those of the addresses (folded) that must not be written to, each with the reason."""
    folded = {email.casefold() for email in emails}
    rows = await session.execute(
        select(Suppression.email, Suppression.why).where(Suppression.email.in_(folded))
    )
    return {row.email: row.why for row in rows}
