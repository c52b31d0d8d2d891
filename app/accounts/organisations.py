"""Organisations: each with its own campaigns, people and supporters, on one installation."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.errors import FormRefused, Missing
from app.models import Campaign, Organisation, Organiser

LONGEST_NAME = 200  # characters
LONGEST_SLUG = 60


@dataclass(frozen=True)
class Line:
    """An organisation, and how much there is of it."""

    organisation: Organisation
    organisers: int
    campaigns: int


async def add(session: AsyncSession, name: str) -> Organisation:
    """A new one that sees nothing of the others. Raises FormRefused: missing, too long, taken."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise FormRefused({"name": "too_long" if name else "missing"})
    slug = _slug(name)
    same = select(Organisation.id).where((Organisation.slug == slug) | (Organisation.name == name))
    if await session.scalar(same.limit(1)):
        raise FormRefused({"name": "taken"})
    made = Organisation(slug=slug, name=name, created_at=clock.now())
    session.add(made)
    await session.flush()
    return made


async def every(session: AsyncSession) -> Sequence[Line]:
    """All of them, the first one first."""
    people = select(func.count(Organiser.id)).where(Organiser.organisation_id == Organisation.id)
    aims = select(func.count(Campaign.id)).where(Campaign.organisation_id == Organisation.id)
    rows = await session.execute(
        select(Organisation, people.scalar_subquery(), aims.scalar_subquery()).order_by(
            Organisation.id
        )
    )
    return [Line(*row) for row in rows]


async def first(session: AsyncSession) -> Organisation:
    """The one that the installation began with."""
    return (await session.scalars(select(Organisation).order_by(Organisation.id).limit(1))).one()


async def by_slug(session: AsyncSession, slug: str) -> Organisation:
    """Raises Missing."""
    found = await session.scalar(select(Organisation).where(Organisation.slug == slug))
    if found is None:
        raise Missing("organisation", slug)
    return found


def _slug(name: str) -> str:
    """Žalioji šalis → zalioji-salis."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_SLUG].strip("-") or "organisation"
