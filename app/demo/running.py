"""`make demo`: the whole service on this machine, with a made-up alert. Nothing leaves it."""

import asyncio
import errno
import os
import secrets
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import migrating
from app.accounts import organisers
from app.campaigns import packs
from app.contacts import imports
from app.db import Database
from app.demo import history
from app.errors import SettingsRefused
from app.models import Alert, Organisation, Role, Target
from app.settings import Delivery, Settings

ROOT = Path(__file__).parents[2]
# the guide refers to the campaign that the first pack holds
PACKS = ("send-one-email", "urgent-action-request", "example")
ORGANISER = "organiser@example.org"
WHERE_MAIL_GOES = {
    Delivery.SANDBOX: "Practice: nothing leaves this machine.",
    Delivery.REFLECT: "Reflect: through your relay, letters go to their supporter, not to offices.",
}
PATIENCE = 60.0  # seconds for the pages to answer
GRACE = 30.0  # seconds for a child to end by itself

Say = Callable[[str], None]


@dataclass
class Child:
    """A part of the service in a process of its own."""

    name: str
    process: Process
    end: "asyncio.Task[int]"


async def run(settings: Settings, port: int, say: Say) -> None:
    """Set up what is not there yet and run it until told to stop.

    Raises SettingsRefused in live delivery and when the port is taken, ChildProcessError when a
    part of the service ends by itself.
    """
    if settings.delivery is Delivery.LIVE:
        raise SettingsRefused("the demo is practice: it does not run with ONE_EMAIL_DELIVERY=live")
    settings.check()
    _check_port(port)
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(settings.database)
    try:
        await migrating.upgrade(database)
        async with database.transaction() as session:
            await _load(session)
            password = await _organiser(session, settings.data_dir / "demo-password")
        async with database.transaction() as session:
            await history.seed(session, settings)
    finally:
        await database.close()
    log = settings.data_dir / "demo.log"
    with log.open("wb") as file:
        await _run_children(settings, port, password, file, say)


def _check_port(port: int) -> None:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as fault:
        reason = "it is taken" if fault.errno == errno.EADDRINUSE else os.strerror(fault.errno or 0)
        raise SettingsRefused(f"port {port}: {reason}; set PORT to another") from None


async def _load(session: AsyncSession) -> None:
    """The contacts and alerts of this project, where they are not there yet."""
    known = set(await session.scalars(select(Target.country).distinct()))
    for file in sorted((ROOT / "contacts").glob("*.csv")):
        await imports.write(
            session, [row for row in imports.read(file) if row.country not in known]
        )
    organisation = (await session.scalars(select(Organisation.id).limit(1))).one()
    for slug in PACKS:
        if not await session.scalar(select(Alert.id).where(Alert.slug == slug)):
            pack = packs.load_folder(ROOT / "templates" / "letters" / slug)
            await packs.put(session, pack, organisation_id=organisation)


async def _organiser(session: AsyncSession, file: Path) -> str:
    """The password of the demo's organiser, made once and kept beside the data."""
    known = await organisers.find(session, ORGANISER) is not None
    password = _kept_password(file, make=not known)
    if not known:
        await organisers.add(
            session, email=ORGANISER, name="Demo organiser", password=password, role=Role.OWNER
        )
    return password


def _kept_password(file: Path, *, make: bool) -> str:
    if make:
        file.touch(mode=0o600)
        file.write_text(f"{secrets.token_urlsafe(12)}\n")
    return file.read_text().strip() if file.exists() else f"(lost with {file})"


async def _run_children(
    settings: Settings, port: int, password: str, log: IO[bytes], say: Say
) -> None:
    here = f"http://127.0.0.1:{port}"
    public = settings.public_url if "public_url" in settings.model_fields_set else here
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    children = [
        await _start("serve", "--port", str(port), public=public, log=log),
        await _start("worker", public=public, log=log),
    ]
    stopped = asyncio.create_task(stop.wait())
    over = {stopped, *(child.end for child in children)}
    ready = asyncio.create_task(_answers(f"{here}/readyz"))
    await asyncio.wait({ready, *over}, return_when=asyncio.FIRST_COMPLETED)
    if ready.done() and ready.result():
        say(_block(settings, public, password, log.name))
        await asyncio.wait(over, return_when=asyncio.FIRST_COMPLETED)
    dead = [child for child in children if child.end.done()]
    await _end(children)
    ready.cancel()
    stopped.cancel()
    if not stop.is_set():
        who = [f"{one.name} ended (exit code {one.end.result()})" for one in dead]
        raise ChildProcessError(f"{' and '.join(who) or 'the pages do not answer'}: see {log.name}")


async def _start(*arguments: str, public: str, log: IO[bytes]) -> Child:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "app", *arguments),
        env=os.environ | {"ONE_EMAIL_PUBLIC_URL": public},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=log,
        stderr=log,
    )
    return Child(arguments[0], process, asyncio.create_task(process.wait()))


async def _answers(address: str) -> bool:
    """Whether the pages came up in time."""
    # the environment may name a proxy, and a proxy cannot reach this machine's own loopback
    async with httpx.AsyncClient(trust_env=False) as client:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while not await _is_ready(client, address):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
                return True
    return False


async def _is_ready(client: httpx.AsyncClient, address: str) -> bool:
    try:
        return (await client.get(address)).is_success
    except httpx.TransportError:
        return False


async def _end(children: Sequence[Child]) -> None:
    """Tell each to stop, and wait until it has; one that does not is ended."""
    running = [child for child in children if not child.end.done()]
    for child in running:
        child.process.terminate()
    if running:
        await asyncio.wait({child.end for child in running}, timeout=GRACE)
    for child in running:
        if not child.end.done():
            child.process.kill()
            await child.end


def _block(settings: Settings, public: str, password: str, log: str) -> str:
    return f"""
  {WHERE_MAIL_GOES[settings.delivery]}

  The page       {public}/
  The alert      {public}/alerts/{PACKS[0]}
  The mailbox    {public}/sandbox
  Organisers     {public}/organise
                 {ORGANISER}, password {password}

  What happens is written to {log}. Ctrl-C ends it.
"""
