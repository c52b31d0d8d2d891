"""Many rows at the cost of the database's driver alone, for what happens to every letter.

A row costs SQLAlchemy several times what it costs the database, so the statements here are
written once for a dialect and then given to its driver as they are.
"""

import json
from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, BigInteger, Dialect, Result, Table, Text, TypeDecorator, bindparam
from sqlalchemy import insert as insert_into
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from app.db import UTCDateTime

Process = Callable[[Any], Any] | None
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Insert:
    """Rows into one table. `varying`: the columns that a row brings along; `shared`: those that
    are the same in all rows of a group."""

    def __init__(self, table: Table, varying: Sequence[str], shared: Sequence[str] = ()) -> None:
        self.table, self.varying, self.shared = table, varying, shared
        self._known: dict[str, _Written] = {}

    async def write(
        self, session: AsyncSession, rows: Sequence[tuple[Any, ...]], *shared: Any
    ) -> None:
        """Each row in the order of `varying`, then the values that all share."""
        if not rows:
            return
        connection = await session.connection()
        written = self._for(connection.dialect)
        columns: dict[str, Iterable[Any]] = dict(
            zip(self.varying, zip(*rows, strict=True), strict=True)
        )
        columns |= {
            name: (value,) * len(rows) for name, value in zip(self.shared, shared, strict=True)
        }
        in_order = [
            map(process, columns[name]) if process else columns[name]
            for name, process in written.columns
        ]
        given = list(zip(*in_order, strict=True))
        await connection.exec_driver_sql(written.statement, given)

    def _for(self, dialect: Dialect) -> "_Written":
        if dialect.name not in self._known:
            binds: dict[str, Any] = {
                name: bindparam(name) for name in (*self.varying, *self.shared)
            }
            compiled = insert_into(self.table).values(binds).inline().compile(dialect=dialect)
            columns = [
                (name, _process(self.table.c[name].type, dialect))
                for name in compiled.positiontup or ()
            ]
            self._known[dialect.name] = _Written(str(compiled), columns)
        return self._known[dialect.name]


class _Written(NamedTuple):
    """A statement of one dialect, and the columns in its order."""

    statement: str
    columns: list[tuple[str, Process]]


def _process(kind: TypeEngine[Any], dialect: Dialect) -> Process:
    if isinstance(kind, UTCDateTime) and dialect.name == "sqlite":
        return _moment
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _moment(value: datetime | None) -> str | None:
    """As SQLAlchemy writes a moment into SQLite, at a third of the time."""
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    since = value - EPOCH
    return f"{_second(since.days, since.seconds)}.{since.microseconds:06}"


@lru_cache(maxsize=64)
def _second(days: int, seconds: int) -> str:
    return (EPOCH + timedelta(days, seconds)).isoformat(" ")[:19]


def plain(found: Result[*tuple[Any, ...]]) -> list[Any]:
    """The rows as tuples with names: the parts of SQLAlchemy's own are looked up by name each
    time, which costs a letter that is read forty times more than its way through the database."""
    make = _tuple(tuple(found.keys()))._make
    return [make(row) for row in found]


@lru_cache(maxsize=64)
def _tuple(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names)


class _Ids(TypeDecorator[list[int]]):
    """A list of numbers as one value, so that its statement reads the same for any number."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return Text() if dialect.name == "sqlite" else dialect.type_descriptor(ARRAY(BigInteger))

    def process_bind_param(self, value: Iterable[int] | None, dialect: Dialect) -> Any:
        ids = list(value or ())
        return json.dumps(ids) if dialect.name == "sqlite" else ids


class _Among(FunctionElement[Any]):
    inherit_cache = True


def among(column: Any, name: str = "ids") -> ColumnElement[bool]:
    """Whether a column is one of the numbers given as parameter `name`, however many."""
    return _Among(column, bindparam(name, type_=_Ids()))


@compiles(_Among, "sqlite")
def _one_of_sqlite(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, ids = (compiler.process(one, **options) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({ids}))"  # noqa: S608  no value is in it


@compiles(_Among, "postgresql")
def _one_of_postgresql(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, ids = (compiler.process(one, **options) for one in element.clauses)
    return f"{column} = ANY ({ids})"
