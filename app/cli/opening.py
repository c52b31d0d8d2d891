"""Opens the settings and the database for one command, and closes what it opened."""

import gc
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import uvloop
from pydantic import ValidationError
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncSession

from app import migrating
from app.db import Database
from app.errors import NotMigrated, SettingsRefused
from app.settings import Settings

T = TypeVar("T")
Work = Callable[[AsyncSession, Settings], Awaitable[T]]


def settings() -> Settings:
    """The settings of the environment. Raises SettingsRefused with every fault on one line."""
    try:
        return Settings()
    except ValidationError as fault:
        faults = [
            f"ONE_EMAIL_{one['loc'][0]}".upper() + f": {one['msg']}" for one in fault.errors()
        ]
        raise SettingsRefused("; ".join(faults)) from None


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
            if not await migrating.is_current(database):
                raise NotMigrated
            return await work(ours, database)
        finally:
            await database.close()

    return uvloop.run(once())


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
