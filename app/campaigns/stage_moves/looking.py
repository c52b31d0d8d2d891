"""What a move changes: the letters that would ask for something else, and those that wait."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Subquery, and_, func, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app.campaigns import alerts, offices, stages
from app.campaigns.pack_format import Step
from app.campaigns.stage_moves.noticing import NOTHING_WAITED, WAITING, outdated
from app.errors import Missing, TemplateBroken
from app.languages import language_name
from app.models import (
    Alert,
    AlertCountry,
    AlertState,
    Campaign,
    Freeze,
    Letter,
    LetterStatus,
    SendCount,
    StageMove,
    StageStep,
    Target,
)
from app.outbox import freezes
from app.settings import TRIED_OUT
from app.wording.templates import parse

OPEN = (AlertState.PUBLISHED, AlertState.REHEARSAL)
COUNTED = 5_000  # letters; to count more takes longer than a page may
HISTORY = 20


@dataclass(frozen=True)
class Ask:
    """What the letter in one language asks for, now and then; empty where it has no ask."""

    language: str
    reviewed: bool
    now: str
    then: str


@dataclass(frozen=True)
class Change:
    """An alert whose letters to a country would ask for something else.

    `waiting`: letters queued or at a mail server that ask for what was asked before; where very
    many wait, all of these. `unconfirmed`: those whose supporters read the new text first.
    """

    alert: Alert
    now: str
    then: str
    asks: list[Ask]
    waiting: int
    unconfirmed: int


@dataclass(frozen=True)
class OpenMove:
    """A move, and how many letters wait because of it. `more`: at least so many."""

    move: StageMove
    campaign: Campaign
    country: str
    frm: str
    to: str
    letters: int
    more: bool


@dataclass(frozen=True)
class Held:
    """An alert with letters that a move holds, by status."""

    alert: Alert
    queued: int
    sending: int
    unconfirmed: int
    asks: list[Ask]


async def changes(
    session: AsyncSession, campaign: Campaign, country: str, steps: Sequence[Step]
) -> list[Change]:
    """What these steps would change today, in every alert that is open or has letters waiting."""
    standing = await stages.steps_of(session, campaign, country)
    found = []
    for alert in await _concerned(session, campaign, country):
        day = alerts.today(alert)
        now = stages.stage_on(standing, day)
        then = stages.stage_on(steps, day)
        if now != then:
            counts = await _counts(session, alert, country)
            waiting = sum(counts.get(status, 0) for status in WAITING)
            if then and waiting <= COUNTED:
                waiting = await _count(session, outdated([alert], country, then))
            found.append(
                Change(
                    alert,
                    stages.label(campaign, now),
                    stages.label(campaign, then),
                    await _asks(session, alert, country, now, then),
                    waiting if then else 0,
                    counts.get(LetterStatus.HELD, 0),
                )
            )
    return found


async def undecided(session: AsyncSession, organisation_id: int) -> list[OpenMove]:
    """What waits for a decision of an organisation, the oldest first."""
    rows = await session.execute(
        select(StageMove, Campaign)
        .join(Campaign, Campaign.id == StageMove.campaign_id)
        .where(Campaign.organisation_id == organisation_id, StageMove.decided_at.is_(None))
        .order_by(StageMove.at, StageMove.id)
    )
    return [await _open(session, move, campaign) for move, campaign in rows.all()]


async def find(session: AsyncSession, organisation_id: int, move_id: int) -> OpenMove:
    """A move of one's own organisation, decided or not. Raises Missing."""
    row = (
        await session.execute(
            select(StageMove, Campaign)
            .join(Campaign, Campaign.id == StageMove.campaign_id)
            .where(
                StageMove.id == move_id,
                StageMove.decision != NOTHING_WAITED,
                Campaign.organisation_id == organisation_id,
            )
        )
    ).one_or_none()
    if row is None:
        raise Missing("move", str(move_id))
    return await _open(session, row[0], row[1])


async def moves_of(session: AsyncSession, campaign: Campaign) -> Sequence[StageMove]:
    """The newest moves that held letters of a campaign."""
    found = await session.scalars(
        select(StageMove)
        .where(StageMove.campaign_id == campaign.id, StageMove.decision != NOTHING_WAITED)
        .order_by(StageMove.id.desc())
        .limit(HISTORY)
    )
    return found.all()


