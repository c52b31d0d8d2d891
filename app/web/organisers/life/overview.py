"""An alert's own page at the desk: how it stands, what happens next, and what can be done."""

from collections.abc import Sequence
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
    """What an alert has come to in one `delivery`; of a rehearsal: here, or to test people."""

    delivery: str
    supporters: int
    left: int
    waiting: int
    lost: int

    @property
    def anything(self) -> bool:
        return any((self.supporters, self.left, self.waiting, self.lost))


async def of_alert(
    session: AsyncSession, settings: Settings, organiser: Organiser, alert: Alert
) -> dict[str, Any]:
    """All that `organise/alert.html` shows."""
    begun = await keeping.is_begun(session, alert)
    by = organiser.email
    tried = [await _tried(session, alert, one) for one in (Delivery.REHEARSAL, Delivery.TRIAL)]
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
        "tried": [one for one in tried if one.anything],
        "figures": await _figures(session, settings, alert, tried),
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


async def _figures(
    session: AsyncSession, settings: Settings, alert: Alert, tried: Sequence[Tried]
) -> Tried | None:
    """While it is tried out, of the rehearsal; None: a draft, or it has no letters."""
    if alert.kind != "letters" or alert.state == AlertState.DRAFT:
        return None
    if _is_tried(alert):
        return Tried(
            Delivery.REHEARSAL,
            sum(one.supporters for one in tried),
            sum(one.left for one in tried),
            sum(one.waiting for one in tried),
            sum(one.lost for one in tried),
        )
    return await _tried(session, alert, settings.delivery)


async def _tried(session: AsyncSession, alert: Alert, delivery: Delivery) -> Tried:
    found = await counts.of_alert(session, alert.id, delivery)
    parts = way.parts(found.letters)
    return Tried(delivery, found.supporters, found.sent, parts["waiting"], parts["lost"])


async def _notes(session: AsyncSession, organiser: Organiser, alert: Alert) -> Any:
    named = f"“{alert.slug}”"
    return await audit.lines(session, organiser.organisation_id, about=named, limit=NOTES)
