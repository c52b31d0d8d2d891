"""The worker's side of notices: take what is due, with all that it tells of, and give it back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import and_, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app import clock
from app.models import Alert, AlertCountry, Attempt, LetterStatus, Notice, NoticeKind, Submission
from app.outbox import suppressions
from app.outbox.claims import AN_HOUR, CRASHES
from app.outbox.telling import alarms, enclosed, invitations, moved, reminders
from app.outbox.telling.alarms import AlarmClaim
from app.wording.notices import Enclosed, Moved

# these tell of letters, or of a move; with neither there is nothing to say
OF_LETTERS = (NoticeKind.COPY, NoticeKind.FAILED, NoticeKind.STAGE_MOVED)


@dataclass(frozen=True)
class NoticeClaim:
    """A notice that this worker holds, the submission it is about, and the letters it tells of,
    or the move that they were called off for.

    `waiting`: when it asks to confirm, the country of each letter that waits for it.
    """

    notice: Notice
    submission: Submission
    letters: tuple[Enclosed, ...] = ()
    moved: Moved | None = None
    waiting: tuple[AlertCountry, ...] = ()

    @property
    def to(self) -> Submission:
        return self.submission


To = TypeVar("To", NoticeClaim, AlarmClaim)


async def claim(
    session: AsyncSession, *, worker: str, delivery: str, limit: int, lease: timedelta
) -> list[NoticeClaim | AlarmClaim]:
    """Take up to `limit` due notices for this worker; what has nothing to tell is called back."""
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
    await change(
        session,
        Notice.id.in_(chosen),
        status=LetterStatus.SENDING,
        status_at=now,
        worker=worker,
        lease_until=now + lease,
        attempts=Notice.attempts + 1,
        first_attempt_at=func.coalesce(Notice.first_attempt_at, now),
    )
    to_supporters = await _load(session, chosen)
    about_forms = {one.notice.id for one in to_supporters}
    to_organisers = await _alarms(
        session, [one for one in chosen if one not in about_forms], delivery
    )
    to_supporters = await _with_letters(
        session, await _without_suppressed(session, to_supporters, delivery)
    )
    return [*to_organisers, *to_supporters]


async def recover(session: AsyncSession) -> int:
    """Queue again what lost workers held; gives how many.

    As with letters: one that lost its worker before goes an hour ahead, for it may be what kills
    workers; the third time without an attempt on record a person must look.
    """
    on_record = (
        select(func.count(Attempt.id))
        .where(Attempt.notice_id == Notice.id)
        .correlate(Notice)
        .scalar_subquery()
    )
    unrecorded = Notice.attempts - on_record
    return await change(
        session,
        and_(Notice.status == LetterStatus.SENDING, Notice.lease_until < clock.now()),
        status=case((unrecorded >= CRASHES, LetterStatus.FAILED), else_=LetterStatus.QUEUED),
        status_at=clock.now(),
        not_before=case((unrecorded > 1, clock.now() + AN_HOUR), else_=Notice.not_before),
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
    return await change(session, held, not_before=now + wait, **values) == 1


async def give_back(
    session: AsyncSession,
    worker: str,
    notice_ids: Sequence[int],
    *,
    wait: timedelta | None = None,
) -> None:
    """Return notices that were claimed and never begun. `wait`: others go first."""
    later = {} if wait is None else {"not_before": clock.now() + wait}
    held = and_(
        Notice.id.in_(notice_ids), Notice.worker == worker, Notice.status == LetterStatus.SENDING
    )
    await change(
        session,
        held,
        status=LetterStatus.QUEUED,
        worker="",
        lease_until=None,
        attempts=Notice.attempts - 1,
        first_attempt_at=case((Notice.attempts > 1, Notice.first_attempt_at)),
        **later,
    )


async def change(session: AsyncSession, where: Any, **values: Any) -> int:
    """Change the notices that this is true of; gives how many."""
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


async def _alarms(
    session: AsyncSession, notice_ids: Sequence[int], delivery: str
) -> list[AlarmClaim]:
    """Those to organisers; called off where somebody has let the letters go on meanwhile, or the
    invitation was taken back."""
    if not notice_ids:
        return []
    found = await alarms.claimed(session, notice_ids)
    found += await invitations.claimed(session, notice_ids)
    empty = set(notice_ids) - {one.notice.id for one in found}
    if empty:
        await change(session, Notice.id.in_(empty), status=LetterStatus.CANCELLED)
    return await _without_suppressed(session, found, delivery)


async def _without_suppressed(session: AsyncSession, claims: list[To], delivery: str) -> list[To]:
    barred = await suppressions.among(session, {claim.to.email for claim in claims}, delivery)
    stopped = [c.notice.id for c in claims if c.to.email.casefold() in barred]
    if stopped:
        await change(session, Notice.id.in_(stopped), status=LetterStatus.SUPPRESSED)
    return [claim for claim in claims if claim.notice.id not in stopped]


async def _with_letters(session: AsyncSession, claims: list[NoticeClaim]) -> list[NoticeClaim]:
    """Each with what it tells of; those that have nothing to tell any more are called off.

    So are notices whose form was erased while another worker held them: nobody is left to write to.
    """
    rows = [one.notice for one in claims]
    letters = await enclosed.of_copies(session, rows)
    letters |= await enclosed.of_failures(session, rows)
    moves = await moved.of_notices(session, rows)
    waiting = await reminders.countries(session, rows)
    told = [
        replace(
            one,
            letters=tuple(letters.get(one.notice.id, ())),
            moved=moves.get(one.notice.id),
            waiting=tuple(waiting.get(one.notice.id, ())),
        )
        for one in claims
    ]
    reminding = await reminders.standing(session, rows)
    empty = [one.notice.id for one in told if not _tells(one, reminding)]
    if empty:
        await change(session, Notice.id.in_(empty), status=LetterStatus.CANCELLED)
    return [one for one in told if one.notice.id not in empty]


def _tells(one: NoticeClaim, reminding: set[int]) -> bool:
    if one.submission.erased_at:
        return False
    if one.notice.kind == NoticeKind.REMINDER:
        return one.notice.id in reminding
    return one.notice.kind not in OF_LETTERS or bool(one.letters or one.moved)
