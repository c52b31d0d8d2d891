"""The last few comparisons, so that turning a page of one does not compare everything again.

Only to show: whatever is written is compared once more, in the transaction that writes it.
"""

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.contacts import uploads
from app.contacts.comparing import Comparison

MOST = 3  # of twenty thousand rows each takes thirty megabytes

Kept = dict[tuple[int, int], Comparison]  # by import, and by how the directory was then


async def of(app: FastAPI, session: AsyncSession, import_id: int) -> Comparison:
    """An import against the directory as it is."""
    key = (import_id, await uploads.directory_version(session))
    if key not in _kept(app):
        await keep(app, session, import_id, await uploads.compare(session, import_id))
    return _kept(app)[key]


async def keep(app: FastAPI, session: AsyncSession, import_id: int, found: Comparison) -> None:
    """This is the newest."""
    kept = _kept(app)
    kept[import_id, await uploads.directory_version(session)] = found
    while len(kept) > MOST:
        kept.pop(next(iter(kept)))


def _kept(app: FastAPI) -> Kept:
    if not hasattr(app.state, "comparisons"):
        app.state.comparisons = {}
    found: Kept = app.state.comparisons
    return found
