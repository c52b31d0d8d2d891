"""API tokens: a program's way in, for what its maker may do and no more; we hold only a hash."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app import audit, clock
from app.accounts import organisers
from app.errors import FormRefused, Missing
from app.models import ApiToken, Organiser, Role

BEGINS = "one_"  # so that a secret left in a file is found by whoever looks for secrets
LONGEST_NAME = 80  # characters
LONGEST_LIFE = 3650  # days
MOST = 50  # that work at once, for one organiser
TOUCH = timedelta(minutes=1)  # how exactly `used_at` is known


class Scope(StrEnum):
    ALERTS_READ = "alerts:read"
    ALERTS_WRITE = "alerts:write"
    CONTACTS_WRITE = "contacts:write"
    COUNTS_READ = "counts:read"


# what the maker must be, each time the token is used
NEEDS: dict[str, Role] = {
    Scope.ALERTS_READ: Role.VIEWER,
    Scope.ALERTS_WRITE: Role.ORGANISER,
    Scope.CONTACTS_WRITE: Role.ORGANISER,
    Scope.COUNTS_READ: Role.VIEWER,
}


async def make(
    session: AsyncSession,
    organiser: Organiser,
    *,
    name: str,
    scopes: Sequence[str],
    days: int | None = None,
) -> tuple[str, ApiToken]:
    """A new token with its secret, which nobody can show a second time.

    `days`: how long it works; None: until it is revoked. Raises FormRefused by field.
    """
    name = " ".join(name.split())
    _check(organiser, name, scopes, days)
    if len([one for one in await of(session, organiser) if is_alive(one)]) >= MOST:
        raise FormRefused({"name": "too_many"})
    now = clock.now()
    secret = BEGINS + secrets.token_urlsafe(32)
    made = ApiToken(
        organiser_id=organiser.id,
        name=name,
        key_hash=_hash(secret),
        scopes=sorted(set(scopes)),
        created_at=now,
        expires_at=now + timedelta(days=days) if days else None,
        used_at=None,
        revoked_at=None,
    )
    session.add(made)
    await session.flush()
    said = f"Made the API token “{name}” ({', '.join(made.scopes)})"
    await audit.note(session, organiser.email, said, organisation_id=organiser.organisation_id)
    return secret, made


async def of(session: AsyncSession, organiser: Organiser) -> Sequence[ApiToken]:
    """An organiser's own tokens, newest first, those that are over too."""
    found = select(ApiToken).where(ApiToken.organiser_id == organiser.id)
    return (await session.scalars(found.order_by(ApiToken.id.desc()))).all()


async def recognise(session: AsyncSession, secret: str) -> ApiToken | None:
    """The token with this secret and its maker; None when it works no more, or never did."""
    if not secret.startswith(BEGINS):
        return None
    found = (
        select(ApiToken)
        .options(joinedload(ApiToken.organiser))
        .where(ApiToken.key_hash == _hash(secret))
    )
    kept = (await session.execute(found)).scalar_one_or_none()
    alive = kept is not None and is_alive(kept) and not kept.organiser.disabled_at
    return kept if alive else None


def is_alive(token: ApiToken) -> bool:
    ends = token.expires_at
    return token.revoked_at is None and (ends is None or ends > clock.now())


def alive() -> ColumnElement[bool]:
    """The same, for a question to the database."""
    lasts = or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > clock.now())
    return and_(ApiToken.revoked_at.is_(None), lasts)


def may(token: ApiToken, scope: str) -> bool:
    """Whether it was made for this, and its maker may still do it."""
    return scope in token.scopes and organisers.covers(token.organiser, NEEDS[scope])


def is_stale(token: ApiToken) -> bool:
    """Whether `touch` has something to note."""
    return token.used_at is None or clock.now() - token.used_at > TOUCH


async def touch(session: AsyncSession, token: ApiToken) -> None:
    """Note that the token is in use."""
    await session.execute(
        update(ApiToken).where(ApiToken.id == token.id).values(used_at=clock.now())
    )


async def revoke(session: AsyncSession, organiser: Organiser, token_id: int) -> bool:
    """End one of the organiser's own tokens at once; False when it was over. Raises Missing."""
    kept = await session.get(ApiToken, token_id)
    if kept is None or kept.organiser_id != organiser.id:
        raise Missing("API token", str(token_id))
    if kept.revoked_at is not None:
        return False
    kept.revoked_at = clock.now()
    said = f"Revoked the API token “{kept.name}”"
    await audit.note(session, organiser.email, said, organisation_id=organiser.organisation_id)
    return True


async def revoke_all(session: AsyncSession, organiser_id: int) -> list[str]:
    """End every token of somebody's at once; gives the names of those that worked."""
    theirs = (ApiToken.organiser_id == organiser_id, alive())
    ended = update(ApiToken).where(*theirs).values(revoked_at=clock.now()).returning(ApiToken.name)
    return sorted(await session.scalars(ended))


def which_ended(names: Sequence[str]) -> str:
    """What a sentence on record says at its end of the tokens that `revoke_all` ended."""
    tokens = ", ".join(f"“{name}”" for name in names)
    return f", which ended the API tokens {tokens}" if names else ""


def _check(organiser: Organiser, name: str, scopes: Sequence[str], days: int | None) -> None:
    faults = {}
    if not name:
        faults["name"] = "missing"
    elif len(name) > LONGEST_NAME:
        faults["name"] = "too_long"
    if not scopes or not set(scopes) <= set(NEEDS):
        faults["scopes"] = "missing"
    elif not all(organisers.covers(organiser, NEEDS[one]) for one in scopes):
        faults["scopes"] = "role"
    if days is not None and not 1 <= days <= LONGEST_LIFE:
        faults["days"] = "days"
    if faults:
        raise FormRefused(faults)


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
