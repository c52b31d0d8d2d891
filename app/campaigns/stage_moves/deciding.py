"""An organiser decides about letters that a country's move holds: they go as they were written,
or are called off, and their supporters are offered the new letter."""

from dataclasses import dataclass

from sqlalchemy import Select, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import audit, clock
from app.campaigns import stages
from app.campaigns.stage_moves.noticing import THE_CLOCK, letters
from app.models import Campaign, Freeze, Letter, LetterStatus, StageMove
from app.outbox import freezes, notices, queue

SENT, CANCELLED = "sent", "cancelled"
OVER = "over"  # the letters ended otherwise before anybody decided
CALLING_OFF = "calling off"  # some are at a mail server, or too many for one transaction
AT_ONCE = 5_000  # letters in one transaction: on SQLite nobody else writes meanwhile
A_BATCH = 500  # letters in one statement
# from each of these a letter can come back to the queue
UNSETTLED = (LetterStatus.QUEUED, LetterStatus.SENDING, LetterStatus.FAILED)


@dataclass(frozen=True)
class CalledOff:
    """`n` letters are cancelled by now; `left` are not yet: some are at a mail server at this
    moment, or there were too many at once. These follow by themselves."""

    n: int
    left: int


async def send_as_written(session: AsyncSession, move: StageMove, *, by: str) -> int | None:
    """Let them go on; gives how many, None when somebody had decided before."""
    if not await _decide(session, move, SENT, by):
        return None
    campaign = await session.get_one(Campaign, move.campaign_id)
    note = "it goes as it was written"
    n = await freezes.release_moved(session, move, by=by, note=note)
    said = f"Let {letters(n)} {await _named(session, campaign, move)} go as they were written"
    await audit.note(session, by, said, organisation_id=campaign.organisation_id)
    return n


async def call_off(
    session: AsyncSession, move: StageMove, *, by: str, mail_domain: str
) -> CalledOff | None:
    """Cancel them, and write to each supporter once; None when somebody had decided before.

    What is at a mail server stays held: when it comes back, it is called off too (`finish`).
    """
    if not await _decide(session, move, CALLING_OFF, by):
        return None
    campaign = await session.get_one(Campaign, move.campaign_id)
    done = await _call_off(session, campaign, move, mail_domain)
    more = f"; {done.left} to follow" if done.left else ""
    said = f"Called off {letters(done.n)} {await _named(session, campaign, move)}{more}"
    await audit.note(session, by, said, organisation_id=campaign.organisation_id)
    return done


async def finish(session: AsyncSession, *, mail_domain: str) -> int:
    """Call off what could not be called off when it was decided; gives how many letters.

    A move of whose letters none waits any more needs no decision.
    """
    await _close(session)
    found = await session.execute(
        select(StageMove, Campaign)
        .join(Campaign, Campaign.id == StageMove.campaign_id)
        .where(StageMove.decision == CALLING_OFF)
        .order_by(StageMove.id)
        .with_for_update(skip_locked=True, of=StageMove)
    )
    n = 0
    for move, campaign in found.all():
        n += (await _call_off(session, campaign, move, mail_domain)).n
    return n


async def _close(session: AsyncSession) -> None:
    waiting = exists().where(
        Freeze.stage_move_id == StageMove.id,
        freezes.STANDING,
        Freeze.ref == Letter.id,
        Letter.status.in_(UNSETTLED),
    )
    empty = select(StageMove).where(StageMove.decided_at.is_(None), ~waiting)
    # whoever has one in hand may be adding letters to it: it is looked at again in a minute
    found = await session.scalars(empty.with_for_update(skip_locked=True))
    for move in found.all():
        move.decided_at, move.decision = clock.now(), OVER
        await freezes.release_moved(session, move, by=THE_CLOCK)
    await session.flush()


async def _decide(session: AsyncSession, move: StageMove, decision: str, by: str) -> bool:
    """Whether this decision is the first."""
    decided = await session.scalar(
        update(StageMove)
        .where(StageMove.id == move.id, StageMove.decided_at.is_(None))
        .values(decided_at=clock.now(), decided_by=by, decision=decision)
        .returning(StageMove.id)
    )
    return decided is not None


async def _call_off(
    session: AsyncSession, campaign: Campaign, move: StageMove, mail_domain: str
) -> CalledOff:
    """A share of the letters: cancelled, let go, and their supporters written to."""
    waiting = select(Letter.id).where(
        Letter.status == LetterStatus.QUEUED, Letter.id.in_(_held_by(move))
    )
    found = (await session.scalars(waiting.order_by(Letter.id).limit(AT_ONCE))).all()
    name = await stages.name_of(session, campaign, move.country)
    label = stages.label(campaign, move.to_stage)
    note = f"{name} has moved on to “{label}”: its supporter is offered the new letter"
    n = 0
    for at in range(0, len(found), A_BATCH):
        moved = await queue.move(
            session,
            [Letter.id.in_(found[at : at + A_BATCH])],
            frm=LetterStatus.QUEUED,
            to=LetterStatus.CANCELLED,
            by=move.decided_by,
            note=note,
        )
        ids = [row.id for row in moved]
        await notices.offer_anew(session, move.id, ids, mail_domain=mail_domain)
        n += len(moved)
    return CalledOff(n, await _rest(session, move))


async def _rest(session: AsyncSession, move: StageMove) -> int:
    """Let go what has its ending; gives how many have none, and without any the move is over."""
    ended = exists().where(Letter.id == Freeze.ref, Letter.status.not_in(UNSETTLED))
    await freezes.release_moved(session, move, by=move.decided_by, only=ended)
    left = select(func.count()).select_from(_held_by(move).subquery())
    n = await session.scalar(left) or 0
    if not n:
        move.decision = CANCELLED
        await session.flush()
    return n


def _held_by(move: StageMove) -> Select[int]:
    """The letters on which its holds stand."""
    return select(Freeze.ref).where(Freeze.stage_move_id == move.id, freezes.STANDING)


async def _named(session: AsyncSession, campaign: Campaign, move: StageMove) -> str:
    name = await stages.name_of(session, campaign, move.country)
    old, new = (stages.label(campaign, one) for one in (move.from_stage, move.to_stage))
    return f"to {name}, written at “{old}” before “{new}” (campaign “{campaign.slug}”)"
