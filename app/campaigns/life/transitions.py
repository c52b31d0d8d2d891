"""From draft to archive: each step an act of an organiser, on record; the clock opens and closes.

draft → rehearsal → published → closed → archived. Back go a rehearsal that has to be written on,
and what was closed and is opened again. Won is an ending of what is closed.
"""

from collections.abc import Collection

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from app import audit
from app.campaigns import alerts
from app.campaigns.drafts import assembling, keeping
from app.campaigns.drafts.keeping import Draft
from app.errors import FormRefused, StepRefused
from app.models import (
    Alert,
    AlertCountry,
    AlertState,
    AlertTranslation,
    Approval,
    DraftSection,
    Freeze,
    Letter,
    LetterStatus,
    LetterTemplate,
    Submission,
)
from app.outbox import queue
from app.settings import TRIED_OUT

DRAFT, REHEARSAL, PUBLISHED, CLOSED, ARCHIVED = AlertState
WON = "won"
LONGEST_ENDING = 2_000  # characters

# to → from
STEPS: dict[AlertState, tuple[AlertState, ...]] = {
    DRAFT: (REHEARSAL,),
    REHEARSAL: (DRAFT, REHEARSAL),
    PUBLISHED: (DRAFT, REHEARSAL, CLOSED),
    CLOSED: (PUBLISHED,),
    ARCHIVED: (CLOSED,),
}


def may_become(alert: Alert) -> frozenset[AlertState]:
    """Where an alert can go from where it stands now."""
    to = {to for to, frm in STEPS.items() if alert.state in frm}
    if alert.state == CLOSED and alerts.ended_at(alert):
        to.discard(PUBLISHED)
    return frozenset(to)


async def rehearse(session: AsyncSession, alert: Alert, *, by: str) -> None:
    """Let it be tried out as it is written now; in a rehearsal, take the changes in.

    Raises DraftUnfinished, PackBroken or StepRefused.
    """
    before = alert.state
    await _go(session, alert, REHEARSAL)
    await keeping.hold(session, alert)
    draft = await keeping.read(session, alert)
    await assembling.publish(session, draft, state=REHEARSAL, by=by)
    begun = "Took the changes into" if before == REHEARSAL else "Began"
    await _note(session, alert, by, f"{begun} the rehearsal of the alert “{alert.slug}”")


async def write_on(session: AsyncSession, alert: Alert, *, by: str) -> None:
    """From the rehearsal back to the desk. Raises StepRefused."""
    await _go(session, alert, DRAFT)
    called_off = await _end_rehearsal(session, alert, by)
    said = f"Ended the rehearsal of the alert “{alert.slug}”: it is a draft again"
    await _note(session, alert, by, said + _letters(called_off))


async def publish(session: AsyncSession, draft: Draft, *, by: str, why: str = "") -> Alert:
    """Open it to everybody as it is written now; `why` although a point was open.

    Where it is public already, its changes become public, and it stays as it is. Letters that
    are confirmed keep the text that their supporter read.
    Raises DraftUnfinished, PackBroken or StepRefused.
    """
    alert = draft.alert
    await keeping.hold(session, alert)  # or an alert that is closed just now would open again
    before = AlertState(alert.state)
    if before in alerts.PUBLIC:
        said = f"Published changes of the alert “{alert.slug}”"
        await assembling.publish(session, draft, state=before, by=by)
    else:
        said = f"Published the alert “{alert.slug}”"
        await _go(session, alert, PUBLISHED)
        said += _letters(await _end_rehearsal(session, alert, by))
        await assembling.publish(session, draft, state=PUBLISHED, by=by)
    await _note(session, alert, by, said + (f", {why}" if why else ""))
    return alert


async def close(session: AsyncSession, alert: Alert, *, by: str) -> None:
    """Its form takes no more; what was submitted can still be confirmed, and leaves.

    Raises StepRefused.
    """
    await _go(session, alert, CLOSED)
    await _note(session, alert, by, f"Closed the alert “{alert.slug}”")


