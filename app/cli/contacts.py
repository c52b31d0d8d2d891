"""The directory by hand: files in and out, addresses checked and suppressed."""

from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from app import audit
from app.addresses import is_address
from app.cli import opening
from app.cli.by_hand import ByOption, WhyOption, acting_organiser
from app.contacts import comparing, directory, imports, listing
from app.contacts.comparing import Summary
from app.contacts.files import writing
from app.errors import Refusal
from app.outbox import refusals, suppressions
from app.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The addresses letters go to.")

PLAIN = ("text in UTF-8", "cells parted by commas")  # nothing that somebody should know


@app.command(name="import")
def import_contacts(
    file: Path,
    leave_refused: Annotated[
        bool, typer.Option("--leave-refused", help="take the other lines of a file with faults")
    ] = False,
    retire: Annotated[
        bool, typer.Option("--retire", help="take out offices that its countries have no more")
    ] = False,
) -> None:
    """Take a contact file (CSV, XLSX, vCard, Popolo JSON); checks already made are kept.

    Whole or not at all: a file with lines that cannot be taken changes nothing, and each is told.
    """
    reading = imports.open_file(file)
    if not leave_refused:
        imports.check_whole(file, reading)
    for one in reading.refused:
        typer.echo(f"{file}, line {one.line}: {one.reason}", err=True)
    if reading.assumed != PLAIN:
        typer.echo("; ".join(reading.assumed), err=True)

    async def work(session: AsyncSession, settings: Settings) -> Summary:
        found = await comparing.compare(session, reading.rows)
        done = await comparing.take(session, found, retire=retire, by="contacts import")
        await audit.note(session, "contacts import", f"{file.name} was taken: {done}.")
        return done

    typer.echo(f"{file.name}: {opening.writing(work)}.")


@app.command()
def export(
    file: Path, country: Annotated[str, typer.Option(help="only this country's: EE")] = ""
) -> None:
    """Write the directory as FILE; .csv, .xlsx, .vcf (vCard) or .json (Popolo) says which kind."""
    kind = file.suffix.lower().removeprefix(".")
    if kind not in writing.KINDS:
        raise Refusal(f"{file.name}: a file of contacts ends in .csv, .xlsx, .vcf or .json")
    rows = opening.reading(lambda session, settings: listing.rows(session, country.upper()))
    if country and not rows:
        raise Refusal(f"no office of “{country}” has an address here: {file.name} is not written")
    file.write_bytes(writing.KINDS[kind][0](rows))
    typer.echo(f"{file.name}: {len(rows)} addresses.")


@app.command()
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


@app.command(name="suppress")
def suppress_contact(
    email: str,
    why: WhyOption,
    by: ByOption,
) -> None:
    """Never write to an address again; letters that wait for it end as suppressed."""
    email = email.strip()
    _check_said(email, why)

    async def work(session: AsyncSession, settings: Settings) -> list[str]:
        decided = await acting_organiser(session, by)
        if not await suppressions.suppress(session, email, why=why, by=decided):
            before = (await suppressions.among(session, [email]))[email.casefold()]
            return [f"it is on the list already: {before}"]
        named = await directory.named(session, email)
        await audit.note(session, decided, f"{named} is suppressed: {why}")
        return ["nothing is sent there from now on", await _hit(session, settings, email)]

    typer.echo(f"{email}: {'; '.join(opening.writing(work))}.")


async def _hit(session: AsyncSession, settings: Settings, email: str) -> str:
    """Whose address it is, and what becomes of what waits for it."""
    offices = await directory.with_address(session, email)
    if not offices:
        return "no contact has this address (yet)"
    delivery = settings.delivery
    waiting = sum([await listing.waiting_letters(session, one.id, delivery) for one in offices])
    named = ", ".join(f"{one.office} ({one.country})" for one in offices)
    return f"it is the address of {named}; letters that wait for it and end: {waiting}"


@app.command(name="suppressions")
def list_suppressions() -> None:
    """The addresses that nothing is sent to: since when, who decided it, and why."""
    for one in opening.reading(lambda session, settings: suppressions.listed(session)):
        typer.echo(f"{one.email}  {one.at:%Y-%m-%d}  {one.by}  {one.why}")


@app.command()
def unsuppress(
    email: str,
    why: WhyOption,
    by: ByOption,
) -> None:
    """Take an address off that list: an office's, or a supporter's who asked not to be written to.

    Letters and notices that ended as suppressed stay so.
    """
    _check_why(why)  # what is no address may be on the list of old

    async def work(session: AsyncSession, settings: Settings) -> None:
        decided = await acting_organiser(session, by)
        if not await suppressions.lift(session, email):
            fault = "is not on the list" if is_address(email) else "this is no email address"
            raise Refusal(f"{email}: {fault}")
        named = await directory.named(session, email)
        await audit.note(session, decided, f"{named} may be written to again: {why}")

    opening.writing(work)
    typer.echo(f"{email}: may be written to again.")


def _check_said(email: str, why: str) -> None:
    if not is_address(email):
        raise Refusal(f"{email}: this is no email address")
    _check_why(why)


def _check_why(why: str) -> None:
    if not why.strip():
        raise Refusal("--why is empty: say it as organisers will read it")
