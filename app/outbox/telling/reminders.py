"""The one reminder of a form that was not confirmed: of which forms, and whether it still holds."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, Row, String, and_, exists, func, literal_column, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app import clock
from app.models import (
    Alert,
    AlertCountry,
    AlertState,
    Freeze,
    Letter,
    LetterStatus,
    Notice,
    NoticeKind,
    Submission,
    Suppression,
    Target,
)
from app.outbox.telling.limits import had_enough
from app.settings import TRIED_OUT

AFTER = timedelta(days=1)
NO_LATER = timedelta(days=2)  # then it is no reminder of yesterday, and each round looks at less
# written out: a partial index serves what can be read in the statement
REMINDER = literal_column("'reminder'", String)


async def due(
    session: AsyncSession, *, deliveries: Collection[str], waited: timedelta, limit: int
) -> Sequence[Row[int, str, str]]:
    """The forms to remind of: number, person, delivery; one of each person.

    `waited`: how long letters wait from the form on, by which the index finds the forms of a day.
    """
    now = clock.now()
    rows = await session.execute(
        select(Submission.id, Submission.person_key, Submission.delivery)
        .join(Alert, Alert.id == Submission.alert_id)
        .where(
            Submission.expires_at > now + waited - NO_LATER,
            Submission.expires_at <= now + waited - AFTER,
            Submission.confirmed_at.is_(None),
            Submission.delivery.in_(deliveries),
            # first, as it is cheap and true of most: this form's own
            ~exists().where(Notice.submission_id == Submission.id, Notice.kind == REMINDER),
            ~_reminded_of_the_alert(),
            ~had_enough(Submission.person_key),
            _still_asked(),
        )
        .order_by(Submission.expires_at)  # as the index has them, so that it ends at the limit
        .limit(limit)
    )
    first = {one.person_key: one for one in reversed(rows.all())}
    return sorted(first.values(), key=lambda one: int(one.id))


async def standing(session: AsyncSession, notices: Sequence[Notice]) -> set[int]:
    """The reminders among these that still remind of something."""
    about = [one.id for one in notices if one.kind == NoticeKind.REMINDER]
    if not about:
        return set()
    found = await session.scalars(
        select(Notice.id)
        .join(Submission, Submission.id == Notice.submission_id)
        .join(Alert, Alert.id == Submission.alert_id)
        .where(Notice.id.in_(about), Submission.expires_at > clock.now(), _still_asked())
    )
    return set(found)


async def countries(
    session: AsyncSession, notices: Sequence[Notice]
) -> dict[int, list[AlertCountry]]:
    """What each of these that asks to confirm is about: the country of every letter that waits."""
    asking = (NoticeKind.CONFIRM, NoticeKind.REMINDER)
    about = [one.id for one in notices if one.kind in asking]
    if not about:
        return {}
    rows = await session.execute(
        select(Notice.id, AlertCountry)
        .join(Letter, Letter.submission_id == Notice.submission_id)
        .join(Target, Target.id == Letter.target_id)
        .join(
            AlertCountry,
            and_(AlertCountry.alert_id == Letter.alert_id, AlertCountry.country == Target.country),
        )
        .where(Notice.id.in_(about), Letter.status == LetterStatus.HELD)
        .order_by(AlertCountry.position, Letter.id)
    )
    found: dict[int, list[AlertCountry]] = defaultdict(list)
    for notice_id, country in rows:
        found[notice_id].append(country)
    return dict(found)


def _reminded_of_the_alert() -> ColumnElement[bool]:
    another = aliased(Submission)
    return exists().where(
        another.person_key == Submission.person_key,
        another.alert_id == Submission.alert_id,
        another.delivery == Submission.delivery,
        Notice.submission_id == another.id,
        Notice.kind == REMINDER,
    )


def _still_asked() -> ColumnElement[bool]:
    """A form that waits, is its person's last word on the alert, and that they want to hear of."""
    later = aliased(Submission)
    theirs = and_(
        later.person_key == Submission.person_key,
        later.alert_id == Submission.alert_id,
        later.delivery == Submission.delivery,
    )
    settled = or_(
        later.confirmed_at.is_not(None),
        and_(later.id > Submission.id, later.erased_at.is_(None)),
    )
    waits = exists().where(
        Letter.submission_id == Submission.id, Letter.status == LetterStatus.HELD
    )
    return and_(
        Submission.confirmed_at.is_(None),
        Submission.erased_at.is_(None),
        waits,
        ~exists().where(theirs, settled),
        ~exists().where(Suppression.email == func.lower(Submission.email)),
        _takes_confirmations(),
    )


def _takes_confirmations() -> ColumnElement[bool]:
    """An alert that ended sends what was submitted before, but nobody is reminded of one that was
    won, put away or is held."""
    held = exists().where(
        Freeze.scope == "alert", Freeze.ref == Alert.id, Freeze.released_at.is_(None)
    )
    rehearsed = Submission.delivery.in_(TRIED_OUT)
    tried = and_(Alert.state == AlertState.REHEARSAL, rehearsed)
    public = and_(Alert.state.in_((AlertState.PUBLISHED, AlertState.CLOSED)), ~rehearsed)
    return and_(or_(public, tried), Alert.ending == "", ~held)
