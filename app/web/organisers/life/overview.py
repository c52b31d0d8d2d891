"""An alert's own page at the desk: how it stands, what happens next, and what can be done."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app import audit, clock
from app.campaigns import alerts
from app.campaigns.drafts import keeping
from app.campaigns.life import approvals, transitions
from app.models import Alert, AlertState, Approval, Organiser, Role
from app.outbox import freezes
from app.reporting import counts, way
from app.settings import Delivery, Settings
from app.web import gate
from app.web.supporters import rehearsal

NOTES = 20


@dataclass(frozen=True)
class Tried:
    """What a rehearsal has come to; `delivery`: to the mailbox here, or back to test people."""

    delivery: str
    supporters: int
    left: int
    waiting: int
    lost: int


async def of_alert(
    session: AsyncSession, settings: Settings, organiser: Organiser, alert: Alert
) -> dict[str, Any]:
    """All that `organise/alert.html` shows."""
    begun = await keeping.is_begun(session, alert)
    by = organiser.email
    return {
        "alert": alert,
        "freeze": await freezes.standing(session, "alert", alert.id),
        "may_change": gate.covers(organiser, Role.ORGANISER),
        "stands": stands(alert),
        "next_states": transitions.may_become(alert),
        "begun": begun,
        "approval": await _asked(session, alert),
        "asked_by_me": by,
        "rehearsal_link": rehearsal.link(settings, alert) if _is_tried(alert) else "",
        "test_people": sorted(alerts.test_people(alert)),
        "tried": [
            one
            for delivery in (Delivery.REHEARSAL, Delivery.TRIAL)
            if (one := await _tried(session, alert, delivery))
        ],
        "notes": await _notes(session, organiser, alert),
        "now": clock.now(),
    }


def stands(alert: Alert) -> str:
    """How it stands, in a word that the page knows."""
    if alert.state == AlertState.PUBLISHED:
        if alert.opens_at > clock.now():
            return "opens later"
        return "over" if alerts.ended_at(alert) else "open"
    if alert.ending == transitions.WON:
        return "won" if alert.state == AlertState.CLOSED else alert.state
    return alert.state


def _is_tried(alert: Alert) -> bool:
    return alert.state == AlertState.REHEARSAL


async def _asked(session: AsyncSession, alert: Alert) -> Approval | None:
    """The question to a second organiser that nobody has answered, of a draft that still stands."""
    found = await approvals.newest(session, alert)
    if found is None or found.settled_at is not None:
        return None
    draft = await keeping.read(session, alert)
    return found if approvals.waits(found, draft) else None


async def _tried(session: AsyncSession, alert: Alert, delivery: Delivery) -> Tried | None:
    found = await counts.of_alert(session, alert.id, delivery)
    parts = way.parts(found.letters)
    if sum(parts.values()) == parts["unconfirmed"]:
        return None
    return Tried(delivery, found.supporters, found.sent, parts["waiting"], parts["lost"])


async def _notes(session: AsyncSession, organiser: Organiser, alert: Alert) -> Any:
    named = f"“{alert.slug}”"
    return await audit.lines(session, organiser.organisation_id, about=named, limit=NOTES)
