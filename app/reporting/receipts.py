"""What became of one supporter's letters: status, the server's own words, the history."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Attempt, Contact, Event, Letter, LetterStatus, Target
from app.outbox import freezes
from app.settings import Delivery

NOT_YET_LEFT = frozenset({LetterStatus.HELD, LetterStatus.QUEUED})


@dataclass(frozen=True)
class HistoryLine:
    """A status reached, or what else happened, and why."""

    at: datetime
    what: str
    note: str


@dataclass(frozen=True)
class LetterLine:
    """One letter as its supporter sees it.

    `frozen`: an organiser holds it back. `unchecked`: a live letter that waits until an organiser
    has checked the office's address. `last`: the last attempt.
    """

    letter_id: int
    country: str
    office: str
    institution: str
    status: str
    status_at: datetime
    not_before: datetime
    attempts: int
    frozen: bool
    unchecked: bool
    last: Attempt | None
    events: list[HistoryLine] = field(default_factory=list)


async def of_submission(session: AsyncSession, submission_id: int) -> list[LetterLine]:
    """The letters of one submission by country and office: two queries, however many letters."""
    rows = await session.execute(
        select(Letter, Target, Contact, Attempt, freezes.in_force().label("frozen"))
        .join(Target, Target.id == Letter.target_id)
        .outerjoin(Contact, and_(Contact.target_id == Target.id, Contact.retired_at.is_(None)))
        .outerjoin(Attempt, Attempt.id == _last_attempt_id())
        .where(Letter.submission_id == submission_id)
        .order_by(Target.country, Target.office, Letter.id)
    )
    lines = [_line(*row) for row in rows]
    await _tell_history(session, lines)
    return lines


def _line(
    letter: Letter, target: Target, contact: Contact | None, last: Attempt | None, frozen: bool
) -> LetterLine:
    waits = letter.status in NOT_YET_LEFT
    checked = contact is not None and contact.checked_on is not None
    return LetterLine(
        letter_id=letter.id,
        country=target.country,
        office=target.office,
        institution=target.institution,
        status=letter.status,
        status_at=letter.status_at,
        not_before=letter.not_before,
        attempts=letter.attempts,
        frozen=waits and frozen,
        unchecked=waits and letter.delivery == Delivery.LIVE and not checked,
        last=last,
    )


async def _tell_history(session: AsyncSession, lines: Sequence[LetterLine]) -> None:
    histories = {line.letter_id: line.events for line in lines}
    events = await session.scalars(
        select(Event).where(Event.letter_id.in_(histories)).order_by(Event.at, Event.id)
    )
    for event in events:
        histories[event.letter_id].append(HistoryLine(event.at, event.what, event.note))


def _last_attempt_id() -> Any:
    return (
        select(func.max(Attempt.id))
        .where(Attempt.letter_id == Letter.id)
        .correlate(Letter)
        .scalar_subquery()
    )
