"""Our own relays as all workers share them: who may open how many connections, at what pace,
and which relay does not let us in.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import insert_for
from app.models import RelayShare, RelayState

SHARE = timedelta(seconds=60)  # how long a share is held that nobody renews
FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(minutes=10)


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
    """Whether it may be dialled: it lets us in, or it is time to ask again."""
    return state.retry_at is None or state.retry_at <= clock.now()


async def share(
    session: AsyncSession, name: str, worker: str, *, wanted: int, at_once: int, dialled: int = 0
) -> int:
    """How many connections this worker may keep open for a minute: at most its fair part.

    Its row in `states` must be locked. Nobody takes from another: each gives way at its own next
    turn here, and until then the newcomer waits. `dialled`: how many it has open; of those it
    must close, others get the use when they are closed.
    """
    now = clock.now()
    gone = (RelayShare.relay == name, RelayShare.until <= now, RelayShare.worker != worker)
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
    first = now if state.last_at is None else max(now, state.last_at + spacing)
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
