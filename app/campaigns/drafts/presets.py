"""Kinds of campaigns to begin with, so that an organiser's first alert needs no list of steps."""

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.drafts.naming import free_slug
from app.models import Campaign, StageStep

ONE_QUESTION, A_TREATY = "one_question", "a_treaty"
STEPS: dict[str, tuple[dict[str, str], ...]] = {
    ONE_QUESTION: (
        {
            "key": "open",
            "label": "Open",
            "meaning": "The government can still do what the letter asks.",
            "lead": "Your letter asks {country} to act",
        },
    ),
    A_TREATY: (
        {
            "key": "announced",
            "label": "Announced",
            "meaning": "The government recommends or announces it; parliament has not voted.",
            "lead": "Announced on {date}: your letter asks {country} not to go on",
        },
        {
            "key": "voted",
            "label": "Voted",
            "meaning": "Parliament has approved it; no notification has been deposited.",
            "lead": "Voted on {date}: your letter asks {country} not to deposit the notification",
        },
        {
            "key": "notified",
            "label": "Notified",
            "meaning": "The notification is deposited, and it can still be withdrawn.",
            "lead": "Notified on {date}: your letter asks {country} to withdraw the notification"
            " before it takes effect",
        },
        {
            "key": "in_effect",
            "label": "In effect",
            "meaning": "It holds; the country can still turn back.",
            "lead": "In effect since {date}: your letter asks {country} to turn back",
        },
    ),
}


async def begin_campaign(
    session: AsyncSession, *, organisation_id: int, title: str, aim: str, steps: str
) -> Campaign:
    """A new campaign; `steps` is a key of STEPS, and an organiser can change them later."""
    stages: list[dict[str, Any]] = [dict(step) for step in STEPS[steps]]
    campaign = Campaign(
        organisation_id=organisation_id,
        slug=await free_slug(session, Campaign.slug, title, otherwise="campaign"),
        title=title,
        aim=aim,
        stages=stages,
    )
    session.add(campaign)
    await session.flush()
    return campaign


async def stand(
    session: AsyncSession, campaign: Campaign, countries: Collection[str], *, on: date, source: str
) -> list[str]:
    """Put those without a dated step at the only stage of a campaign that has one; gives them."""
    if len(campaign.stages) != 1:
        return []
    ours = select(StageStep.country).where(StageStep.campaign_id == campaign.id)
    known = set(await session.scalars(ours))
    new = [code for code in countries if code not in known]
    session.add_all(
        StageStep(
            campaign_id=campaign.id,
            country=code,
            stage=campaign.stages[0]["key"],
            on=on,
            what=campaign.aim,
            source=source,
        )
        for code in new
    )
    await session.flush()
    return new
