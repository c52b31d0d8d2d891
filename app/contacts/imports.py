"""A contact file taken whole or not at all, in two steps: read it, write it."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from app.contacts import comparing
from app.contacts.comparing import Summary
from app.contacts.files.reading import Reading, read_file
from app.contacts.files.rows import COLUMNS, ContactRow
from app.errors import FileRefused, RowRefused

__all__ = ["COLUMNS", "ContactRow", "Summary", "check_whole", "open_file", "read", "write"]


def read(path: Path) -> list[ContactRow]:
    """The rows of a file of any kind. Raises FileRefused with every line that cannot be taken."""
    reading = open_file(path)
    check_whole(path, reading)
    return list(reading.rows)


def check_whole(path: Path, reading: Reading) -> None:
    """Raises FileRefused with every line of the file that cannot be taken."""
    if reading.refused:
        raise FileRefused([RowRefused(str(path), one.line, one.reason) for one in reading.refused])


def open_file(path: Path) -> Reading:
    """What can be taken of a file and what cannot. Raises FileRefused: it is no contact file."""
    try:
        return read_file(str(path), path.read_bytes())
    except OSError as fault:
        raise FileRefused([RowRefused(str(path), 1, fault.strerror or str(fault))]) from None


async def write(session: AsyncSession, rows: Sequence[ContactRow]) -> Summary:
    """Bring the offices and their addresses to what the rows say; a check already made is kept
    as long as the address stays the same."""
    return await comparing.take(session, await comparing.compare(session, rows))
