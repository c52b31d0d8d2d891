"""Keeps what the MX of each domain we write to says: who shares a server, and who may accept."""

import asyncio

import structlog

from app.db import Database
from app.delivery.routes.exchanges import Finder
from app.outbox.pacing import hosts
from app.settings import Delivery, Settings

EVERY = 600.0  # seconds between two looks for domains that nobody asked about today

log = structlog.get_logger()


async def keep(settings: Settings, database: Database, stop: asyncio.Event) -> None:
    """Ask until `stop` is set; in the sandbox nothing leaves, and nobody is asked."""
    if settings.delivery is Delivery.SANDBOX:
        return
    finder = Finder(settings.nameserver)
    while not stop.is_set():
        try:
            await refresh(database, finder)
        except Exception as error:
            log.warning("could not keep what MX records say", error=type(error).__name__)
        try:
            async with asyncio.timeout(EVERY):
                await stop.wait()
        except TimeoutError:
            pass


async def refresh(database: Database, finder: Finder) -> int:
    """Look up the domains whose answer is old; gives how many. No transaction waits for DNS."""
    async with database.reading() as session:
        domains = await hosts.to_look_up(session)
    for domain in domains:
        found = await finder.find(domain)
        async with database.transaction() as session:
            await hosts.learn(session, domain, found.names)
    return len(domains)