async def reopen(session: AsyncSession, alert: Alert, *, by: str) -> None:
    """Raises StepRefused, also where its own closing time has passed."""
    if alerts.ended_at(alert):
        raise StepRefused(alert.state, PUBLISHED, "its closing time has passed")
    await _go(session, alert, PUBLISHED, frm=(CLOSED,))
    alert.ending = ""
    await _note(session, alert, by, f"Opened the alert “{alert.slug}” again")


async def win(session: AsyncSession, alert: Alert, words: str, *, by: str) -> None:
    """It has reached what it asked for; `words` tell supporters so. An open one is closed.

    Raises StepRefused, or FormRefused when there are no words.
    """
    words = words.strip()
    if not words or len(words) > LONGEST_ENDING:
        raise FormRefused({"ending_words": "too_long" if words else "missing"})
    await _go(session, alert, CLOSED, frm=(PUBLISHED, CLOSED))
    alert.ending, alert.ending_words = WON, words
    await _note(session, alert, by, f"Ended the alert “{alert.slug}” as won: {words}")


async def archive(session: AsyncSession, alert: Alert, *, by: str) -> None:
    """Out of every list; its page and its counts stay. Raises StepRefused."""
    await _go(session, alert, ARCHIVED)
    await _note(session, alert, by, f"Archived the alert “{alert.slug}”")


async def forget_changes(session: AsyncSession, alert: Alert, *, by: str) -> None:
    """What was written and not published is dropped; the alert stays as everybody sees it."""
    await keeping.hold(session, alert)
    if alert.state == DRAFT:
        raise StepRefused(alert.state, alert.state, "a draft is nothing but its changes")
    await keeping.drop(session, alert)
    await _note(session, alert, by, f"Forgot the unpublished changes of the alert “{alert.slug}”")


async def throw_away(session: AsyncSession, alert: Alert, *, by: str) -> None:
    """Remove a draft that nobody filled in a form of. Raises StepRefused."""
    await keeping.hold(session, alert)
    if alert.state != DRAFT:
        raise StepRefused(alert.state, "thrown away", "only a draft can be")
    if await session.scalar(select(Submission.id).where(Submission.alert_id == alert.id).limit(1)):
        raise StepRefused(alert.state, "thrown away", "it was tried out, and that stays on record")
    await _note(session, alert, by, f"Threw away the draft “{alert.slug}”")
    for table in (
        DraftSection,
        Approval,
        LetterTemplate,
        AlertTranslation,
        AlertCountry,
    ):
        await session.execute(delete(table).where(table.alert_id == alert.id))
    # SQLite may give its number to the next alert, which no hold of this one concerns
    await session.execute(delete(Freeze).where(Freeze.scope == "alert", Freeze.ref == alert.id))
    await session.execute(delete(Alert).where(Alert.id == alert.id))


async def _go(
    session: AsyncSession, alert: Alert, to: AlertState, *, frm: Collection[AlertState] = ()
) -> None:
    """Claim by changing: of two who press at once, the second is told."""
    allowed = frm or STEPS[to]
    moved = await session.scalar(
        update(Alert)
        .where(Alert.id == alert.id, Alert.state.in_(allowed))
        .values(state=to)
        .returning(Alert.id)
        .execution_options(synchronize_session=False)
    )
    if moved is None:
        raise StepRefused(alert.state, to)
    set_committed_value(alert, "state", str(to))


async def _end_rehearsal(session: AsyncSession, alert: Alert, by: str) -> int:
    """Call off what was only tried and has not left; gives how many letters."""
    which = [Letter.alert_id == alert.id, Letter.delivery.in_(TRIED_OUT)]
    n = 0
    for frm in (LetterStatus.HELD, LetterStatus.QUEUED):
        moved = await queue.move(
            session,
            which,
            frm=frm,
            to=LetterStatus.CANCELLED,
            by=by,
            note="the rehearsal is over",
        )
        n += len(moved)
    return n


def _letters(called_off: int) -> str:
    if not called_off:
        return ""
    letters = "one letter" if called_off == 1 else f"{called_off} letters"
    return f"; {letters} of the rehearsal called off"


async def _note(session: AsyncSession, alert: Alert, by: str, sentence: str) -> None:
    await audit.note(session, by, sentence, organisation_id=alert.campaign.organisation_id)
