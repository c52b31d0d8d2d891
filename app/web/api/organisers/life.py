"""An alert's life for programs: published, held, let go, closed."""

from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.drafts import keeping
from app.campaigns.life import approvals, transitions
from app.errors import DraftUnfinished
from app.models import Alert
from app.outbox import freezes, operating, places
from app.outbox.places import Place
from app.settings import Settings
from app.web import gate
from app.web.api.organisers.shapes import ReasonIn, StateOut, WhyIn
from app.web.organisers import alerts
from app.web.organisers.life import points
from app.web.organisers.life.publishing import OurDomain

router = APIRouter(prefix="/api/v1/alerts", tags=["organisers"])
Writing = Annotated[gate.Caller, Depends(gate.token_with("alerts:write"))]


@router.post("/{slug}/publish", summary="Publish an alert, or its changes")
async def publish(
    caller: Writing,  # first: a stranger must not make us ask the name system
    domain: OurDomain,
    session: gate.Tx,
    settings: gate.Configured,
    slug: str,
    sent: ReasonIn | None = None,
) -> StateOut:
    """As it is written now. Where a point of the check-list is open, a second organiser has agreed
    to this very draft, or `reason` says why it goes on; it stays on record. Needs alerts:write."""
    alert = await alerts.find(session, caller.organiser, slug)
    draft = await keeping.read(session, alert)
    found = await points.of_draft(session, draft, settings, domain)
    by, reason = caller.organiser.email, sent.reason if sent else ""
    if found.blocked:
        raise DraftUnfinished([one for one in found.faults if one.serious])
    if found.open and reason:
        await approvals.write_reason(session, draft, points=found.open, why=reason, by=by)
    why = await approvals.reason_to_publish(session, draft, found.open)
    published = await transitions.publish(session, draft, by=by, why=why)
    return await _state(session, published, changed=True)


@router.post("/{slug}/freeze", summary="Hold every letter of an alert")
async def freeze(
    caller: Writing, session: gate.Tx, settings: gate.Configured, slug: str, sent: WhyIn
) -> StateOut:
    """At once; nothing is lost, and the form closes for the moment. Needs alerts:write."""
    alert, there = await _there(session, settings, caller, slug)
    changed = await operating.freeze(session, there, why=sent.why, by=caller.organiser.email)
    return await _state(session, alert, changed=changed)


@router.post("/{slug}/release", summary="Let the letters of an alert go on")
async def release(
    caller: Writing, session: gate.Tx, settings: gate.Configured, slug: str
) -> StateOut:
    """Needs alerts:write."""
    alert, there = await _there(session, settings, caller, slug)
    changed = await operating.release(session, there, by=caller.organiser.email)
    return await _state(session, alert, changed=changed)


@router.post("/{slug}/close", summary="End an alert's form")
async def close(caller: Writing, session: gate.Tx, slug: str) -> StateOut:
    """What was submitted before can still be confirmed, and leaves. Needs alerts:write."""
    alert = await alerts.find(session, caller.organiser, slug)
    await transitions.close(session, alert, by=caller.organiser.email)
    return await _state(session, alert, changed=True)


async def _there(
    session: AsyncSession, settings: Settings, caller: gate.Caller, slug: str
) -> tuple[Alert, Place]:
    """An own alert, and what waits there. Raises Missing."""
    alert = await alerts.find(session, caller.organiser, slug)
    ours = caller.organisation_id
    there = await places.find(
        session, "alert", slug, delivery=settings.delivery, organisation_id=ours
    )
    return alert, there


async def _state(session: AsyncSession, alert: Alert, *, changed: bool) -> StateOut:
    frozen = await freezes.standing(session, "alert", alert.id) is not None
    return StateOut(slug=alert.slug, state=alert.state, frozen=frozen, changed=changed)
