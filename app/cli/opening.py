"""Opens the settings and the database for one command, and closes what it opened."""

import gc
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import uvloop
from pydantic import ValidationError
from sqlalchemy import func, make_url, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock, migrating
from app.db import Database, UTCDateTime
from app.errors import ClockApart, NotMigrated, SettingsRefused
from app.settings import Settings

CLOCKS_APART = timedelta(seconds=30)  # little beside a lease of five minutes
T = TypeVar("T")
Work = Callable[[AsyncSession, Settings], Awaitable[T]]


def settings() -> Settings:
    """The settings of the environment. Raises SettingsRefused with every fault on one line."""
    try:
        found = Settings()
    except ValidationError as fault:
        faults = [
            f"ONE_EMAIL_{one['loc'][0]}".upper() + f": {one['msg'].removeprefix('Value error, ')}"
            for one in fault.errors()
        ]
        raise SettingsRefused("; ".join(faults)) from None
    if found.data_dir.exists() and not found.data_dir.is_dir():
        raise SettingsRefused(f"ONE_EMAIL_DATA_DIR: {found.data_dir} is a file, not a folder")
    _keep_private(found)
    return found


def _keep_private(settings: Settings) -> None:
    """Close a SQLite database of ours that others on the machine could read; it was made so by an
    earlier version, and what SQLite makes beside it takes its mode."""
    address = make_url(settings.database)
    if address.get_backend_name() != "sqlite":
        return
    for file in (f"{address.database}{end}" for end in ("", "-wal", "-shm")):
        with suppress(OSError):  # it is not there, or on a disk that knows no owners
            known = os.stat(file)
            if known.st_uid == os.geteuid() and known.st_mode & 0o077:
                os.chmod(file, known.st_mode & 0o700)


def is_there(settings: Settings) -> bool:
    """Whether there can be a database at all: to open a SQLite file that is not there makes it."""
    address = make_url(settings.database)
    return address.get_backend_name() != "sqlite" or Path(str(address.database)).exists()


def on_database(work: Callable[[Settings, Database], Awaitable[T]]) -> T:
    """Do `work` on the database of the settings. Raises NotMigrated."""
    ours = settings()

    async def once() -> T:
        if not is_there(ours):
            raise NotMigrated
        database = Database(ours.database)
        try:
            with reaching(ours):
                current = await migrating.is_current(database)
            if not current:
                raise NotMigrated
            return await work(ours, database)
        finally:
            await database.close()

    return uvloop.run(once())


@contextmanager
def reaching(settings: Settings) -> Iterator[None]:
    """Name the database that does not answer, and where it is set. Raises SettingsRefused."""
    try:
        yield
    except OSError as fault:
        address = make_url(settings.database)
        if address.get_backend_name() == "sqlite":
            raise
        port = f", port {address.port}" if address.port else ""
        where = f"{address.host or 'this machine'}{port}"
        raise SettingsRefused(
            f"ONE_EMAIL_DATABASE_URL: no database answers at {where}: {fault.strerror or fault}"
        ) from None


async def check_clock(database: Database) -> None:
    """Leases and turns are written by one worker and read by another. Raises ClockApart.

    A SQLite file has no clock but that of its machine.
    """
    if database.engine.dialect.name == "sqlite":
        return
    async with database.engine.connect() as connection:
        before = clock.now()
        asked = await connection.execute(select(func.clock_timestamp(type_=UTCDateTime())))
        theirs = asked.scalar_one()
        after = clock.now()
    # what the question took on its way is nobody's fault
    ahead = max(before - theirs, timedelta()) + min(after - theirs, timedelta())
    if abs(ahead) > CLOCKS_APART:
        raise ClockApart(ahead)


def leave_alone_what_stays() -> None:
    """For a process that runs for long: Python's collector no longer looks through all that was
    loaded, nor after every seven hundred things made. It took a tenth of a worker's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 50)


def writing(work: Work[T]) -> T:
    """Do `work` in a transaction that is kept."""

    async def once(settings: Settings, database: Database) -> T:
        async with database.transaction() as session:
            return await work(session, settings)

    return on_database(once)


def reading(work: Work[T]) -> T:
    """Do `work`, which only looks."""

    async def once(settings: Settings, database: Database) -> T:
        async with database.reading() as session:
            return await work(session, settings)

    return on_database(once)
