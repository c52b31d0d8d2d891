"""The database: engine, transactions, and the two dialects behind one face.

SQLite (one machine) and PostgreSQL (many) run the same code. A transaction is either a writer
or a reader from its first statement on.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from sqlalchemy import (
    DateTime,
    Dialect,
    Index,
    MetaData,
    Table,
    TypeDecorator,
    event,
    func,
    make_url,
    text,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from app import clock, sqlite

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)
SUMS = "sums"  # what a session adds up until its transaction ends


class UTCDateTime(TypeDecorator[datetime]):
    """An aware moment in UTC on both databases; SQLite forgets the zone and would give it naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index over the rows that are asked for, on both databases."""
    only = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=only, postgresql_where=only)


class Database:
    """An engine and the two kinds of transaction on it."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.engine = _engine(url, pool_size)
        # SQLite has one writer: whoever waits for it here is let in at once, while whoever waits
        # inside SQLite sleeps, and looks again a tenth of a second later
        self._pen = asyncio.Lock() if url.startswith("sqlite") else nullcontext()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A writer: committed when the block ends well, rolled back when it does not."""
        async with (
            self._pen,
            AsyncSession(self.engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session
            await write_sums(session)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A reader: on SQLite it takes no write lock; nothing it does is kept."""
        engine = self.engine.execution_options(readonly=True)
        async with AsyncSession(engine, expire_on_commit=False) as session:
            yield session

    async def close(self) -> None:
        await self.engine.dispose()


def _engine(url: str, pool_size: int) -> AsyncEngine:
    if not url.startswith("sqlite"):
        return create_async_engine(url, pool_size=pool_size, max_overflow=10, pool_pre_ping=True)
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=10,
        async_creator=partial(sqlite.connect, make_url(url).database or ":memory:"),
    )
    event.listen(engine.sync_engine, "connect", _pragmas)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _pragmas(connection: Any, record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    readonly = connection.get_execution_options().get("readonly", False)
    connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")


def add_up(session: AsyncSession, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    """Add each row's `n` to the row of the same key when this transaction ends.

    Not sooner: everybody writes the same few counts, and two transactions that took them in
    different orders would wait for each other for ever. All are taken last, and in one order.
    """
    keys = [column.name for column in table.primary_key]
    sums = session.info.setdefault(SUMS, {}).setdefault(table, Counter())
    for row in rows:
        sums[tuple(row[key] for key in keys)] += row["n"]


async def write_sums(session: AsyncSession) -> None:
    """Write what was added up; for who reads the counts before the transaction ends."""
    gathered: dict[Table, Counter[tuple[Any, ...]]] = session.info.pop(SUMS, {})
    for table, sums in sorted(gathered.items(), key=lambda one: one[0].name):
        keys = [column.name for column in table.primary_key]
        rows = [
            dict(zip(keys, key, strict=True)) | {"n": n} for key, n in sorted(sums.items()) if n
        ]
        if "at" in table.c:  # when it last grew
            rows = [row | {"at": clock.now() if row["n"] > 0 else None} for row in rows]
        if rows:
            await session.execute(_adding(insert_for(session), table), rows)


@cache  # it costs more to write than to run, and it is run in every transaction
def _adding(insert: Any, table: Table) -> Any:
    """The statement that adds to a row, or makes it."""
    statement = insert(table)
    changed = {"n": table.c.n + statement.excluded.n}
    if "at" in table.c:
        changed["at"] = func.coalesce(statement.excluded.at, table.c.at)
    keys = [column.name for column in table.primary_key]
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


def insert_for(session: AsyncSession) -> Any:
    """The INSERT of this session's dialect that knows ON CONFLICT."""
    dialect = session.get_bind().dialect.name
    return sqlite_insert if dialect == "sqlite" else postgresql_insert
