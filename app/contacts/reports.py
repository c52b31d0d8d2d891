"""What supporters say of an office's address: that it is wrong. An organiser looks into it."""

from collections.abc import Sequence

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app import clock
from app.contacts.files.entries import CONTROL
from app.errors import FormRefused, Missing
from app.models import AddressReport, Contact

LONGEST = 2_000  # characters
ENOUGH = 20  # waiting for one address; one more would tell the organiser nothing new

WAITING = AddressReport.settled_at.is_(None)


async def report(session: AsyncSession, contact_id: int, said: str) -> bool:
    """Keep what a supporter says of an address; False: enough others said so before.

    Raises FormRefused when nothing is said or too much.
    """
    said = "\n".join(CONTROL.sub(" ", line) for line in said.splitlines()).strip()
    if not said:
        raise FormRefused({"said": "missing"})
    if len(said) > LONGEST:
        raise FormRefused({"said": "too_long"})
    if len(await waiting_for(session, [contact_id])) >= ENOUGH:
        return False
    session.add(AddressReport(contact_id=contact_id, at=clock.now(), said=said))
    await session.flush()
    return True


async def waiting_for(session: AsyncSession, contact_ids: Sequence[int]) -> Sequence[AddressReport]:
    """What nobody has settled yet of these addresses, the oldest first."""
    found = select(AddressReport).where(WAITING, AddressReport.contact_id.in_(contact_ids))
    return (await session.scalars(found.order_by(AddressReport.at, AddressReport.id))).all()


async def waiting(session: AsyncSession, *, limit: int = 50) -> Sequence[AddressReport]:
    """The oldest of all, each with its contact and office."""
    found = select(AddressReport).where(WAITING).order_by(AddressReport.at).limit(limit)
    with_office = joinedload(AddressReport.contact).joinedload(Contact.target)
    return (await session.scalars(found.options(with_office))).all()


async def count_waiting(session: AsyncSession) -> int:
    return await session.scalar(select(func.count(AddressReport.id)).where(WAITING)) or 0


async def settle(session: AsyncSession, report_id: int, *, target_id: int, by: str) -> bool:
    """An organiser has looked at it; False when another had. Raises Missing."""
    found = await session.scalar(
        select(AddressReport)
        .join(Contact, Contact.id == AddressReport.contact_id)
        .where(AddressReport.id == report_id, Contact.target_id == target_id)
    )
    if found is None:
        raise Missing("report", str(report_id))
    if found.settled_at:
        return False
    found.settled_at, found.settled_by = clock.now(), by
    await session.flush()
    return True


async def settle_all(session: AsyncSession, contact_ids: Sequence[int], *, by: str) -> None:
    """Whatever was said of these addresses has been looked at, or they are no longer used."""
    await session.execute(
        update(AddressReport)
        .where(WAITING, AddressReport.contact_id.in_(contact_ids))
        .values(settled_at=clock.now(), settled_by=by)
        .execution_options(synchronize_session=False)
    )
