"""One run of the real worker: from the first claim to the last durable result, and checked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from statistics import mean

from sqlalchemy.ext.asyncio import AsyncSession

from app.bench import watching
from app.bench.ground import filling
from app.bench.ground.databases import Room
from app.bench.ground.postfix import SESSIONS, Postfix, Sink
from app.bench.ground.processes import (
    LOOPBACK,
    Process,
    ours,
    processor_time,
)
from app.db import Database
from app.delivery import attempt
from app.outbox import claims
from app.settings import Settings

SAMPLES = 200
LEASE = timedelta(hours=1)


@dataclass(frozen=True)
class Prepared:
    """A filled database to be copied for each run.

    `samples`: a file of some of its letters, for those who keep no database; `size`: the mean of
    their messages in octets.
    """

    room: Room
    url: str
    letters: int
    samples: Path
    size: int


@dataclass(frozen=True)
class Round:
    """Letters a second of ours; and of smtp-source before and after, at the same kind of sink."""

    speed: float
    cost: float  # seconds of processor time a letter, over all workers
    before: float
    after: float

    @property
    def source(self) -> float:
        return mean((self.before, self.after))

    @property
    def ratio(self) -> float:
        return self.speed / self.source


async def prepare(room: Room, letters: int) -> Prepared:
    """An outbox with so many letters due."""
    url = await room.empty()
    database = Database(url)
    settings = filling.settings(room.folder, url)
    try:
        async with database.transaction() as session:
            await filling.fill(session, settings, letters)
        async with database.reading() as session:
            messages = await _some_messages(session, settings)
    finally:
        await database.close()
    samples = room.folder / "letters.json"
    samples.write_text(json.dumps([_as_words(one) for one in messages]), "utf-8")
    return Prepared(room, url, letters, samples, round(mean(map(len, messages))))


async def run(prepared: Prepared, postfix: Postfix, n: int) -> tuple[float, float]:
    """Letters a second through `n` real workers, and their processor time a letter; checked.

    Raises CannotMeasure.
    """
    room = prepared.room
    url = await room.copy(prepared.url)
    database = Database(url)
    try:
        with postfix.sink() as sink:
            with workers(room, url, sink, n) as processes:
                await watching.taken(room, sink, 1)
                to_start = sum(map(processor_time, processes))
                await watching.taken(room, sink, prepared.letters)
                seconds = await watching.all_settled(database, prepared.letters)
                spent = sum(map(processor_time, processes)) - to_start
            await watching.check(database, sink, prepared.letters)
    finally:
        await database.close()
        await room.drop(url)
    return prepared.letters / seconds, spent / prepared.letters


@contextmanager
def workers(room: Room, url: str, sink: Sink, n: int) -> Iterator[list[Process]]:
    """Our own, in as many processes, over ten connections in all to the sink."""
    env = {
        "ONE_EMAIL_SMTP_URL": f"smtp://{LOOPBACK}:{sink.port}",
        "ONE_EMAIL_CONNECTIONS": str(SESSIONS // n),
    }
    with ours("worker", folder=room.folder, database_url=url, env=env, times=n) as processes:
        yield processes


async def one_round(prepared: Prepared, postfix: Postfix, *, workers: int) -> Round:
    """Ours between two runs of smtp-source, so that a busy moment of the machine meets both."""
    before = _source(prepared, postfix)
    speed, cost = await run(prepared, postfix, workers)
    return Round(speed, cost, before, _source(prepared, postfix))


def _source(prepared: Prepared, postfix: Postfix) -> float:
    """Messages a second of smtp-source: as many, of the same size, over as many sessions."""
    with postfix.sink() as sink:
        return prepared.letters / postfix.source(sink, prepared.letters, prepared.size)


async def _some_messages(session: AsyncSession, settings: Settings) -> list[bytes]:
    """As they will leave; the claim is not kept."""
    found = await claims.claim(
        session,
        worker="bench",
        delivery=str(settings.delivery),
        limit=SAMPLES,
        lease=LEASE,
        settings=settings,
    )
    return [attempt.write(one, settings).raw for one in found]


def _as_words(raw: bytes) -> dict[str, str]:
    """What another program needs to write the same message."""
    read = message_from_bytes(raw, policy=policy.default)
    words = {name: str(read[name]) for name in ("from", "to", "subject")}
    return words | {"reply_to": str(read["reply-to"]), "body": read.get_content()}
