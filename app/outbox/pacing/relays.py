"""Our own relays as all workers share them: who may open how many connections, at what pace,
and which relay does not let us in.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import NamedTuple

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import insert_for
from app.models import Attempt, RelayShare, RelayState
from app.outbox.pacing import limits

SHARE = timedelta(seconds=60)  # how long a share is held that nobody renews
FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(minutes=10)
MOST_SENDERS = 100  # of all workers at one relay
LOOKED_AT = 1_000  # attempts: among more of them nobody looks for what a relay refused


class Refused(NamedTuple):
    """A letter that a relay would not take, to whom, and when that began."""

    address: str
    at: datetime


async def states(session: AsyncSession, names: Sequence[str]) -> dict[str, RelayState]:
    """What is known of these relays, each with a row of its own, locked in one order."""
    rows = [{"name": name, "failures": 0, "why": ""} for name in sorted(names)]
    await session.execute(insert_for(session)(RelayState).on_conflict_do_nothing(), rows)
    found = await session.scalars(
        select(RelayState)
        .where(RelayState.name.in_(names))
        .order_by(RelayState.name)
        .with_for_update()
    )
    return {state.name: state for state in found}


def usable(state: RelayState) -> bool:
    """Whether it may be dialled: it lets us in, or it is time to ask again.

    A time further off than we ever rest was set by a clock that ran ahead.
    """
    now = clock.now()
    furthest = now + LONGEST_WAIT + limits.NO_TURN_YET
    return state.retry_at is None or not now < state.retry_at <= furthest


async def share(
    session: AsyncSession, name: str, worker: str, *, wanted: int, at_once: int, dialled: int = 0
) -> int:
    """How many connections this worker may keep open for a minute: at most its fair part.

    Its row in `states` must be locked. Nobody takes from another: each gives way at its own next
    turn here, and until then the newcomer waits. `dialled`: how many it has open; of those it
    must close, others get the use when they are closed.
    """
    now = clock.now()
    # or its time was set by a clock that ran ahead
    over = or_(RelayShare.until <= now, RelayShare.until > now + SHARE + limits.NO_TURN_YET)
    gone = (RelayShare.relay == name, over, RelayShare.worker != worker)
    await session.execute(delete(RelayShare).where(*gone))
    others = await session.execute(
        select(func.count(), func.coalesce(func.sum(RelayShare.connections), 0)).where(
            RelayShare.relay == name, RelayShare.worker != worker
        )
    )
    workers, taken = others.one()
    fair = max(1, at_once // (workers + 1))
    granted = max(0, min(wanted, fair, at_once - taken))
    row = insert_for(session)(RelayShare).values(
        relay=name, worker=worker, connections=max(granted, dialled), until=now + SHARE
    )
    await session.execute(
        row.on_conflict_do_update(
            index_elements=["relay", "worker"],
            set_={"connections": max(granted, dialled), "until": now + SHARE},
        )
    )
    return granted


async def leave(session: AsyncSession, worker: str) -> None:
    """Give every share back."""
    await session.execute(delete(RelayShare).where(RelayShare.worker == worker))


async def turns(session: AsyncSession, name: str, per_second: float, n: int) -> list[datetime]:
    """Take a relay's next `n` turns, over all workers; gives the moments to begin at."""
    state = (await states(session, [name]))[name]
    # a little slower than the limit: a turn taken late must not fall into the next one's second
    spacing = timedelta(seconds=1 / max(per_second - 1 / 4, per_second * 3 / 4))
    now = clock.now()
    # each of many senders may have taken one that it waits for
    furthest = now + max(limits.NO_TURN_YET, MOST_SENDERS * spacing)
    first = now
    if state.last_at is not None and state.last_at <= furthest:
        first = max(now, state.last_at + spacing)
    state.last_at = first + (n - 1) * spacing
    await session.flush()
    return [first + place * spacing for place in range(n)]


async def not_let_in(session: AsyncSession, name: str, why: str) -> None:
    """Sending rests, and the letters wait: each failure in a row doubles the time."""
    state = (await states(session, [name]))[name]
    if not usable(state):
        return  # several connections were refused by the same fault
    state.failures += 1
    wait = min(FIRST_WAIT * 2 ** min(state.failures - 1, 10), LONGEST_WAIT)
    state.retry_at, state.why = clock.now() + wait, why
    await session.flush()


async def let_in(session: AsyncSession, name: str) -> None:
    """It takes our mail again."""
    await session.execute(
        update(RelayState)
        .where(RelayState.name == name)
        .values(failures=0, retry_at=None, why="")
        .execution_options(synchronize_session=False)
    )


async def lately(session: AsyncSession, host: str, n: int, *, besides: str = "") -> list[Refused]:
    """The letters that a relay refused since it last took one, at most the newest `n`, oldest
    first. `besides`: an enhanced status that does not count."""
    newest = select(Attempt.__table__).order_by(Attempt.id.desc()).limit(LOOKED_AT).subquery().c
    rows = await session.execute(
        select(newest.outcome, newest.address, newest.started_at)
        .where(
            newest.letter_id.is_not(None),
            newest.host == host,
            newest.outcome.in_(("taken", "rejected")),
            newest.enhanced != besides,
        )
        .order_by(newest.id.desc())
        .limit(n)
    )
    refused = takewhile(lambda row: row.outcome == "rejected", rows)
    return [Refused(row.address, row.started_at) for row in refused][::-1]
