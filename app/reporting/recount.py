"""Proves the kept counts: counts the letters and their history again, and names what differs."""

from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, distinct, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import (
    Alert,
    DayCount,
    Event,
    Letter,
    LetterStatus,
    OwnMailboxOpening,
    SendCount,
    SupporterCount,
    Target,
    Told,
    ToldCount,
)
from app.outbox import queue
from app.reporting.desk import sources
from app.reporting.told import answers

Key = tuple[Any, ...]
Tally = Counter[Key]

COUNTED_BY_DAY = queue.REACHED_ONCE | {LetterStatus.QUEUED}


async def differences(session: AsyncSession, alert_id: int) -> list[str]:
    """Each difference between what is kept and what the rows say, as a sentence; none is good.

    All deliveries. Reads every letter and event of the alert: for a person who doubts, not for
    a page.
    """
    alert = (await session.scalars(select(Alert).where(Alert.id == alert_id))).one()
    return [
        *await _of_letters(session, alert),
        *await _of_days(session, alert),
        *await _of_people(session, "alert", alert.id, Letter.alert_id == alert.id),
        *await _of_people(
            session,
            "campaign",
            alert.campaign_id,
            Letter.alert_id.in_(select(Alert.id).where(Alert.campaign_id == alert.campaign_id)),
        ),
        *await _of_openings(session, alert),
        *await sources.differences(session, alert.id),
        *await answers.differences(session, alert),
    ]


async def _of_letters(session: AsyncSession, alert: Alert) -> list[str]:
    kept = select(SendCount.target_id, SendCount.delivery, SendCount.status, SendCount.n)
    rows = select(Letter.target_id, Letter.delivery, Letter.status, func.count().label("n"))
    offices = await _offices(session)
    return [
        f"{offices[target_id]} ({delivery}), {status}: {kept_n} kept, {rows_n} letters"
        for (target_id, delivery, status), kept_n, rows_n in _unequal(
            await _tally(session, kept.where(SendCount.alert_id == alert.id)),
            await _tally(
                session,
                rows.where(Letter.alert_id == alert.id).group_by(
                    Letter.target_id, Letter.delivery, Letter.status
                ),
            ),
        )
    ]


async def _of_days(session: AsyncSession, alert: Alert) -> list[str]:
    kept = select(DayCount.delivery, DayCount.status, DayCount.day, DayCount.n)
    return [
        f"{day} ({delivery}), {status}: {kept_n} kept, {rows_n} in the letters' history"
        for (delivery, status, day), kept_n, rows_n in _unequal(
            await _tally(session, kept.where(DayCount.alert_id == alert.id)),
            await _days_in_history(session, alert),
        )
    ]


async def _days_in_history(session: AsyncSession, alert: Alert) -> Tally:
    """The day each letter first reached each status, in the alert's time zone."""
    first_reached = (
        select(Letter.delivery, Event.what, func.min(Event.at).label("at"))
        .join(Letter, Letter.id == Event.letter_id)
        .where(Letter.alert_id == alert.id, Event.what.in_(COUNTED_BY_DAY))
        .group_by(Letter.id, Letter.delivery, Event.what)
    )
    zone = ZoneInfo(alert.timezone)
    days: Tally = Counter()
    async for row in await session.stream(first_reached):
        days[row.delivery, row.what, row.at.astimezone(zone).date()] += 1
    return days


async def _of_people(
    session: AsyncSession, scope: str, ref: int, where: ColumnElement[bool]
) -> list[str]:
    """People are counted from their first queued letter on, whatever becomes of it."""
    kept = select(SupporterCount.delivery, SupporterCount.n)
    confirmed = exists().where(Event.letter_id == Letter.id, Event.what == LetterStatus.QUEUED)
    people = func.count(distinct(Letter.person_key)).label("n")
    rows = select(Letter.delivery, people).where(where, confirmed).group_by(Letter.delivery)
    return [
        f"supporters of the {scope} ({delivery}): {kept_n} kept, {rows_n} with a confirmed letter"
        for (delivery,), kept_n, rows_n in _unequal(
            await _tally(
                session, kept.where(SupporterCount.scope == scope, SupporterCount.ref == ref)
            ),
            await _tally(session, rows),
        )
    ]


async def _of_openings(session: AsyncSession, alert: Alert) -> list[str]:
    """Letters opened in supporters' own mail programs."""
    kept = select(ToldCount.target_id, ToldCount.delivery, ToldCount.n).where(
        ToldCount.alert_id == alert.id, ToldCount.what == Told.OWN_MAILBOX
    )
    rows = (
        select(OwnMailboxOpening.target_id, OwnMailboxOpening.delivery, func.count().label("n"))
        .where(OwnMailboxOpening.alert_id == alert.id)
        .group_by(OwnMailboxOpening.target_id, OwnMailboxOpening.delivery)
    )
    offices = await _offices(session)
    return [
        f"{offices[target_id]} ({delivery}), opened in own mailboxes: {kept_n} kept, "
        f"{rows_n} openings"
        for (target_id, delivery), kept_n, rows_n in _unequal(
            await _tally(session, kept), await _tally(session, rows)
        )
    ]


async def _offices(session: AsyncSession) -> dict[int, str]:
    return {
        target.id: f"{target.country}, {target.office}"
        for target in await session.scalars(select(Target))
    }


async def _tally(session: AsyncSession, statement: Select[*tuple[Any, ...]]) -> Tally:
    """Rows whose last column is the number, as key → number."""
    return Counter({tuple(key): int(n) for *key, n in await session.execute(statement)})


def _unequal(kept: Tally, rows: Tally) -> list[tuple[Key, int, int]]:
    """Keys whose numbers differ, in order; one that is missing on a side is 0 there."""
    keys = sorted(kept.keys() | rows.keys(), key=lambda key: [str(part) for part in key])
    return [(key, kept[key], rows[key]) for key in keys if kept[key] != rows[key]]
