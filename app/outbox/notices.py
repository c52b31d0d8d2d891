"""Mail to supporters and organisers: a lane of its own, first in line, limited per person.

What an unconfirmed form asks for is limited; what follows from a letter (the copy, a failure)
goes to an address that its owner confirmed, and is put by `follow`, each for its own reason once.
Organisers are told by `alarm` of a freeze that a refusal made, and asked by `invite` to join.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import (
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, selectinload

from app import clock
from app.db import insert_for
from app.models import Alert, Attempt, Freeze, Letter, LetterStatus, Notice, NoticeKind, Submission
from app.outbox import suppressions
from app.outbox.claims import AN_HOUR, CRASHES
from app.outbox.rows import among
from app.outbox.telling import alarms, enclosed, invitations, moved
from app.outbox.telling.alarms import AlarmClaim
from app.settings import Settings
from app.wording.notices import Enclosed, Moved

A_DAY = timedelta(days=1)
A_DAY_TO_ONE_PERSON = 3
# a notice waits for the letters of one form that leave, or fail, soon after the first
GATHERING = {NoticeKind.COPY: timedelta(seconds=10), NoticeKind.FAILED: timedelta(hours=1)}
LEFT = (LetterStatus.HANDED_OVER, LetterStatus.ACCEPTED)
# The forms of letters of which their supporters do not know yet; most have a copy. The kind is
# written out: a partial index serves what can be read in the statement. And the copy is joined:
# asked with EXISTS inside an OR, PostgreSQL reads every copy there is, for every group.
COPY = aliased(Notice)
NEWS = (
    select(Submission.id, Submission.person_key, Submission.delivery, Letter.status)
    .join(Letter, Letter.submission_id == Submission.id)
    .outerjoin(
        COPY,
        and_(COPY.submission_id == Letter.submission_id, COPY.kind == literal_column("'copy'")),
    )
    .where(
        among(Letter.id),
        or_(
            Letter.status.in_(enclosed.FAILED_FOR_GOOD),
            and_(Letter.status.in_(LEFT), COPY.id.is_(None)),
        ),
        Submission.erased_at.is_(None),
    )
    .distinct()
)
# anybody can have these sent to a stranger's address; the others go to a confirmed one
LIMITED = (NoticeKind.CONFIRM, NoticeKind.DUPLICATE)


@dataclass(frozen=True)
class NoticeClaim:
    """A notice that this worker holds, the submission it is about, and the letters it tells of,
    or the move that they were called off for."""

    notice: Notice
    submission: Submission
    letters: tuple[Enclosed, ...] = ()
    moved: Moved | None = None

    @property
    def to(self) -> Submission:
        return self.submission


To = TypeVar("To", NoticeClaim, AlarmClaim)


async def put(
    session: AsyncSession, submission: Submission, kind: NoticeKind, *, mail_domain: str
) -> bool:
    """Queue a notice, unless this person had enough of them today; tells which.

    At most three a day to one address, and one of them about duplicates: a form must not
    become a way to fill a stranger's mailbox.
    """
    since = clock.now() - A_DAY
    sent_to = select(func.count(Notice.id)).where(
        Notice.person_key == submission.person_key,
        Notice.created_at > since,
        Notice.kind.in_(LIMITED),
    )
    if (await session.scalar(sent_to) or 0) >= A_DAY_TO_ONE_PERSON:
        return False
    same = sent_to.where(Notice.kind == NoticeKind.DUPLICATE)
    if kind is NoticeKind.DUPLICATE and await session.scalar(same):
        return False
    row = _to_supporter(
        submission.id, submission.person_key, submission.delivery, kind, mail_domain
    )
    await session.execute(insert(Notice).values(row))
    return True


async def alarm(session: AsyncSession, freeze: Freeze, kind: NoticeKind, settings: Settings) -> int:
    """Tell each organiser whose letters a freeze holds back, once; gives how many are told."""
    whom = await alarms.whom(session, freeze, delivery=settings.delivery)
    rows = [
        _row(kind, settings.delivery, settings.mail_domain)
        | {"organiser_id": organiser_id, "freeze_id": freeze.id, "person_key": ""}
        for organiser_id in whom
    ]
    if rows:
        await session.execute(insert(Notice), rows)
    return len(rows)


async def invite(session: AsyncSession, organiser_id: int, settings: Settings) -> None:
    """Queue an invitation, unless one waits to leave already."""
    waiting = exists().where(
        Notice.organiser_id == organiser_id,
        Notice.kind == NoticeKind.INVITATION,
        Notice.status == LetterStatus.QUEUED,
        Notice.delivery == settings.delivery,
    )
    if not await session.scalar(select(waiting)):
        row = _row(NoticeKind.INVITATION, settings.delivery, settings.mail_domain)
        row |= {"organiser_id": organiser_id, "person_key": ""}
        await session.execute(insert(Notice).values(row))


async def follow(session: AsyncSession, letter_ids: Sequence[int], *, mail_domain: str) -> None:
    """Queue what follows when these letters changed their status in this transaction.

    The first letter that left: a copy of all, once for ever. A letter that will not arrive: one
    mail, which leaves an hour later and tells of all that failed until then. `failed` is our own
    fault: a person looks before anybody is told. At most three statements, however many letters.
    """
    found = (await session.execute(NEWS, {"ids": letter_ids})).all()
    if not found:
        return
    copies = {one.id: one for one in found if one.status in LEFT}
    failures = {one.id: one for one in found if one.status in enclosed.FAILED_FOR_GOOD}
    for submission_id in await _join_gathering(session, sorted(failures)):
        del failures[submission_id]
    rows = [
        _to_supporter(one.id, one.person_key, one.delivery, kind, mail_domain)
        for kind, news in ((NoticeKind.COPY, copies), (NoticeKind.FAILED, failures))
        for _, one in sorted(news.items())  # in one order: nobody waits for another in a circle
    ]
    if rows:
        await session.execute(insert_for(session)(Notice.__table__).on_conflict_do_nothing(), rows)


async def offer_anew(
    session: AsyncSession, move_id: int, letter_ids: Sequence[int], *, mail_domain: str
) -> None:
    """Write to the supporters of letters that a country's move called off: once for each form."""
    rows = [
        _to_supporter(one.id, one.person_key, one.delivery, NoticeKind.STAGE_MOVED, mail_domain)
        | {"freeze_id": one.freeze_id}
        for one in await moved.untold(session, move_id, letter_ids)
    ]
    if rows:
        await session.execute(insert(Notice), rows)


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
    to_supporters = await _load(session, chosen)
    about_forms = {one.notice.id for one in to_supporters}
    to_organisers = await _alarms(session, [one for one in chosen if one not in about_forms])
    to_supporters = await _with_letters(session, await _without_suppressed(session, to_supporters))
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
    return await _update(
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


async def _alarms(session: AsyncSession, notice_ids: Sequence[int]) -> list[AlarmClaim]:
    """Those to organisers; called off where somebody has let the letters go on meanwhile, or the
    invitation was taken back."""
    if not notice_ids:
        return []
    found = await alarms.claimed(session, notice_ids)
    found += await invitations.claimed(session, notice_ids)
    empty = set(notice_ids) - {one.notice.id for one in found}
    if empty:
        await _update(session, Notice.id.in_(empty), status=LetterStatus.CANCELLED)
    return await _without_suppressed(session, found)


async def _without_suppressed(session: AsyncSession, claims: list[To]) -> list[To]:
    barred = await suppressions.among(session, {claim.to.email for claim in claims})
    stopped = [c.notice.id for c in claims if c.to.email.casefold() in barred]
    if stopped:
        await _update(session, Notice.id.in_(stopped), status=LetterStatus.SUPPRESSED)
    return [claim for claim in claims if claim.notice.id not in stopped]


async def _with_letters(session: AsyncSession, claims: list[NoticeClaim]) -> list[NoticeClaim]:
    """Copies and failure notices with the letters they tell of; without any, they are called off.

    So are notices whose form was erased while another worker held them: nobody is left to write to.
    """
    letters = await enclosed.of_copies(session, [c.notice for c in claims])
    letters |= await enclosed.of_failures(session, [c.notice for c in claims])
    moves = await moved.of_notices(session, [c.notice for c in claims])
    told = [
        replace(one, letters=tuple(letters.get(one.notice.id, ())), moved=moves.get(one.notice.id))
        for one in claims
    ]
    empty = [
        one.notice.id
        for one in told
        if one.submission.erased_at
        or (one.notice.kind not in LIMITED and not (one.letters or one.moved))
    ]
    if empty:
        await _update(session, Notice.id.in_(empty), status=LetterStatus.CANCELLED)
    return [one for one in told if one.notice.id not in empty]


def _to_supporter(
    submission_id: int, person_key: str, delivery: str, kind: NoticeKind, mail_domain: str
) -> dict[str, Any]:
    row = _row(kind, delivery, mail_domain)
    return row | {"submission_id": submission_id, "person_key": person_key}


def _row(kind: NoticeKind, delivery: str, mail_domain: str) -> dict[str, Any]:
    now = clock.now()
    return {
        "kind": kind,
        "status": LetterStatus.QUEUED,
        "status_at": now,
        "created_at": now,
        "not_before": now + GATHERING.get(kind, timedelta()),
        "attempts": 0,
        "delivery": delivery,
        "message_id": f"<n.{secrets.token_hex(12)}@{mail_domain}>",
    }


async def _join_gathering(session: AsyncSession, submission_ids: list[int]) -> list[int]:
    """Those of the forms whose next failure notice nobody has claimed: it will tell of these too.

    Changed, and so locked until the letters' new status is committed: a worker that claims it
    finds them, and one that had claimed it before is seen.
    """
    if not submission_ids:
        return []
    joined = (
        update(Notice)
        .where(
            Notice.submission_id.in_(submission_ids),
            Notice.kind == NoticeKind.FAILED,
            Notice.person_key.in_(
                select(Submission.person_key).where(Submission.id.in_(submission_ids))
            ),
            Notice.status == LetterStatus.QUEUED,
            Notice.attempts == 0,
        )
        .values(status=LetterStatus.QUEUED)
        .returning(Notice.submission_id)
        .execution_options(synchronize_session=False)
    )
    return list(dict.fromkeys(await session.scalars(joined)))


async def drop_for(session: AsyncSession, person_key: str) -> None:
    """Call back the notices to one person that have not left."""
    waiting = and_(Notice.person_key == person_key, Notice.status == LetterStatus.QUEUED)
    await _update(session, waiting, status=LetterStatus.CANCELLED)


async def forget_waiting(session: AsyncSession, alert_id: int) -> None:
    """Remove the notices about one alert that wait, as if they had never been put."""
    about = select(Submission.id).where(Submission.alert_id == alert_id)
    waiting = and_(Notice.submission_id.in_(about), Notice.status == LetterStatus.QUEUED)
    await session.execute(delete(Notice).where(waiting))
