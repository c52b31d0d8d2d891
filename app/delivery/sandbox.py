"""The sandbox mailbox: an SMTP server on this machine that keeps what would have left it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import policy
from email.parser import BytesHeaderParser
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import insert

from app import clock
from app.db import Database
from app.delivery.outcome import spoken
from app.delivery.routes.connection import Relay
from app.models import SandboxMessage

log = structlog.get_logger()

HERE = "127.0.0.1"
KEPT = "250 2.0.0 kept in the sandbox; nothing left this machine"
NOT_KEPT = "451 4.3.0 the sandbox could not keep it"

_parser = BytesHeaderParser(policy=policy.default)


@asynccontextmanager
async def serving(database_url: str) -> AsyncIterator[Relay]:
    """A sandbox server on a free loopback port, until the block ends."""
    database = Database(database_url, pool_size=1)
    loop = asyncio.get_running_loop()
    keeper = Keeper(database)
    keeping = asyncio.create_task(keeper.keep())
    server = await loop.create_server(
        lambda: SMTP(keeper, hostname="sandbox", ident="sandbox mailbox", loop=loop), HERE, 0
    )
    try:
        yield Relay(HERE, server.sockets[0].getsockname()[1])
    finally:
        server.close()
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await database.close()


class Keeper:
    """Commits the messages that wait, all together, before any of them is answered with 250."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._waiting: list[tuple[dict[str, Any], asyncio.Future[str]]] = []
        self._came = asyncio.Event()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        raw = bytes(envelope.original_content or b"")
        for recipient in envelope.rcpt_tos:
            row = _row(envelope.mail_from or "", recipient, raw)
            self._waiting.append((row, answer))
        self._came.set()
        return await answer

    async def keep(self) -> None:
        """Store what has gathered, over and over."""
        while True:
            await self._came.wait()
            self._came.clear()
            group, self._waiting = self._waiting, []
            reply = await self._store([row for row, _ in group])
            for _, answer in group:
                if not answer.done():  # the client may have gone, or have several recipients
                    answer.set_result(reply)

    async def _store(self, rows: list[dict[str, Any]]) -> str:
        try:
            async with self.database.transaction() as session:
                await session.execute(insert(SandboxMessage), rows)
        except Exception as error:
            log.warning("the sandbox could not keep messages", error=type(error).__name__)
            return NOT_KEPT
        return KEPT


def _row(mail_from: str, rcpt_to: str, raw: bytes) -> dict[str, Any]:
    headers = _parser.parsebytes(raw)
    return {
        "received_at": clock.now(),
        "mail_from": spoken(mail_from)[:320],
        "rcpt_to": spoken(rcpt_to)[:320],
        "subject": spoken(str(headers["Subject"] or "")),
        "message_id": spoken(str(headers["Message-ID"] or ""))[:200],
        "raw": raw,
    }
