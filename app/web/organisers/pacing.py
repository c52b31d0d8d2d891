"""How fast letters leave: the limits, what organisers set of them, and what comes of it."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app import clock
from app.models import Alert, AlertState, Campaign, Organiser, Role
from app.reporting import boxes, departures
from app.web import gate
from app.web.looks import moments
from app.web.organisers import typed_limits
from app.web.pages import reader_language, render

PACING = "/organise/pacing"
SUPPORTERS = 1_000  # asked about unless somebody asks about another number
MOST_SUPPORTERS = 1_000_000
LIVING = (AlertState.DRAFT, AlertState.REHEARSAL, AlertState.PUBLISHED)

router = APIRouter(prefix=PACING, include_in_schema=False, dependencies=[Depends(gate.signed_in)])
Changing = Annotated[Organiser, Depends(gate.at_least(Role.ORGANISER))]
Typed = Annotated[str, Form(max_length=40)]


@router.get("")
async def show(
    request: Request,
    session: gate.Reading,
    settings: gate.Configured,
    organiser: gate.Us,
    supporters: str = str(SUPPORTERS),
    alert: str = "",
) -> Response:
    """All limits, and when the last letter of so many supporters leaves."""
    alerts = await _alerts(session, organiser)
    chosen = next((one for one in alerts if one.slug == alert), alerts[0] if alerts else None)
    n = typed_limits.number(supporters)
    wrong = n is None or not 1 <= n <= MOST_SUPPORTERS
    found = await boxes.load(session, settings)
    plan = None
    if chosen and n and not wrong:
        plan = await departures.of_supporters(session, chosen, n, settings, boxes=found)
    return render(
        request,
        "organise/pacing.html",
        alerts=alerts,
        chosen=chosen,
        supporters=supporters[:20],
        most_supporters=MOST_SUPPORTERS,
        supporters_wrong=wrong,
        plan=plan,
        last_at=moments.point(
            plan.last_at, now=clock.now(), zone=chosen.timezone, language=reader_language(request)
        )
        if plan and chosen
        else "",
        hosts=found.by_host(),
        waiting={email: found.waiting_at(email) for email in found.by_email},
        settings=settings,
    )


async def _alerts(session: AsyncSession, organiser: Organiser) -> Sequence[Alert]:
    """Alerts of their organisation that people write to, or soon will; the newest first."""
    found = await session.scalars(
        select(Alert)
        .join(Campaign, Campaign.id == Alert.campaign_id)
        .where(
            Campaign.organisation_id == organiser.organisation_id,
            Alert.kind == "letters",
            Alert.state.in_(LIVING),
            or_(Alert.closes_at.is_(None), Alert.closes_at > clock.now()),
        )
        .order_by(Alert.made_up, Alert.opens_at.desc())
        .options(selectinload(Alert.campaign), selectinload(Alert.countries))
    )
    return found.all()
