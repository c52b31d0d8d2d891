"""Mail to supporters: a lane of its own, first in line, limited per person."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, case, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app import clock
from app.models import Alert, Attempt, LetterStatus, Notice, NoticeKind, Submission
from app.outbox import suppressions
from app.outbox.claims import CRASHES

A_DAY = timedelta(days=1)
A_DAY_TO_ONE_PERSON = 3


@dataclass(frozen=True)
class NoticeClaim:
    """A notice that this worker holds, and the submission it is about."""

    notice: Notice
    submission: Submission


async def put(
    session: AsyncSession, submission: Submission, kind: NoticeKind, *, mail_domain: str
) -> bool:
    """Queue a notice, unless this person had enough of them today; tells which.

    At most three a day to one address, and one of them about duplicates: a form must not
    become a way to fill a stranger's mailbox.
    """
    since = clock.now() - A_DAY
    sent_to = select(func.count(Notice.id)).where(
        Notice.person_key == submission.person_key, Notice.created_at > since
    )
    if (await session.scalar(sent_to) or 0) >= A_DAY_TO_ONE_PERSON:
        return False
    same = sent_to.where(Notice.kind == NoticeKind.DUPLICATE)
    if kind is NoticeKind.DUPLICATE and await session.scalar(same):
        return False
    now = clock.now()
    await session.execute(
        insert(Notice).values(
            submission_id=submission.id,
            person_key=submission.person_key,
            kind=kind,
            status=LetterStatus.QUEUED,
            status_at=now,
            created_at=now,
            not_before=now,
            attempts=0,
            delivery=submission.delivery,
            message_id=f"<n.{secrets.token_hex(12)}@{mail_domain}>",
        )
    )
    return True


async def claim(
    session: AsyncSession, *, worker: str, delivery: str, limit: int, lease: timedelta
) -> list[NoticeClaim]:
    """Take up to `limit` due notices for this worker."""
    now = clock.now()
    due = and_(Notice.status == LetterStatus.QUEUED, Notice.not_before <= now)
    chosen = list(
        await session.scalars(
            select(Notice.id)
            .where(due, Notice.delivery == delivery)
            .order_by(Notice.not_before, Notice.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )
    if not chosen:
        return []
    await _update(
        session,
        Notice.id.in_(chosen),
        status=LetterStatus.SENDING,
        status_at=now,
        worker=worker,
        lease_until=now + lease,
        attempts=Notice.attempts + 1,
        first_attempt_at=func.coalesce(Notice.first_attempt_at, now),
    )
    return await _without_suppressed(session, await _load(session, chosen))


async def recover(session: AsyncSession) -> int:
    """Queue again what lost workers held; the third time without an attempt a person must look."""
    on_record = (
        select(func.count(Attempt.id))
        .where(Attempt.notice_id == Notice.id)
        .correlate(Notice)
        .scalar_subquery()
    )
    hopeless = Notice.attempts - on_record >= CRASHES
    return await _update(
        session,
        and_(Notice.status == LetterStatus.SENDING, Notice.lease_until < clock.now()),
        status=case((hopeless, LetterStatus.FAILED), else_=LetterStatus.QUEUED),
        status_at=clock.now(),
        worker="",
        lease_until=None,
    )


async def settle(
    session: AsyncSession,
    notice: Notice,
    *,
    worker: str,
    to: LetterStatus,
    wait: timedelta = timedelta(0),
) -> bool:
    """Write how an attempt ended, if this worker still holds the notice; tells whether it did."""
    held = and_(
        Notice.id == notice.id,
        Notice.status == LetterStatus.SENDING,
        Notice.worker == worker,
        Notice.attempts == notice.attempts,
    )
    now = clock.now()
    values: dict[str, Any] = {"status": to, "status_at": now, "worker": "", "lease_until": None}
    return await _update(session, held, not_before=now + wait, **values) == 1


async def give_back(session: AsyncSession, worker: str, notice_ids: Sequence[int]) -> None:
    """Return notices that were claimed and never begun."""
    held = and_(
        Notice.id.in_(notice_ids), Notice.worker == worker, Notice.status == LetterStatus.SENDING
    )
    await _update(
        session,
        held,
        status=LetterStatus.QUEUED,
        worker="",
        lease_until=None,
        attempts=Notice.attempts - 1,
        first_attempt_at=case((Notice.attempts > 1, Notice.first_attempt_at)),
    )


async def _update(session: AsyncSession, where: Any, **values: Any) -> int:
    statement = update(Notice).where(where).values(**values)
    result = await session.execute(statement.execution_options(synchronize_session=False))
    return int(result.rowcount)  # type: ignore[attr-defined]


async def _load(session: AsyncSession, notice_ids: Sequence[int]) -> list[NoticeClaim]:
    rows = await session.execute(
        select(Notice, Submission)
        .join(Submission, Submission.id == Notice.submission_id)
        .options(selectinload(Submission.alert).selectinload(Alert.campaign))
        .where(Notice.id.in_(notice_ids))
        .order_by(Notice.id)
    )
    return [NoticeClaim(notice, submission) for notice, submission in rows]


async def _without_suppressed(
    session: AsyncSession, claims: list[NoticeClaim]
) -> list[NoticeClaim]:
    barred = await suppressions.among(session, {claim.submission.email for claim in claims})
    stopped = [c.notice.id for c in claims if c.submission.email.casefold() in barred]
    if stopped:
        await _update(session, Notice.id.in_(stopped), status=LetterStatus.SUPPRESSED)
    return [claim for claim in claims if claim.notice.id not in stopped]


async def drop_for(session: AsyncSession, person_key: str) -> None:
    """Call back the notices to one person that have not left."""
    waiting = and_(Notice.person_key == person_key, Notice.status == LetterStatus.QUEUED)
    await _update(session, waiting, status=LetterStatus.CANCELLED)
