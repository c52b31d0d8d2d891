"""The server's side of a dialogue: aiosmtpd, in the mood that the test set."""

import asyncio
import re
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session, TLSSetupException

from app import clock
from tests.grounds.smtp.server import GREYLISTED, Received, SmtpServer

# options that aiosmtpd does not know, RFC 3461
DSN = re.compile(r" (RET|ENVID|NOTIFY|ORCPT)=\S+", re.IGNORECASE)


class Hooks:
    """aiosmtpd's questions, answered as the server's mood is."""

    def __init__(self, server: SmtpServer) -> None:
        self.server = server

    async def handle_EHLO(  # noqa: N802
        self, smtp: SMTP, session: Session, envelope: Envelope, host: str, replies: list[str]
    ) -> list[str]:
        session.host_name = host
        server = self.server
        offered = {
            "PIPELINING": server.pipelining,
            "DSN": server.dsn,
            "STARTTLS": server.refusing_starttls or server.breaking_starttls,
        }
        more = [f"250-{word}" for word, offers in offered.items() if offers]
        return [*replies[:-1], *more, replies[-1]]

    async def handle_MAIL(  # noqa: N802
        self, smtp: "Dialogue", session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        mood = self.server.mood("MAIL", [])
        if mood:
            return await smtp.moody(mood.does, mood.reply)
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, smtp: "Dialogue", session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        self.server.asked.append(address)
        mood = self.server.mood("RCPT", [address])
        if mood:
            return await smtp.moody(mood.does, mood.reply)
        if self.server.greylisting and not self.server.knows(envelope.mail_from or "", address):
            return GREYLISTED
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802
        self, smtp: "Dialogue", session: Session, envelope: Envelope
    ) -> str:
        encrypted = smtp.transport.get_extra_info("ssl_object") if smtp.transport else None
        message = Received(
            envelope.mail_from or "",
            envelope.rcpt_tos,
            envelope.original_content or b"",
            clock.now(),
            smtp.options,
            encrypted.version() if encrypted else "",
        )
        await asyncio.sleep(self.server.seconds_per_message)
        mood = self.server.mood("DATA", envelope.rcpt_tos)
        if mood is None:
            self.server.received.append(message)
            return f"250 2.0.0 OK queued as {len(self.server.received)}"
        self.server.unanswered.append(message)
        return await smtp.moody(mood.does, mood.reply)


class Dialogue(SMTP):
    """One connection: counted, and greeted as the server's mood is."""

    def __init__(self, server: SmtpServer) -> None:
        self.server = server
        self.options: list[str] = []
        super().__init__(
            Hooks(server),
            enable_SMTPUTF8=True,
            hostname="localhost",
            tls_context=server.tls,
            authenticator=self._sign_in,
            auth_require_tls=not server.passwords,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # aiosmtpd calls it again after STARTTLS
        if self.transport is None:
            self.server.connections += 1
            self.server.open += 1
            self.server.most_open = max(self.server.most_open, self.server.open)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.server.open -= 1
        super().connection_lost(error)

    async def moody(self, does: str, reply: str) -> str:
        """The reply; or none, for ever or until the connection is gone."""
        if does == "answers":
            return reply
        if does == "drops" and self.transport:
            self.transport.close()
        await asyncio.Event().wait()
        return ""

    async def push(self, status: Any) -> None:
        if self.server.seconds_per_reply:
            await asyncio.sleep(self.server.seconds_per_reply)
        await super().push(status)

    async def _handle_client(self) -> None:
        mood = self.server.mood("GREETING", [])
        if mood is None or self._tls_protocol:
            await super()._handle_client()
            return
        if mood.does == "answers":
            await self.push(mood.reply)
        if mood.does == "hangs":
            await asyncio.Event().wait()
        if self.transport:
            self.transport.close()

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        arg = arg or ""
        self.options = [found.group().strip() for found in DSN.finditer(arg)]
        self.server.commands.append(f"MAIL {arg}")
        await super().smtp_MAIL(DSN.sub("", arg))

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        arg = arg or ""
        self.options += [found.group().strip() for found in DSN.finditer(arg)]
        self.server.commands.append(f"RCPT {arg}")
        await super().smtp_RCPT(DSN.sub("", arg))

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        self.server.commands.append("DATA")
        await super().smtp_DATA(arg)

    async def smtp_RSET(self, arg: str) -> None:  # noqa: N802
        self.server.commands.append("RSET")
        await super().smtp_RSET(arg)

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802
        if self.server.breaking_starttls:
            await self.push("220 Ready to start TLS")
            await self.push("but I never learned it")
            return
        if self.server.refusing_starttls:
            await self.push("454 4.7.0 TLS not available due to a temporary reason")
            return
        try:
            await super().smtp_STARTTLS(arg)
        except TLSSetupException:  # the client does not trust us, say
            self._original_transport.abort()

    def _sign_in(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        if not isinstance(given, LoginPassword):
            return AuthResult(success=False, handled=False)
        known = self.server.passwords.get(given.login.decode())
        knows = known is not None and known == given.password.decode()
        return AuthResult(success=knows, handled=False)
