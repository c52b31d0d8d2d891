"""The offices of each country with their current address, and who checked it last."""

from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from sqlalchemy import and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.errors import FormRefused, Missing
from app.models import Contact, Target
from app.wording.templates import ROLES


async def for_countries(
    session: AsyncSession, countries: Collection[str]
) -> list[tuple[Target, Contact]]:
    """Each target that can be reached, by country, then role (head of government first), office."""
    rank = case({role: number for number, role in enumerate(ROLES)}, value=Target.role)
    rows = await session.execute(
        select(Target, Contact)
        .join(Contact, and_(Contact.target_id == Target.id, Contact.retired_at.is_(None)))
        .where(Target.country.in_(countries))
        .order_by(Target.country, rank, Target.office)
    )
    return [(target, contact) for target, contact in rows]


async def check(
    session: AsyncSession, email: str, *, source_url: str, by: str
) -> Sequence[Contact]:
    """Note that an organiser saw this address on an official page today; gives its contacts.

    Raises Missing when no office has the address, FormRefused when the source is no web address.
    """
    if not _is_web_address(source_url):
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
    return contacts


async def unchecked(session: AsyncSession) -> int:
    """How many addresses no organiser has checked; in live delivery nothing goes to them."""
    waiting = (Contact.retired_at.is_(None), Contact.checked_on.is_(None))
    return await session.scalar(select(func.count(Contact.id)).where(*waiting)) or 0


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    fits = len(url) <= 500 and not any(one.isspace() for one in url)
    return fits and parts.scheme in {"http", "https"} and bool(parts.hostname)
