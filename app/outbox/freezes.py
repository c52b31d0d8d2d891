"""Holds on an alert, a contact or a letter: who, why, when. What is frozen is not claimed."""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import insert_for
from app.models import Freeze


async def freeze(session: AsyncSession, *, scope: str, ref: int, why: str, by: str) -> bool:
    """Hold it; False when it was held already, and the first hold's reason stands."""
    hold = insert_for(session)(Freeze).values(
        scope=scope, ref=ref, why=why, by=by, at=clock.now(), released_by=""
    )
    made = await session.execute(hold.on_conflict_do_nothing().returning(Freeze.id))
    return made.scalar_one_or_none() is not None


async def release(session: AsyncSession, *, scope: str, ref: int, by: str) -> bool:
    """Let it go on; False when it was not held."""
    let_go = (
        update(Freeze)
        .where(Freeze.scope == scope, Freeze.ref == ref, Freeze.released_at.is_(None))
        .values(released_at=clock.now(), released_by=by)
        .returning(Freeze.id)
    )
    return (await session.execute(let_go)).scalar_one_or_none() is not None


async def standing(session: AsyncSession, scope: str, ref: int) -> Freeze | None:
    """The hold in force, if there is one."""
    found = select(Freeze).where(
        Freeze.scope == scope, Freeze.ref == ref, Freeze.released_at.is_(None)
    )
    return (await session.execute(found)).scalar_one_or_none()
