"""Forms a second through the API, from connections that post one after the other."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from sqlalchemy import func, select

from app.bench.ground import offices, posting
from app.bench.ground.databases import Room, room
from app.bench.ground.posting import Found
from app.bench.ground.processes import (
    LOOPBACK,
    CannotMeasure,
    free_port,
    ours,
    wait_until_it_listens,
)
from app.bench.table import Line
from app.db import Database
from app.models import Submission

CONNECTIONS = (1, 10, 50)
WARM = 50  # forms before those that count

Say = Callable[[str], None]


async def measure(folder: Path, *, kind: str, forms: int, say: Say) -> list[Line]:
    """What `bench forms` prints. Raises CannotMeasure."""
    lines: list[Line] = []
    with room(kind, folder) as place:
        url = await place.empty()
        await _furnish(url)
        numbers = count()
        with _serving(place, url) as port:
            refused = (await posting.post(port, WARM, 1, numbers)).refused
            for connections in CONNECTIONS:
                found = await posting.post(port, forms, connections, numbers)
                refused += found.refused
                say(f"{connections} at once: {found.speed:,.0f} forms/s, {found.refused} refused")
                lines += _lines(found, f"{kind}, {connections} at once")
        await _check(url, WARM + forms * len(CONNECTIONS) - refused)
    return lines


def _lines(found: Found, how: str) -> list[Line]:
    return [
        Line(f"forms: {how}", found.speed, "forms/s"),
        Line(f"half are answered within: {how}", found.half * 1000, "ms"),
        Line(f"99 of 100 are answered within: {how}", found.slowest * 1000, "ms"),
        Line(f"refused with a 503: {how}", found.refused, "forms", goal="0", met=not found.refused),
    ]


async def _furnish(url: str) -> None:
    database = Database(url)
    try:
        async with database.transaction() as session:
            await offices.furnish(session)
    finally:
        await database.close()


@contextmanager
def _serving(place: Room, url: str) -> Iterator[int]:
    """The web server in a process of its own; gives its port."""
    port = free_port()
    env = {
        "ONE_EMAIL_PUBLIC_URL": f"http://{LOOPBACK}:{port}",
        "ONE_EMAIL_SMTP_URL": f"smtp://{LOOPBACK}:{port}",  # live wants one; a form needs none
    }
    with ours(
        *("serve", "--port", str(port)), folder=place.folder, database_url=url, env=env
    ) as processes:
        wait_until_it_listens(port, processes[0])
        yield port


async def _check(url: str, posted: int) -> None:
    """Every form that was answered is there."""
    database = Database(url)
    try:
        async with database.reading() as session:
            kept = await session.scalar(select(func.count(Submission.id)))
    finally:
        await database.close()
    if kept != posted:
        raise CannotMeasure(f"{posted} forms posted, {kept} kept")
