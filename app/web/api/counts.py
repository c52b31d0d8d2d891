"""The public send counts as JSON: of one alert, and of a campaign over all its alerts."""

from fastapi import APIRouter

from app.campaigns import alerts
from app.reporting import counts
from app.reporting.contract import AlertCountsJson, CampaignCountsJson
from app.web.gate import Configured, Reading

router = APIRouter(prefix="/api/v1", tags=["counts"])


@router.get("/alerts/{slug}/counts", summary="The send counts of an alert")
async def of_alert(slug: str, session: Reading, settings: Configured) -> AlertCountsJson:
    """Letters by status, by office and by day, without those nobody has confirmed."""
    alert = await alerts.by_slug(session, slug)
    found = await counts.of_alert(session, alert.id, settings.delivery)
    return AlertCountsJson.of(alert.slug, found.public())


@router.get("/campaigns/{slug}/counts", summary="The send counts of a campaign")
async def of_campaign(slug: str, session: Reading, settings: Configured) -> CampaignCountsJson:
    """The same over all alerts of a campaign; a person who wrote in two is one supporter."""
    campaign = await alerts.campaign_by_slug(session, slug)
    slugs = [one.slug for one in await alerts.public(session) if one.campaign_id == campaign.id]
    found = await counts.of_campaign(session, campaign.id, settings.delivery)
    return CampaignCountsJson.of(campaign.slug, sorted(slugs), found.public())
