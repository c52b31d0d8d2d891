"""A country that has moved on is noticed, and the letters that ask for what was asked before are
held, each by a hold of its own, until an organiser decides.

A move comes in two ways: somebody changes a country's steps, and then it is noticed in the same
transaction; or the day of a dated step comes, in the time zone of each alert, and then a chore
notices it within a minute. Only a move between stages holds letters: a step that only gets
another source holds nothing, and what was confirmed at the stage of today goes on.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, exists, literal_column, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app import audit, clock
from app.campaigns import alerts, stages
from app.campaigns.stages import Standing
from app.models import Alert, Campaign, Freeze, Letter, LetterStatus, SendCount, StageMove, Target
from app.outbox import freezes
from app.outbox.places import Place
from app.settings import TRIED_OUT

WAITING = (LetterStatus.QUEUED, LetterStatus.SENDING)
MAY_LEAVE = (*WAITING, LetterStatus.FAILED)  # what failed can be queued again
# whoever confirms while the steps are changed, in a transaction of their own, may seal the old
# text a moment later: it is looked for once more
AGAIN_FOR = timedelta(minutes=5)
THE_CLOCK = "the clock"
UNDONE, NOTHING_WAITED = "undone", "none"  # decisions that nobody had to take


@dataclass(frozen=True)
class _Moving:
    """A country of a campaign that has moved on, and whose doing it is."""

    campaign: Campaign
    country: str
    name: str
    by: str

    def label(self, stage: str) -> str:
        return f"“{stages.label(self.campaign, stage)}”"


async def notice(session: AsyncSession, campaign: Campaign, country: str, *, by: str) -> int:
    """Hold what waits and asks for another stage than the one at which the country stands now;
    gives how many letters. For whoever has changed its steps."""
    return await _notice(session, campaign, country, by=by, edited=True)


async def notice_days(session: AsyncSession) -> int:
    """The same wherever the day of a dated step has come; gives how many letters."""
    found: dict[tuple[int, str], list[Alert]] = defaultdict(list)
    for alert, country in await _waiting(session):
        found[alert.campaign_id, country].append(alert)
    n = 0
    for (_, country), ours in sorted(found.items(), key=lambda one: one[0]):
        if await _is_due(session, ours, country):
            n += await _notice(session, ours[0].campaign, country, by=THE_CLOCK, edited=False)
    return n


async def look_again(session: AsyncSession, place: Place, *, by: str) -> int:
    """Hold what was just let go or queued again there although its country had moved on while it
    was frozen or had failed; gives how many letters."""
    if place.scope == "letter":
        there = select(Letter.alert_id, Letter.target_id).where(place.letters)
    else:
        there = select(SendCount.alert_id, SendCount.target_id).where(
            place.counts, SendCount.status.in_(MAY_LEAVE), SendCount.n > 0
        )
    some = there.subquery()
    rows = await session.execute(
        select(Alert.campaign_id, Target.country)
        .join(some, some.c.alert_id == Alert.id)
        .join(Target, Target.id == some.c.target_id)
        .distinct()
    )
    n = 0
    for campaign_id, country in sorted((row.campaign_id, row.country) for row in rows):
        # where nothing has moved, there may be a million letters to look through
        if await _moves(session, campaign_id, country):
            campaign = await session.get_one(Campaign, campaign_id)
            n += await _notice(session, campaign, country, by=by, edited=False)
    return n


async def undecided(session: AsyncSession, campaign_id: int, country: str) -> Sequence[StageMove]:
    """The moves of a country of which nobody has decided yet, the oldest first; nor will anybody
    before this transaction ends: a hold that came after the decision would stand for ever."""
    found = select(StageMove).where(
        StageMove.campaign_id == campaign_id,
        StageMove.country == country,
        StageMove.decided_at.is_(None),
    )
    locked = found.order_by(StageMove.id).with_for_update(key_share=True)
    return (await session.scalars(locked)).all()


def outdated(
    found: Sequence[Alert], country: str, stage: str
) -> list[tuple[ColumnElement[bool], ...]]:
    """What of these alerts is queued, and what is being sent, and asks for another stage.

    Not what is held already, and not what an organiser has let go at this very stage.
    """
    ids = [one.id for one in found]
    let_go = exists().where(
        Freeze.scope == "letter",
        Freeze.ref == Letter.id,
        Freeze.stage_move_id == StageMove.id,
        StageMove.to_stage == stage,
        StageMove.decision != UNDONE,
    )
    deliveries = select(SendCount.delivery).where(
        SendCount.alert_id.in_(ids), SendCount.delivery.not_in(TRIED_OUT)
    )
    which = (
        Letter.delivery.in_(deliveries),
        Letter.target_id.in_(select(Target.id).where(Target.country == country)),
        Letter.alert_id.in_(ids),
        Letter.stage != stage,
        ~freezes.letter_is_frozen(),
        ~let_go,
    )
    # written out: SQLite uses a partial index only for what it can read in the statement
    return [(Letter.status == literal_column(f"'{status}'"), *which) for status in WAITING]


async def _waiting(session: AsyncSession, *where: ColumnElement[bool]) -> list[tuple[Alert, str]]:
    """Each alert with letters that wait, and each country they wait for; not what is tried out."""
    counted = (
        select(SendCount.alert_id, Target.country)
        .join(Target, Target.id == SendCount.target_id)
        .where(
            SendCount.status.in_(MAY_LEAVE),
            SendCount.n > 0,
            SendCount.delivery.not_in(TRIED_OUT),
        )
        .distinct()
        .subquery()
    )
    rows = await session.execute(
        select(Alert, counted.c.country)
        .options(selectinload(Alert.campaign))
        .join(counted, counted.c.alert_id == Alert.id)
        .where(*where)
        .order_by(Alert.id, counted.c.country)
    )
    return [(alert, country) for alert, country in rows]


async def _standing(session: AsyncSession, alert: Alert, country: str) -> Standing | None:
    day = alerts.today(alert)
    return (await stages.standings(session, alert.campaign, day)).get(country)


# ── by the clock ──


async def _is_due(session: AsyncSession, found: Sequence[Alert], country: str) -> bool:
    """Whether the day of its newest step has come for one of the alerts, and nobody noticed."""
    moves = await _moves(session, found[0].campaign_id, country)
    if any(one.at > clock.now() - AGAIN_FOR for one in moves):
        return True
    for alert in found:
        standing = await _standing(session, alert, country)
        if standing is None or standing.current in {None, standing.steps[0]}:
            continue
        # an alert that is younger has no letters that ask for what was asked before
        since = _begins(standing, alert)
        if alert.created_at < since and not _is_noticed(moves, standing.stage, since):
            return True
    return False


async def _moves(session: AsyncSession, campaign_id: int, country: str) -> Sequence[StageMove]:
    of_country = (StageMove.campaign_id == campaign_id, StageMove.country == country)
    return (await session.scalars(select(StageMove).where(*of_country))).all()


def _begins(standing: Standing, alert: Alert) -> datetime:
    """The first moment of the day from which the step holds where the alert lives."""
    assert standing.current is not None
    return datetime.combine(standing.current.on, time(), ZoneInfo(alert.timezone))


def _is_noticed(moves: Sequence[StageMove], stage: str, since: datetime) -> bool:
    return any(one.to_stage == stage and one.at >= since for one in moves)


# ── holding ──


async def _notice(
    session: AsyncSession, campaign: Campaign, country: str, *, by: str, edited: bool
) -> int:
    # one at a time: two workers notice the same day in the same minute
    locked = select(Campaign.id).where(Campaign.id == campaign.id)
    await session.execute(locked.with_for_update(key_share=True))
    name = await stages.name_of(session, campaign, country)
    moving = _Moving(campaign, country, name, by)
    at_stage: dict[str, list[tuple[Alert, Standing]]] = defaultdict(list)
    for alert, code in await _waiting(session, Alert.campaign_id == campaign.id):
        standing = await _standing(session, alert, country) if code == country else None
        if standing and standing.current:
            at_stage[standing.stage].append((alert, standing))
    await _follow(session, moving, list(at_stage))
    n = 0
    for stage, found in at_stage.items():
        held = await _hold(session, moving, stage, [alert for alert, _ in found])
        if not held and (edited or not await _noticed_by_all(session, moving, stage, found)):
            await _put(session, moving, "", stage, decision=NOTHING_WAITED)
        n += held
    return n


async def _noticed_by_all(
    session: AsyncSession, moving: _Moving, stage: str, found: Sequence[tuple[Alert, Standing]]
) -> bool:
    moves = await _moves(session, moving.campaign.id, moving.country)
    since = max(_begins(standing, alert) for alert, standing in found)
    return _is_noticed(moves, stage, since)


async def _follow(session: AsyncSession, moving: _Moving, stages_now: Sequence[str]) -> None:
    """What waits for a decision when its country moves on once more, or back."""
    for move in await undecided(session, moving.campaign.id, moving.country):
        if not stages_now or move.to_stage in stages_now:
            continue
        if move.from_stage in stages_now:
            note = f"{moving.name} stands at {moving.label(move.from_stage)} again"
            n = await freezes.release_moved(session, move, by=moving.by, note=note)
            move.decided_at, move.decided_by, move.decision = clock.now(), moving.by, UNDONE
            await _record(session, moving, f"{note}: {letters(n)} let go")
        else:
            move.to_stage = stages_now[-1]
            said = f"{moving.name} moved on to {moving.label(move.to_stage)} before anybody decided"
            await _record(session, moving, said)
    await session.flush()


async def _hold(session: AsyncSession, moving: _Moving, stage: str, found: Sequence[Alert]) -> int:
    """One move for each stage that letters still ask for."""
    waiting = outdated(found, moving.country, stage)
    asked = union_all(*(select(Letter.stage).where(*which) for which in waiting)).subquery()
    why = (
        f"{moving.name} has moved on to {moving.label(stage)}: the organisers decide whether the"
        " letter goes as it was written"
    )
    n = 0
    for old in sorted(await session.scalars(select(asked.c.stage).distinct())):
        standing = await undecided(session, moving.campaign.id, moving.country)
        move = next((one for one in standing if one.from_stage == old), None)
        move = move or await _put(session, moving, old, stage)
        those = [select(Letter.id).where(Letter.stage == old, *which) for which in waiting]
        held = await freezes.freeze_moved(session, move, those, why=why, by=moving.by)
        said = f"{moving.name} moved from {moving.label(old)} to {moving.label(stage)}"
        await _record(session, moving, f"{said}: {letters(held)} held until somebody decides")
        n += held
    return n


async def _put(
    session: AsyncSession, moving: _Moving, frm: str, to: str, *, decision: str = ""
) -> StageMove:
    now = clock.now()
    move = StageMove(
        campaign_id=moving.campaign.id,
        country=moving.country,
        from_stage=frm,
        to_stage=to,
        at=now,
        by=moving.by,
        decided_at=now if decision else None,
        decided_by="",
        decision=decision,
    )
    session.add(move)
    await session.flush()
    return move


async def _record(session: AsyncSession, moving: _Moving, said: str) -> None:
    campaign = moving.campaign
    sentence = f"{said} (campaign “{campaign.slug}”)"
    await audit.note(session, moving.by, sentence, organisation_id=campaign.organisation_id)


def letters(n: int) -> str:
    return "one letter" if n == 1 else f"{n} letters"
