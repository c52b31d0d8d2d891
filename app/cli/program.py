"""The one command. Its errors are one clear line and an exit code that is not 0."""

import asyncio
import os
import signal
import socket
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Annotated

import structlog
import typer
import uvicorn
from alembic.util.exc import CommandError
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from app import chores, migrating
from app.cli import bench, by_hand, contacts, opening, outbox, people, returns
from app.cli.doctor import examination
from app.db import Database
from app.delivery import worker as delivery
from app.delivery.returns import imap, listening
from app.delivery.routes import known
from app.demo import running
from app.errors import FormRefused, Refusal, SettingsRefused
from app.main import create_app
from app.settings import Settings

app = typer.Typer(
    help="Send One Email: supporters write to governments.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(by_hand.app)
app.add_typer(contacts.app, name="contacts")
app.add_typer(people.organiser_app, name="organiser")
app.add_typer(people.organisation_app, name="organisation")
app.add_typer(bench.app, name="bench")
app.add_typer(outbox.app, name="outbox")
app.add_typer(returns.app, name="returns")


def main() -> None:
    """Run the command; every refusal is one clear line, and an exit code that is not 0."""
    # whatever is written holds people's words, and the data folder may be one that others can open
    os.umask(0o077)
    # plain: the default prints the variables of every frame, and people's words with them
    plain = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    stamp = structlog.processors.TimeStamper(fmt="iso")
    structlog.configure(processors=[structlog.processors.add_log_level, stamp, plain])
    try:
        app()
    except (Refusal, SQLAlchemyError, CommandError, OSError) as fault:
        typer.echo(_sentence(fault), err=True)
        raise SystemExit(1) from None


def _sentence(fault: Exception) -> str:
    if isinstance(fault, DBAPIError):
        return f"the database refused: {_first_line(str(fault.orig))}"
    if isinstance(fault, FormRefused):
        return "; ".join(f"{field}: {why.replace('_', ' ')}" for field, why in fault.fields.items())
    if isinstance(fault, Refusal):
        return str(fault) or str(fault.__doc__)
    if isinstance(fault, OSError) and fault.filename:
        return f"{fault.filename}: {fault.strerror}"
    return _first_line(str(fault)) or type(fault).__name__


def _first_line(text: str) -> str:
    return text.strip().split("\n")[0]


PortOption = Annotated[int, typer.Option(min=1, max=65535, help="the port to listen on")]


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="the address to listen on")] = "127.0.0.1",
    port: PortOption = 8000,
) -> None:
    """Serve the pages and the API."""
    settings = opening.settings()
    settings.check()
    opening.on_database(_nothing)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        door = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as fault:
        # a name that is not found has a number below zero, and words of its own
        number, words = fault.errno or 0, str(fault.strerror)
        reason = os.strerror(number) if number > 0 else words.partition(" (")[0]
        raise OSError(f"cannot listen on {host}, port {port}: {reason}") from None
    config = uvicorn.Config(
        create_app(settings),
        log_level="warning",
        access_log=False,  # the application writes its own, with the tokens masked
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[door])


async def _nothing(settings: Settings, database: Database) -> None:
    """The database answers and is migrated: more is not asked before the doors open."""


@app.command()
def worker(
    name: Annotated[str | None, typer.Option(help="default: machine, process, and chance")] = None,
) -> None:
    """Send what is due, until told to stop."""

    async def work(settings: Settings, database: Database) -> None:
        settings.check()
        await opening.check_clock(database)
        opening.leave_alone_what_stays()
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await asyncio.gather(
            delivery.run(settings, database, name=name, stop=stop),
            chores.run(settings, database, stop),
            listening.run(settings, database, stop),
            imap.run(settings, database, stop),
            known.keep(settings, database, stop),
        )

    opening.on_database(work)


@app.command(name="demo")
def run_demo(port: PortOption = 8000) -> None:
    """Serve and send at once; nothing leaves this machine."""
    asyncio.run(running.run(opening.settings(), port, typer.echo))


@app.command()
def migrate() -> None:
    """Bring the database to this version of the program."""
    settings = opening.settings()
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def work() -> None:
        database = Database(settings.database)
        with opening.reaching(settings):
            await migrating.upgrade(database)
        await database.close()

    asyncio.run(work())
    typer.echo("The database is up to date.")


@app.command(name="doctor")
def examine(
    send: Annotated[
        str, typer.Option(metavar="ME", help="send one real letter to this address: your own")
    ] = "",
    selector: Annotated[str, typer.Option(help="the name of the DKIM key our relay uses")] = "",
    address: Annotated[str, typer.Option(help="the IP address that the world sees us by")] = "",
    arrived: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="the letter as it arrived")
    ] = None,
    network: Annotated[
        bool, typer.Option("--network", help="look at relay and domain in the sandbox too")
    ] = False,
) -> None:
    """Say what is well and what is not, and what to change before going live."""
    asked = examination.Asked(
        send, selector, address, arrived.read_bytes() if arrived else b"", network
    )
    findings = asyncio.run(examination.examine(opening.settings(), asked))
    for finding in findings:
        typer.echo(f"{finding.mark:<8}  {finding.sentence}")
    if any(finding.broken for finding in findings):
        raise SystemExit(1)


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="a new file")]) -> None:
    """Copy the SQLite database while it is in use."""
    address = make_url(opening.settings().database)
    if address.get_backend_name() != "sqlite":
        raise SettingsRefused("this database is PostgreSQL: copy it with pg_dump")
    opening.on_database(_nothing)
    file.touch(mode=0o600, exist_ok=False)  # it holds personal data
    with closing(sqlite3.connect(str(address.database), isolation_level=None)) as connection:
        connection.execute("VACUUM INTO ?", (str(file),))
    typer.echo(f"Copied to {file}. Keep secret.key of the data folder with it.")
