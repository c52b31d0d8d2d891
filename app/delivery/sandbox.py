"""The sandbox mailbox: an SMTP server on this machine that keeps what would have left it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email import policy
from email.parser import BytesHeaderParser
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import Database
from app.delivery.outcome import spoken
from app.delivery.routes.connection import Relay
from app.models import (
    Alert,
    Campaign,
    Letter,
    Notice,
    Organiser,
    SandboxMessage,
    Submission,
)

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
                whose = await _organisations(session, rows)
                await session.execute(
                    insert(SandboxMessage),
                    [row | {"organisation_id": n} for row, n in zip(rows, whose, strict=True)],
                )
        except Exception as error:
            log.warning("the sandbox could not keep messages", error=type(error).__name__)
            return NOT_KEPT
        return KEPT


async def _organisations(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> list[int | None]:
    """Whose each message is: by its letter or notice, else by the organiser it was sent to."""
    ids = {row["message_id"] for row in rows}
    # each by an index of its own: joined in one statement, both tables would be read whole
    letters = (
        select(Letter.message_id, Campaign.organisation_id)
        .join(Alert, Alert.id == Letter.alert_id)
        .join(Campaign, Campaign.id == Alert.campaign_id)
        .where(Letter.message_id.in_(ids))
    )
    of_form = (
        select(Notice.message_id, Campaign.organisation_id)
        .join(Submission, Submission.id == Notice.submission_id)
        .join(Alert, Alert.id == Submission.alert_id)
        .join(Campaign, Campaign.id == Alert.campaign_id)
        .where(Notice.message_id.in_(ids))
    )
    to_organiser = (
        select(Notice.message_id, Organiser.organisation_id)
        .join(Organiser, Organiser.id == Notice.organiser_id)
        .where(Notice.message_id.in_(ids))
    )
    people = select(Organiser.email, Organiser.organisation_id).where(
        Organiser.email.in_({row["rcpt_to"].lower() for row in rows})
    )
    whose: dict[str, int] = {}
    for found in (people, to_organiser, of_form, letters):
        for key, organisation_id in await session.execute(found):
            whose[key] = organisation_id
    return [whose.get(row["message_id"]) or whose.get(row["rcpt_to"].lower()) for row in rows]


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
