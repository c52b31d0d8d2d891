"""SQL compiled once for a whole run: each test's engine would otherwise begin with nothing.

A test's database is new, its statements are those of the test before. In the program one engine
lives as long as its process, so this is also nearer to it than an engine that knows no statement.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.ext.asyncio import AsyncEngine

_dialects: dict[str, Dialect] = {}
_statements: dict[Any, Any] = {}


def remember(engine: AsyncEngine) -> None:
    """Others of its kind become like this one, which has asked its server what it can do."""
    _dialects.setdefault(engine.dialect.name, engine.dialect)


def making(make: Callable[[str, int], AsyncEngine]) -> Callable[[str, int], AsyncEngine]:
    """The same, with what others of its kind have compiled."""

    def made(url: str, pool_size: int) -> AsyncEngine:
        engine = make(url, pool_size)
        found = _dialects.get(engine.dialect.name)
        if found is not None:
            engine.sync_engine.dialect = found
            engine.sync_engine.update_execution_options(compiled_cache=_statements)
        return engine

    return made
