"""The offices of each country with their current address, and who checked it last."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from functools import cache
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.addresses import GMAIL, OF_GMAIL, fold
from app.contacts import reports
from app.errors import FormRefused, Missing
from app.models import AddressReport, Contact, Target
from app.wording.templates import ROLES

STALE = timedelta(days=180)  # how long a check is believed
RANK = case({role: number for number, role in enumerate(ROLES)}, value=Target.role)


async def for_countries(
    session: AsyncSession, countries: Collection[str]
) -> list[tuple[Target, Contact]]:
    """Each target that can be reached, by country, then role (head of government first), office."""
    rows = await session.execute(_current().where(Target.country.in_(countries)))
    return [(target, contact) for target, contact in rows]


def stale(contact: Contact) -> bool:
    """Whether the last check is too long ago to rely on; an address never checked is not stale."""
    return contact.checked_on is not None and contact.checked_on < clock.now().date() - STALE


async def needing_a_check(
    session: AsyncSession, countries: Collection[str] | None = None
) -> list[tuple[Target, Contact]]:
    """Offices whose address an organiser should look at: never checked, stale, under review, or
    reported as wrong; of these countries or of all."""
    found = _current().where(needs_a_check())
    if countries is not None:
        found = found.where(Target.country.in_(countries))
    return [(target, contact) for target, contact in await session.execute(found)]


async def count_needing_a_check(session: AsyncSession) -> int:
    """How many there are of them."""
    found = select(func.count(Contact.id)).where(Contact.retired_at.is_(None), needs_a_check())
    return await session.scalar(found) or 0


def needs_a_check() -> ColumnElement[bool]:
    """For a statement that has a current Contact in it."""
    return or_(
        Contact.checked_on.is_(None),
        Contact.checked_on < clock.now().date() - STALE,
        Contact.review_at.is_not(None),
        exists().where(AddressReport.contact_id == Contact.id, AddressReport.settled_at.is_(None)),
    )


@cache
def _current() -> Select[Target, Contact]:
    return (
        select(Target, Contact)
        .join(Contact, and_(Contact.target_id == Target.id, Contact.retired_at.is_(None)))
        .order_by(Target.country, RANK, Target.office)
    )


async def check(
    session: AsyncSession, email: str, *, source_url: str, by: str
) -> Sequence[Contact]:
    """Note that an organiser saw this address on an official page today; gives its contacts.

    That answers whoever reported it as wrong. Raises Missing when no office has the address,
    FormRefused when the source is no web address.
    """
    if not is_web_address(source_url):
        raise FormRefused({"source": "not_a_web_address"})
    found = await session.scalars(
        select(Contact).where(
            func.lower(Contact.email) == email.strip().lower(), Contact.retired_at.is_(None)
        )
    )
    contacts = found.all()
    if not contacts:
        raise Missing("contact", email)
    for contact in contacts:
        contact.checked_on = clock.now().date()
        contact.checked_by = by
        contact.check_source = source_url
        contact.review_at, contact.review_why = None, ""
    await session.flush()
    await reports.settle_all(session, [contact.id for contact in contacts], by=by)
    return contacts


async def with_address(session: AsyncSession, email: str) -> list[Target]:
    """The offices that are reached at this address now, in the order of the directory."""
    found = _current().where(func.lower(Contact.email) == email.strip().lower())
    return [target for target, _ in await session.execute(found)]


async def any_of(session: AsyncSession, emails: Collection[str]) -> bool:
    """Whether one of these is, or was, the address of an office; of Gmail's, in any spelling."""
    written = func.lower(Contact.email)
    undotted = [one for email in emails for one in _undotted(fold(email))]
    known = or_(
        written.in_([one.lower() for one in emails]),
        func.replace(written, ".", "").in_(undotted),
    )
    return await session.scalar(select(Contact.id).where(known).limit(1)) is not None


def _undotted(folded: str) -> list[str]:
    """Both names of a mailbox at Gmail with no dot in them; of any other address nothing."""
    local, _, domain = folded.rpartition("@")
    return [f"{local}@{one.replace('.', '')}" for one in OF_GMAIL] if domain == GMAIL else []


async def named(session: AsyncSession, email: str) -> str:
    """An address as it may stand on record for ever: a person's does not."""
    return email if await any_of(session, {email, fold(email)}) else "An address of no office"


async def unchecked(session: AsyncSession) -> int:
    """How many addresses no organiser has checked; in live delivery nothing goes to them."""
    waiting = (Contact.retired_at.is_(None), Contact.checked_on.is_(None))
    return await session.scalar(select(func.count(Contact.id)).where(*waiting)) or 0


def is_web_address(url: str) -> bool:
    """Whether a browser could open it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    fits = len(url) <= 500 and not any(one.isspace() for one in url)
    return fits and parts.scheme in {"http", "https"} and bool(parts.hostname)
