"""A relay on this machine as a test wants it: what it offers, whom it knows, what it refuses."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HERE = "127.0.0.1"


@dataclass
class Habits:
    """How the relay behaves. `offers`: more lines of its answer to EHLO; `begun`: what it heard."""

    offers: tuple[str, ...] = ("PIPELINING", "DSN")
    password: str = ""  # asked for where there is one
    tls: ssl.SSLContext | None = None  # STARTTLS; with `implicit` from the first octet
    implicit: bool = False
    mail: str = "250 2.1.0 OK"
    rcpt: str = "250 2.1.5 OK"
    begun: list[tuple[str, str]] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)

    async def handle_EHLO(  # noqa: N802
        self, smtp: SMTP, session: Session, envelope: Envelope, host: str, replies: list[str]
    ) -> list[str]:
        session.host_name = host
        return [*replies[:-1], *(f"250-{one}" for one in self.offers), replies[-1]]

    async def handle_MAIL(  # noqa: N802
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.password and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        return self.mail

    async def handle_RCPT(  # noqa: N802
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.begun.append((envelope.mail_from or "", address))
        envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, smtp: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.messages.append(envelope.original_content or b"")
        return "250 2.0.0 Ok: queued as 4BxYz12345"

    def knows(
        self, smtp: SMTP, session: Session, envelope: Envelope, mechanism: str, shown: Any
    ) -> AuthResult:
        assert isinstance(shown, LoginPassword)
        return AuthResult(success=shown.password.decode() == self.password, handled=False)


@asynccontextmanager
async def running(habits: Habits) -> AsyncIterator[int]:
    """The port it listens on."""
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(
            habits,
            hostname="relay.test",
            tls_context=None if habits.implicit else habits.tls,
            authenticator=habits.knows if habits.password else None,
            auth_require_tls=not habits.password,
        ),
        HERE,
        0,
        ssl=habits.tls if habits.implicit else None,
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def certificate(folder: Path, *, days: int = 90) -> tuple[Path, ssl.SSLContext]:
    """A certificate for “localhost” that nobody but the test trusts, and a server that shows it."""
    shown, key = folder / "shown.pem", folder / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        + ["-nodes", "-days", str(days), "-keyout", str(key), "-out", str(shown), *subject],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown, key)
    return shown, context
