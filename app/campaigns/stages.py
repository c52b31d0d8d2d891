"""Where each country stands: the dated steps of a campaign, and the one that holds on a day."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.pack_format import Step
from app.languages import SOURCE, country_name
from app.models import Alert, AlertCountry, Campaign, StageStep

S = TypeVar("S", StageStep, Step)


@dataclass(frozen=True)
class Standing:
    """A country's steps in order, and which of them holds on the day asked for."""

    country: str
    steps: tuple[StageStep, ...]
    current: StageStep | None
    kind: dict[str, Any]  # key, label, meaning, lead of the current stage; empty without one
    day: date

    @property
    def stage(self) -> str:
        return self.current.stage if self.current else ""


async def standings(session: AsyncSession, campaign: Campaign, day: date) -> dict[str, Standing]:
    """Every country of the campaign that has a step, by its two letters."""
    steps: dict[str, list[StageStep]] = defaultdict(list)
    for step in await steps_of(session, campaign):
        steps[step.country].append(step)
    return {country: standing(campaign, country, found, day) for country, found in steps.items()}


async def steps_of(session: AsyncSession, campaign: Campaign, country: str = "") -> list[StageStep]:
    """The dated steps of a campaign, or of one of its countries, as they come: of two on one day
    the one that is the later stage comes second."""
    wanted = select(StageStep).where(StageStep.campaign_id == campaign.id)
    if country:
        wanted = wanted.where(StageStep.country == country)
    return in_order(campaign, (await session.scalars(wanted.order_by(StageStep.id))).all())


async def hold(session: AsyncSession, campaign: Campaign) -> None:
    """Two who change a campaign's stages or steps at once are one after the other, and the second
    sees what the first wrote."""
    locked = select(Campaign).where(Campaign.id == campaign.id).with_for_update(key_share=True)
    await session.execute(locked.execution_options(populate_existing=True))


def in_order(campaign: Campaign, steps: Iterable[S]) -> list[S]:
    place = {kind["key"]: number for number, kind in enumerate(campaign.stages)}
    return sorted(steps, key=lambda step: (step.on, place.get(step.stage, len(place))))


def stage_on(steps: Sequence[S], day: date) -> str:
    """The stage at which a country with these steps, in their order, stands on a day."""
    reached = [step.stage for step in steps if step.on <= day]
    return reached[-1] if reached else ""


async def write(
    session: AsyncSession, campaign: Campaign, country: str, steps: Sequence[Step]
) -> bool:
    """The country's steps become these; tells whether a stage or a date is another one."""
    kept = {row.stage: row for row in await steps_of(session, campaign, country)}
    before = {(row.stage, row.on) for row in kept.values()}
    for step in steps:
        row = kept.pop(step.stage, None)
        if row is None:
            row = StageStep(campaign_id=campaign.id, country=country, stage=step.stage)
            session.add(row)
        row.on, row.what, row.source, row.url = step.on, step.what, step.source, step.url
    for gone in kept.values():
        await session.delete(gone)
    await session.flush()
    return before != {(step.stage, step.on) for step in steps}


def label(campaign: Campaign, stage: str) -> str:
    """What a stage is called; its key where the campaign does not know it any more."""
    return next((str(one["label"]) for one in campaign.stages if one["key"] == stage), stage)


async def name_of(session: AsyncSession, campaign: Campaign, country: str) -> str:
    """What a country is called in sentences on record: a made-up one as its alert names it."""
    named = (
        select(AlertCountry.name)
        .join(Alert, Alert.id == AlertCountry.alert_id)
        .where(Alert.campaign_id == campaign.id, AlertCountry.country == country)
        .limit(1)
    )
    return country_name(country, SOURCE, await session.scalar(named) or "")


def standing(campaign: Campaign, country: str, steps: Sequence[StageStep], day: date) -> Standing:
    """Where a country with these steps, in their order, stands on a day.

    The last dated step on that day holds; a step that is still to come does not."""
    reached = [step for step in steps if step.on <= day]
    current = reached[-1] if reached else None
    kinds = {kind["key"]: kind for kind in campaign.stages}
    kind = kinds.get(current.stage, {}) if current else {}
    return Standing(country, tuple(steps), current, kind, day)
