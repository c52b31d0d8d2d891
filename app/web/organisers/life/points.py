"""The whole check-list of an alert: with what the name system says, and when the last leaves."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.drafts import assembling, showing
from app.campaigns.drafts.assembling import Fault
from app.campaigns.drafts.keeping import Draft
from app.campaigns.drafts.showing import Shown
from app.campaigns.life import checklist
from app.campaigns.life.checklist import Point, State
from app.delivery.domain.findings import Mark
from app.delivery.domain.standing import Standing
from app.reporting import departures
from app.reporting.departures import Plan
from app.settings import Delivery, Settings

MOST_EXPECTED = 1_000_000


@dataclass(frozen=True)
class CheckList:
    """The points, and what each of them is made of."""

    points: Sequence[Point]
    faults: Sequence[Fault]
    shown: Shown
    standing: Standing | None  # of our domain; None: practice, nobody is asked
    plan: Plan | None  # None: nobody said how many are expected, or nothing is paced

    @property
    def open(self) -> list[str]:
        return checklist.opened(self.points)

    @property
    def to_mend(self) -> list[Fault]:
        return [one for one in self.faults if one.serious]

    @property
    def to_look_at(self) -> list[Fault]:
        return checklist.to_look_at(self.faults)

    @property
    def blocked(self) -> bool:
        return checklist.blocked(self.points)


async def of_draft(
    session: AsyncSession, draft: Draft, settings: Settings, standing: Standing | None
) -> CheckList:
    """`standing`: asked of the name system before this transaction began."""
    faults = await assembling.faults(session, draft)
    # as in a rehearsal: in live delivery the offices nobody has checked would be missing
    shown = await showing.shown(session, draft, delivery=Delivery.REHEARSAL)
    points = await checklist.points(session, draft, shown, faults)
    plan = None
    if draft.alert.kind == "letters":
        plan = await _plan(session, draft, shown, settings)
        points[-1:-1] = [_limits(shown, plan, settings), _dns(standing)]
    return CheckList(points, faults, shown, standing, plan)


async def _plan(
    session: AsyncSession, draft: Draft, shown: Shown, settings: Settings
) -> Plan | None:
    typed = str(draft.content("sending").get("expected", "")).strip()
    expected = int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 10 else 0
    if not (settings.paced and expected and shown.offices):
        return None
    n = min(expected, MOST_EXPECTED)
    return await departures.of_supporters(
        session, shown.alert, n, settings, available=shown.offices
    )


def _limits(shown: Shown, plan: Plan | None, settings: Settings) -> Point:
    if not settings.paced:
        return Point("limits", State.NOT_HERE, ("unpaced",))
    if plan is None:
        return Point("limits", State.OPEN, ("nobody_said",))
    if plan.last_at is None:
        return Point("limits", State.OPEN, ("never",))
    if plan.late:
        return Point("limits", State.OPEN, ("late",))
    return Point("limits", State.DONE, ("in_time" if shown.alert.closes_at else "no_end",))


def _dns(standing: Standing | None) -> Point:
    if standing is None:
        return Point("dns", State.NOT_HERE)
    ill = [one.sentence for one in standing.findings if one.mark is not Mark.WELL]
    return Point("dns", State.DONE if standing.well else State.OPEN, tuple(ill))
