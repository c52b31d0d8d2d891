"""What a person at the machine does by hand: alerts, counts, forgetting."""

from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import audit
from app.accounts import organisers
from app.addresses import is_address
from app.campaigns import packs
from app.campaigns.zips import reading as zip_reading
from app.campaigns.zips import taking, writing
from app.campaigns.zips.reading import Bundle
from app.cli import opening
from app.errors import Missing, NotAllowed, Refusal
from app.letters import erasure
from app.models import Alert, AlertState, Organisation, Role
from app.reporting import counts as reporting
from app.reporting import recount as recounting
from app.reporting.contract import AlertCountsJson
from app.settings import Settings

app = typer.Typer()
alerts_app = typer.Typer(no_args_is_help=True, help="Alerts as folders or zips of plain files.")
app.add_typer(alerts_app, name="alerts")

SlugArgument = Annotated[str, typer.Argument(help="the alert's name in its address")]
WhyOption = Annotated[str, typer.Option(help="the reason, as others will read it")]
ByOption = Annotated[str, typer.Option(help="the organiser who decided, by their address")]


# ── alerts, and how many ────────────────────────────────────────────────────────────────────


@alerts_app.command()
def load(
    pack: Annotated[Path, typer.Argument(help="a folder, or a zip file")],
    state: Annotated[AlertState, typer.Option(help="of a new alert")] = AlertState.PUBLISHED,
) -> None:
    """Load an alert from its folder or zip; one that is there is brought up to date."""
    bundle = _opened(pack)

    async def work(session: AsyncSession, settings: Settings) -> tuple[Alert, int]:
        first = select(Organisation.id).order_by(Organisation.id).limit(1)
        ours = await packs.owner(session, bundle.pack) or (await session.scalars(first)).one()
        alert = await packs.put(session, bundle.pack, organisation_id=ours, state=state)
        n = await taking.take_contacts(session, bundle, by="alerts load")
        said = f"Loaded the alert “{alert.slug}” from {pack.name}"
        await audit.note(session, "alerts load", said, organisation_id=ours)
        return alert, n

    alert, n = opening.writing(work)
    typer.echo(f"{alert.slug}: {len(bundle.pack.letters)} letter templates, {alert.state}.")
    if n:
        added = "One address of an office was" if n == 1 else f"{n} addresses of offices were"
        typer.echo(f"{added} added: look each up before you publish.")


def _opened(pack: Path) -> Bundle:
    if pack.is_dir() or not pack.exists():
        return Bundle(packs.load_folder(pack))
    return zip_reading.read(pack.read_bytes(), pack.name)


@alerts_app.command()
def export(
    slug: SlugArgument,
    to: Annotated[Path, typer.Argument(help="a folder, or a file that ends in .zip")],
) -> None:
    """Write an alert as a folder of plain files, or as a zip with its addresses."""
    if to.suffix.lower() == ".zip":
        to.write_bytes(opening.reading(lambda session, settings: writing.of_alert(session, slug)))
    else:
        pack = opening.reading(lambda session, settings: packs.take_out(session, slug))
        packs.write_folder(pack, to)
    typer.echo(f"{slug}: written to {to}.")


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


# ── who may act, and who is forgotten ───────────────────────────────────────────────────────


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
    if not is_address(email):
        raise Refusal(f"{email}: this is no email address")

    async def work(session: AsyncSession, settings: Settings) -> tuple[int, int]:
        n = await erasure.erase(session, email, settings)
        await audit.note(session, "erase", f"A supporter was forgotten: {n} forms emptied.")
        return n, await erasure.leaving(session, email, settings)

    emptied, leaving = opening.writing(work)
    typer.echo(f"Forms emptied: {emptied}.")
    if leaving:
        typer.echo(f"Letters leaving at this moment: {leaving}. Run it again soon.", err=True)
        raise typer.Exit(1)
