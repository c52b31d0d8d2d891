"""Mail to supporters and organisers: a lane of its own, first in line, limited per person.

What an unconfirmed form asks for is limited; what follows from a letter (the copy, a failure)
goes to an address that its owner confirmed, and is put by `follow`, each for its own reason once.
Organisers are told by `alarm` of a freeze that a refusal made, and asked by `invite` to join.
"""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, delete, exists, insert, literal_column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app import clock
from app.db import insert_for
from app.models import Freeze, Letter, LetterStatus, Notice, NoticeKind, Submission
from app.outbox.rows import among
from app.outbox.telling import alarms, enclosed, limits, moved, reminders
from app.outbox.telling.claiming import NoticeClaim, change, claim, give_back, recover, settle
from app.settings import TRIED_OUT, Settings

__all__ = [
    "GATHERING",
    "NoticeClaim",
    "alarm",
    "ask_again",
    "claim",
    "drop_for",
    "follow",
    "forget_waiting",
    "give_back",
    "invite",
    "offer_anew",
    "put",
    "recover",
    "remind",
    "settle",
]

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


async def put(
    session: AsyncSession, submission: Submission, kind: NoticeKind, *, mail_domain: str
) -> bool:
    """Queue a notice, unless this person had enough of them today; tells which.

    At most three a day to one address, and one of them about duplicates: a form must not
    become a way to fill a stranger's mailbox.
    """
    today = limits.today(submission.person_key)
    if (await session.scalar(today) or 0) >= limits.A_DAY_TO_ONE_PERSON:
        return False
    same = today.where(Notice.kind == NoticeKind.DUPLICATE)
    if kind is NoticeKind.DUPLICATE and await session.scalar(same):
        return False
    row = _to_supporter(
        submission.id, submission.person_key, submission.delivery, kind, mail_domain
    )
    await session.execute(insert(Notice).values(row))
    return True


async def ask_again(session: AsyncSession, submission: Submission, *, mail_domain: str) -> bool:
    """Queue the request to confirm once more, unless one waits to leave already or this person
    had enough today; tells which."""
    waiting = exists().where(
        Notice.submission_id == submission.id,
        Notice.person_key == submission.person_key,
        Notice.kind == NoticeKind.CONFIRM,
        Notice.status == LetterStatus.QUEUED,
    )
    if await session.scalar(select(waiting)):
        return False
    return await put(session, submission, NoticeKind.CONFIRM, mail_domain=mail_domain)


async def remind(
    session: AsyncSession, settings: Settings, *, waited: timedelta, limit: int = 500
) -> int:
    """Remind once of forms that were not confirmed within a day; gives how many were put.

    `waited`: how long letters wait from the form on. The index over reminders decides, not a
    look at them: several workers do this at once.
    """
    deliveries = (settings.delivery, *TRIED_OUT)
    rows = [
        _to_supporter(
            one.id, one.person_key, one.delivery, NoticeKind.REMINDER, settings.mail_domain
        )
        for one in await reminders.due(session, deliveries=deliveries, waited=waited, limit=limit)
    ]
    if not rows:
        return 0
    put = insert_for(session)(Notice.__table__).on_conflict_do_nothing()
    return len((await session.execute(put.returning(Notice.__table__.c.id), rows)).all())


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


async def drop_for(session: AsyncSession, person_key: str, delivery: str = "") -> None:
    """Call back the notices to one person that have not left; `delivery`: only those under it."""
    waiting = and_(Notice.person_key == person_key, Notice.status == LetterStatus.QUEUED)
    waiting = and_(waiting, Notice.delivery == delivery) if delivery else waiting
    await change(session, waiting, status=LetterStatus.CANCELLED)


async def forget_waiting(session: AsyncSession, alert_id: int) -> None:
    """Remove the notices about one alert that wait, as if they had never been put."""
    about = select(Submission.id).where(Submission.alert_id == alert_id)
    waiting = and_(Notice.submission_id.in_(about), Notice.status == LetterStatus.QUEUED)
    await session.execute(delete(Notice).where(waiting))
