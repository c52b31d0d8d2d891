"""Mail to organisers about a freeze that a refusal made: who is told, and of what.

What waits is counted when the notice is claimed and not before: in the transaction of a refusal
the send counts are not written yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Missing
from app.models import (
    Alert,
    AlertState,
    Campaign,
    Contact,
    Freeze,
    LetterStatus,
    Notice,
    Organiser,
    Role,
    SendCount,
    Target,
)
from app.outbox import places
from app.outbox.freezes import Scope
from app.outbox.places import Place
from app.wording.alarms import Alarm, Invitation, WaitingOffice

MAY_ACT = (Role.ORGANISER, Role.OWNER)
WAITING = (LetterStatus.HELD, LetterStatus.QUEUED, LetterStatus.SENDING)
TAKES_LETTERS = (AlertState.PUBLISHED, AlertState.REHEARSAL)


@dataclass(frozen=True)
class AlarmClaim:
    """A notice to an organiser that this worker holds, and what it tells of."""

    notice: Notice
    alarm: Alarm | Invitation

    @property
    def to(self) -> Alarm | Invitation:
        return self.alarm


async def whom(session: AsyncSession, freeze: Freeze, *, delivery: str) -> Sequence[int]:
    """The organisers whose letters it holds back: those that wait, and those that are to come."""
    there = await _place(session, freeze, delivery)
    if there is None:
        return []
    concerned = (
        select(Campaign.organisation_id)
        .join(Alert, Alert.campaign_id == Campaign.id)
        .join(SendCount, SendCount.alert_id == Alert.id)
        .where(
            there.counts,
            SendCount.n > 0,
            or_(SendCount.status.in_(WAITING), Alert.state.in_(TAKES_LETTERS)),
        )
    )
    found = select(Organiser.id).where(
        Organiser.organisation_id.in_(concerned),
        Organiser.role.in_(MAY_ACT),
        Organiser.disabled_at.is_(None),
        Organiser.password_hash != "",  # only invited yet
    )
    return (await session.scalars(found.order_by(Organiser.id))).all()


async def claimed(session: AsyncSession, notice_ids: Sequence[int]) -> list[AlarmClaim]:
    """Those of the notices that go to an organiser and still have something to tell."""
    rows = await session.execute(
        select(Notice, Organiser, Freeze)
        .join(Organiser, Organiser.id == Notice.organiser_id)
        .join(Freeze, Freeze.id == Notice.freeze_id)
        .where(
            Notice.id.in_(notice_ids),
            Freeze.released_at.is_(None),
            Organiser.disabled_at.is_(None),
        )
        .order_by(Notice.id)
    )
    found = []
    for notice, organiser, freeze in rows.all():
        there = await _place(session, freeze, notice.delivery, organiser.organisation_id)
        if there:
            offices = await _offices(session, there)
            found.append(AlarmClaim(notice, Alarm(organiser, freeze, there.name, offices)))
    return found


async def _place(
    session: AsyncSession, freeze: Freeze, delivery: str, organisation_id: int | None = None
) -> Place | None:
    """The mail host or the address; None when the office has another address by now."""
    scope: Scope = "host" if freeze.scope == "host" else "contact"
    ref = str(freeze.ref)
    try:
        return await places.find(
            session, scope, ref, delivery=delivery, organisation_id=organisation_id
        )
    except Missing:
        return None


async def _offices(session: AsyncSession, there: Place) -> list[WaitingOffice]:
    waiting = func.sum(SendCount.n)
    rows = await session.execute(
        select(Target.country, Target.office, Contact.email, waiting)
        .join(SendCount, SendCount.target_id == Target.id)
        .join(Contact, and_(Contact.target_id == Target.id, Contact.retired_at.is_(None)))
        .where(there.counts, SendCount.status == LetterStatus.QUEUED, SendCount.n > 0)
        .group_by(Target.id, Target.country, Target.office, Contact.email)
        .order_by(Target.country, Target.office)
    )
    return [WaitingOffice(*row[:3], int(row[3])) for row in rows]
