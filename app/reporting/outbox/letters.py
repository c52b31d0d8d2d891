"""Single letters that an organiser looks at: those that need it, and all that befell one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import (
    Alert,
    Attempt,
    Contact,
    Event,
    Freeze,
    Letter,
    LetterStatus,
    Mailbox,
    MailDomain,
    Returned,
    Submission,
    Target,
)
from app.outbox import freezes, places
from app.reporting.outbox import hosts
from app.reporting.outbox.hosts import Hold
from app.reporting.outbox.state import Outbox

NAMED = 20  # letters that are named one by one; of the others, how many


@dataclass(frozen=True)
class NamedLetter:
    """A letter that a person should look at, and why. `hold`: None where it failed."""

    letter_id: int
    country: str
    office: str
    status: str
    since: datetime
    why: str
    hold: Hold | None


@dataclass(frozen=True)
class OneLetter:
    """A letter with all that befell it. Of its supporter only the name: organisers see no address.

    `holds`: what keeps it here, by kind: letter, alert, contact, host.
    """

    letter: Letter
    alert: Alert
    target: Target
    supporter: str
    contact_id: int | None
    host_id: int | None
    holds: dict[str, Hold]
    events: Sequence[Event]
    attempts: Sequence[Attempt]
    returns: Sequence[Returned]


async def to_look_at(
    session: AsyncSession, found: Outbox, *, organisation_id: int
) -> list[NamedLetter]:
    """The letters that failed or are frozen one by one, the newest first, as many as are named."""
    ours = Letter.alert_id.in_(places.alerts_of(organisation_id))
    letters = select(Letter, Target).join(Target, Target.id == Letter.target_id).where(ours)
    newest = letters.order_by(Letter.id.desc())
    named: list[NamedLetter] = []
    if found.frozen_letters:
        # those that a stage move holds are decided on together, and may be a million
        alone = and_(Freeze.scope == "letter", freezes.STANDING, Freeze.stage_move_id.is_(None))
        held = and_(Freeze.ref == Letter.id, alone)
        latest = letters.add_columns(Freeze).join(Freeze, held).order_by(Freeze.id.desc())
        rows = await session.execute(latest.limit(NAMED))
        named += [_named(letter, target, freeze=freeze) for letter, target, freeze in rows]
    if found.failed:
        # no index leads to them: the search ends at the last that the count knows of
        failed = newest.where(Letter.status == LetterStatus.FAILED)
        failed = failed.where(Letter.delivery == found.delivery).limit(min(NAMED, found.failed))
        broken = (await session.execute(failed)).all()
        reasons = await _reasons(session, [letter.id for letter, _ in broken])
        named += [
            _named(letter, target, why=reasons.get(letter.id, "")) for letter, target in broken
        ]
    return named


async def of_letter(session: AsyncSession, letter_id: int) -> OneLetter:
    """Everything that an organiser may know of a letter that is there."""
    rows = await session.execute(
        select(Letter, Alert, Target, Submission.name, Contact.id, MailDomain.host_id)
        .join(Alert, Alert.id == Letter.alert_id)
        .join(Target, Target.id == Letter.target_id)
        .join(Submission, Submission.id == Letter.submission_id)
        .outerjoin(Contact, and_(Contact.target_id == Target.id, Contact.retired_at.is_(None)))
        .outerjoin(Mailbox, Mailbox.email == func.lower(Contact.email))
        .outerjoin(MailDomain, MailDomain.name == Mailbox.domain)
        .where(Letter.id == letter_id)
    )
    letter, alert, target, supporter, contact_id, host_id = rows.one()
    places_of_it = {"letter": letter.id, "alert": alert.id, "contact": contact_id, "host": host_id}
    events = select(Event).where(Event.letter_id == letter_id).order_by(Event.at, Event.id)
    attempts = select(Attempt).where(Attempt.letter_id == letter_id).order_by(Attempt.id)
    returns = select(Returned).where(Returned.letter_id == letter_id).order_by(Returned.id)
    return OneLetter(
        letter=letter,
        alert=alert,
        target=target,
        supporter=supporter,
        contact_id=contact_id,
        host_id=host_id,
        holds=await _holds(session, places_of_it),
        events=(await session.scalars(events)).all(),
        attempts=(await session.scalars(attempts)).all(),
        returns=(await session.scalars(returns)).all(),
    )


async def _holds(session: AsyncSession, refs: Mapping[str, int | None]) -> dict[str, Hold]:
    there = [and_(Freeze.scope == scope, Freeze.ref == ref) for scope, ref in refs.items() if ref]
    found = await session.scalars(select(Freeze).where(freezes.STANDING, or_(*there)))
    return {one.scope: hosts.hold_of(one) for one in found}


async def _reasons(session: AsyncSession, letter_ids: Sequence[int]) -> dict[int, str]:
    """What the history of each says about its last failure."""
    events = await session.scalars(
        select(Event)
        .where(Event.letter_id.in_(letter_ids), Event.what == LetterStatus.FAILED)
        .order_by(Event.id)
    )
    return {event.letter_id: event.note for event in events}


def _named(
    letter: Letter, target: Target, *, freeze: Freeze | None = None, why: str = ""
) -> NamedLetter:
    return NamedLetter(
        letter_id=letter.id,
        country=target.country,
        office=target.office,
        status=letter.status,
        since=freeze.at if freeze else letter.status_at,
        why=freeze.why if freeze else why,
        hold=hosts.hold_of(freeze) if freeze else None,
    )
