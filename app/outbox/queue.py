"""The one writer of a letter's status, its history and its send count.

`move` changes letters from one status to another and, in the same transaction, writes the event
and the counts. Nothing else in the program sets `Letter.status`.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Protocol, cast
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Table, bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import add_up
from app.models import FREED, Alert, DayCount, Event, Letter, LetterStatus, SendCount
from app.outbox import rows
from app.outbox.rows import among

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

# from → to; a status that is not a key is an ending. What waits, or was given up, may have been
# taken all the same: its server's yes came when the worker's lease had run out, or was lost and a
# report tells of it later. It is not sent a second time, nor called expired.
NEXT: dict[LetterStatus, frozenset[LetterStatus]] = {
    HELD: frozenset({QUEUED, CANCELLED, SUPPRESSED, LAPSED}),
    QUEUED: frozenset({SENDING, HANDED_OVER, ACCEPTED, CANCELLED, SUPPRESSED}),
    SENDING: frozenset({HANDED_OVER, ACCEPTED, QUEUED, REJECTED, EXPIRED, FAILED}),
    HANDED_OVER: frozenset({ACCEPTED, BOUNCED}),
    ACCEPTED: frozenset({BOUNCED}),
    EXPIRED: frozenset({ACCEPTED}),
    FAILED: frozenset({QUEUED}),
}
SENT = frozenset({HANDED_OVER, ACCEPTED})
# each can be reached once in a letter's life, so its day needs no look back; `failed` is not
# among them, and `queued` counts only when it comes from `held`
REACHED_ONCE = frozenset(
    {HANDED_OVER, ACCEPTED, BOUNCED, REJECTED, EXPIRED, CANCELLED, SUPPRESSED, LAPSED}
)

LETTER, ALERT = cast(Table, Letter.__table__), cast(Table, Alert.__table__)
EVENTS = rows.Insert(cast(Table, Event.__table__), ("letter_id",), ("at", "what", "by", "note"))
ZONES = select(ALERT.c.id, ALERT.c.timezone).where(among(ALERT.c.id))

NOW = bindparam("now", type_=LETTER.c.status_at.type)
# What happens to every letter, written once: a claim, with what sending reads of it, and an end.
TAKE = (
    update(LETTER)
    .where(among(LETTER.c.id), LETTER.c.status == QUEUED)
    .values(
        status=SENDING,
        status_at=NOW,
        worker=bindparam("by"),
        lease_until=bindparam("until"),
        attempts=LETTER.c.attempts + 1,
        first_attempt_at=func.coalesce(LETTER.c.first_attempt_at, NOW),
    )
    .returning(
        LETTER.c.id,
        LETTER.c.submission_id,
        LETTER.c.alert_id,
        LETTER.c.target_id,
        LETTER.c.template_id,
        LETTER.c.message_id,
        LETTER.c.delivery,
        LETTER.c.stage,
        LETTER.c.text_sha256,
        LETTER.c.attempts,
        LETTER.c.first_attempt_at,
    )
)
FINISH = (
    update(LETTER)
    .where(
        among(LETTER.c.id),
        LETTER.c.status == SENDING,
        LETTER.c.worker == bindparam("by"),
        LETTER.c.attempts == bindparam("number"),
    )
    .values(
        status=bindparam("to"),
        status_at=NOW,
        worker="",
        lease_until=None,
        not_before=bindparam("due"),
    )
    .returning(LETTER.c.id)
)
FINISH_AND_FREE = FINISH.values(holds_place=False)


class Placed(Protocol):
    """A letter, as far as its counts need it: the row of one, or a part of it."""

    @property
    def id(self) -> Any: ...
    @property
    def alert_id(self) -> Any: ...
    @property
    def target_id(self) -> Any: ...
    @property
    def delivery(self) -> Any: ...


async def hold(session: AsyncSession, letters: Sequence[dict[str, Any]], *, by: str) -> list[int]:
    """Put new letters into the outbox, held until their supporter confirms; gives their ids."""
    now = clock.now()
    values = [
        row
        | {"status": HELD, "status_at": now, "created_at": now, "not_before": now, "attempts": 0}
        for row in letters
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
) -> Sequence[Placed]:
    """Move the letters that match `which` and stand at `frm`; gives the ones that moved.

    Claims by changing: a letter that somebody else moved first is simply not among them.
    Raises ValueError for a step the status table does not know.
    """
    if to not in NEXT.get(frm, frozenset()):
        raise ValueError(f"a letter cannot go from {frm} to {to}")
    place = {"holds_place": to not in FREED} if (frm in FREED) != (to in FREED) else {}
    statement = (
        update(Letter)
        .where(Letter.status == frm, *which)
        .values(status=to, status_at=clock.now(), **place, **(values or {}))
        .returning(Letter.id, Letter.alert_id, Letter.target_id, Letter.delivery)
        .execution_options(synchronize_session=False)
    )
    moved = (await session.execute(statement)).all()
    await _record(session, moved, frm, to, by=by, note=note)
    return moved


async def take(
    session: AsyncSession, ids: Sequence[int], *, worker: str, lease_until: datetime
) -> Sequence[Letter]:
    """Claim these letters, as far as they are queued still; gives what sending reads of each, the
    oldest first, as rows that nobody is to change."""
    asked = {"ids": ids, "by": worker, "until": lease_until, "now": clock.now()}
    found = rows.plain(await session.execute(TAKE, asked))
    taken: list[Letter] = sorted(found, key=attrgetter("id"))
    await _record(session, taken, QUEUED, SENDING, by=worker, note="")
    return taken


async def finish(
    session: AsyncSession,
    letters: Sequence[Letter],
    *,
    worker: str,
    attempts: int,
    to: LetterStatus,
    wait: timedelta,
    note: str,
) -> set[int]:
    """Move letters on after an attempt that ended alike for all; gives the ids of those that this
    worker held still, under that number of their attempt.

    Raises ValueError for a step the status table does not know.
    """
    if to not in NEXT[SENDING]:
        raise ValueError(f"a letter cannot go from {SENDING} to {to}")
    now = clock.now()
    asked = {"ids": [one.id for one in letters], "by": worker, "number": attempts}
    asked |= {"to": to, "now": now, "due": now + wait}
    settled = set(await session.scalars(FINISH_AND_FREE if to in FREED else FINISH, asked))
    moved = [one for one in letters if one.id in settled]
    await _record(session, moved, SENDING, to, by=worker, note=note)
    return settled


async def note_event(session: AsyncSession, letter_id: int, what: str, by: str, note: str) -> None:
    """Write a line of a letter's history that changes no status."""
    await session.execute(
        insert(Event).values(letter_id=letter_id, at=clock.now(), what=what, by=by, note=note)
    )


