"""Sign-ins: the browser holds a random secret, we hold its hash, and either side can end it."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from hashlib import sha256

from sqlalchemy import Select, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app import clock
from app.models import Organiser, SignIn

IDLE = timedelta(days=14)
ABSOLUTE = timedelta(days=30)
TOUCH = timedelta(hours=1)  # how exactly `seen_at` is known: a write per page would be too much


async def sign_in(session: AsyncSession, organiser: Organiser) -> tuple[str, SignIn]:
    """A new sign-in for an organiser who was recognised, with the secret for their browser."""
    now = clock.now()
    await session.execute(delete(SignIn).where(SignIn.expires_at <= now))
    secret = secrets.token_urlsafe(32)
    started = SignIn(
        key_hash=_hash(secret),
        organiser_id=organiser.id,
        form_token=secrets.token_urlsafe(32),
        created_at=now,
        seen_at=now,
        expires_at=now + ABSOLUTE,
    )
    session.add(started)
    await session.flush()
    return secret, started


async def resume(session: AsyncSession, secret: str) -> SignIn | None:
    """The sign-in that this secret opens, with its organiser; None when it is over."""
    now = clock.now()
    asked = {"hash": _hash(secret), "now": now, "idle_since": now - IDLE}
    kept = (await session.execute(_lasting(), asked)).scalar_one_or_none()
    return None if kept is None or kept.organiser.disabled_at else kept


@cache  # written once: every page of an organiser begins with it
def _lasting() -> Select[SignIn]:
    return (
        select(SignIn)
        .options(joinedload(SignIn.organiser))
        .where(
            SignIn.key_hash == bindparam("hash"),
            SignIn.expires_at > bindparam("now"),
            SignIn.seen_at > bindparam("idle_since"),
        )
    )


async def is_known(session: AsyncSession, secret: str) -> bool:
    """Whether it once opened a sign-in, which may have fallen idle: its text is not lost."""
    kept = select(SignIn.organiser_id).where(SignIn.key_hash == _hash(secret))
    return await session.scalar(kept) is not None


def is_stale(kept: SignIn) -> bool:
    """Whether `touch` has something to note."""
    return clock.now() - kept.seen_at > TOUCH


async def touch(session: AsyncSession, kept: SignIn) -> None:
    """Note that the sign-in is in use, so that it does not fall idle."""
    await session.execute(
        update(SignIn).where(SignIn.key_hash == kept.key_hash).values(seen_at=clock.now())
    )


async def sign_out(session: AsyncSession, secret: str) -> None:
    await session.execute(delete(SignIn).where(SignIn.key_hash == _hash(secret)))


async def of(session: AsyncSession, organiser_id: int) -> Sequence[SignIn]:
    """Where somebody is signed in at the moment, the last seen first."""
    now = clock.now()
    lasting = (SignIn.expires_at > now, SignIn.seen_at > now - IDLE)
    found = select(SignIn).where(SignIn.organiser_id == organiser_id, *lasting)
    return (await session.scalars(found.order_by(SignIn.seen_at.desc()))).all()


async def end(session: AsyncSession, organiser_id: int, key_hash: str) -> None:
    """End one of somebody's sign-ins; what is not theirs stays."""
    theirs = (SignIn.organiser_id == organiser_id, SignIn.key_hash == key_hash)
    await session.execute(delete(SignIn).where(*theirs))


async def end_all(session: AsyncSession, organiser_id: int, *, but: str = "") -> None:
    """End all of somebody's sign-ins, but the one with this hash."""
    others = (SignIn.organiser_id == organiser_id, SignIn.key_hash != but)
    await session.execute(delete(SignIn).where(*others))


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
