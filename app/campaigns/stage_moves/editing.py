"""The timeline of a country and the stages of a campaign, each changed in one place.

Whoever changes them says from what they began (`base`): of two who began from the same, the
second is shown both.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import audit
from app.campaigns import stages
from app.campaigns.pack_format import Stage, Step
from app.campaigns.stage_moves import noticing
from app.errors import FormRefused, Missing, Overtaken
from app.models import Campaign, StageMove, StageStep

PARTS_OF_A_STEP = ("on", "what", "source", "url")
PARTS_OF_A_STAGE = ("key", "label", "meaning", "lead")
LONGEST_KEY = 40
# what pydantic calls it → the word that the door has a sentence for
REASONS = {
    "string_too_long": "too_long",
    "date_from_datetime_parsing": "not_a_day",
    "date_from_datetime_inexact": "not_a_day",
    "date_parsing": "not_a_day",
}

Timeline = dict[str, dict[str, str]]  # stage → what was typed of it
Kinds = list[dict[str, str]]


async def campaign_of(session: AsyncSession, organisation_id: int, slug: str) -> Campaign:
    """A campaign of one's own organisation. Raises Missing."""
    ours = (Campaign.slug == slug, Campaign.organisation_id == organisation_id)
    found = await session.scalar(select(Campaign).where(*ours))
    if found is None:
        raise Missing("campaign", slug)
    return found


# ── a country's steps ──


def typed(steps: Iterable[StageStep | Step]) -> Timeline:
    """Steps as they stand in a form."""
    return {one.stage: {name: str(getattr(one, name)) for name in PARTS_OF_A_STEP} for one in steps}


def base_of(content: Any) -> str:
    """The same content has the same, 64 hex digits."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def checked(campaign: Campaign, timeline: Mapping[str, Mapping[str, str]]) -> list[Step]:
    """What was typed as steps; a stage of which nothing is said is not reached.

    Raises FormRefused with a reason for each `<stage>-<part>`.
    """
    known = {kind["key"] for kind in campaign.stages}
    steps: list[Step] = []
    faults: dict[str, str] = {}
    for stage, parts in timeline.items():
        said = {name: parts.get(name, "").strip() for name in PARTS_OF_A_STEP}
        if stage not in known or not any(said.values()):
            continue
        faults |= {
            f"{stage}-{name}": "missing" for name in ("on", "what", "source") if not said[name]
        }
        try:
            steps.append(Step.model_validate({"stage": stage, **said}, strict=False))
        except ValidationError as fault:
            for one in fault.errors():
                faults.setdefault(f"{stage}-{one['loc'][0]}", _reason(one))
    if faults:
        raise FormRefused(faults)
    return stages.in_order(campaign, steps)


async def save_steps(
    session: AsyncSession,
    campaign: Campaign,
    country: str,
    steps: Sequence[Step],
    *,
    base: str,
    by: str,
) -> int:
    """Write a country's steps, and hold what waits and asks for another stage than the one it
    stands at now; gives how many letters. Raises Overtaken."""
    await stages.hold(session, campaign)
    theirs = typed(await stages.steps_of(session, campaign, country))
    yours = typed(steps)
    if theirs == yours:
        return 0
    if base_of(theirs) != base:
        raise Overtaken(theirs, dict(yours))
    moved = await stages.write(session, campaign, country, steps)
    name = await stages.name_of(session, campaign, country)
    listed = ", ".join(f"{stages.label(campaign, one.stage)} {one.on}" for one in steps) or "none"
    said = f"Changed the steps of {name} (campaign “{campaign.slug}”): {listed}"
    await audit.note(session, by, said, organisation_id=campaign.organisation_id)
    return await noticing.notice(session, campaign, country, by=by) if moved else 0


# ── a campaign's stages ──


def kinds_of(campaign: Campaign) -> Kinds:
    """The stages as they stand in a form."""
    return [{name: str(kind[name]) for name in PARTS_OF_A_STAGE} for kind in campaign.stages]


async def save_kinds(
    session: AsyncSession, campaign: Campaign, kinds: Sequence[Stage], *, base: str, by: str
) -> bool:
    """Write the stages that a country can reach; False when they are so already.

    Raises Overtaken, or FormRefused with the keys of stages that are in use and would be gone.
    """
    await stages.hold(session, campaign)
    theirs = kinds_of(campaign)
    yours = [one.model_dump() for one in kinds]
    if theirs == yours:
        return False
    if base_of(theirs) != base:
        raise Overtaken(theirs, {"kinds": yours})
    gone = {one["key"] for one in theirs} - {one.key for one in kinds}
    used = gone & await in_use(session, campaign)
    if used:
        raise FormRefused(dict.fromkeys(sorted(used), "in_use"))
    campaign.stages = yours
    await session.flush()
    listed = ", ".join(f"“{one.label}”" for one in kinds)
    said = f"Changed the stages of the campaign “{campaign.slug}”: {listed}"
    await audit.note(session, by, said, organisation_id=campaign.organisation_id)
    return True


async def in_use(session: AsyncSession, campaign: Campaign) -> set[str]:
    """The stages that a country has a step to, or left while letters wait for a decision."""
    open_moves = (StageMove.campaign_id == campaign.id, StageMove.decided_at.is_(None))
    found = await session.scalars(
        select(StageStep.stage)
        .where(StageStep.campaign_id == campaign.id)
        .union(
            select(StageMove.from_stage).where(*open_moves),
            select(StageMove.to_stage).where(*open_moves),
        )
    )
    return set(found)


def checked_kinds(rows: Sequence[Mapping[str, str]]) -> list[Stage]:
    """What was typed as stages, in the order of their numbers; a row without words is none.

    Raises FormRefused with a reason for each `<row>-<part>`, rows counted from 0.
    """
    kinds: list[tuple[int, Stage]] = []
    faults: dict[str, str] = {}
    for number, row in enumerate(rows):
        said = {name: row.get(name, "").strip() for name in PARTS_OF_A_STAGE}
        if not any(said[name] for name in PARTS_OF_A_STAGE[1:]):
            continue
        said["key"] = said["key"] or key_of(said["label"])
        try:
            kinds.append((_place(row.get("place", ""), number), Stage.model_validate(said)))
        except ValidationError as fault:
            for one in fault.errors():
                faults.setdefault(f"{number}-{one['loc'][0]}", _reason(one))
        if [one.key for _, one in kinds].count(said["key"]) > 1:
            faults[f"{number}-label"] = "twin"
    if faults:
        raise FormRefused(faults)
    return [stage for _, stage in sorted(kinds, key=lambda one: one[0])]


def key_of(label: str) -> str:
    """“In effect” → in_effect."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:LONGEST_KEY].strip("_") or "stage"


def _place(typed: str, otherwise: int) -> int:
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 4 else otherwise


def _reason(fault: Any) -> str:
    """A word that the door has a sentence for; else what is wrong, as it is said of a file."""
    if fault["type"] == "string_too_short":
        return "missing"
    if fault["loc"][0] == "url":
        return "not_a_web_address"
    return REASONS.get(fault["type"]) or str(fault["msg"]).removeprefix("Value error, ")
