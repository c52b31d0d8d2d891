"""Workers claim letters for a limited time, and what a lost worker held comes back.

The claim is durable before anybody dials. A letter whose lease ran out may have been sent by
the worker that died: it goes again under the same Message-ID (at least once, and we say so).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import and_, bindparam, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.models import (
    AlertCountry,
    Attempt,
    Contact,
    Letter,
    LetterStatus,
    LetterTemplate,
    Notice,
    Submission,
    Target,
)
from app.outbox import queue
from app.outbox.pacing import lanes, turns
from app.outbox.pacing.lanes import Lane
from app.settings import Delivery, Settings

CRASHES = 3  # claims without an attempt on record, after which a person must look
AN_HOUR = timedelta(hours=1)
SUPPRESSED_AT_ONCE = 500


# What sending reads, as rows: nobody changes them in a worker's hands, and objects would cost
# more than everything else that happens to a letter.
LETTERS = (
    select(
        Letter.id,
        Letter.submission_id,
        Letter.alert_id,
        Letter.target_id,
        Letter.template_id,
        Letter.message_id,
        Letter.delivery,
        Letter.stage,
        Letter.text_sha256,
        Letter.attempts,
        Letter.first_attempt_at,
        Letter.lease_until,
    )
    .where(Letter.id.in_(bindparam("ids", expanding=True)))
    .order_by(Letter.not_before, Letter.id)
)
SUBMISSIONS = select(
    Submission.id,
    Submission.name,
    Submission.email,
    Submission.city,
    Submission.country,
    Submission.postal_address,
    Submission.own_words,
    Submission.subject,
    Submission.variant_seed,
).where(Submission.id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True)
class Claim:
    """A letter that this worker holds, with all that is needed to write and send it.

    Letter and submission are rows of what sending reads (`LETTERS`, `SUBMISSIONS`), not to be
    changed.
    """

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
    settings: Settings,
) -> list[Claim]:
    """Take up to `limit` letters that are due and within pacing.

    Wants a session that has not read these letters before: it would give them as they were.
    """
    waiting = await lanes.of_delivery(session, delivery)
    await _suppress(session, [lane for lane in waiting if lane.suppressed], delivery, worker)
    waiting = [lane for lane in waiting if not lane.suppressed]
    if settings.paced:
        chosen = await turns.take(session, waiting, delivery, limit, settings)
    else:
        chosen = await turns.share_out(session, waiting, delivery, limit)
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
    await _fail_rest(session, worker, {row.id for row in moved}, claims)
    return claims if delivery != Delivery.LIVE else await _checked(session, worker, claims)


async def renew(
    session: AsyncSession,
    table: type[Letter | Notice],
    worker: str,
    ids: Sequence[int],
    lease: timedelta,
) -> set[tuple[int, int]]:
    """Hold on to these letters or notices; gives those that are this worker's still, each with
    the number of its attempt."""
    if not ids:
        return set()
    ours = (table.id.in_(ids), table.status == LetterStatus.SENDING, table.worker == worker)
    # none that is being settled at this moment: two transactions would wait for each other
    free = select(table.id).where(*ours).with_for_update(skip_locked=True)
    await session.execute(
        update(table)
        .where(table.id.in_(free))
        .values(lease_until=clock.now() + lease)
        .execution_options(synchronize_session=False)
    )
    found = await session.execute(select(table.id, table.attempts).where(*ours))
    return {(row.id, row.attempts) for row in found}


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


def _attempts_on_record() -> Any:
    return (
        select(func.count(Attempt.id))
        .where(Attempt.letter_id == Letter.id)
        .correlate(Letter)
        .scalar_subquery()
    )


async def _fail_rest(
    session: AsyncSession, worker: str, letter_ids: set[int], claims: list[Claim]
) -> None:
    """Else they would be claimed over and over, and hold back whoever is claimed with them."""
    rest = letter_ids - {one.letter.id for one in claims}
    if not rest:
        return
    await queue.move(
        session,
        [Letter.id.in_(rest)],
        frm=LetterStatus.SENDING,
        to=LetterStatus.FAILED,
        by=worker,
        note="its alert no longer writes to that country, or its office has no address",
        values={"worker": "", "lease_until": None},
    )


async def _checked(session: AsyncSession, worker: str, claims: list[Claim]) -> list[Claim]:
    """Give back what goes to an address that was replaced since the choice: nobody checked it."""
    unchecked = [one.letter.id for one in claims if one.contact.checked_on is None]
    await give_back(session, worker, unchecked)
    return [one for one in claims if one.contact.checked_on]


async def _load(session: AsyncSession, letter_ids: Sequence[int]) -> list[Claim]:
    """The letters with what they need; what many share is read once."""
    letters = (await session.execute(LETTERS, {"ids": letter_ids})).all()
    submission_ids = {letter.submission_id for letter in letters}
    rows = await session.execute(SUBMISSIONS, {"ids": list(submission_ids)})
    submissions = {row.id: row for row in rows}
    offices = await _offices(session, {letter.target_id for letter in letters})
    templates = await _templates(session, {letter.template_id for letter in letters})
    countries = await _countries(session, {letter.alert_id for letter in letters})
    claims = []
    for letter in letters:
        target, contact = offices.get(letter.target_id, (None, None))
        country = countries.get((letter.alert_id, target.country)) if target else None
        if target and contact and country:
            claims.append(
                Claim(
                    cast(Letter, letter),
                    cast(Submission, submissions[letter.submission_id]),
                    target,
                    contact,
                    templates[letter.template_id],
                    country,
                )
            )
    return claims


async def _offices(
    session: AsyncSession, target_ids: Collection[int]
) -> dict[int, tuple[Target, Contact]]:
    rows = await session.execute(
        select(Target, Contact)
        .join(Contact, and_(Contact.target_id == Target.id, Contact.retired_at.is_(None)))
        .where(Target.id.in_(target_ids))
    )
    return {target.id: (target, contact) for target, contact in rows}


async def _templates(
    session: AsyncSession, template_ids: Collection[int]
) -> dict[int, LetterTemplate]:
    found = await session.scalars(select(LetterTemplate).where(LetterTemplate.id.in_(template_ids)))
    return {one.id: one for one in found}


async def _countries(
    session: AsyncSession, alert_ids: Collection[int]
) -> dict[tuple[int, str], AlertCountry]:
    found = await session.scalars(select(AlertCountry).where(AlertCountry.alert_id.in_(alert_ids)))
    return {(one.alert_id, one.country): one for one in found}


async def _suppress(session: AsyncSession, barred: list[Lane], delivery: str, worker: str) -> None:
    """End the letters to addresses that must not be written to, a share at a time."""
    for lane in barred:
        await queue.move(
            session,
            [Letter.id.in_(await lanes.first(session, delivery, [lane], SUPPRESSED_AT_ONCE))],
            frm=LetterStatus.QUEUED,
            to=LetterStatus.SUPPRESSED,
            by=worker,
            note=lane.suppressed or "",
        )
