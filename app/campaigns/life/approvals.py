"""Publishing although a point is open: a second organiser agrees, or a reason is written down.

Either is bound to the draft that was looked at: one that changes has to be looked at again.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import audit, clock
from app.campaigns.drafts.keeping import Draft
from app.errors import DraftMoved, FormRefused, Missing, NotAllowed, PointsOpen
from app.models import Alert, Approval, Organiser, Role

SHORTEST_REASON = 10  # characters
LONGEST_REASON = 1_000
MAY_AGREE = (Role.ORGANISER, Role.OWNER)


async def newest(session: AsyncSession, alert: Alert) -> Approval | None:
    """The last one that was asked for, answered or not."""
    found = select(Approval).where(Approval.alert_id == alert.id)
    return await session.scalar(found.order_by(Approval.id.desc()).limit(1))


def holds(approval: Approval | None, draft: Draft, points: Collection[str]) -> bool:
    """Whether somebody agreed to publish this very draft with these points open."""
    if approval is None or not approval.agreed or approval.seal != draft.seal:
        return False
    return set(points) <= set(approval.points)


def waits(approval: Approval | None, draft: Draft) -> bool:
    """Whether a second organiser is asked about this very draft, and has not answered."""
    return approval is not None and approval.settled_at is None and approval.seal == draft.seal


async def second_organisers(session: AsyncSession, alert: Alert, by: str) -> Sequence[Organiser]:
    """The others who may agree."""
    found = select(Organiser).where(
        Organiser.organisation_id == alert.campaign.organisation_id,
        Organiser.email != by,
        Organiser.disabled_at.is_(None),
        Organiser.password_hash != "",  # an invitation that nobody took
        Organiser.role.in_(MAY_AGREE),
    )
    return (await session.scalars(found.order_by(Organiser.name))).all()


async def ask(
    session: AsyncSession, draft: Draft, *, points: Sequence[str], why: str, by: str
) -> Approval:
    """Ask the others to agree; what was asked before about another draft is taken back."""
    before = await newest(session, draft.alert)
    if before is not None and before.settled_at is None:
        if waits(before, draft) and set(points) <= set(before.points):
            return before
        _settle(before, by, agreed=False)
    asked = _approval(draft, points, _one_line(why), by)
    session.add(asked)
    await session.flush()
    sentence = f"Asked a second organiser to agree to publishing “{draft.alert.slug}”"
    await _note(session, draft, by, sentence + _with(points, asked.reason))
    return asked


async def answer(
    session: AsyncSession, draft: Draft, approval_id: int, *, agreed: bool, words: str, by: str
) -> Approval:
    """A second organiser says yes or no, the words are for whoever asked.

    Raises Missing, NotAllowed to whoever asked, DraftMoved when the draft is another one by now.
    """
    found = await session.get(Approval, approval_id, with_for_update=True)
    if found is None or found.alert_id != draft.alert.id or found.settled_at is not None:
        raise Missing("question", str(approval_id))
    if found.asked_by == by:
        raise NotAllowed("somebody else has to agree")
    if found.seal != draft.seal:
        raise DraftMoved()
    _settle(found, by, agreed=agreed)
    words = _one_line(words)
    if words:
        found.reason = "\n".join(filter(None, (found.reason, f"{by}: {words}")))
    await session.flush()
    verb = "Agreed to publish" if agreed else "Declined to publish"
    await _note(session, draft, by, f"{verb} “{draft.alert.slug}”" + _with(found.points, words))
    return found


async def write_reason(
    session: AsyncSession, draft: Draft, *, points: Sequence[str], why: str, by: str
) -> Approval:
    """Answer for it alone. Raises FormRefused when the reason says too little."""
    why = _one_line(why)
    if len(why) < SHORTEST_REASON:
        raise FormRefused({"why": "missing"})
    before = await newest(session, draft.alert)
    if before is not None and before.settled_at is None:
        _settle(before, by, agreed=False)
    written = _approval(draft, points, why, by)
    _settle(written, by, agreed=True)
    session.add(written)
    await session.flush()
    return written


async def reason_to_publish(session: AsyncSession, draft: Draft, points: Sequence[str]) -> str:
    """What goes on record beside the publishing; empty where no point is open.

    Raises PointsOpen where nobody has agreed to this draft.
    """
    if not points:
        return ""
    approval = await newest(session, draft.alert)
    if approval is None or not holds(approval, draft, points):
        raise PointsOpen(points)
    if approval.settled_by == approval.asked_by:
        return f"with open points ({', '.join(points)}), because: {approval.reason}"
    return f"with open points ({', '.join(points)}), to which {approval.settled_by} agreed"


def _approval(draft: Draft, points: Sequence[str], why: str, by: str) -> Approval:
    return Approval(
        alert_id=draft.alert.id,
        seal=draft.seal,
        points=list(points),
        reason=why,
        asked_by=by,
        asked_at=clock.now(),
    )


def _settle(approval: Approval, by: str, *, agreed: bool) -> None:
    approval.settled_by, approval.settled_at, approval.agreed = by, clock.now(), agreed


def _one_line(text: str) -> str:
    return " ".join(text.split())[:LONGEST_REASON]


def _with(points: Sequence[str], words: str) -> str:
    return f" with open points ({', '.join(points)})" + (f": {words}" if words else "")


async def _note(session: AsyncSession, draft: Draft, by: str, sentence: str) -> None:
    own = draft.alert.campaign.organisation_id
    await audit.note(session, by, sentence, organisation_id=own)
