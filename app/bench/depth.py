"""What depth costs: a claim, a campaign's counts and a worker's memory before many letters."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

from sqlalchemy import select

from app.bench import sending, watching
from app.bench.ground import deep, filling, postfix
from app.bench.ground.databases import Room, room
from app.bench.ground.offices import OFFICES
from app.bench.ground.postfix import Postfix
from app.bench.ground.processes import CannotMeasure, peak_memory
from app.bench.table import Line
from app.db import Database
from app.models import Alert
from app.outbox import claims
from app.reporting import counts
from app.settings import Delivery, Settings

SHALLOW = 10_000
CLAIM = 500
TIMES = 20
WARM = 3  # claims before those that count
LEASE = timedelta(hours=1)
SENT = 2_000  # letters after which a worker has shown how much memory it needs
CLAIM_GOAL, COUNTS_GOAL, MEMORY_GOAL = 1.5, 2.0, 150.0

Say = Callable[[str], None]


class RolledBack(Exception):
    """The claim was measured and is not kept."""


@dataclass
class Outbox:
    """One depth of letters, and what was measured before it: seconds, and megabytes."""

    letters: int
    database: Database
    settings: Settings
    claims: list[float] = field(default_factory=list)
    counts: list[float] = field(default_factory=list)
    memory: float = 0.0


async def measure(folder: Path, *, kind: str, depth: int, say: Say) -> list[Line]:
    """What `bench depth` prints. Raises CannotMeasure."""
    tools = postfix.set_up(folder)
    with room(kind, folder) as place:
        both = [await _outbox(place, letters, say) for letters in (SHALLOW, depth)]
        try:
            say(f"claiming {TIMES} times from each, and reading the counts")
            # in turns, so that a busy moment of the machine meets both
            for _ in range(WARM + TIMES):
                for outbox in both:
                    outbox.claims.append(await _claim(outbox))
                    outbox.counts.append(await _read_counts(outbox))
            say(f"sending {SENT:,} of each")
            for outbox in both:
                outbox.memory = await _memory(tools, place, outbox)
        finally:
            for outbox in both:
                await outbox.database.close()
    return _lines(kind, *both)


def _lines(kind: str, shallow: Outbox, deep_down: Outbox) -> list[Line]:
    before = f"{kind}, {deep_down.letters:,} letters for {OFFICES} mailboxes"
    little = f"the same before {shallow.letters:,}"
    ratio = _middle(deep_down.claims) / _middle(shallow.claims)
    return [
        Line(
            what=f"a claim of {CLAIM}: {before}, one frozen and holding most; to {SHALLOW:,}",
            measured=_middle(deep_down.claims),
            unit="ms",
            ratio=ratio,
            goal=f"≤ {CLAIM_GOAL}",
            met=ratio <= CLAIM_GOAL,
        ),
        Line(what=little, measured=_middle(shallow.claims), unit="ms"),
        _limit(f"a campaign's counts: {before}", _middle(deep_down.counts), "ms", COUNTS_GOAL),
        Line(what=little, measured=_middle(shallow.counts), unit="ms"),
        _limit(f"a worker's memory: {before}", deep_down.memory, "MB", MEMORY_GOAL),
        Line(what=little, measured=shallow.memory, unit="MB"),
    ]


def _middle(seconds: list[float]) -> float:
    """The median in milliseconds, without the first few."""
    return median(seconds[WARM:]) * 1000


def _limit(what: str, measured: float, unit: str, goal: float) -> Line:
    limit = f"< {goal:.0f} {unit}"
    return Line(what, measured, unit, measured / goal, limit, measured < goal)


async def _outbox(place: Room, letters: int, say: Say) -> Outbox:
    url = await place.empty()
    settings = filling.settings(place.folder, url)
    say(f"writing {letters:,} letters")
    began = perf_counter()
    await deep.fill(url, settings, letters)
    say(f"written in {perf_counter() - began:.0f} s")
    return Outbox(letters, Database(url), settings)


async def _claim(outbox: Outbox) -> float:
    seconds = 0.0
    with suppress(RolledBack):
        async with outbox.database.transaction() as session:
            began = perf_counter()
            claimed = await claims.claim(
                session,
                worker="bench",
                delivery=str(outbox.settings.delivery),
                limit=CLAIM,
                lease=LEASE,
                settings=outbox.settings,
            )
            seconds = perf_counter() - began
            if len(claimed) != CLAIM:
                raise CannotMeasure(f"{len(claimed)} letters claimed instead of {CLAIM}")
            raise RolledBack
    return seconds


async def _read_counts(outbox: Outbox) -> float:
    async with outbox.database.reading() as session:
        campaign_id = (await session.scalars(select(Alert.campaign_id))).one()
        began = perf_counter()
        await counts.of_campaign(session, campaign_id, Delivery.LIVE)
        return perf_counter() - began


async def _memory(tools: Postfix, place: Room, outbox: Outbox) -> float:
    """The most that a worker had while it sent some of them."""
    url = outbox.settings.database_url
    with tools.sink() as sink, sending.workers(place, url, sink, 1) as processes:
        await watching.taken(place, sink, SENT)
        return max(map(peak_memory, processes))
