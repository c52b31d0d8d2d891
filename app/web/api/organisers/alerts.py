"""An organisation's alerts for its own programs: written as drafts, read in every state."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.campaigns.drafts import assembling, keeping
from app.campaigns.pack_folder import Pack
from app.campaigns.zips import taking, writing
from app.campaigns.zips.reading import Bundle
from app.errors import PackBroken
from app.models import Alert, AlertState, Campaign
from app.outbox import freezes
from app.reporting import counts
from app.web import gate
from app.web.api.organisers.shapes import AlertOut, DraftOut, PackIn
from app.web.organisers import alerts
from app.web.organisers.packs.exporting import zipped

router = APIRouter(prefix="/api/v1", tags=["organisers"])
Writing = Annotated[gate.Caller, Depends(gate.token_with("alerts:write"))]
Looking = Annotated[gate.Caller, Depends(gate.token_with("alerts:read"))]
Counting = Annotated[gate.Caller, Depends(gate.token_with("counts:read"))]
ZIP = {200: {"content": {"application/zip": {}}, "description": "the pack as a zip"}}


@router.get("/organise/alerts", summary="Your alerts, in every state, with their counts")
async def list_own(
    session: gate.Reading, settings: gate.Configured, caller: Counting
) -> list[AlertOut]:
    """Newest first. Needs the scope counts:read."""
    found = await session.scalars(
        select(Alert)
        .join(Campaign, Campaign.id == Alert.campaign_id)
        .where(Campaign.organisation_id == caller.organisation_id)
        .options(selectinload(Alert.campaign))
        .order_by(Alert.id.desc())
    )
    return [await _line(session, alert, settings.delivery) for alert in found.all()]


@router.post("/alerts", status_code=201, summary="Make a new alert, as a draft")
async def create(caller: Writing, session: gate.Tx, sent: PackIn) -> DraftOut:
    """From a pack as JSON. Nobody sees it before it is published. Needs alerts:write."""
    pack = sent.pack()
    found = await taking.plan(session, Bundle(pack), caller.organisation_id)
    if found.alert:
        raise PackBroken(f"“{pack.alert.slug}” is here already: change it with PUT")
    return await _take(session, caller, pack, seal="")


@router.put("/alerts/{slug}", summary="Write the draft of an alert anew")
async def change(caller: Writing, session: gate.Tx, slug: str, sent: PackIn) -> DraftOut:
    """The whole draft becomes what is sent; what is public stays until it is published. Where the
    countries stand is not taken over. Needs alerts:write."""
    alert = await alerts.find(session, caller.organiser, slug)
    pack = sent.pack()
    if pack.alert.slug != slug:
        raise PackBroken(f"alert.toml: slug: “{pack.alert.slug}” is not “{slug}”")
    draft = await keeping.read(session, alert)
    return await _take(session, caller, pack, seal=draft.seal)


@router.get(
    "/alerts/{slug}/export",
    response_class=Response,
    responses=ZIP,  # type: ignore[arg-type]
    summary="An alert as a zip",
)
async def export(session: gate.Reading, caller: Looking, slug: str) -> Response:
    """The pack with its addresses, the same bytes for the same alert. Needs alerts:read."""
    alert = await alerts.find(session, caller.organiser, slug)
    if alert.state == AlertState.DRAFT:
        draft = await keeping.read(session, alert)
        return zipped(slug, await writing.of_draft(session, draft))
    return zipped(slug, await writing.of_alert(session, slug))


async def _take(session: AsyncSession, caller: gate.Caller, pack: Pack, *, seal: str) -> DraftOut:
    ours, by = caller.organisation_id, caller.organiser.email
    done = await taking.take(session, Bundle(pack), ours, seal=seal, by=by)
    alert = await alerts.find(session, caller.organiser, done.alert.slug)
    draft = await keeping.read(session, alert)
    return DraftOut.of(alert, await assembling.faults(session, draft))


async def _line(session: AsyncSession, alert: Alert, delivery: str) -> AlertOut:
    counted = await counts.of_alert(session, alert.id, delivery)
    return AlertOut(
        slug=alert.slug,
        title=alert.title,
        kind=alert.kind,
        campaign=alert.campaign.slug,
        state=alert.state,
        frozen=await freezes.standing(session, "alert", alert.id) is not None,
        opens_at=alert.opens_at,
        closes_at=alert.closes_at,
        unpublished_changes=await keeping.is_begun(session, alert),
        delivery=delivery,
        supporters=counted.supporters,
        sent=counted.sent,
        letters=counted.letters,
    )
