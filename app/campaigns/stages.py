"""Where each country stands: the dated steps of a campaign, and the one that holds on a day."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Campaign, StageStep


@dataclass(frozen=True)
class Standing:
    """A country's steps in order, and which of them holds on the day asked for."""

    country: str
    steps: tuple[StageStep, ...]
    current: StageStep | None
    kind: dict[str, Any]  # key, label, meaning, lead of the current stage; empty without one

    @property
    def stage(self) -> str:
        return self.current.stage if self.current else ""


async def standings(session: AsyncSession, campaign: Campaign, day: date) -> dict[str, Standing]:
    """Every country of the campaign that has a step, by its two letters."""
    rows = await session.scalars(
        select(StageStep)
        .where(StageStep.campaign_id == campaign.id)
        .order_by(StageStep.on, StageStep.id)
    )
    steps: dict[str, list[StageStep]] = defaultdict(list)
    for step in rows:
        steps[step.country].append(step)
    return {country: _standing(campaign, country, found, day) for country, found in steps.items()}


def _standing(campaign: Campaign, country: str, steps: Sequence[StageStep], day: date) -> Standing:
    """The last dated step on that day holds; a step that is still to come does not."""
    reached = [step for step in steps if step.on <= day]
    current = reached[-1] if reached else None
    kinds = {kind["key"]: kind for kind in campaign.stages}
    kind = kinds.get(current.stage, {}) if current else {}
    return Standing(country, tuple(steps), current, kind)
