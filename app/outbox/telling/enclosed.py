"""The letters that a notice tells of, found when the notice is claimed and not before.

A letter fails for good at most once. Which notice told of it is a line of its own history: the
clocks of two machines, and a notice that has to be sent again, would make any moment lie.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.models import (
    AlertCountry,
    Attempt,
    Contact,
    Event,
    Letter,
    LetterStatus,
    LetterTemplate,
    Notice,
    NoticeKind,
    Returned,
    Submission,
    Target,
)
from app.wording.notices import Enclosed

FAILED_FOR_GOOD = (LetterStatus.REJECTED, LetterStatus.EXPIRED, LetterStatus.BOUNCED)
# what was confirmed and neither withdrawn nor held back from an address
COPIED = (
    LetterStatus.QUEUED,
    LetterStatus.SENDING,
    LetterStatus.HANDED_OVER,
    LetterStatus.ACCEPTED,
    LetterStatus.FAILED,
    *FAILED_FOR_GOOD,
)
TOLD = "told"  # what an event says of a letter that a failure notice tells of; `by` says which

ByNotice = dict[int, list[Enclosed]]


async def of_copies(session: AsyncSession, notices: Sequence[Notice]) -> ByNotice:
    """The letters of each copy among these notices."""
    copies = {one.submission_id: one.id for one in notices if one.kind == NoticeKind.COPY}
    if not copies:
        return {}
    found = await _load(
        session,
        Letter.submission_id.in_(copies),
        Letter.status.in_(COPIED),
        Letter.text_sha256 != "",
    )
    letters: ByNotice = defaultdict(list)
    for one in found:
        letters[copies[one.letter.submission_id]].append(one)
    return letters


async def of_failures(session: AsyncSession, notices: Sequence[Notice]) -> ByNotice:
    """The letters of each failure notice among these: when it is first claimed, all not yet told.

    Claimed again, the same ones: it may have arrived the first time.
    """
    failures = [one for one in notices if one.kind == NoticeKind.FAILED]
    if not failures:
        return {}
    await _tell(session, [one for one in failures if one.attempts == 1])
    by = {_told_by(one.id): one.id for one in failures}
    told = await session.execute(
        select(Event.letter_id, Event.by)
        .join(Letter, Letter.id == Event.letter_id)
        .where(
            Letter.submission_id.in_({one.submission_id for one in failures}),
            Event.what == TOLD,
            Event.by.in_(by),
        )
    )
    owner = {row.letter_id: by[row.by] for row in told}
    letters: ByNotice = defaultdict(list)
    for one in await _load(session, Letter.id.in_(owner)):
        letters[owner[one.letter.id]].append(one)
    return letters


def _told_by(notice_id: int) -> str:
    return f"notice {notice_id}"


async def _tell(session: AsyncSession, notices: Sequence[Notice]) -> None:
    """Write down which notice tells of which letter; of two for one form the first tells of all."""
    first = {one.submission_id: one.id for one in sorted(notices, key=lambda n: -n.id)}
    # two workers with a notice each for one form: the second waits here, and finds all told
    locked = select(Submission.id).where(Submission.id.in_(first)).order_by(Submission.id)
    await session.execute(locked.with_for_update(key_share=True))
    told = exists().where(Event.letter_id == Letter.id, Event.what == TOLD)
    untold = await session.execute(
        select(Letter.id, Letter.submission_id).where(
            Letter.submission_id.in_(first), Letter.status.in_(FAILED_FOR_GOOD), ~told
        )
    )
    lines = [
        {
            "letter_id": row.id,
            "at": clock.now(),
            "what": TOLD,
            "by": _told_by(first[row.submission_id]),
            "note": "",
        }
        for row in untold
    ]
    if lines:
        await session.execute(insert(Event), lines)


async def _load(session: AsyncSession, *where: ColumnElement[bool]) -> list[Enclosed]:
    """Letters with all that is needed to write them once more, in the order of their page."""
    rows = await session.execute(
        select(Letter, Target, LetterTemplate, AlertCountry, Contact.email, Attempt, Returned.reply)
        .add_columns(_in_doubt().label("in_doubt"))
        .join(Target, Target.id == Letter.target_id)
        .join(LetterTemplate, LetterTemplate.id == Letter.template_id)
        .join(
            AlertCountry,
            and_(AlertCountry.alert_id == Letter.alert_id, AlertCountry.country == Target.country),
        )
        .outerjoin(Contact, and_(Contact.target_id == Target.id, Contact.retired_at.is_(None)))
        .outerjoin(Attempt, Attempt.id == _newest(Attempt))
        .outerjoin(Returned, Returned.id == _newest(Returned, Returned.action == "failed"))
        .where(*where)
        .order_by(AlertCountry.position, Target.office, Letter.id)
    )
    return [_enclosed(*row) for row in rows]


def _enclosed(
    letter: Letter,
    target: Target,
    template: LetterTemplate,
    country: AlertCountry,
    address: str | None,
    last: Attempt | None,
    returned: str | None,
    in_doubt: bool,
) -> Enclosed:
    said = f"{last.code} {last.reply}".strip() if last and last.code else ""
    if letter.status == LetterStatus.BOUNCED:
        said = returned or ""
    return Enclosed(letter, target, template, country, address or "", said, bool(in_doubt))


def _in_doubt() -> ColumnElement[bool]:
    """An attempt broke off after the text had gone over: it may have arrived."""
    broke_off = exists().where(
        Attempt.letter_id == Letter.id, Attempt.began_data, Attempt.outcome == "deferred"
    )
    return broke_off.correlate(Letter)


def _newest(table: type[Attempt] | type[Returned], *where: ColumnElement[bool]) -> Any:
    return (
        select(func.max(table.id))
        .where(table.letter_id == Letter.id, *where)
        .correlate(Letter)
        .scalar_subquery()
    )
