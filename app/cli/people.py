"""Organisations and organisers by hand, and the way back in for who lost the second factor."""

import secrets
import sys
from typing import Annotated

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from app import audit
from app.accounts import organisations, organisers, people, second_factor
from app.cli import opening
from app.errors import Missing
from app.models import Organisation, Organiser, Role
from app.settings import Settings

organiser_app = typer.Typer(no_args_is_help=True, help="People who sign in and run alerts.")
organisation_app = typer.Typer(
    no_args_is_help=True, help="Those who share this installation, each with its own supporters."
)


@organiser_app.command(name="add")
def add_organiser(
    email: str,
    name: Annotated[str, typer.Option(help="as colleagues see it")] = "",
    role: Annotated[
        Role | None,
        typer.Option(help="what they may do; else owner if there is none yet, else organiser"),
    ] = None,
    organisation: Annotated[str, typer.Option(help="its short name; else the first")] = "",
) -> None:
    """Let a person sign in; asks for a password, or makes one and prints it once."""
    password, made = _password()

    async def work(session: AsyncSession, settings: Settings) -> Organiser:
        theirs = await _organisation(session, organisation)
        added = await organisers.add(
            session,
            email=email,
            name=name,
            password=password,
            role=role,
            organisation_id=theirs.id,
        )
        said = f"{added.email} may sign in as {added.role}."
        await audit.note(session, "organiser add", said, organisation_id=theirs.id)
        return added

    added = opening.writing(work)
    typer.echo(f"{email} may sign in as {added.role}.")
    _say(password, made)


@organiser_app.command()
def reset_password(email: str) -> None:
    """Set a new password for a person; every sign-in and API token of theirs ends."""
    password, made = _password()

    async def work(session: AsyncSession, settings: Settings) -> None:
        found = await _known(session, email)
        found.password_hash = await organisers.hashed(password)
        ended = await people.end_all(session, found.id)
        by, said = "organiser reset-password", f"Set a new password for {found.email}{ended}"
        await audit.note(session, by, said, organisation_id=found.organisation_id)

    opening.writing(work)
    typer.echo(f"{email}: the password is new, and every sign-in and API token has ended.")
    _say(password, made)


@organiser_app.command()
def reset_second_factor(email: str) -> None:
    """Let a person sign in with the password alone, because their phone is lost."""

    async def work(session: AsyncSession, settings: Settings) -> bool:
        found = await _known(session, email)
        by = "organiser reset-second-factor"
        return await second_factor.turn_off(session, found.id, by=by)

    if opening.writing(work):
        typer.echo(f"{email}: the password is enough now. Ask them to set it up again.")
    else:
        typer.echo(f"{email} has no second factor.")


@organisation_app.command(name="add")
def add_organisation(
    name: str,
    owner: Annotated[str, typer.Option(help="the address of the person who invites the others")],
) -> None:
    """Make room for another organisation; neither sees the supporters of the other."""
    password, made = _password()

    async def work(session: AsyncSession, settings: Settings) -> Organisation:
        added = await organisations.add(session, name)
        await organisers.add(
            session,
            email=owner,
            name="",
            password=password,
            role=Role.OWNER,
            organisation_id=added.id,
        )
        said = f"{added.name} was added, with {owner.strip().lower()} as its owner."
        await audit.note(session, "organisation add", said, organisation_id=added.id)
        return added

    added = opening.writing(work)
    typer.echo(f"{added.slug}: {owner} may sign in as owner.")
    _say(password, made)


@organisation_app.command(name="list")
def list_organisations() -> None:
    """All of them: short name, people, campaigns, name."""

    async def work(session: AsyncSession, settings: Settings) -> list[organisations.Line]:
        return list(await organisations.every(session))

    for line in opening.reading(work):
        ours = line.organisation
        typer.echo(f"{ours.slug}  {line.organisers}  {line.campaigns}  {ours.name}")


async def _organisation(session: AsyncSession, slug: str) -> Organisation:
    if slug:
        return await organisations.by_slug(session, slug)
    return await organisations.first(session)


async def _known(session: AsyncSession, email: str) -> Organiser:
    found = await organisers.find(session, email)
    if found is None:
        raise Missing("organiser", email)
    return found


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


def _say(password: str, made: bool) -> None:
    if made:
        typer.echo(f"Password, shown this once: {password}")
