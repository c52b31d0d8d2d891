"""What this machine holds: settings, database, contacts, letter templates, the outbox."""

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock, migrating
from app.campaigns.offices import newest_templates
from app.cli import opening
from app.contacts import directory
from app.db import Database
from app.delivery.domain.findings import Finding, heard, look, not_well, well
from app.delivery.routes.relays import relays_of
from app.errors import ClockApart, NotMigrated, SettingsRefused
from app.models import Alert, Freeze, Letter, LetterStatus, MailHost, RelayState
from app.settings import Delivery, Settings
from app.web.looks import logo, theme

WHAT_DELIVERY_MEANS = {
    Delivery.SANDBOX: "Delivery is sandbox: letters land in a mailbox here; nothing leaves.",
    Delivery.REFLECT: "Delivery is reflect: letters go back to their supporter, not to offices.",
    Delivery.LIVE: "Delivery is live: letters go to the offices.",
}


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything here; a part that does not work does not hide the others."""
    return [
        _settings(settings),
        *_looks(settings),
        well(WHAT_DELIVERY_MEANS[settings.delivery]),
        *await _database(settings),
    ]


def _settings(settings: Settings) -> Finding:
    try:
        settings.check()
        relays_of(settings)
    except SettingsRefused as refusal:
        return not_well(f"{refusal}.")
    return well(f"The settings agree; the address people see is {settings.public_url}.")


def _looks(settings: Settings) -> list[Finding]:
    """What a visitor's eyes need."""
    try:
        logo.read(settings.logo)
        shown = theme.moved(settings.accent_colour)
    except SettingsRefused as refusal:
        return [not_well(f"{refusal}.")]
    if shown:
        return [
            look(
                f"The accent {settings.accent_colour} is too light to be read on these pages:"
                f" {shown} stands for it."
            )
        ]
    return []


async def _database(settings: Settings) -> list[Finding]:
    if not opening.is_there(settings):
        return [not_well(f"{NotMigrated()}.")]
    database = Database(settings.database)
    try:
        if not await migrating.is_current(database):
            return [not_well(f"{NotMigrated()}.")]
        clocks = await _clock(database)
        async with database.reading() as session:
            return [
                well(f"The {database.engine.dialect.name} database answers and is up to date."),
                *clocks,
                await _contacts(session, settings),
                await _templates(session),
                *await _outbox(session, settings),
            ]
    except (SQLAlchemyError, OSError) as fault:
        reason = str(getattr(fault, "orig", fault)).split("\n")[0]
        return [not_well(f"The database does not answer: {reason}.")]
    finally:
        await database.close()


async def _clock(database: Database) -> list[Finding]:
    """Nothing on SQLite, where there is one machine."""
    if database.engine.dialect.name == "sqlite":
        return []
    try:
        await opening.check_clock(database)
    except ClockApart as apart:
        return [not_well(f"No worker begins here: {apart}.")]
    return [well("The clock of this machine and that of the database agree.")]


async def _contacts(session: AsyncSession, settings: Settings) -> Finding:
    n = await directory.unchecked(session)
    if not n:
        return well("Every contact was checked by an organiser.")
    sentence = (
        f"{n} contacts were not checked by an organiser, and in live delivery nothing goes there:"
        " look each up and run “contacts check”."
    )
    return not_well(sentence) if settings.delivery is Delivery.LIVE else look(sentence)


async def _templates(session: AsyncSession) -> Finding:
    slugs = await session.execute(select(Alert.id, Alert.slug).order_by(Alert.slug))
    waiting = [
        f"{slug} {one.country}.{one.language}"
        for alert_id, slug in slugs
        for one in await newest_templates(session, alert_id)
        if not one.reviewed
    ]
    if not waiting:
        return well("Every letter template was reviewed.")
    return look(f"Letter templates that nobody reviewed, and nobody gets: {', '.join(waiting)}.")


async def _outbox(session: AsyncSession, settings: Settings) -> list[Finding]:
    """The letter that is due longest, and what is held back."""
    oldest = await session.scalar(
        select(func.min(Letter.not_before)).where(
            Letter.status == LetterStatus.QUEUED,
            Letter.delivery == str(settings.delivery),
            Letter.not_before <= clock.now(),
        )
    )
    hosts = await session.execute(
        select(MailHost.name, Freeze.why)
        .join(Freeze, Freeze.ref == MailHost.id)
        .where(Freeze.scope == "host", Freeze.released_at.is_(None))
        .order_by(MailHost.name)
    )
    relays = await session.scalars(
        select(RelayState).where(RelayState.failures > 0).order_by(RelayState.name)
    )
    findings = [look(f"The mail host {name} is frozen: {heard(why)}.") for name, why in hosts]
    findings += [look(f"The relay {one.name} rests: {heard(one.why)}.") for one in relays]
    if oldest is None:
        return [*findings, well("No letter is due.")]
    return [
        *findings,
        well(f"The letter due longest has been due since {oldest:%Y-%m-%d %H:%M} UTC."),
    ]
