"""Workers claim letters for a limited time, and what a lost worker held comes back.

The claim is durable before anybody dials. A letter whose lease ran out may have been sent by
the worker that died: it goes again under the same Message-ID (at least once, and we say so).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.models import (
    AlertCountry,
    Attempt,
    Contact,
    Letter,
    LetterStatus,
    LetterTemplate,
    Submission,
    Suppression,
    Target,
)
from app.outbox import freezes, queue
from app.outbox.pacing import turns
from app.settings import Delivery

CRASHES = 3  # claims without an attempt on record, after which a person must look
AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Claim:
    """A letter that this worker holds, with all that is needed to write and send it."""

    letter: Letter
    submission: Submission
    target: Target
    contact: Contact
    template: LetterTemplate
    country: AlertCountry


async def claim(
    session: AsyncSession,
    *,
    worker: str,
    delivery: str,
    limit: int,
    lease: timedelta,
    every: timedelta | None,
) -> list[Claim]:
    """Take up to `limit` due letters for this worker. `every`: the pace of one mailbox, or None.

    Wants a session that has not read these letters before: it would give them as they were.
    """
    chosen = (
        await _unpaced(session, delivery, limit)
        if every is None
        else await _paced(session, delivery, limit, every)
    )
    chosen = await _suppress(session, chosen, worker)
    if not chosen:
        return []
    now = clock.now()
    mine = {
        "worker": worker,
        "lease_until": now + lease,
        "attempts": Letter.attempts + 1,
        "first_attempt_at": func.coalesce(Letter.first_attempt_at, now),
    }
    moved = await queue.move(
        session,
        [Letter.id.in_(chosen)],
        frm=LetterStatus.QUEUED,
        to=LetterStatus.SENDING,
        by=worker,
        values=mine,
    )
    claims = await _load(session, [row.id for row in moved])
    return claims if delivery != Delivery.LIVE else await _checked(session, worker, claims)


async def give_back(session: AsyncSession, worker: str, letter_ids: Sequence[int]) -> None:
    """Return letters that were claimed and never begun, as if they had not been touched."""
    if not letter_ids:
        return
    await queue.move(
        session,
        [Letter.id.in_(letter_ids), Letter.worker == worker],
        frm=LetterStatus.SENDING,
        to=LetterStatus.QUEUED,
        by=worker,
        note="not begun; given back",
        values={
            "worker": "",
            "lease_until": None,
            "attempts": Letter.attempts - 1,
            # or patience would run from an attempt that never was
            "first_attempt_at": case((Letter.attempts > 1, Letter.first_attempt_at)),
        },
    )


async def recover(session: AsyncSession, *, by: str) -> int:
    """Queue again what lost workers held; gives how many.

    A letter that lost its worker before goes an hour ahead first: if it is what kills workers,
    it would otherwise be first in line after every restart. The third time a person must look.
    """
    lost = [Letter.lease_until < clock.now()]
    unrecorded = Letter.attempts - _attempts_on_record()
    free = {"worker": "", "lease_until": None}
    steps: list[tuple[Any, LetterStatus, datetime]] = [
        (unrecorded >= CRASHES, LetterStatus.FAILED, clock.now()),
        (unrecorded > 1, LetterStatus.QUEUED, clock.now() + AN_HOUR),
        (unrecorded <= 1, LetterStatus.QUEUED, clock.now()),
    ]
    n = 0
    for condition, to, not_before in steps:
        moved = await queue.move(
            session,
            [*lost, condition],
            frm=LetterStatus.SENDING,
            to=to,
            by=by,
            note="its worker was lost; it may have been sent",
            values=free | {"not_before": not_before},
        )
        n += len(moved)
    return n


async def _unpaced(session: AsyncSession, delivery: str, limit: int) -> list[int]:
    statement = _due(delivery).order_by(Letter.not_before, Letter.id).limit(limit)
    return list(await session.scalars(statement))


async def _paced(session: AsyncSession, delivery: str, limit: int, every: timedelta) -> list[int]:
    """One letter for each mailbox whose moment has come: the letter first, then the moment,
    so that a mailbox whose letters are all frozen spends nothing."""
    chosen: list[int] = []
    for email in await turns.due_mailboxes(session, delivery):
        if len(chosen) == limit:
            break
        first = _due(delivery).where(func.lower(Contact.email) == email)
        letter_id = await session.scalar(first.order_by(Letter.not_before, Letter.id).limit(1))
        if letter_id and await turns.take(session, email, every=every):
            chosen.append(letter_id)
    return chosen


def _due(delivery: str) -> Select[int]:
    """Letters that may leave now: due, of this delivery, not frozen, and checked if it is live."""
    statement = (
        select(Letter.id)
        .join(Contact, and_(Contact.target_id == Letter.target_id, Contact.retired_at.is_(None)))
        .where(
            Letter.status == LetterStatus.QUEUED,
            Letter.delivery == delivery,
            Letter.not_before <= clock.now(),
            ~freezes.in_force(),
        )
        .with_for_update(skip_locked=True, of=Letter)
    )
    if delivery == Delivery.LIVE:
        statement = statement.where(Contact.checked_on.is_not(None))
    return statement


def _attempts_on_record() -> Any:
    return (
        select(func.count(Attempt.id))
        .where(Attempt.letter_id == Letter.id)
        .correlate(Letter)
        .scalar_subquery()
    )


async def _checked(session: AsyncSession, worker: str, claims: list[Claim]) -> list[Claim]:
    """Give back what goes to an address that was replaced since the choice: nobody checked it."""
    unchecked = [one.letter.id for one in claims if one.contact.checked_on is None]
    await give_back(session, worker, unchecked)
    return [one for one in claims if one.contact.checked_on]


async def _load(session: AsyncSession, letter_ids: Sequence[int]) -> list[Claim]:
    rows = await session.execute(
        select(Letter, Submission, Target, Contact, LetterTemplate, AlertCountry)
        .join(Submission, Submission.id == Letter.submission_id)
        .join(Target, Target.id == Letter.target_id)
        .join(Contact, and_(Contact.target_id == Target.id, Contact.retired_at.is_(None)))
        .join(LetterTemplate, LetterTemplate.id == Letter.template_id)
        .join(
            AlertCountry,
            and_(AlertCountry.alert_id == Letter.alert_id, AlertCountry.country == Target.country),
        )
        .where(Letter.id.in_(letter_ids))
        .order_by(Letter.not_before, Letter.id)
    )
    return [Claim(*row) for row in rows]


async def _suppress(session: AsyncSession, chosen: list[int], worker: str) -> list[int]:
    """End those of the chosen letters whose address must not be written to; gives the others."""
    barred = await session.execute(
        select(Letter.id, Suppression.why)
        .join(Contact, and_(Contact.target_id == Letter.target_id, Contact.retired_at.is_(None)))
        .join(Suppression, Suppression.email == func.lower(Contact.email))
        .where(Letter.id.in_(chosen))
    )
    reasons = {row.id: row.why for row in barred}
    for letter_id, why in reasons.items():
        await queue.move(
            session,
            [Letter.id == letter_id],
            frm=LetterStatus.QUEUED,
            to=LetterStatus.SUPPRESSED,
            by=worker,
            note=why,
        )
    return [letter_id for letter_id in chosen if letter_id not in reasons]
