"""SQLite for asyncio without a thread in between: a statement takes less time than a hand-over.

The usual driver passes each of a statement's four calls to a thread and back, which costs a
transaction of twenty statements more than all that SQLite does in it. Here a statement runs where
it is asked. Only what may wait, for another process's transaction or for the disk, runs apart.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

BUSY = 5.0  # seconds to wait for another process's transaction
BEGIN = "BEGIN IMMEDIATE"
MAY_WAIT = (BEGIN, "PRAGMA", "VACUUM")


class Cursor:
    """As the driver's own, which SQLAlchemy expects."""

    def __init__(self, connection: "Connection") -> None:
        self.connection = connection
        self._cursor = connection.driver.cursor()

    async def __aenter__(self) -> "Cursor":
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)  # description, rowcount, lastrowid, arraysize

    async def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        if statement == BEGIN and self.connection.begins_at_once():
            return
        if statement.startswith(MAY_WAIT):
            await self.connection.apart(lambda: self._cursor.execute(statement, parameters))
        else:
            self._cursor.execute(statement, parameters)

    async def executemany(self, statement: str, parameters: Sequence[Sequence[Any]]) -> None:
        self._cursor.executemany(statement, parameters)

    async def fetchone(self) -> Any:
        return self._cursor.fetchone()

    async def fetchmany(self, size: int = 1) -> list[Any]:
        return self._cursor.fetchmany(size)

    async def fetchall(self) -> list[Any]:
        return self._cursor.fetchall()

    async def close(self) -> None:
        self._cursor.close()


class AtOnce:
    """In place of the queue of a driver's thread, where SQLAlchemy puts what it wants done."""

    def put_nowait(self, wanted: tuple[asyncio.Future[Any], Callable[[], Any]]) -> None:
        future, work = wanted
        future.set_result(work())


class Connection:
    """One connection. `driver`: Python's own, used by one task at a time."""

    def __init__(self, driver: sqlite3.Connection) -> None:
        self.driver = driver
        # what SQLAlchemy asks of the usual driver: is it open, and set its isolation level
        self._connection: sqlite3.Connection | None = driver
        self._conn, self._tx = driver, AtOnce()

    @property
    def isolation_level(self) -> str | None:
        return self.driver.isolation_level

    def cursor(self) -> Cursor:
        return Cursor(self)

    def begins_at_once(self) -> bool:
        """Whether nobody else is writing, and our own transaction has begun: mostly it has, and
        then a thread would only have cost time."""
        self.driver.execute("PRAGMA busy_timeout=0")
        try:
            self.driver.execute(BEGIN)
        except sqlite3.OperationalError as fault:
            if fault.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return False
        finally:
            self.driver.execute(f"PRAGMA busy_timeout={BUSY * 1000:.0f}")
        return True

    async def create_function(self, *given: Any, **options: Any) -> None:
        self.driver.create_function(*given, **options)

    async def commit(self) -> None:
        await self.apart(self.driver.commit)

    async def rollback(self) -> None:
        self.driver.rollback()  # it waits for nobody, and a reader's end is one

    async def close(self) -> None:
        self.stop()

    def stop(self) -> None:
        self._connection = None
        self.driver.close()

    async def apart(self, work: Callable[[], T]) -> T:
        """In a thread, and to its end, even if nobody waits for it any more: whoever cleans up
        after a cancelled task would else find the connection in use."""
        done = asyncio.get_running_loop().run_in_executor(None, work)
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            await asyncio.wait([done])
            raise


async def connect(file: str) -> Connection:
    """Open a file, or make it."""
    driver = sqlite3.connect(
        file,
        timeout=BUSY,
        # the transaction is ours: the driver's default begins late, and lost 39 of 40 concurrent
        # increments without an error
        isolation_level=None,
        # one task at a time uses it, but not always in one thread
        check_same_thread=False,
    )
    return Connection(driver)
