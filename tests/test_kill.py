"""A worker that is killed in the middle loses no letter, and few go twice."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

from sqlalchemy import func, select

from app.db import Database
from app.models import Attempt, Letter, LetterStatus, SandboxMessage
from app.settings import Settings
from tests.grounds.letters import make_queued_letters
from tests.grounds.rows import all_of, counted, statuses

LETTERS = 500
WORKERS = 4
CONNECTIONS = 4
GROUP = 2 * CONNECTIONS  # the most that waits to be settled beside what is being said
LEASE = 4.0
ROOT = Path(__file__).parents[1]


async def test_a_worker_killed_in_the_middle_loses_nothing(
    database: Database, settings: Settings
) -> None:
    async with database.transaction() as session:
        letters = await make_queued_letters(session, LETTERS)
    with processes(settings) as running:
        victim = running[0]

        async def in_the_middle() -> bool:
            return await kept(database) > LETTERS / 5 and await held(database, "worker-0") > 0

        await until(in_the_middle)
        victim.kill()

        async def all_sent() -> bool:
            return await counted(database) == {LetterStatus.HANDED_OVER: LETTERS}

        await until(all_sent)
        for process in running[1:]:
            process.terminate()
        assert [process.wait(10) for process in running] == [-signal.SIGKILL, 0, 0, 0]

    arrived = [one.message_id for one in await all_of(database, SandboxMessage)]
    assert set(arrived) == {letter.message_id for letter in letters}
    twice = len(arrived) - LETTERS
    assert 0 <= twice <= CONNECTIONS + GROUP
    assert await statuses(database) == {LetterStatus.HANDED_OVER: LETTERS}
    attempts = await all_of(database, Attempt)
    assert {one.letter_id for one in attempts} == {letter.id for letter in letters}


@contextmanager
def processes(settings: Settings) -> Iterator[list[Popen[bytes]]]:
    """Workers on the test's database, ended with the block whatever happened in it."""
    environment = {
        "PATH": os.environ["PATH"],
        "LEASE": str(LEASE),
        "ONE_EMAIL_DATABASE_URL": settings.database,
        "ONE_EMAIL_DATA_DIR": str(settings.data_dir),
        "ONE_EMAIL_SECRET_KEY": settings.secret_key,
        "ONE_EMAIL_CONNECTIONS": str(CONNECTIONS),
    }
    command = [sys.executable, "-m", "tests.grounds.worker_process"]
    running = [
        Popen(command, cwd=ROOT, env=environment | {"NAME": f"worker-{n}"}) for n in range(WORKERS)
    ]
    try:
        yield running
    finally:
        for process in running:
            process.kill()
            process.wait()


async def kept(database: Database) -> int:
    async with database.reading() as session:
        return await session.scalar(select(func.count(SandboxMessage.id))) or 0


async def held(database: Database, worker: str) -> int:
    mine = (Letter.worker == worker, Letter.status == LetterStatus.SENDING)
    async with database.reading() as session:
        return await session.scalar(select(func.count(Letter.id)).where(*mine)) or 0


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await holds():  # noqa: ASYNC110  other processes set no event
            await asyncio.sleep(0.05)
