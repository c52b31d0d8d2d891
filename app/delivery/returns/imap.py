"""Looks once a minute into the mailbox that mail comes back to, where no server can hand it over.

A message is marked as seen, or moved to the folder “Taken” where there is one, after it was taken
in; one that cannot be taken in now stays as it is and is met again.
"""

import asyncio
import ipaddress
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import structlog
from imapclient import SEEN, IMAPClient  # type: ignore[import-untyped]
from imapclient.exceptions import IMAPClientError  # type: ignore[import-untyped]

from app import buckets
from app.db import Database
from app.delivery.returns.listening import LARGEST
from app.delivery.returns.taking import take
from app.delivery.settle import reason
from app.errors import ComeAgain, SettingsRefused, TakesNoAnswers
from app.settings import Settings

log = structlog.get_logger("returns")

T = TypeVar("T")
EVERY = 60.0  # seconds
A_TURN = timedelta(seconds=50)  # one look in that time, whichever worker takes it
PATIENCE = 60.0  # seconds for one answer of the server
TAKEN_FOLDER = "Taken"
AT_ONCE = 200  # messages of one look


@dataclass(frozen=True)
class Mailbox:
    """Where the mail lies."""

    host: str
    port: int
    tls: bool
    username: str
    password: str
    folder: str

    @classmethod
    def from_url(cls, url: str) -> "Mailbox":
        """imaps://user:pass@host/INBOX; imap:// on this machine only. Raises SettingsRefused."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port = "", None
        if not host or parts.scheme not in {"imap", "imaps"}:
            raise SettingsRefused("ONE_EMAIL_RETURNS_IMAP is imaps://user:pass@host/INBOX")
        tls = parts.scheme == "imaps"
        if not tls and not _on_this_machine(host):
            raise SettingsRefused("ONE_EMAIL_RETURNS_IMAP: beyond this machine only with imaps://")
        return cls(
            host=host,
            port=port or (993 if tls else 143),
            tls=tls,
            username=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            folder=unquote(parts.path.strip("/")) or "INBOX",
        )


def _on_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def run(settings: Settings, database: Database, stop: asyncio.Event) -> None:
    """Look every minute until `stop` is set, if a mailbox is set. Raises SettingsRefused."""
    if not settings.returns_imap:
        return
    mailbox = Mailbox.from_url(settings.returns_imap)
    while not stop.is_set():
        try:
            async with database.transaction() as session:
                wait = await buckets.take(session, "returns:imap", every=A_TURN)
            if wait is None:
                await look(settings, database, mailbox, stop)
        except Exception as error:
            log.warning("could not look into the mailbox of returns", error=_reason(error))
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), EVERY)


async def look(
    settings: Settings, database: Database, mailbox: Mailbox, stop: asyncio.Event
) -> int:
    """Take in what nobody has seen yet; gives how many. Raises IMAPClientError, OSError."""
    client = await asyncio.to_thread(_open, mailbox)
    try:
        moves = await _apart(_moves_to_taken, client)
        taken = 0
        for number in (await _apart(client.search, "UNSEEN"))[:AT_ONCE]:
            if stop.is_set():
                break
            raw = await _apart(_fetch, client, number)
            if raw is not None and await _take(settings, database, raw):
                await _apart(_put_away, client, number, moves)
                taken += 1
        return taken
    finally:
        with suppress(IMAPClientError, OSError):
            await _apart(client.logout)


async def _take(settings: Settings, database: Database, raw: bytes) -> bool:
    """Whether it is done with. Nobody can be told here that a person takes no answers."""
    try:
        took = await take(database, settings, raw, envelope_to="")
    except TakesNoAnswers as refusal:
        log.warning("an answer was left in the mailbox, seen", why=str(refusal))
        return True
    except ComeAgain as refusal:
        log.info("a return waits in its mailbox", why=str(refusal))
        return False
    except Exception as error:  # one that cannot be taken in holds nobody up
        log.warning("a return could not be taken in", error=reason(error))
        return False
    log.info("a return was taken in", kind=took.kind, letter=took.letter, changed=took.changed)
    return True


# ── in a thread: imapclient waits for each answer ──


async def _apart(work: Callable[..., T], *arguments: Any) -> T:
    return await asyncio.to_thread(work, *arguments)


def _open(mailbox: Mailbox) -> IMAPClient:
    client = IMAPClient(mailbox.host, mailbox.port, ssl=mailbox.tls, timeout=PATIENCE)
    try:
        client.login(mailbox.username, mailbox.password)
        client.select_folder(mailbox.folder)
    except BaseException:
        client.shutdown()
        raise
    return client


def _moves_to_taken(client: IMAPClient) -> bool:
    return bool(client.has_capability("MOVE") and client.folder_exists(TAKEN_FOLDER))


def _fetch(client: IMAPClient, number: int) -> bytes | None:
    """The message, without marking it; None where it is gone, or larger than we read."""
    size = client.fetch([number], ["RFC822.SIZE"]).get(number, {}).get(b"RFC822.SIZE", 0)
    if size > LARGEST:
        log.warning("a message in the mailbox of returns is too large", octets=size)
        return None
    octets = client.fetch([number], ["BODY.PEEK[]"]).get(number, {}).get(b"BODY[]")
    return bytes(octets) if octets is not None else None


def _put_away(client: IMAPClient, number: int, moves: bool) -> None:
    client.add_flags([number], [SEEN], silent=True)
    if moves:
        client.move([number], TAKEN_FOLDER)


def _reason(error: Exception) -> str:
    """A mail server's first line, which may hold no password: those are not said back."""
    if isinstance(error, IMAPClientError):
        return str(error).split("\n")[0]
    return reason(error)
