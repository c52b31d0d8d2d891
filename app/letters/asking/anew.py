"""Letters that waited a week and lapsed, made once more for the person whose link it was."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.campaigns import alerts, offices
from app.campaigns.offices import Office
from app.errors import AlertClosed, AlertFrozen, AlertNotOpen, FormRefused, Missing
from app.letters import again as copies
from app.letters.confirmation import WITH_ALERT
from app.models import Alert, AlertState, Letter, LetterStatus, OwnMailbox, Submission
from app.settings import Settings
from app.tokens import CONFIRM, read_token

# what the supporter withdrew, or an organiser called off, stays so
UNSENT = (LetterStatus.HELD, LetterStatus.LAPSED)


@dataclass(frozen=True)
class Way:
    """What can still be done for a form that was too late.

    `offices`: those of its letters that can be written to now; empty when there is no way, and
    `why` says why: ended, rests, own_mailbox (nothing is sent from here any more), elsewhere (the
    letters were practice and mail leaves by now, or the other way round), unreachable.
    """

    offices: Sequence[Office] = ()
    why: str = ""


async def find(session: AsyncSession, settings: Settings, token: str) -> Submission:
    """The submission of a confirm link, also one that lapsed or whose data was erased.

    Raises Missing: the link is none of ours, or its alert is seen by nobody any more; LinkDamaged.
    """
    if found := await _named(session, read_token(settings, CONFIRM, token)):
        return found
    raise Missing("link")


async def of_damaged(session: AsyncSession, token: str) -> Submission | None:
    """Whose link it seems to be. Its name is as hard to guess as the whole; it proves nothing, so
    only the page on which the code is typed may be opened with it."""
    submission = await _named(session, token.partition(".")[0])
    return submission if submission and not submission.erased_at else None


async def _named(session: AsyncSession, public_id: str) -> Submission | None:
    return await session.scalar(
        select(Submission).where(Submission.public_id == public_id).options(*WITH_ALERT)
    )


def is_late(submission: Submission) -> bool:
    """Whether it waited until its letters lapsed, and what was typed is still there."""
    over = submission.expires_at <= clock.now()
    return over and not (submission.confirmed_at or submission.erased_at)


async def way(session: AsyncSession, settings: Settings, submission: Submission) -> Way:
    """Whether its letters can be made anew. `submission.alert` must be loaded with its parts."""
    alert = submission.alert
    try:
        await alerts.check_open(session, alert)
    except AlertFrozen:
        return Way(why="rests")
    except (AlertClosed, AlertNotOpen):
        return Way(why="ended")
    if alert.own_mailbox == OwnMailbox.ONLY:
        return Way(why="own_mailbox")
    if alerts.delivery_for(alert, settings, submission.email) != submission.delivery:
        return Way(why="elsewhere")
    wanted = set(
        await session.scalars(
            select(Letter.target_id).where(
                Letter.submission_id == submission.id, Letter.status.in_(UNSENT)
            )
        )
    )
    available = await offices.of_alert(session, alert, submission.delivery)
    found = [one for one in available if one.target.id in wanted]
    return Way(found, "" if found else "unreachable")


async def again(
    session: AsyncSession, settings: Settings, submission: Submission, *, consent: bool
) -> Submission:
    """A new submission with the same words, for the offices that can still be written to; or the
    one of the same person that waits already.

    The link has proved the address, so no mail is sent. Raises FormRefused without consent: it is
    a new request; Missing when there is no way.
    """
    if not consent:
        raise FormRefused({"consent": "missing_consent"})
    if waiting := await copies.waiting(session, submission):
        return waiting
    found = (await way(session, settings, submission)).offices
    if not found:
        raise Missing("office")
    return await copies.write(session, settings, submission, found)


async def others(session: AsyncSession, alert: Alert) -> list[Alert]:
    """The campaign's other alerts that take letters now."""
    now = clock.now()
    return [
        one
        for one in await alerts.public(session)
        if one.campaign_id == alert.campaign_id
        and one.id != alert.id
        and one.state == AlertState.PUBLISHED
        and (one.closes_at is None or one.closes_at > now)
    ]
