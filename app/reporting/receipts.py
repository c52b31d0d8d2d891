"""What became of one supporter's letters: status, the servers' own words, the history."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.errors import Missing, TemplateBroken
from app.models import (
    AlertCountry,
    Attempt,
    Contact,
    Event,
    Letter,
    LetterStatus,
    LetterTemplate,
    Returned,
    Submission,
    Target,
)
from app.outbox import freezes
from app.settings import Delivery
from app.wording import render
from app.wording.render import LetterText

NOT_YET_LEFT = frozenset({LetterStatus.HELD, LetterStatus.QUEUED})
# what servers reported; answers of people are passed on and never shown
REPORTS = ("report", "bounce")


@dataclass(frozen=True)
class HistoryLine:
    """A status reached, or what else happened, and why."""

    at: datetime
    what: str
    note: str


@dataclass(frozen=True)
class LetterLine:
    """One letter as its supporter sees it.

    `sealed`: it was confirmed, so there is a receipt to print. `frozen`: an organiser holds it
    back. `unchecked`: a live letter that waits until an organiser has checked the office's
    address. `tries`: attempts on record. `last`: the last attempt; `taken`: the last one that a
    server took. `in_doubt`: nobody is known to have taken it, and yet an attempt broke off after
    the text had gone over: it may have arrived.
    """

    letter_id: int
    country: str
    office: str
    institution: str
    institution_local: str
    status: str
    status_at: datetime
    not_before: datetime
    sealed: bool
    frozen: bool
    unchecked: bool
    tries: int
    last: Attempt | None
    taken: Attempt | None
    in_doubt: bool
    events: list[HistoryLine] = field(default_factory=list)


@dataclass(frozen=True)
class Receipt:
    """All that is known of one letter, to be printed or shown to a person who doubts.

    `address`: where the last attempt went, or where the next one goes. `text`: as it was
    confirmed; None when it cannot be written so any more.
    """

    line: LetterLine
    submission_id: int
    alert_id: int
    delivery: str
    message_id: str
    address: str
    name: str
    language: str
    text: LetterText | None
    attempts: list[Attempt]
    returned: list[Returned]


async def of_submission(session: AsyncSession, submission_id: int) -> list[LetterLine]:
    """The letters of one submission by country and office: two queries, however many letters."""
    return await _lines(session, Letter.submission_id == submission_id)


async def of_letter(session: AsyncSession, letter_id: int) -> Receipt:
    """The receipt of one letter. Raises Missing for one that is not there or not confirmed."""
    found = await session.execute(
        select(Letter, Submission, Target, LetterTemplate, AlertCountry, Contact.email)
        .join(Submission, Submission.id == Letter.submission_id)
        .join(Target, Target.id == Letter.target_id)
        .join(LetterTemplate, LetterTemplate.id == Letter.template_id)
        .join(
            AlertCountry,
            and_(AlertCountry.alert_id == Letter.alert_id, AlertCountry.country == Target.country),
        )
        .outerjoin(Contact, _current_contact())
        .where(Letter.id == letter_id, Letter.text_sha256 != "")
    )
    row = found.one_or_none()
    if row is None:
        raise Missing("letter")
    letter, submission, target, template, country, address = row
    (line,) = await _lines(session, Letter.id == letter_id)
    return Receipt(
        line=line,
        submission_id=submission.id,
        alert_id=letter.alert_id,
        delivery=letter.delivery,
        message_id=letter.message_id,
        address=(line.taken or line.last).address if line.last else address or "",
        name=submission.name,
        language=template.language,
        text=_as_confirmed(letter, submission, target, template, country),
        attempts=await _all_of(session, Attempt, Attempt.letter_id == letter_id),
        returned=await _all_of(
            session, Returned, Returned.letter_id == letter_id, Returned.kind.in_(REPORTS)
        ),
    )


def _as_confirmed(
    letter: Letter,
    submission: Submission,
    target: Target,
    template: LetterTemplate,
    country: AlertCountry,
) -> LetterText | None:
    try:
        return render.confirmed(letter, submission, target, template, country)
    except TemplateBroken:
        return None


async def _all_of(session: AsyncSession, table: Any, *where: ColumnElement[bool]) -> list[Any]:
    return list(await session.scalars(select(table).where(*where).order_by(table.id)))


async def _lines(session: AsyncSession, where: ColumnElement[bool]) -> list[LetterLine]:
    lines = [_line(*row) for row in await session.execute(_by_office().where(where))]
    await _tell_history(session, lines)
    return lines


@cache  # it takes longer to write than to run, and open pages of letters ask it again and again
def _by_office() -> Select[Any]:
    """Letters with all that a line says of each, by country and office."""
    taken = aliased(Attempt)
    return (
        select(Letter, Target, Contact, Attempt, taken)
        .add_columns(freezes.in_force(), _tries(), _broke_off())
        .join(Target, Target.id == Letter.target_id)
        .outerjoin(Contact, _current_contact())
        .outerjoin(Attempt, Attempt.id == _last_attempt())
        .outerjoin(taken, taken.id == _last_attempt(outcome="taken"))
        .order_by(Target.country, Target.office, Letter.id)
    )


def _line(
    letter: Letter,
    target: Target,
    contact: Contact | None,
    last: Attempt | None,
    taken: Attempt | None,
    frozen: bool,
    tries: int,
    broke_off: bool,
) -> LetterLine:
    waits = letter.status in NOT_YET_LEFT
    checked = contact is not None and contact.checked_on is not None
    return LetterLine(
        letter_id=letter.id,
        country=target.country,
        office=target.office,
        institution=target.institution,
        institution_local=target.institution_local,
        status=letter.status,
        status_at=letter.status_at,
        not_before=letter.not_before,
        sealed=bool(letter.text_sha256),
        frozen=waits and frozen,
        unchecked=waits and letter.delivery == Delivery.LIVE and not checked,
        tries=tries,
        last=last,
        taken=taken,
        in_doubt=bool(broke_off) and taken is None and letter.status != LetterStatus.ACCEPTED,
    )


async def _tell_history(session: AsyncSession, lines: Sequence[LetterLine]) -> None:
    histories = {line.letter_id: line.events for line in lines}
    events = await session.scalars(
        select(Event).where(Event.letter_id.in_(histories)).order_by(Event.at, Event.id)
    )
    for event in events:
        histories[event.letter_id].append(HistoryLine(event.at, event.what, event.note))


def _current_contact() -> ColumnElement[bool]:
    return and_(Contact.target_id == Target.id, Contact.retired_at.is_(None))


def _tries() -> Any:
    attempt = aliased(Attempt)
    return (
        select(func.count(attempt.id))
        .where(attempt.letter_id == Letter.id)
        .correlate(Letter)
        .scalar_subquery()
    )


def _broke_off() -> ColumnElement[bool]:
    attempt = aliased(Attempt)
    found = exists().where(
        attempt.letter_id == Letter.id, attempt.began_data, attempt.outcome == "deferred"
    )
    return found.correlate(Letter)


def _last_attempt(**only: str) -> Any:
    attempt = aliased(Attempt)
    return (
        select(func.max(attempt.id))
        .filter_by(**only)
        .where(attempt.letter_id == Letter.id)
        .correlate(Letter)
        .scalar_subquery()
    )
