"""One connection to the relay, used for many messages; every ending of a dialogue is an outcome."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP, SMTPException, SMTPResponseException, SMTPServerDisconnected

from app.delivery.messages.message import Message
from app.delivery.outcome import Deferred, Outcome, Rejected, Taken, spoken

END_OF_DATA = 600.0  # seconds a server may take to answer it, RFC 5321 4.5.3.2.6
LETTERS_A_CONNECTION = 100
GOODBYE = 5.0
UNAVAILABLE = 421  # the server is closing this connection, RFC 5321 4.2.2
TOO_LARGE = 552  # already at MAIL, where its size is told: RFC 1870 6.1
# authentication required, too weak, refused, or only under TLS: RFC 4954 6
ASKS_FOR_SIGN_IN = frozenset({530, 534, 535, 538})
# a relay that does not know us says so of every recipient, which none of them deserves
DOES_NOT_RELAY = re.compile(
    r"relay(ing)?( access)? (is )?(denied|prohibited|not (permitted|allowed))|unable to relay"
    r"|sender address rejected|client host rejected|not owned by",
    re.IGNORECASE,
)

Stage = Literal["connect", "MAIL", "RCPT", "DATA"]


@dataclass(frozen=True)
class Relay:
    """The server that our messages leave through."""

    host: str
    port: int
    username: str = ""
    password: str = ""
    implicit_tls: bool = False

    @classmethod
    def from_url(cls, url: str) -> "Relay":
        """smtp://user:pass@host:587 or smtps://user:pass@host:465."""
        parts = urlsplit(url)
        implicit = parts.scheme == "smtps"
        return cls(
            host=parts.hostname or "localhost",
            port=parts.port or (465 if implicit else 587),
            username=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            implicit_tls=implicit,
        )

    @property
    def on_this_machine(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class Connection:
    """Opened when there is something to send, kept for the next message, opened anew after faults.

    `hello`: the name we greet with; the time-outs in seconds; `failures`: how many times in a row
    the relay could not be reached or did not let us in.
    """

    def __init__(
        self, relay: Relay, *, hello: str, timeout: float, data_timeout: float = END_OF_DATA
    ) -> None:
        self.relay, self.hello = relay, hello
        self.timeout, self.data_timeout = timeout, data_timeout
        self.failures = 0
        self._client: SMTP | None = None
        self._dialogues = 0
        self._refused = False
        self._tls = ""

    async def send(self, message: Message) -> Outcome:
        """One dialogue: MAIL, RCPT, DATA."""
        kept = self._client
        try:
            outcome = await self._dialogue(message)
            # a kept connection that the server has hung up meanwhile says nothing of this message
            if outcome is None and kept:
                outcome = await self._dialogue(message)
        except BaseException:
            self._drop()  # somewhere in a dialogue: the next message needs a new one
            raise
        return outcome or self._deferred("Connection lost")

    async def close(self) -> None:
        """Say goodbye, if there is anybody to say it to."""
        try:
            if self._client and self._client.is_connected:
                await self._client.quit(timeout=GOODBYE)
        except (SMTPException, OSError):
            pass
        finally:
            self._drop()

    async def _dialogue(self, message: Message) -> Outcome | None:
        """None when the connection was lost before the server had heard of this message."""
        stage: Stage = "connect"
        try:
            client = await self._connected()
            stage = "MAIL"
            size = [f"SIZE={len(message.raw)}"] if client.supports_extension("size") else []
            await client.mail(message.mail_from, options=size)
            stage = "RCPT"
            await client.rcpt(message.rcpt_to)
            stage = "DATA"
            answer = await client.data(message.raw, timeout=self.data_timeout)
        except SMTPResponseException as refusal:
            return self._answered(stage, refusal.code, refusal.message)
        except (SMTPException, OSError) as error:
            self._drop()
            self.failures += stage == "connect"
            if stage == "MAIL" and isinstance(error, SMTPServerDisconnected):
                return None
            return self._deferred(str(error), began_data=stage == "DATA")
        return Taken(answer.code, spoken(answer.message), self.relay.host, self._tls)

    async def _connected(self) -> SMTP:
        """The open connection with an empty envelope, or a new one."""
        self._dialogues += 1
        if self._client and self._client.is_connected and self._dialogues <= LETTERS_A_CONNECTION:
            try:
                if self._refused:
                    await self._client.rset()
                self._refused = False
                return self._client
            except (SMTPException, OSError):
                self._drop()
        await self.close()
        self._client, self._tls = self._new_client(), ""
        client = self._client
        await client.connect()
        if client.is_ehlo_or_helo_needed:
            await client.ehlo()
        self._dialogues, self._refused, self.failures = 1, False, 0
        encrypted = client.get_transport_info("ssl_object")
        self._tls = (encrypted.version() or "") if encrypted else ""
        return client

    def _new_client(self) -> SMTP:
        relay = self.relay
        # On this machine encryption is taken when offered, from whoever offers it. Beyond it a
        # relay without a good certificate gets nothing.
        start_tls = False if relay.implicit_tls else None if relay.on_this_machine else True
        return SMTP(
            hostname=relay.host,
            port=relay.port,
            username=relay.username or None,
            password=relay.password if relay.username else None,
            local_hostname=self.hello,
            timeout=self.timeout,
            use_tls=relay.implicit_tls,
            start_tls=start_tls,
            validate_certs=not relay.on_this_machine,
        )

    def _answered(self, stage: Stage, code: int, reply: str) -> Outcome | None:
        """What a reply other than yes means for the message."""
        readable = 200 <= code <= 599
        self._refused = True
        if stage == "connect" or code == UNAVAILABLE or not readable:
            self._drop()
        if stage == "connect":
            self.failures += 1
        if stage == "MAIL" and code == UNAVAILABLE and self._dialogues > 1:
            return None
        if code >= 500 and self._about_the_message(stage, code, reply):
            return Rejected(code, spoken(reply), self.relay.host, self._tls)
        unheard = stage == "DATA" and not readable
        return self._deferred(reply, code=code if readable else None, began_data=unheard)

    def _about_the_message(self, stage: Stage, code: int, reply: str) -> bool:
        """False where a 5xx speaks of us, our sign-in or our sender, which a person can mend."""
        if code in ASKS_FOR_SIGN_IN or DOES_NOT_RELAY.search(reply):
            return False
        return stage in {"RCPT", "DATA"} or code == TOO_LARGE

    def _deferred(
        self, reply: str, *, code: int | None = None, began_data: bool = False
    ) -> Deferred:
        return Deferred(code, spoken(reply), self.relay.host, self._tls, began_data)

    def _drop(self) -> None:
        if self._client:
            self._client.close()
        self._client = None
