"""People with a confirmed letter, each counted once per alert and once per campaign; and where
their forms came from."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import add_up, insert_for
from app.models import Participation, SourceCount, Submission, SupporterCount

MOST_SOURCES = 200  # of one alert: anybody can write anything into a link
OTHER = "other"


async def count(
    session: AsyncSession, submission: Submission, known_as: Sequence[str] = ()
) -> None:
    """Count this submission's person where nobody has yet, and where the form came from; once for
    a form whose letters were just confirmed. `submission.alert` must be loaded; `known_as`: the
    keys that the person may have been counted by.

    The row decides, not a look at it: the same person may confirm in two alerts at one moment.
    """
    places = {"alert": submission.alert_id, "campaign": submission.alert.campaign_id}
    counted = []
    for scope, ref in places.items():
        place = {"scope": scope, "ref": ref, "delivery": submission.delivery}
        if await _is_counted(session, place, set(known_as) - {submission.person_key}):
            continue
        new = await session.scalar(
            insert_for(session)(Participation)
            .values(**place, person_key=submission.person_key, at=clock.now())
            .on_conflict_do_nothing()
            .returning(Participation.ref)
        )
        if new is not None:
            counted.append(place | {"n": 1})
    add_up(session, SupporterCount.__table__, counted)  # type: ignore[arg-type]
    await _count_source(session, submission)


async def _is_counted(session: AsyncSession, place: dict[str, Any], keys: set[str]) -> bool:
    """Whether the person was counted here by another key."""
    theirs = select(Participation.ref).filter_by(**place).where(Participation.person_key.in_(keys))
    return bool(keys) and await session.scalar(theirs) is not None


async def _count_source(session: AsyncSession, submission: Submission) -> None:
    place: dict[str, Any] = {"alert_id": submission.alert_id, "delivery": submission.delivery}
    source = source_of(submission)
    if source not in ("", OTHER) and await _is_one_too_many(session, place, source):
        source = OTHER
    add_up(session, SourceCount.__table__, [place | {"source": source, "n": 1}])  # type: ignore[arg-type]


def source_of(submission: Submission) -> str:
    """The partner, else the newsletter or page that a link named; nothing for who came alone."""
    return str(submission.source.get("partner") or submission.source.get("utm_source") or "")


async def _is_one_too_many(session: AsyncSession, place: dict[str, Any], source: str) -> bool:
    """Whether this source is new and the alert has as many as are told apart."""
    of_alert = select(SourceCount.source).filter_by(**place)
    if await session.scalar(of_alert.where(SourceCount.source == source)) is not None:
        return False
    n = await session.scalar(select(func.count()).select_from(of_alert.subquery()))
    return (n or 0) >= MOST_SOURCES
