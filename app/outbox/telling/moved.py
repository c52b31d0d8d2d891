"""Mail to supporters whose letters were called off because a country moved on: who is told, and
of what. Found when the notice is claimed, as a country may have moved once more meanwhile."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Row, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.models import (
    AlertCountry,
    Campaign,
    Freeze,
    Letter,
    LetterStatus,
    Notice,
    NoticeKind,
    StageMove,
    StageStep,
    Submission,
    Target,
)
from app.wording.notices import Moved


async def untold(
    session: AsyncSession, move_id: int, letter_ids: Sequence[int]
) -> Sequence[Row[int, str, str, int]]:
    """The forms of these letters that no notice tells of this move yet: number, person, delivery,
    and one of the freezes that the move made."""
    other = aliased(Freeze)
    told = exists().where(
        Notice.submission_id == Submission.id,
        Notice.kind == NoticeKind.STAGE_MOVED,
        Notice.freeze_id == other.id,
        other.stage_move_id == move_id,
    )
    rows = await session.execute(
        select(
            Submission.id,
            Submission.person_key,
            Submission.delivery,
            func.min(Freeze.id).label("freeze_id"),
        )
        .join(Letter, Letter.submission_id == Submission.id)
        .join(Freeze, and_(Freeze.ref == Letter.id, Freeze.stage_move_id == move_id))
        .where(Letter.id.in_(letter_ids), Submission.erased_at.is_(None), ~told)
        .group_by(Submission.id, Submission.person_key, Submission.delivery)
        .order_by(Submission.id)
    )
    return rows.all()


async def of_notices(session: AsyncSession, notices: Sequence[Notice]) -> dict[int, Moved]:
    """What each of those notices tells that are about a move and still have something to tell."""
    about = [one.id for one in notices if one.kind == NoticeKind.STAGE_MOVED]
    if not about:
        return {}
    rows = await session.execute(
        select(Notice.id, StageMove, Campaign, StageStep)
        .join(Freeze, Freeze.id == Notice.freeze_id)
        .join(StageMove, StageMove.id == Freeze.stage_move_id)
        .join(Campaign, Campaign.id == StageMove.campaign_id)
        .outerjoin(
            StageStep,
            and_(
                StageStep.campaign_id == StageMove.campaign_id,
                StageStep.country == StageMove.country,
                StageStep.stage == StageMove.to_stage,
            ),
        )
        .where(Notice.id.in_(about))
    )
    offices = await _offices(session, about)
    return {
        notice_id: Moved(move.country, _label(campaign, move.to_stage), step, offices[notice_id])
        for notice_id, move, campaign, step in rows
        if notice_id in offices
    }


async def _offices(
    session: AsyncSession, notice_ids: Sequence[int]
) -> dict[int, list[tuple[str, str]]]:
    """The offices whose letters a move called off, each with what its country is called."""
    first = aliased(Freeze)
    rows = await session.execute(
        select(Notice.id, Target.office, AlertCountry.name)
        .join(first, first.id == Notice.freeze_id)
        .join(Letter, Letter.submission_id == Notice.submission_id)
        .join(
            Freeze,
            and_(Freeze.ref == Letter.id, Freeze.stage_move_id == first.stage_move_id),
        )
        .join(Target, Target.id == Letter.target_id)
        .join(
            AlertCountry,
            and_(AlertCountry.alert_id == Letter.alert_id, AlertCountry.country == Target.country),
        )
        .where(Notice.id.in_(notice_ids), Letter.status == LetterStatus.CANCELLED)
        .order_by(Target.office, Letter.id)
    )
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for notice_id, office, named in rows:
        found[notice_id].append((office, named))
    return dict(found)


def _label(campaign: Campaign, stage: str) -> str:
    return next((str(one["label"]) for one in campaign.stages if one["key"] == stage), stage)
