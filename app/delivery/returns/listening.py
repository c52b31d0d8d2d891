"""The door through which a mail server hands us what comes back: LMTP (RFC 2033), or plain SMTP.

`RETURNS_LMTP` is `host:port` for LMTP, which our own mail server speaks to us; where a relay can
only pass mail on by SMTP, write `smtp://host:port`. 250 is said after the commit and not before;
451 while the database or the way to the supporter is away, and the mail server keeps the message.
"""

import asyncio
import re
from urllib.parse import urlsplit

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from app.db import Database
from app.delivery.outcome import spoken
from app.delivery.returns.taking import take
from app.delivery.settle import reason
from app.errors import ComeAgain, SettingsRefused, TakesNoAnswers
from app.settings import Settings

log = structlog.get_logger("returns")

LARGEST = 30 * 2**20  # octets of one message
OUR_NAMES = re.compile(r"(letters(\+.*)?|postmaster)", re.IGNORECASE)
TAKEN = "250 2.0.0 taken in"
NOBODY = "550 5.1.1 nobody here by that name"
ONE_BY_ONE = "452 4.5.3 one recipient at a time, please"
NOT_NOW = "451 4.3.0 not now, please come again"
PATIENCE = 900.0  # seconds; a relay may be slow in taking what we pass on


class Door:
    """aiosmtpd's questions, answered for what comes back. `lmtp`: one answer for each recipient."""

    def __init__(self, settings: Settings, database: Database, *, lmtp: bool) -> None:
        self.settings, self.database, self.lmtp = settings, database, lmtp

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        local, _, domain = address.rpartition("@")
        if domain.lower() != self.settings.mail_domain.lower() or not OUR_NAMES.fullmatch(local):
            return NOBODY
        if envelope.rcpt_tos and not self.lmtp:
            return ONE_BY_ONE  # the one answer of SMTP could not be true for two
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        sender = spoken(envelope.mail_from or "").strip("<>").split("\n")[0]
        octets = bytes(envelope.original_content or b"")
        raw = f"Return-Path: <{sender}>\r\n".encode("utf-8", "replace") + octets
        return "\r\n".join([await self._take(raw, to) for to in envelope.rcpt_tos])

    async def _take(self, raw: bytes, envelope_to: str) -> str:
        try:
            took = await take(self.database, self.settings, raw, envelope_to=envelope_to)
        except TakesNoAnswers as refusal:
            return f"550 5.1.1 {' '.join(str(refusal).split())}"
        except ComeAgain as refusal:
            log.info("a return has to come again", why=str(refusal))
            return NOT_NOW
        except Exception as error:
            log.warning("a return could not be taken in", error=reason(error))
            return NOT_NOW
        log.info("a return was taken in", kind=took.kind, letter=took.letter, changed=took.changed)
        return TAKEN


class _Lmtp(LMTP):
    line_length_limit = 2**20  # a message is not refused for its long lines


class _Smtp(SMTP):
    line_length_limit = 2**20


async def listen(settings: Settings, database: Database) -> asyncio.Server:
    """Open the door; it belongs to whoever opened it. Raises SettingsRefused, OSError."""
    protocol, host, port = _place(settings.returns_lmtp)
    loop = asyncio.get_running_loop()
    door = Door(settings, database, lmtp=protocol is _Lmtp)
    return await loop.create_server(
        lambda: protocol(
            door,
            hostname=settings.mail_domain,
            ident="what comes back",
            data_size_limit=LARGEST,
            enable_SMTPUTF8=True,
            timeout=PATIENCE,
            loop=loop,
        ),
        host,
        port,
        reuse_port=True,  # several workers on one machine share the door
    )


async def run(settings: Settings, database: Database, stop: asyncio.Event) -> None:
    """Listen until `stop` is set, if a place to listen at is set. Raises SettingsRefused."""
    if not settings.returns_lmtp:
        return
    async with await listen(settings, database):
        log.info("listening for what comes back", at=settings.returns_lmtp)
        await stop.wait()


def _place(setting: str) -> tuple[type[SMTP], str, int]:
    """The protocol, the host and the port that the setting names. Raises SettingsRefused."""
    try:
        parts = urlsplit(setting if "://" in setting else f"lmtp://{setting}")
        protocols: dict[str, type[SMTP]] = {"lmtp": _Lmtp, "smtp": _Smtp}
        protocol, host, port = protocols.get(parts.scheme), parts.hostname, parts.port
    except ValueError:
        protocol, host, port = None, None, None
    if protocol is None or not host or port is None:
        raise SettingsRefused("ONE_EMAIL_RETURNS_LMTP is host:port, or smtp://host:port")
    return protocol, host, port
