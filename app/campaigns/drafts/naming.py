"""A title becomes an address: letters, digits and hyphens, and nobody else's."""

import re
import unicodedata
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

LONGEST_SLUG = 70
TAKEN = frozenset({"new"})  # by a page of the organisers


async def free_slug(
    session: AsyncSession, column: InstrumentedAttribute[Any], title: str, *, otherwise: str
) -> str:
    """`column`: where the slugs of its kind stand. `otherwise`: for a title without letters."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain)[:LONGEST_SLUG].strip("-") or otherwise
    taken = TAKEN | set(await session.scalars(select(column).where(column.startswith(slug))))
    n, free = 1, slug
    while free in taken:
        n += 1
        free = f"{slug}-{n}"
    return free
