"""The operator's hand: hold, let go, try again or call off a letter, or all of a place.

Everything here is on record: a letter's own history says who and why, and so does the audit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app import audit, clock
from app.errors import FormRefused, Refusal, TemplateBroken, TooLate
from app.models import (
    FREED,
    AlertCountry,
    Letter,
    LetterStatus,
    LetterTemplate,
    SendCount,
    Submission,
    Target,
)
from app.outbox import freezes, queue
from app.outbox.places import Place
from app.wording import render

AT_ONCE = 5_000  # letters in one transaction: on SQLite nobody else writes meanwhile
A_BATCH = 500  # letters in one statement
LONGEST_REASON = 500  # characters
CAN_BE_HELD = frozenset(
    {LetterStatus.HELD, LetterStatus.QUEUED, LetterStatus.SENDING, LetterStatus.FAILED}
)
CAN_BE_CALLED_OFF = (LetterStatus.QUEUED, LetterStatus.HELD)
ANOTHER = "its person has another letter to that office"


@dataclass(frozen=True)
class CalledOff:
    """`n` letters are cancelled; `leaving` are at a mail server at this moment and are not.

    `more`: there were too many for one transaction; ask again.
    """

    n: int
    leaving: int
    more: bool


@dataclass(frozen=True)
class QueuedAgain:
    """`n` letters are queued again; `refused` are not: letter → why.

    `after`: there were too many for one transaction; ask again for those after this letter.
    """

    n: int = 0
    refused: dict[int, str] = field(default_factory=dict)
    after: int | None = None


def reason(why: str) -> str:
    """A reason as it is kept. Raises FormRefused where there is none."""
    said = " ".join(why.split())[:LONGEST_REASON]
    if not said:
        raise FormRefused({"why": "missing"})
    return said


async def freeze(session: AsyncSession, place: Place, *, why: str, by: str) -> bool:
    """Hold what waits there; False when it was held already. Those leaving are not called back.

    Raises FormRefused without a reason, Refusal for a letter that waits for nothing.
    """
    why = reason(why)
    if place.scope == "letter" and (status := await _status(session, place)) not in CAN_BE_HELD:
        raise Refusal(f"{place.named} is {_words(status)}: there is nothing to hold")
    made = [
        await freezes.freeze(session, scope=place.scope, ref=ref, why=why, by=by)
        for ref in place.refs
    ]
    if any(made):
        await _note(session, place, "frozen", by=by, why=why)
        await audit.note(session, by, f"Froze {place.named}: {why}")
    return any(made)


async def release(session: AsyncSession, place: Place, *, by: str, why: str = "") -> bool:
    """Let it go on from the next claim; False when it was not held."""
    let_go = [
        await freezes.release(session, scope=place.scope, ref=ref, by=by) for ref in place.refs
    ]
    if any(let_go):
        await _note(session, place, "released", by=by, why=why)
        await audit.note(session, by, f"Released {place.named}{_because(why)}")
    return any(let_go)


async def call_off(session: AsyncSession, place: Place, *, why: str, by: str) -> CalledOff:
    """Cancel what waits there, confirmed or not; its supporters read the reason.

    Raises FormRefused without a reason, TooLate for one letter that waits no more.
    """
    why = reason(why)
    n, more = 0, False
    for status in CAN_BE_CALLED_OFF:
        waiting = select(Letter.id).where(place.letters, Letter.status == status)
        found = (await session.scalars(waiting.limit(AT_ONCE + 1 - n))).all()
        more = len(found) > AT_ONCE - n
        n += await _cancel(session, found[: AT_ONCE - n], status, note=why, by=by)
        if more:
            break
    if place.scope == "letter" and not n:
        raise TooLate(f"{place.named} is {_words(await _status(session, place))}")
    if n:
        await audit.note(session, by, f"Called off {_number(n)} of {place.named}: {why}")
    return CalledOff(n, await _leaving(session, place), more)


async def queue_again(
    session: AsyncSession, place: Place, *, by: str, why: str = "", after: int = 0
) -> QueuedAgain:
    """Queue failed letters once more, due now: those that still read as they were confirmed.

    One that failed because its worker was lost may have been sent: it then goes twice, under the
    same Message-ID. Raises Refusal for one letter that has not failed.
    """
    if place.scope == "letter" and (status := await _status(session, place)) != queue.FAILED:
        raise Refusal(f"{place.named} is {_words(status)}: only what failed is queued again")
    which = select(Letter.id).where(place.letters, Letter.status == queue.FAILED, Letter.id > after)
    most = min(AT_ONCE + 1, await _failed(session, place))
    found = (await session.scalars(which.order_by(Letter.id).limit(most))).all() if most else []
    n, refused = 0, dict[int, str]()
    for batch in _batches(found[:AT_ONCE]):
        faults = await _faults(session, batch)
        fit = [letter_id for letter_id in batch if letter_id not in faults]
        n += await _queue(session, fit, by=by, note=why or "to be tried again")
        refused |= faults
    if n:
        said = f"Queued {_number(n)} of {place.named} again"
        await audit.note(session, by, f"{said}{_because(why)}")
    return QueuedAgain(n, refused, after=found[AT_ONCE - 1] if len(found) > AT_ONCE else None)


async def _cancel(
    session: AsyncSession, letter_ids: Sequence[int], frm: LetterStatus, *, note: str, by: str
) -> int:
    n = 0
    for batch in _batches(letter_ids):
        which = [Letter.id.in_(batch)]
        moved = await queue.move(session, which, frm=frm, to=queue.CANCELLED, by=by, note=note)
        n += len(moved)
    return n


async def _queue(session: AsyncSession, letter_ids: Sequence[int], *, by: str, note: str) -> int:
    """Patience runs anew: else a letter that failed last week would give up at its first delay."""
    values = {
        "not_before": clock.now(),
        "first_attempt_at": None,
        "worker": "",
        "lease_until": None,
    }
    which = [Letter.id.in_(letter_ids)]
    moved = await queue.move(
        session, which, frm=queue.FAILED, to=queue.QUEUED, by=by, note=note, values=values
    )
    return len(moved)


async def _faults(session: AsyncSession, letter_ids: Sequence[int]) -> dict[int, str]:
    """Those of the failed letters that must not leave, and why."""
    rows = await session.execute(
        select(Letter, Submission, Target, LetterTemplate, AlertCountry, _another())
        .join(Submission, Submission.id == Letter.submission_id)
        .join(Target, Target.id == Letter.target_id)
        .join(LetterTemplate, LetterTemplate.id == Letter.template_id)
        .outerjoin(
            AlertCountry,
            and_(AlertCountry.alert_id == Letter.alert_id, AlertCountry.country == Target.country),
        )
        .where(Letter.id.in_(letter_ids))
        .order_by(Letter.id)
    )
    faults: dict[int, str] = {}
    places: set[tuple[object, ...]] = set()
    for letter, submission, target, template, country, another in rows:
        key = (letter.alert_id, letter.target_id, letter.delivery, letter.person_key)
        taken = another or key in places
        fault = ANOTHER if taken else _otherwise(letter, submission, target, template, country)
        if fault:
            faults[letter.id] = fault
        else:
            places.add(key)
    return faults


def _otherwise(
    letter: Letter,
    submission: Submission,
    target: Target,
    template: LetterTemplate,
    country: AlertCountry | None,
) -> str:
    """Why a letter no longer reads as it was confirmed, or nothing."""
    if submission.erased_at:
        return "its supporter was forgotten"
    if country is None:
        return "its alert no longer writes to that country"
    try:
        text = render.confirmed(letter, submission, target, template, country)
    except TemplateBroken as fault:
        return str(fault)
    return "" if text else "it would not read as it was confirmed"


def _another() -> ColumnElement[bool]:
    """Whether the same person has a letter to the same office that holds the place."""
    other = aliased(Letter)
    return exists().where(
        other.alert_id == Letter.alert_id,
        other.target_id == Letter.target_id,
        other.delivery == Letter.delivery,
        other.person_key == Letter.person_key,
        other.status.not_in(FREED),
    )


async def _note(session: AsyncSession, place: Place, what: str, *, by: str, why: str) -> None:
    """A hold on one letter stands in its history; one on a place, with its own row, for all."""
    if place.scope == "letter":
        await queue.note_event(session, place.refs[0], what, by, why)


async def _status(session: AsyncSession, place: Place) -> str:
    return (await session.scalars(select(Letter.status).where(place.letters))).one()


async def _failed(session: AsyncSession, place: Place) -> int:
    """How many to look for: the search ends with the last, and does not begin for none."""
    if place.scope == "letter":
        return 1
    counted = select(func.coalesce(func.sum(SendCount.n), 0))
    found = counted.where(place.counts, SendCount.status == queue.FAILED)
    return int(await session.scalar(found) or 0)


async def _leaving(session: AsyncSession, place: Place) -> int:
    at_a_server = (place.letters, Letter.status == queue.SENDING)
    return await session.scalar(select(func.count(Letter.id)).where(*at_a_server)) or 0


def _batches(letter_ids: Sequence[int]) -> list[Sequence[int]]:
    return [letter_ids[at : at + A_BATCH] for at in range(0, len(letter_ids), A_BATCH)]


def _number(n: int) -> str:
    return "one letter" if n == 1 else f"{n} letters"


def _words(status: str) -> str:
    return status.replace("_", " ")


def _because(why: str) -> str:
    return f": {why}" if why else ""
