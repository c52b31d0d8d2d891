"""Send counts as organisers see them: those of unconfirmed letters too."""

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import select

from app.errors import Missing
from app.models import Alert, Campaign
from app.reporting import counts, departures
from app.reporting.desk import sources
from app.reporting.told import answers
from app.web import gate
from app.web.organisers import alerts
from app.web.pages import render

router = APIRouter(
    prefix="/organise", include_in_schema=False, dependencies=[Depends(gate.signed_in)]
)


@router.get("/alerts/{slug}/counts")
async def of_alert(
    request: Request,
    session: gate.Reading,
    settings: gate.Configured,
    organiser: gate.Us,
    slug: str,
) -> Response:
    alert = await alerts.find(session, organiser, slug)
    return render(
        request,
        "organise/counts.html",
        heading="Counts",
        title=alert.title or slug,
        back=f"/organise/alerts/{slug}",
        zone=alert.timezone,
        made_up=alert.made_up,
        paced=settings.paced,
        outlook=await departures.of_alerts(session, [alert], settings),
        counts=await counts.of_alert(session, alert.id, settings.delivery),
        answers=await answers.of_alerts(session, [alert], settings.delivery),
        sources=await sources.of_alert(session, alert.id, settings.delivery),
    )


@router.get("/campaigns/{slug}/counts")
async def of_campaign(
    request: Request,
    session: gate.Reading,
    settings: gate.Configured,
    organiser: gate.Us,
    slug: str,
) -> Response:
    """Over all alerts of the campaign; somebody in two of them is one supporter."""
    campaign = await session.scalar(
        select(Campaign).where(
            Campaign.slug == slug, Campaign.organisation_id == organiser.organisation_id
        )
    )
    if campaign is None:
        raise Missing("campaign", slug)
    theirs = await session.scalars(select(Alert).where(Alert.campaign_id == campaign.id))
    found = theirs.all()
    return render(
        request,
        "organise/counts.html",
        heading="Counts of the campaign",
        title=campaign.title,
        back=f"/organise/campaigns/{slug}/stages",
        zone="UTC",
        made_up=False,
        paced=settings.paced,
        outlook=await departures.of_alerts(session, found, settings),
        counts=await counts.of_campaign(session, campaign.id, settings.delivery),
        answers=await answers.of_alerts(session, found, settings.delivery),
        sources=[],
    )
