"""Short questions to a test's database."""

from collections import Counter
from typing import Any

from sqlalchemy import func, select

from app.db import Database
from app.models import Letter, Notice, SendCount


async def statuses(database: Database) -> dict[str, int]:
    """How many letters stand at each status, by the letters themselves."""
    async with database.reading() as session:
        return dict(Counter(await session.scalars(select(Letter.status))))


async def counted(database: Database) -> dict[str, int]:
    """The same by the kept counts."""
    async with database.reading() as session:
        rows = await session.execute(
            select(SendCount.status, func.sum(SendCount.n)).group_by(SendCount.status)
        )
        return {status: int(n) for status, n in rows if n}


async def all_of(database: Database, model: Any, *where: Any) -> list[Any]:
    async with database.reading() as session:
        return list(await session.scalars(select(model).where(*where).order_by(model.id)))


async def notices(database: Database) -> list[str]:
    return [notice.kind for notice in await all_of(database, Notice)]
