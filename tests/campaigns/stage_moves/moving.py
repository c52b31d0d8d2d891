"""An alert to one country that moves from stage to stage, and letters that wait meanwhile."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.pack_format import Step
from app.campaigns.stage_moves import editing
from app.db import Database
from app.models import Campaign, Freeze, Letter, StageMove, StageStep
from app.outbox import claims
from app.settings import Settings
from tests.grounds.letters import SOURCE, Ground, make_alert, make_queued_letters
from tests.grounds.rows import all_of

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ANNOUNCED = Step(stage="announced", on=date(2026, 11, 1), what="It was said.", source="A paper")
ANNA = "anna@example.org"
A_MINUTE = timedelta(minutes=1)
TODAY, TOMORROW = date(2026, 11, 22), date(2026, 11, 23)
STAGES = [
    {"key": key, "label": label, "meaning": "It is so.", "lead": "{country}: {date}"}
    for key, label in (("announced", "Announced"), ("voted", "Voted"), ("notified", "Notified"))
]
ASKS = """announced = "- keep the treaty."
voted = "- do not deposit it."
notified = "- take the notice back."
"""


@dataclass(frozen=True)
class Moving:
    """The ground, and its campaign."""

    ground: Ground
    campaign: Campaign


def voted(on: date) -> Step:
    return Step(
        stage="voted",
        on=on,
        what="Parliament voted to leave.",
        source="The record of the sitting",
        url="https://example.org/vote",
    )


def notified(on: date) -> Step:
    return Step(stage="notified", on=on, what="The notice was deposited.", source="A depositary")


async def make_moving(session: AsyncSession, n: int = 0, **changes: str) -> Moving:
    """A published alert to Estonia, which stands at “Announced”, and `n` letters that ask for what
    is asked there."""
    ground = await make_alert(session, **changes)  # type: ignore[arg-type]
    campaign = await session.get_one(Campaign, ground.alert.campaign_id)
    campaign.stages = STAGES
    ground.template.source = SOURCE.replace('announced = "- keep the treaty."\n', ASKS)
    step = ANNOUNCED.model_dump()
    session.add(StageStep(campaign_id=campaign.id, country="EE", **step))
    await session.flush()
    if n:
        await make_queued_letters(session, n, ground=ground)
    return Moving(ground, campaign)


async def write_steps(session: AsyncSession, moving: Moving, *steps: Step, by: str = ANNA) -> int:
    """An organiser saves the country's steps; gives how many letters are held."""
    campaign = moving.campaign
    standing = await session.scalars(
        select(StageStep).where(StageStep.campaign_id == campaign.id).order_by(StageStep.on)
    )
    base = editing.base_of(editing.typed(standing.all()))
    return await editing.save_steps(session, campaign, "EE", list(steps), base=base, by=by)


async def moves(database: Database) -> list[StageMove]:
    """Those that held letters."""
    return await all_of(database, StageMove, StageMove.decision != "none")


async def held(database: Database) -> set[int]:
    """The letters on which a hold of their own stands."""
    standing = (Freeze.scope == "letter", Freeze.released_at.is_(None))
    return {one.ref for one in await all_of(database, Freeze, *standing)}


async def letters(database: Database) -> list[Letter]:
    return await all_of(database, Letter)


async def claimed(database: Database, settings: Settings, limit: int = 100) -> list[int]:
    async with database.transaction() as session:
        found = await claims.claim(
            session,
            worker="w",
            delivery="sandbox",
            limit=limit,
            lease=timedelta(minutes=5),
            settings=settings,
        )
        return sorted(one.letter.id for one in found)
