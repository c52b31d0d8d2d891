"""A contact file on its way into the directory: read, compared, shown, and only then taken.

What is known of it stands in its row, so that a closed tab or a server that stops loses nothing
but the reading of it.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from app import clock
from app.contacts import comparing
from app.contacts.comparing import Comparison, Summary
from app.contacts.files import rows as files
from app.contacts.files.entries import printable
from app.contacts.files.reading import Reading
from app.contacts.files.rows import ContactRow
from app.errors import Missing
from app.models import AuditLine, ContactImport, Organiser

NAME = 200  # characters of a file's name
BROKEN_OFF = timedelta(minutes=5)  # a file that is still being read then never will be
OF_THE_WHOLE = 0  # the line of what is said about the file as such


async def begin(session: AsyncSession, organiser: Organiser, file_name: str) -> ContactImport:
    """From now on it can be found again, whatever becomes of the reading."""
    made = ContactImport(
        organiser_id=organiser.id,
        file_name=printable(file_name).strip()[-NAME:] or "contacts",
        at=clock.now(),
        rows=[],
        refused=[],
    )
    session.add(made)
    await session.flush()
    return made


async def tell(session: AsyncSession, import_id: int, done: int, total: int) -> None:
    """How far the reading is."""
    await _set(session, import_id, done=done, total=total)


async def finish(
    session: AsyncSession, import_id: int, reading: Reading, notes: Sequence[str] = ()
) -> None:
    """It is read: `notes` are what else an organiser should know of it."""
    total = len(reading.rows) + len(reading.refused)
    said = [{"line": OF_THE_WHOLE, "reason": one, "stood": ""} for one in notes]
    refused = [{"line": one.line, "reason": one.reason, "stood": one.stood}
               for one in reading.refused]  # fmt: skip
    await _set(
        session,
        import_id,
        done=total,
        total=total,
        ready_at=clock.now(),
        rows=[files.kept(row) for row in reading.rows],
        refused=said + refused,
    )


async def give_up(session: AsyncSession, import_id: int, fault: str) -> None:
    """The file cannot be read at all."""
    await _set(session, import_id, fault=printable(fault)[:1000], ready_at=clock.now())


async def find(
    session: AsyncSession, import_id: int, *, organisation_id: int, lock: bool = False
) -> ContactImport:
    """An import of the organisation's own organisers, without its rows. Raises Missing."""
    found = _of(organisation_id).where(ContactImport.id == import_id)
    found = found.options(defer(ContactImport.rows))
    kept = await session.scalar(found.with_for_update(of=ContactImport) if lock else found)
    if kept is None:
        raise Missing("import", str(import_id))
    return kept


async def recent(session: AsyncSession, *, organisation_id: int) -> Sequence[ContactImport]:
    """The last ten, without what stands in them."""
    found = _of(organisation_id).order_by(ContactImport.id.desc()).limit(10)
    unread = (defer(ContactImport.rows), defer(ContactImport.refused))
    return (await session.scalars(found.options(*unread))).all()


async def compare(session: AsyncSession, import_id: int) -> Comparison:
    """What taking it would do to the directory as it is now."""
    return await comparing.compare(session, await rows_of(session, import_id))


async def directory_version(session: AsyncSession) -> int:
    """Another number whenever an organiser has changed anything, for each change is on record."""
    return await session.scalar(select(func.max(AuditLine.id))) or 0


async def take(
    session: AsyncSession, kept: ContactImport, found: Comparison, *, retire: bool, by: str
) -> Summary:
    """Write it, whole. Once."""
    done = await comparing.take(session, found, retire=retire, by=by)
    kept.written_at = clock.now()
    await session.flush()
    return done


async def rows_of(session: AsyncSession, import_id: int) -> list[ContactRow]:
    """Those that can be taken."""
    kept = await session.scalar(select(ContactImport.rows).where(ContactImport.id == import_id))
    # half a second for twenty thousand, in which nobody else would be served
    return await asyncio.to_thread(lambda: [files.taken_out(one) for one in kept or []])


def refused_of(kept: ContactImport) -> list[dict[str, Any]]:
    """The lines that cannot be taken."""
    return [one for one in kept.refused if one["line"] != OF_THE_WHOLE]


def notes_of(kept: ContactImport) -> list[str]:
    """What is said about the file as a whole: how it was read, and of its mail servers."""
    return [one["reason"] for one in kept.refused if one["line"] == OF_THE_WHOLE]


def broken_off(kept: ContactImport) -> bool:
    """Whether whoever read it stopped before the end."""
    return kept.ready_at is None and kept.at < clock.now() - BROKEN_OFF


def _of(organisation_id: int) -> Select[ContactImport]:
    return (
        select(ContactImport)
        .join(Organiser, Organiser.id == ContactImport.organiser_id)
        .where(Organiser.organisation_id == organisation_id)
    )


async def _set(session: AsyncSession, import_id: int, **values: Any) -> None:
    await session.execute(
        update(ContactImport)
        .where(ContactImport.id == import_id)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
