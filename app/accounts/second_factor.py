"""The second factor: a code of six digits from a phone (TOTP, RFC 6238), and codes for the day
on which the phone is lost."""

import hmac
import secrets
from base64 import b32encode
from dataclasses import dataclass
from hashlib import sha256

import pyotp
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import audit, clock
from app.errors import FormRefused, Missing
from app.models import Organiser, RecoveryCode

STEP = 30  # seconds, RFC 6238 5.2
DRIFT = (-1, 0, 1)  # steps: a phone's clock is a little wrong
RECOVERY_CODES = 10


@dataclass(frozen=True)
class Passed:
    """How somebody came past the second factor; `left`: recovery codes, where one was used."""

    left: int | None = None


async def begin(session: AsyncSession, organiser_id: int) -> None:
    """A new key for a phone; it counts for nothing until a code has proved it."""
    kept = await _locked(session, organiser_id)
    if kept.totp_since is None:
        kept.totp_secret, kept.totp_step = pyotp.random_base32(), 0


def address(organiser: Organiser, issuer: str) -> str:
    """The key as phones read it from a picture (otpauth://…)."""
    made = pyotp.TOTP(organiser.totp_secret)
    return made.provisioning_uri(name=organiser.email, issuer_name=issuer)


async def prove(session: AsyncSession, organiser_id: int, code: str) -> list[str]:
    """Turn it on with the first code; gives the recovery codes, which nobody can show again.

    Raises FormRefused when the code does not fit.
    """
    kept = await _locked(session, organiser_id)
    step = _step_of(kept, code) if kept.totp_since is None else None
    if step is None:
        raise FormRefused({"code": "code"})
    kept.totp_since, kept.totp_step = clock.now(), step
    said = "Turned the second factor on"
    await audit.note(session, kept.email, said, organisation_id=kept.organisation_id)
    return await _new_codes(session, kept)


async def spend(session: AsyncSession, organiser_id: int, code: str) -> Passed | None:
    """Use a code, of the phone or for recovery, which works once; None when it does not fit."""
    kept = await _locked(session, organiser_id)
    step = _step_of(kept, code) if kept.totp_since else None
    if step is not None:
        kept.totp_step = step
        return Passed()
    used = update(RecoveryCode).where(
        RecoveryCode.code_hash == _hash(kept.id, code),
        RecoveryCode.organiser_id == kept.id,
        RecoveryCode.used_at.is_(None),
    )
    used = used.values(used_at=clock.now()).returning(RecoveryCode.code_hash)
    if await session.scalar(used) is None:
        return None
    left = await codes_left(session, kept.id)
    said = f"Signed in with a recovery code; {left} are left"
    await audit.note(session, kept.email, said, organisation_id=kept.organisation_id)
    return Passed(left)


async def renew_codes(session: AsyncSession, organiser_id: int) -> list[str]:
    """New recovery codes; those of before work no more."""
    kept = await _locked(session, organiser_id)
    if kept.totp_since is None:
        raise Missing("second factor")
    said = "Made new recovery codes"
    await audit.note(session, kept.email, said, organisation_id=kept.organisation_id)
    return await _new_codes(session, kept)


async def codes_left(session: AsyncSession, organiser_id: int) -> int:
    unused = (RecoveryCode.organiser_id == organiser_id, RecoveryCode.used_at.is_(None))
    return await session.scalar(select(func.count(RecoveryCode.code_hash)).where(*unused)) or 0


async def turn_off(session: AsyncSession, organiser_id: int, *, by: str) -> bool:
    """Their password alone lets them in again; False when it was off. `by` goes on record."""
    kept = await _locked(session, organiser_id)
    was_on = kept.totp_since is not None
    kept.totp_secret, kept.totp_since = "", None
    await session.execute(delete(RecoveryCode).where(RecoveryCode.organiser_id == kept.id))
    if was_on:
        said = f"Turned the second factor of {kept.email} off"
        await audit.note(session, by, said, organisation_id=kept.organisation_id)
    return was_on


async def _locked(session: AsyncSession, organiser_id: int) -> Organiser:
    """Nobody else spends a code of theirs meanwhile."""
    found = select(Organiser).where(Organiser.id == organiser_id).with_for_update()
    kept = await session.scalar(found.execution_options(populate_existing=True))
    if kept is None:
        raise Missing("organiser", str(organiser_id))
    return kept


def _step_of(kept: Organiser, code: str) -> int | None:
    """The step whose code this is, if it is later than the last that was used."""
    digits = "".join(code.split())
    if not kept.totp_secret or not (digits.isascii() and digits.isdecimal()):
        return None
    phone = pyotp.TOTP(kept.totp_secret)
    now = int(clock.now().timestamp()) // STEP
    fitting = [
        now + drift
        for drift in DRIFT
        if hmac.compare_digest(phone.generate_otp(now + drift), digits)
    ]
    return next((step for step in fitting if step > kept.totp_step), None)


async def _new_codes(session: AsyncSession, kept: Organiser) -> list[str]:
    await session.execute(delete(RecoveryCode).where(RecoveryCode.organiser_id == kept.id))
    codes = [_code() for _ in range(RECOVERY_CODES)]
    session.add_all(
        RecoveryCode(code_hash=_hash(kept.id, code), organiser_id=kept.id, used_at=None)
        for code in codes
    )
    await session.flush()
    return codes


def _code() -> str:
    """Eighty bits in four groups: abcd-efgh-ijkl-mnop."""
    letters = b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def _hash(organiser_id: int, code: str) -> str:
    plain = "".join(one for one in code.lower() if one.isalnum())
    return sha256(f"{organiser_id} {plain}".encode()).hexdigest()
