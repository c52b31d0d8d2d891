"""Organisers: people who sign in and run alerts, and the check of their passwords."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from email_validator import EmailNotValidError, validate_email
from pwdlib import PasswordHash
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.accounts import organisations
from app.errors import FormRefused, SignInRefused
from app.models import Organiser, Role

SHORTEST_PASSWORD = 10  # characters
LONGEST_PASSWORD = 500
LONGEST_NAME = 200

_argon2 = PasswordHash.recommended()
# a quarter of a second and 64 MB each: two at once, or a crowd at the door takes the machine
_hashing = ThreadPoolExecutor(max_workers=2, thread_name_prefix="passwords")


async def add(
    session: AsyncSession,
    *,
    email: str,
    name: str,
    password: str,
    role: Role | None = None,
    organisation_id: int | None = None,
) -> Organiser:
    """A new organiser, of the first organisation unless another is given.

    Without a role the first of an organisation is its owner: somebody must be able to invite.
    Raises FormRefused: short, invalid or taken.
    """
    password_hash = await hashed(password)
    address = folded(email)
    if await find(session, address):
        raise FormRefused({"email": "taken"})
    if organisation_id is None:
        organisation_id = (await organisations.first(session)).id
    if role is None:
        role = Role.ORGANISER if await owners(session, organisation_id) else Role.OWNER
    organiser = Organiser(
        organisation_id=organisation_id,
        email=address,
        name=called(name) or address,
        password_hash=password_hash,
        role=role,
        created_at=clock.now(),
        disabled_at=None,
    )
    session.add(organiser)
    await session.flush()
    return organiser


async def find(session: AsyncSession, email: str) -> Organiser | None:
    found = select(Organiser).where(Organiser.email == email.strip().lower())
    return (await session.execute(found)).scalar_one_or_none()


async def recognise(session: AsyncSession, email: str, password: str) -> Organiser:
    """The organiser by that address and password. Raises SignInRefused, after the same time."""
    organiser = await find(session, email)
    kept = organiser.password_hash if organiser else ""
    right = await fits(password, kept)
    if organiser is None or not right or organiser.disabled_at:
        raise SignInRefused
    return organiser


async def fits(password: str, password_hash: str) -> bool:
    """Whether it is the password; without one (a stranger, an invitation) it is not.

    As much work either way, so that the clock does not tell who is an organiser.
    """
    loop = asyncio.get_running_loop()
    password = password[:LONGEST_PASSWORD]
    if not password_hash:
        await loop.run_in_executor(_hashing, _argon2.hash, password)
        return False
    return await loop.run_in_executor(_hashing, _argon2.verify, password, password_hash)


async def hashed(password: str) -> str:
    """A new password as it is kept. Raises FormRefused: short or too_long."""
    if len(password) < SHORTEST_PASSWORD:
        raise FormRefused({"password": "short"})
    if len(password) > LONGEST_PASSWORD:
        raise FormRefused({"password": "too_long"})
    return await asyncio.get_running_loop().run_in_executor(_hashing, _argon2.hash, password)


async def owners(session: AsyncSession, organisation_id: int) -> list[Organiser]:
    """Those who can act as owners: not disabled, and not only invited."""
    found = select(Organiser).where(
        Organiser.organisation_id == organisation_id,
        Organiser.role == Role.OWNER,
        Organiser.disabled_at.is_(None),
        Organiser.password_hash != "",
    )
    return list(await session.scalars(found.order_by(Organiser.id)))


def covers(organiser: Organiser, role: Role) -> bool:
    """Whether the organiser may do all that this role may."""
    order = list(Role)
    return order.index(Role(organiser.role)) >= order.index(role)


def called(name: str) -> str:
    """A name as it is kept: one line."""
    return " ".join(name.split())[:LONGEST_NAME]


def folded(email: str) -> str:
    """An address as it is kept. Raises FormRefused."""
    try:
        return validate_email(email.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError as invalid:
        raise FormRefused({"email": "invalid"}) from invalid
