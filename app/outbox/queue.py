"""The one writer of a letter's status, its history and its send count.

`move` changes letters from one status to another and, in the same transaction, writes the event
and the counts. Nothing else in the program sets `Letter.status`.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import add_up
from app.models import Alert, DayCount, Event, Letter, LetterStatus, SendCount

HELD, QUEUED, SENDING = LetterStatus.HELD, LetterStatus.QUEUED, LetterStatus.SENDING
HANDED_OVER, ACCEPTED, BOUNCED = (
    LetterStatus.HANDED_OVER,
    LetterStatus.ACCEPTED,
    LetterStatus.BOUNCED,
)
REJECTED, EXPIRED, FAILED = LetterStatus.REJECTED, LetterStatus.EXPIRED, LetterStatus.FAILED
CANCELLED, SUPPRESSED, LAPSED = (
    LetterStatus.CANCELLED,
    LetterStatus.SUPPRESSED,
    LetterStatus.LAPSED,
)

# from → to; a status that is not a key is an ending
NEXT: dict[LetterStatus, frozenset[LetterStatus]] = {
    HELD: frozenset({QUEUED, CANCELLED, SUPPRESSED, LAPSED}),
    QUEUED: frozenset({SENDING, CANCELLED, SUPPRESSED}),
    SENDING: frozenset({HANDED_OVER, ACCEPTED, QUEUED, REJECTED, EXPIRED, FAILED}),
    HANDED_OVER: frozenset({ACCEPTED, BOUNCED}),
    ACCEPTED: frozenset({BOUNCED}),
    FAILED: frozenset({QUEUED}),
}
SENT = frozenset({HANDED_OVER, ACCEPTED})
# each can be reached once in a letter's life, so its day needs no look back; `failed` is not
# among them, and `queued` counts only when it comes from `held`
REACHED_ONCE = frozenset(
    {HANDED_OVER, ACCEPTED, BOUNCED, REJECTED, EXPIRED, CANCELLED, SUPPRESSED, LAPSED}
)

Moved = Row[int, int, int, str]  # id, alert_id, target_id, delivery


async def hold(session: AsyncSession, rows: Sequence[dict[str, Any]], *, by: str) -> list[int]:
    """Put new letters into the outbox, held until their supporter confirms; gives their ids."""
    now = clock.now()
    values = [
        row
        | {"status": HELD, "status_at": now, "created_at": now, "not_before": now, "attempts": 0}
        for row in rows
    ]
    returning = (Letter.id, Letter.alert_id, Letter.target_id, Letter.delivery)
    held = (await session.execute(insert(Letter).returning(*returning), values)).all()
    await _record(session, held, None, HELD, by=by, note="")
    return [row.id for row in held]


async def move(
    session: AsyncSession,
    which: Sequence[ColumnElement[bool]],
    *,
    frm: LetterStatus,
    to: LetterStatus,
    by: str,
    note: str = "",
    values: dict[str, Any] | None = None,
) -> list[Moved]:
    """Move the letters that match `which` and stand at `frm`; gives the ones that moved.

    Claims by changing: a letter that somebody else moved first is simply not among them.
    Raises ValueError for a step the status table does not know.
    """
    if to not in NEXT.get(frm, frozenset()):
        raise ValueError(f"a letter cannot go from {frm} to {to}")
    statement = (
        update(Letter)
        .where(Letter.status == frm, *which)
        .values(status=to, status_at=clock.now(), **(values or {}))
        .returning(Letter.id, Letter.alert_id, Letter.target_id, Letter.delivery)
        .execution_options(synchronize_session=False)
    )
    moved = list((await session.execute(statement)).all())
    await _record(session, moved, frm, to, by=by, note=note)
    return moved


async def note_event(session: AsyncSession, letter_id: int, what: str, by: str, note: str) -> None:
    """Write a line of a letter's history that changes no status."""
    await session.execute(
        insert(Event).values(letter_id=letter_id, at=clock.now(), what=what, by=by, note=note)
    )


async def _record(
    session: AsyncSession,
    moved: Sequence[Moved],
    frm: LetterStatus | None,
    to: LetterStatus,
    *,
    by: str,
    note: str,
) -> None:
    if not moved:
        return
    if to is not SENDING:  # the attempt tells that story, with more in it
        now = clock.now()
        events = [
            {"letter_id": row.id, "at": now, "what": to, "by": by, "note": note} for row in moved
        ]
        await session.execute(insert(Event.__table__), events)  # type: ignore[arg-type]
    _count(session, moved, frm, to)
    if to in REACHED_ONCE or (frm, to) == (HELD, QUEUED):
        await _count_day(session, moved, to)


def _count(
    session: AsyncSession, moved: Sequence[Moved], frm: LetterStatus | None, to: LetterStatus
) -> None:
    places = Counter((row.alert_id, row.target_id, row.delivery) for row in moved)
    rows = []
    for (alert_id, target_id, delivery), n in places.items():
        key = {"alert_id": alert_id, "target_id": target_id, "delivery": delivery}
        rows.append(key | {"status": to, "n": n})
        if frm:
            rows.append(key | {"status": frm, "n": -n})
    add_up(session, SendCount.__table__, rows)  # type: ignore[arg-type]


async def _count_day(session: AsyncSession, moved: Sequence[Moved], to: LetterStatus) -> None:
    places = Counter((row.alert_id, row.delivery) for row in moved)
    alerts = {alert_id for alert_id, _ in places}
    zones = await session.execute(select(Alert.id, Alert.timezone).where(Alert.id.in_(alerts)))
    today = {row.id: clock.now().astimezone(ZoneInfo(row.timezone)).date() for row in zones}
    rows = [
        {"alert_id": alert_id, "delivery": delivery, "status": to, "day": today[alert_id], "n": n}
        for (alert_id, delivery), n in places.items()
    ]
    add_up(session, DayCount.__table__, rows)  # type: ignore[arg-type]
