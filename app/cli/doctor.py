"""What is well and what is not on this machine, in sentences."""

import asyncio
import smtplib
import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app import migrating
from app.campaigns.offices import newest_templates
from app.cli import opening
from app.contacts import directory
from app.db import Database
from app.errors import NotMigrated, SettingsRefused
from app.models import Alert
from app.settings import Delivery, Settings

WHAT_DELIVERY_MEANS = {
    Delivery.SANDBOX: "Delivery is sandbox: letters land in a mailbox here; nothing leaves.",
    Delivery.REFLECT: "Delivery is reflect: letters go back to their supporter, not to offices.",
    Delivery.LIVE: "Delivery is live: letters go to the offices.",
}
A_SHORT_WAIT = 10.0  # seconds for the relay to answer


@dataclass(frozen=True)
class Finding:
    """One sentence, and whether it tells of something that does not work."""

    sentence: str
    broken: bool = False

    @property
    def mark(self) -> str:
        return "NOT WELL" if self.broken else "well    "


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything; a part that does not work does not hide the others."""
    return [
        _settings(settings),
        Finding(WHAT_DELIVERY_MEANS[settings.delivery]),
        *await _database(settings),
        *await _relay(settings),
    ]


def _settings(settings: Settings) -> Finding:
    try:
        settings.check()
    except SettingsRefused as refusal:
        return Finding(f"{refusal}.", broken=True)
    return Finding(f"The settings agree; the address people see is {settings.public_url}.")


async def _database(settings: Settings) -> list[Finding]:
    if not opening.is_there(settings):
        return [Finding(f"{NotMigrated()}.", broken=True)]
    database = Database(settings.database)
    try:
        if not await migrating.is_current(database):
            return [Finding(f"{NotMigrated()}.", broken=True)]
        async with database.reading() as session:
            return [
                Finding(f"The {database.engine.dialect.name} database answers and is up to date."),
                await _contacts(session, settings),
                await _templates(session),
            ]
    except (SQLAlchemyError, OSError) as fault:
        reason = str(getattr(fault, "orig", fault)).split("\n")[0]
        return [Finding(f"The database does not answer: {reason}.", broken=True)]
    finally:
        await database.close()


async def _contacts(session: AsyncSession, settings: Settings) -> Finding:
    n = await directory.unchecked(session)
    if not n:
        return Finding("Every contact was checked by an organiser.")
    return Finding(
        f"{n} contacts were not checked by an organiser; in live delivery nothing goes there.",
        broken=settings.delivery is Delivery.LIVE,
    )


async def _templates(session: AsyncSession) -> Finding:
    slugs = await session.execute(select(Alert.id, Alert.slug).order_by(Alert.slug))
    waiting = [
        f"{slug} {one.country}.{one.language}"
        for alert_id, slug in slugs
        for one in await newest_templates(session, alert_id)
        if not one.reviewed
    ]
    if not waiting:
        return Finding("Every letter template was reviewed.")
    return Finding(f"Letter templates that nobody reviewed, and nobody gets: {', '.join(waiting)}.")


async def _relay(settings: Settings) -> list[Finding]:
    """Says hello to the relay, and nothing more; in practice there is nobody to greet."""
    if settings.delivery is Delivery.SANDBOX or not settings.smtp_url:
        return []
    where = urlsplit(settings.smtp_url)
    place = f"{where.hostname}, port {where.port or _usual_port(where.scheme)}"
    try:
        await asyncio.to_thread(_greet, settings.smtp_url)
    except (OSError, smtplib.SMTPException) as fault:
        return [Finding(f"The relay at {place} does not answer: {fault}.", broken=True)]
    return [Finding(f"The relay at {place} answers.")]


def _greet(url: str) -> None:
    where = urlsplit(url)
    host, port = where.hostname or "", where.port or _usual_port(where.scheme)
    if where.scheme == "smtps":
        context = ssl.create_default_context()
        with smtplib.SMTP_SSL(host, port, timeout=A_SHORT_WAIT, context=context) as relay:
            relay.ehlo()
    else:
        with smtplib.SMTP(host, port, timeout=A_SHORT_WAIT) as relay:
            relay.ehlo()


def _usual_port(scheme: str) -> int:
    return 465 if scheme == "smtps" else 587
