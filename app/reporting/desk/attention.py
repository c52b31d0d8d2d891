"""What waits for a person: decisions, checks, and alerts that are about to close."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.contacts import directory
from app.models import (
    AddressReport,
    Alert,
    AlertCountry,
    AlertState,
    Approval,
    Campaign,
    Contact,
    ContactImport,
    Freeze,
    Organiser,
    StageMove,
)

SOON = timedelta(days=7)
RUNS = (AlertState.PUBLISHED, AlertState.REHEARSAL)


@dataclass(frozen=True)
class Moved:
    """A country moved on, and letters that ask for what was asked before wait for a decision."""

    move: StageMove
    letters: int


@dataclass(frozen=True)
class Attention:
    """Everything on the desk that somebody should do, the most pressing first."""

    moves: Sequence[Moved]
    approvals: Sequence[tuple[Approval, Alert]]  # asked of a second organiser
    closing: Sequence[Alert]
    unchecked: int  # addresses of running alerts that nobody checked lately
    reports: int  # supporters who say that an address is wrong
    imports: Sequence[ContactImport]  # read, and not decided on

    def __bool__(self) -> bool:
        return bool(
            self.moves
            or self.approvals
            or self.closing
            or self.unchecked
            or self.reports
            or self.imports
        )


async def of_organiser(session: AsyncSession, organiser: Organiser) -> Attention:
    """What waits for this organiser or a colleague of theirs."""
    return Attention(
        moves=await _moves(session, organiser.organisation_id),
        approvals=await _approvals(session, organiser),
        closing=await _closing(session, organiser.organisation_id),
        unchecked=await _unchecked(session, organiser.organisation_id),
        reports=await _reports(session),
        imports=await _imports(session, organiser.organisation_id),
    )


async def _moves(session: AsyncSession, organisation_id: int) -> list[Moved]:
    held = (
        select(Freeze.stage_move_id, func.count(Freeze.id).label("n"))
        .where(Freeze.stage_move_id.is_not(None), Freeze.released_at.is_(None))
        .group_by(Freeze.stage_move_id)
        .subquery()
    )
    rows = await session.execute(
        select(StageMove, func.coalesce(held.c.n, 0))
        .join(Campaign, Campaign.id == StageMove.campaign_id)
        .outerjoin(held, held.c.stage_move_id == StageMove.id)
        .where(StageMove.decided_at.is_(None), Campaign.organisation_id == organisation_id)
        .order_by(StageMove.at)
    )
    return [Moved(move, n) for move, n in rows]


async def _approvals(session: AsyncSession, organiser: Organiser) -> list[tuple[Approval, Alert]]:
    rows = await session.execute(
        select(Approval, Alert)
        .join(Alert, Alert.id == Approval.alert_id)
        .join(Campaign, Campaign.id == Alert.campaign_id)
        .where(
            Approval.settled_at.is_(None),
            Approval.asked_by != organiser.email,
            Campaign.organisation_id == organiser.organisation_id,
        )
        .order_by(Approval.asked_at)
    )
    return [(approval, alert) for approval, alert in rows]


async def _closing(session: AsyncSession, organisation_id: int) -> Sequence[Alert]:
    now = clock.now()
    found = await session.scalars(
        select(Alert)
        .join(Campaign, Campaign.id == Alert.campaign_id)
        .where(
            Campaign.organisation_id == organisation_id,
            Alert.state == AlertState.PUBLISHED,
            Alert.closes_at > now,
            Alert.closes_at <= now + SOON,
        )
        .order_by(Alert.closes_at)
    )
    return found.all()


async def _unchecked(session: AsyncSession, organisation_id: int) -> int:
    """Of the countries that the organisation's running alerts write to."""
    countries = (
        select(AlertCountry.country)
        .join(Alert, Alert.id == AlertCountry.alert_id)
        .join(Campaign, Campaign.id == Alert.campaign_id)
        .where(Campaign.organisation_id == organisation_id, Alert.state.in_(RUNS))
        .distinct()
    )
    return len(await directory.needing_a_check(session, list(await session.scalars(countries))))


async def _reports(session: AsyncSession) -> int:
    waiting = (
        select(func.count(AddressReport.id))
        .join(Contact, Contact.id == AddressReport.contact_id)
        .where(AddressReport.settled_at.is_(None), Contact.retired_at.is_(None))
    )
    return await session.scalar(waiting) or 0


async def _imports(session: AsyncSession, organisation_id: int) -> Sequence[ContactImport]:
    found = await session.execute(
        select(ContactImport.id, ContactImport.file_name, ContactImport.at)
        .join(Organiser, Organiser.id == ContactImport.organiser_id)
        .where(
            Organiser.organisation_id == organisation_id,
            ContactImport.written_at.is_(None),
            ContactImport.fault == "",
            ContactImport.at > clock.now() - SOON,
        )
        .order_by(ContactImport.id.desc())
        .limit(5)
    )
    return found.all()  # type: ignore[return-value]  # without the rows: there may be thousands
