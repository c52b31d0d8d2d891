"""Organisers: people who sign in and run alerts, and the check of their passwords."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from email_validator import EmailNotValidError, validate_email
from pwdlib import PasswordHash
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.errors import FormRefused, SignInRefused
from app.models import Organisation, Organiser, Role

SHORTEST_PASSWORD = 10  # characters

_argon2 = PasswordHash.recommended()
# a quarter of a second and 64 MB each: two at once, or a crowd at the door takes the machine
_hashing = ThreadPoolExecutor(max_workers=2, thread_name_prefix="passwords")


async def add(
    session: AsyncSession, *, email: str, name: str, password: str, role: Role = Role.ORGANISER
) -> Organiser:
    """A new organiser of the one organisation. Raises FormRefused: short, invalid or taken."""
    if len(password) < SHORTEST_PASSWORD:
        raise FormRefused({"password": "short"})
    address = _folded(email)
    password_hash = await asyncio.get_running_loop().run_in_executor(
        _hashing, _argon2.hash, password
    )
    if await find(session, address):
        raise FormRefused({"email": "taken"})
    organisation = (await session.execute(select(Organisation.id).limit(1))).scalar_one()
    organiser = Organiser(
        organisation_id=organisation,
        email=address,
        name=name.strip() or address,
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
    loop = asyncio.get_running_loop()
    if organiser is None:
        # as much work as a check, so that the clock does not tell who is an organiser
        await loop.run_in_executor(_hashing, _argon2.hash, password)
        raise SignInRefused
    right = await loop.run_in_executor(_hashing, _argon2.verify, password, organiser.password_hash)
    if not right or organiser.disabled_at:
        raise SignInRefused
    return organiser


def _folded(email: str) -> str:
    try:
        return validate_email(email.strip(), check_deliverability=False).normalized.lower()
    except EmailNotValidError as invalid:
        raise FormRefused({"email": "invalid"}) from invalid