async def _record(
    session: AsyncSession,
    moved: Collection[Placed],
    frm: LetterStatus | None,
    to: LetterStatus,
    *,
    by: str,
    note: str,
) -> None:
    if not moved:
        return
    if to is not SENDING:  # the attempt tells that story, with more in it
        await EVENTS.write(session, [(row.id,) for row in moved], clock.now(), to, by, note)
    _count(session, moved, frm, to)
    if to in REACHED_ONCE or (frm, to) == (HELD, QUEUED):
        await _count_day(session, moved, to)


def _count(
    session: AsyncSession, moved: Collection[Placed], frm: LetterStatus | None, to: LetterStatus
) -> None:
    places = Counter((row.alert_id, row.target_id, row.delivery) for row in moved)
    counted = []
    for (alert_id, target_id, delivery), n in places.items():
        key = {"alert_id": alert_id, "target_id": target_id, "delivery": delivery}
        counted.append(key | {"status": to, "n": n})
        if frm:
            counted.append(key | {"status": frm, "n": -n})
    add_up(session, SendCount.__table__, counted)  # type: ignore[arg-type]


async def _count_day(session: AsyncSession, moved: Collection[Placed], to: LetterStatus) -> None:
    places = Counter((row.alert_id, row.delivery) for row in moved)
    zones = await session.execute(ZONES, {"ids": {alert_id for alert_id, _ in places}})
    today = {row.id: clock.now().astimezone(ZoneInfo(row.timezone)).date() for row in zones}
    counted = [
        {"alert_id": alert_id, "delivery": delivery, "status": to, "day": today[alert_id], "n": n}
        for (alert_id, delivery), n in places.items()
    ]
    add_up(session, DayCount.__table__, counted)  # type: ignore[arg-type]
