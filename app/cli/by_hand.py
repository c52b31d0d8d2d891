"""What a person at the machine does by hand: alerts, contacts, organisers, counts, forgetting."""

import secrets
import sys
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import audit
from app.accounts import organisers
from app.campaigns import packs
from app.cli import opening
from app.contacts import directory, imports
from app.errors import Missing, NotAllowed
from app.letters import erasure
from app.models import Alert, AlertState, Organisation, Role
from app.outbox import refusals, suppressions
from app.reporting import counts as reporting
from app.reporting import recount as recounting
from app.reporting.contract import AlertCountsJson
from app.settings import Settings

app = typer.Typer()
organiser_app = typer.Typer(no_args_is_help=True, help="People who sign in and run alerts.")
alerts_app = typer.Typer(no_args_is_help=True, help="Alerts as folders of plain files.")
contacts_app = typer.Typer(no_args_is_help=True, help="The addresses letters go to.")
app.add_typer(organiser_app, name="organiser")
app.add_typer(alerts_app, name="alerts")
app.add_typer(contacts_app, name="contacts")

SlugArgument = Annotated[str, typer.Argument(help="the alert's name in its address")]


# ── alerts, and how many ────────────────────────────────────────────────────────────────────


@alerts_app.command()
def load(
    folder: Path,
    state: Annotated[AlertState, typer.Option(help="of a new alert")] = AlertState.PUBLISHED,
) -> None:
    """Load an alert from its folder; one that is there is brought up to date."""
    pack = packs.load_folder(folder)

    async def work(session: AsyncSession, settings: Settings) -> Alert:
        organisation = (await session.scalars(select(Organisation.id).limit(1))).one()
        alert = await packs.put(session, pack, organisation_id=organisation, state=state)
        await audit.note(session, "alerts load", f"Loaded the alert “{alert.slug}” from a folder")
        return alert

    alert = opening.writing(work)
    typer.echo(f"{alert.slug}: {len(pack.letters)} letter templates, {alert.state}.")


@alerts_app.command()
def export(slug: SlugArgument, folder: Path) -> None:
    """Write an alert as a folder of plain files."""
    pack = opening.reading(lambda session, settings: packs.take_out(session, slug))
    packs.write_folder(pack, folder)
    typer.echo(f"{slug}: written to {folder}.")


@alerts_app.command(name="list")
def list_alerts() -> None:
    """The alerts of this service, newest first."""

    async def work(session: AsyncSession, settings: Settings) -> list[Alert]:
        return list(await session.scalars(select(Alert).order_by(Alert.opens_at.desc())))

    for alert in opening.reading(work):
        opens_on = alert.opens_at.astimezone(ZoneInfo(alert.timezone)).date()
        typer.echo(f"{alert.slug}  {alert.state}  {opens_on}  {alert.title}")


@app.command()
def counts(
    slug: SlugArgument,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
    recount: Annotated[bool, typer.Option("--recount", help="count the letters again")] = False,
) -> None:
    """How many letters an alert has, by status."""

    async def work(session: AsyncSession, settings: Settings) -> tuple[str, list[str]]:
        alert = await session.scalar(select(Alert).where(Alert.slug == slug))
        if alert is None:
            raise Missing("alert", slug)
        found = await reporting.of_alert(session, alert.id, settings.delivery)
        differences = await recounting.differences(session, alert.id) if recount else []
        if as_json:
            return AlertCountsJson.of(slug, found).model_dump_json(indent=2), differences
        return _table(found), differences

    text, differences = opening.reading(work)
    typer.echo(text)
    for difference in differences:
        typer.echo(difference, err=True)
    if differences:
        raise SystemExit(1)
    if recount:
        typer.echo("The kept counts agree with the letters.", err=True)


def _table(found: reporting.Counts) -> str:
    """The numbers right-aligned under each other, each with its word."""
    first = {"supporters": found.supporters, "sent": found.sent}
    rows = [*first.items(), *((f"  {status}", n) for status, n in found.letters.items())]
    lines = [f"{word:<16}{n:>10}" for word, n in rows]
    return "\n".join([f"delivery        {found.delivery:>10}", *lines])


