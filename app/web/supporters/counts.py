"""The public send counts of an alert."""

from fastapi import APIRouter, Request, Response

from app.campaigns import alerts
from app.reporting import counts
from app.reporting.told import answers
from app.web.gate import Configured, Reading
from app.web.pages import render

router = APIRouter(include_in_schema=False)


@router.get("/alerts/{slug}/counts")
async def show(request: Request, slug: str, session: Reading, settings: Configured) -> Response:
    alert = await alerts.by_slug(session, slug)
    found = await counts.of_alert(session, alert.id, settings.delivery)
    return render(
        request,
        "counts/public.html",
        alert=alert,
        zone=alert.timezone,
        counts=found.public(),
        answers=await answers.of_alerts(session, [alert], settings.delivery),
    )
