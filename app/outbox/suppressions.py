"""Addresses we must not write to, and why."""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.addresses import GMAIL, fold
from app.db import insert_for
from app.models import Suppression
from app.settings import STAYS_HERE, Delivery

# Before what is asked for in practice: whoever opens the mailbox on this machine proves no address,
# and could else have a stranger, or an office, left out when letters leave in earnest.
PRACTICE = "practice:"


async def suppress(
    session: AsyncSession, email: str, *, why: str, by: str, delivery: str = Delivery.LIVE
) -> bool:
    """From now on nothing is sent to this address; letters that wait for it end as suppressed.

    `delivery`: where it was asked for; practice keeps its own list. Tells whether it is new there.
    """
    before = PRACTICE if delivery in STAYS_HERE else ""
    new = 0
    for name in sorted(_listed_as(email)):
        statement = insert_for(session)(Suppression).values(
            email=before + name, why=why, by=by, at=clock.now()
        )
        done = await session.execute(statement.on_conflict_do_nothing())
        new += done.rowcount  # type: ignore[attr-defined]
    return new > 0


async def lift(session: AsyncSession, email: str) -> bool:
    """Take an address off the list, with all that bars it; tells whether it was there."""
    names = {before + one for before in ("", PRACTICE) for one in {*_listed_as(email), fold(email)}}
    gone = await session.execute(delete(Suppression).where(Suppression.email.in_(names)))
    return bool(gone.rowcount)  # type: ignore[attr-defined]


async def among(
    session: AsyncSession, emails: Iterable[str], delivery: str = Delivery.LIVE
) -> dict[str, str]:
    """Those of the addresses (in lower case) that must not be written to, each with the reason.

    A tag (`mari+mines@`) helps nobody round the list: the address without it bars it too.
    """
    names = {one: _barred_by(one, delivery) for one in {email.casefold() for email in emails}}
    listed = {name for several in names.values() for name in several}
    rows = await session.execute(
        select(Suppression.email, Suppression.why).where(Suppression.email.in_(listed))
    )
    whys = {row.email: row.why for row in rows}
    return {
        email: whys[found[0]]
        for email, several in names.items()
        if (found := [name for name in several if name in whys])
    }


async def listed(session: AsyncSession, *, but_by: str = "") -> Sequence[Suppression]:
    """The whole list, the latest first, `but_by`: without what was asked for by this one;
    practice's own entries begin with PRACTICE."""
    found = select(Suppression).where(Suppression.by != but_by)
    return (await session.scalars(found.order_by(Suppression.at.desc(), Suppression.email))).all()


async def count_by(session: AsyncSession, by: str) -> int:
    """How many entries one has asked for."""
    found = select(func.count()).select_from(Suppression).where(Suppression.by == by)
    return await session.scalar(found) or 0


def _listed_as(email: str) -> set[str]:
    """At Gmail the one mailbox too; elsewhere an address with a tag may be somebody else's."""
    folded = fold(email)
    return {email.casefold(), folded} if folded.endswith(f"@{GMAIL}") else {email.casefold()}


def _barred_by(email: str, delivery: str) -> list[str]:
    names = list(dict.fromkeys((email, fold(email))))
    return names + [PRACTICE + one for one in names] if delivery in STAYS_HERE else names