# ── people and addresses ────────────────────────────────────────────────────────────────────


@organiser_app.command(name="add")
def add_organiser(
    email: str,
    name: Annotated[str, typer.Option(help="as colleagues see it")] = "",
    role: Annotated[Role, typer.Option(help="what they may do")] = Role.ORGANISER,
) -> None:
    """Let a person sign in; asks for a password, or makes one and prints it once."""
    password, made = _password()

    async def work(session: AsyncSession, settings: Settings) -> None:
        added = await organisers.add(session, email=email, name=name, password=password, role=role)
        await audit.note(session, "organiser add", f"{added.email} may sign in as {role}.")

    opening.writing(work)
    typer.echo(f"{email} may sign in as {role}.")
    if made:
        typer.echo(f"Password, shown this once: {password}")


def _password() -> tuple[str, bool]:
    """A typed password, or one made here; never an argument, which every process list shows."""
    typed = ""
    if sys.stdin.isatty():
        typed = typer.prompt(
            "Password (empty: one is made)",
            default="",
            show_default=False,
            hide_input=True,
        )
    return (typed, False) if typed else (secrets.token_urlsafe(12), True)


@contacts_app.command(name="import")
def import_contacts(file: Path) -> None:
    """Take a contact file, whole or not at all; checks already made are kept."""
    rows = imports.read(file)

    async def work(session: AsyncSession, settings: Settings) -> imports.Summary:
        done = await imports.write(session, rows)
        await audit.note(session, "contacts import", f"{file.name} was taken: {done}.")
        return done

    typer.echo(f"{file.name}: {opening.writing(work)}.")


@contacts_app.command()
def check(
    email: str,
    source: Annotated[str, typer.Option(help="the web page that shows the address")],
    by: Annotated[str, typer.Option(help="the organiser who looked, by their address")],
) -> None:
    """Note that an organiser saw an address on an official page today."""

    async def work(session: AsyncSession, settings: Settings) -> int:
        looked = await acting_organiser(session, by)
        found = await directory.check(session, email, source_url=source, by=looked)
        await refusals.reviewed(session, [one.id for one in found], by=looked)
        await audit.note(session, looked, f"{email} was checked: {source}")
        return len(found)

    typer.echo(f"{email}: checked (offices: {opening.writing(work)}).")


@contacts_app.command(name="suppress")
def suppress_contact(
    email: str,
    why: Annotated[str, typer.Option(help="the reason, as organisers will read it")],
    by: Annotated[str, typer.Option(help="the organiser who decided, by their address")],
) -> None:
    """Never write to an address again; letters that wait for it end as suppressed."""

    async def work(session: AsyncSession, settings: Settings) -> None:
        decided = await acting_organiser(session, by)
        await suppressions.suppress(session, email, why=why, by=decided)
        await audit.note(session, decided, f"{email} is suppressed: {why}")

    opening.writing(work)
    typer.echo(f"{email}: nothing is sent there from now on.")


async def acting_organiser(session: AsyncSession, email: str) -> str:
    """The address of one who may act. Raises Missing or NotAllowed."""
    found = await organisers.find(session, email)
    if found is None or found.disabled_at:
        raise Missing("organiser", email)
    if found.role == Role.VIEWER:
        raise NotAllowed(f"{found.email} may look, not act")
    return found.email


@app.command()
def erase(email: str) -> None:
    """Forget a supporter, and call back what has not left."""

    async def work(session: AsyncSession, settings: Settings) -> tuple[int, int]:
        n = await erasure.erase(session, email, settings)
        await audit.note(session, "erase", f"A supporter was forgotten: {n} forms emptied.")
        return n, await erasure.leaving(session, email, settings)

    emptied, leaving = opening.writing(work)
    typer.echo(f"Forms emptied: {emptied}.")
    if leaving:
        typer.echo(f"Letters leaving at this moment: {leaving}. Run it again soon.", err=True)
        raise typer.Exit(1)