async def held_by(session: AsyncSession, found: OpenMove) -> list[Held]:
    """The letters that a move holds, by alert, and what they ask for beside what is asked now."""
    move = found.move
    some = _held(move)
    rows = await session.execute(
        select(some.c.alert_id, some.c.status, func.count()).group_by(
            some.c.alert_id, some.c.status
        )
    )
    counted: dict[int, dict[str, int]] = {}
    for alert_id, status, n in rows:
        counted.setdefault(alert_id, {})[status] = n
    told = []
    for alert in await _concerned(session, found.campaign, move.country, set(counted)):
        mine = counted.get(alert.id, {})
        told.append(
            Held(
                alert,
                mine.get(LetterStatus.QUEUED, 0),
                mine.get(LetterStatus.SENDING, 0),
                (await _counts(session, alert, move.country)).get(LetterStatus.HELD, 0),
                await _asks(session, alert, move.country, move.from_stage, move.to_stage),
            )
        )
    return told


async def without_an_ask(
    session: AsyncSession, campaign: Campaign
) -> list[tuple[Alert, str, list[str]]]:
    """The newest letters of open alerts that ask for nothing at some stage: alert, letter, stages.

    At such a stage the country cannot be written to in that language.
    """
    found = []
    open_ = (Alert.campaign_id == campaign.id, Alert.state.in_(OPEN))
    for alert in await session.scalars(select(Alert).where(*open_).order_by(Alert.id)):
        for template in await offices.newest_templates(session, alert.id):
            asks = _asks_in(template.source)
            missing = [kind["label"] for kind in campaign.stages if kind["key"] not in asks]
            if missing:
                found.append((alert, f"{template.country}.{template.language}", missing))
    return found


async def countries_of(session: AsyncSession, campaign: Campaign) -> list[str]:
    """The countries that the campaign's alerts write to, or that have steps."""
    written = (
        select(AlertCountry.country)
        .join(Alert, Alert.id == AlertCountry.alert_id)
        .where(Alert.campaign_id == campaign.id)
    )
    with_steps = select(StageStep.country).where(StageStep.campaign_id == campaign.id)
    return sorted(await session.scalars(written.union(with_steps)))


async def _open(session: AsyncSession, move: StageMove, campaign: Campaign) -> OpenMove:
    n = await session.scalar(select(func.count()).select_from(_held(move))) or 0
    return OpenMove(
        move,
        campaign,
        await stages.name_of(session, campaign, move.country),
        stages.label(campaign, move.from_stage),
        stages.label(campaign, move.to_stage),
        min(n, COUNTED),
        n > COUNTED,
    )


def _held(move: StageMove) -> Subquery:
    """The letters that a move holds and that wait, as many as a page may count, and one more."""
    return (
        select(Letter.alert_id, Letter.status)
        .join(Freeze, and_(Freeze.scope == "letter", Freeze.ref == Letter.id))
        .where(Freeze.stage_move_id == move.id, freezes.STANDING, Letter.status.in_(WAITING))
        .limit(COUNTED + 1)
        .subquery()
    )


async def _concerned(
    session: AsyncSession, campaign: Campaign, country: str, ids: set[int] | None = None
) -> Sequence[Alert]:
    """The alerts that write to a country and take letters, or have some waiting; or just these."""
    waiting = (
        select(SendCount.alert_id)
        .join(Target, Target.id == SendCount.target_id)
        .where(Target.country == country, SendCount.status.in_(WAITING), SendCount.n > 0)
    )
    which = (
        Alert.id.in_(ids) if ids is not None else or_(Alert.state.in_(OPEN), Alert.id.in_(waiting))
    )
    found = await session.scalars(
        select(Alert)
        .join(AlertCountry, AlertCountry.alert_id == Alert.id)
        .options(selectinload(Alert.campaign))
        .where(Alert.campaign_id == campaign.id, AlertCountry.country == country, which)
        .order_by(Alert.id)
    )
    return found.all()


async def _counts(session: AsyncSession, alert: Alert, country: str) -> dict[str, int]:
    rows = await session.execute(
        select(SendCount.status, func.sum(SendCount.n))
        .join(Target, Target.id == SendCount.target_id)
        .where(
            SendCount.alert_id == alert.id,
            Target.country == country,
            SendCount.delivery.not_in(TRIED_OUT),
        )
        .group_by(SendCount.status)
    )
    return {status: int(n) for status, n in rows}


async def _count(session: AsyncSession, which: Sequence[tuple[object, ...]]) -> int:
    found = union_all(*(select(Letter.id).where(*one) for one in which)).subquery()  # type: ignore[arg-type]
    return await session.scalar(select(func.count()).select_from(found)) or 0


async def _asks(
    session: AsyncSession, alert: Alert, country: str, now: str, then: str
) -> list[Ask]:
    found = []
    for template in await offices.newest_templates(session, alert.id):
        if template.country == country:
            asks = _asks_in(template.source)
            words = (asks.get(now, ""), asks.get(then, ""))
            found.append(Ask(language_name(template.language), template.reviewed, *words))
    return found


def _asks_in(source: str) -> dict[str, str]:
    try:
        return parse(source).asks
    except TemplateBroken:
        return {}
