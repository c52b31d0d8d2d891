"""An uploaded file is read beside the web server's other work, and tells how far it is."""

import asyncio
from collections import Counter
from collections.abc import Iterable

import structlog

from app.contacts import uploads
from app.contacts.files.reading import Reading, read_file
from app.contacts.files.rows import ContactRow
from app.db import Database
from app.delivery.routes.exchanges import Finder
from app.errors import FileRefused, SettingsRefused
from app.settings import Delivery, Settings

EVERY = 0.3  # seconds between two words on how far it is
LOOK_UP = 2.0  # seconds for the mail servers of all domains together
MOST_DOMAINS = 300
OUR_FAULT = "something went wrong on our side while it was read: please upload it again"

log = structlog.get_logger("contacts")


async def read(
    database: Database, settings: Settings, import_id: int, name: str, data: bytes
) -> None:
    """From an upload to rows that can be compared; whatever happens is told in the import's row."""
    try:
        reading = await _read(database, import_id, name, data)
        notes = [*reading.assumed, *await _mail_servers(settings, reading)]
        async with database.transaction() as session:
            await uploads.finish(session, import_id, reading, notes)
    except FileRefused as fault:
        async with database.transaction() as session:
            await uploads.give_up(session, import_id, fault.reason)
    except Exception:
        log.exception("a contact file was not read", import_id=import_id)
        async with database.transaction() as session:
            await uploads.give_up(session, import_id, OUR_FAULT)


async def _read(database: Database, import_id: int, name: str, data: bytes) -> Reading:
    so_far = told = (0, 0)

    def tell(done: int, total: int) -> None:
        nonlocal so_far
        so_far = (done, total)

    reading = asyncio.create_task(asyncio.to_thread(read_file, name, data, tell))
    while not reading.done():
        await asyncio.wait({reading}, timeout=EVERY)
        if so_far != told and not reading.done():
            told = so_far
            async with database.transaction() as session:
                await uploads.tell(session, import_id, *told)
    return await reading


async def _mail_servers(settings: Settings, reading: Reading) -> list[str]:
    """Which domains take no mail, as far as DNS says so in time; in practice nobody is asked."""
    if settings.delivery is Delivery.SANDBOX:
        return ["mail servers were not looked up: this is practice, and nothing leaves"]
    domains = _domains(reading.rows)
    try:
        finder = Finder(settings.nameserver)
    except SettingsRefused:
        return ["mail servers were not looked up: there is no nameserver"]
    asked = {asyncio.create_task(finder.find(one)): one for one, _ in domains[:MOST_DOMAINS]}
    if asked:
        _, late = await asyncio.wait(asked, timeout=LOOK_UP)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
    found = {name: task.result() for task, name in asked.items()
             if not task.cancelled() and not task.exception()}  # fmt: skip
    n = dict(domains)
    none = [f"no mail server takes mail for {name} (addresses: {n[name]})"
            for name, one in found.items() if one.null or one.missing]  # fmt: skip
    unknown = len(domains) - sum(not one.trouble for one in found.values())
    return none + ([f"mail servers not looked up in time: {unknown} domains"] if unknown else [])


def _domains(rows: Iterable[ContactRow]) -> list[tuple[str, int]]:
    return Counter(row.email.rpartition("@")[2].lower() for row in rows).most_common()
