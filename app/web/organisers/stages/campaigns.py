"""The organisation's campaigns, and of each where its countries stand."""

import re
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse

from app import clock, languages
from app.campaigns import stages
from app.campaigns.stage_moves import editing, looking
from app.models import Alert, Campaign, Role
from app.web import gate
from app.web.pages import reader_language, render

CAMPAIGNS = "/organise/campaigns"
CODE = re.compile(r"[A-Z]{2}")

router = APIRouter(
    prefix=CAMPAIGNS, include_in_schema=False, dependencies=[Depends(gate.signed_in)]
)


@dataclass(frozen=True)
class Place:
    """A country of a campaign, with its steps."""

    country: str
    name: str
    standing: stages.Standing | None


@router.get("")
async def list_campaigns(request: Request, session: gate.Reading, organiser: gate.Us) -> Response:
    alerts = func.count(Alert.id)
    rows = await session.execute(
        select(Campaign, alerts)
        .outerjoin(Alert, Alert.campaign_id == Campaign.id)
        .where(Campaign.organisation_id == organiser.organisation_id)
        .group_by(Campaign.id)
        .order_by(Campaign.title)
    )
    moves = await looking.undecided(session, organiser.organisation_id)
    return render(
        request,
        "organise/stages/campaigns.html",
        campaigns=[(campaign, n) for campaign, n in rows],
        moves=moves,
    )


@router.get("/{slug}/stages")
async def show(
    request: Request, session: gate.Reading, organiser: gate.Us, slug: str, country: str = ""
) -> Response:
    """Every country's steps; `country`: one that is to get its first."""
    campaign = await editing.campaign_of(session, organiser.organisation_id, slug)
    if CODE.fullmatch(country):
        return RedirectResponse(f"{CAMPAIGNS}/{slug}/stages/{country}", 303)
    ours = await looking.undecided(session, organiser.organisation_id)
    places = await _places(session, campaign)
    named = {place.country for place in places}
    return render(
        request,
        "organise/stages/campaign.html",
        campaign=campaign,
        places=places,
        others=[
            one for one in languages.countries(reader_language(request)) if one[0] not in named
        ],
        moves=[one for one in ours if one.campaign.id == campaign.id],
        history=await looking.moves_of(session, campaign),
        without=await looking.without_an_ask(session, campaign),
        label=lambda stage: stages.label(campaign, stage),
        may_change=gate.covers(organiser, Role.ORGANISER),
    )


async def _places(session: AsyncSession, campaign: Campaign) -> list[Place]:
    found = await stages.standings(session, campaign, await today(session, campaign))
    return [
        Place(code, await stages.name_of(session, campaign, code), found.get(code))
        for code in await looking.countries_of(session, campaign)
    ]


async def today(session: AsyncSession, campaign: Campaign) -> date:
    """The day it is where the campaign's newest alert lives."""
    zone = await session.scalar(
        select(Alert.timezone)
        .where(Alert.campaign_id == campaign.id)
        .order_by(Alert.id.desc())
        .limit(1)
    )
    return clock.now().astimezone(ZoneInfo(zone or "UTC")).date()
