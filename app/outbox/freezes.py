"""Holds on an alert, a contact or a letter: who, why, when. What is frozen is not claimed."""

from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import insert_for
from app.models import Contact, Freeze, Letter


def in_force() -> ColumnElement[bool]:
    """Whether a hold stands on a letter: on its alert, its contact, or itself.

    For a statement that has Letter and its current Contact in it.
    """
    return exists().where(
        Freeze.released_at.is_(None),
        or_(
            and_(Freeze.scope == "alert", Freeze.ref == Letter.alert_id),
            and_(Freeze.scope == "contact", Freeze.ref == Contact.id),
            and_(Freeze.scope == "letter", Freeze.ref == Letter.id),
        ),
    )


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
