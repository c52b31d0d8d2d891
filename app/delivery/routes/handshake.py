"""Opens the line: connect, greet, encrypt, sign in. aiosmtplib does this; the rest is ours."""

import asyncio
import ssl
from dataclasses import dataclass
from functools import lru_cache

from aiosmtplib import SMTP, SMTPException, SMTPHeloError, SMTPResponseException

from app.delivery.outcome import Unreached, Why, spoken
from app.delivery.routes.envelope import Offers
from app.delivery.routes.relays import Server, Tls
from app.delivery.routes.wire import Wire


@dataclass(frozen=True, slots=True)
class Line:
    """An open line to a server that let us in. `tls`: the version, or empty."""

    wire: Wire
    offers: Offers
    tls: str


async def open_line(server: Server, *, hello: str, seconds: float) -> Line | Unreached:
    """`hello`: the name we greet with; `seconds`: how long it may take until we are in."""
    client = SMTP(
        hostname=server.address or server.host,
        port=server.port,
        local_hostname=hello,
        timeout=seconds,
        use_tls=server.implicit_tls,
        start_tls=False,
        tls_context=tls_context(checked=server.encryption is Tls.REQUIRE),
    )
    why: Why = "connect"
    try:
        async with asyncio.timeout(seconds):
            await client.connect()
            await _greet(client)
            why = "tls"
            await _encrypt(client, server)
            why = "sign-in"
            if server.username:
                await client.login(server.username, server.password)
            return _taken_over(client)
    except SMTPResponseException as refusal:
        client.close()
        code = refusal.code if 200 <= refusal.code <= 599 else None
        return _unreached(server, refusal.message, why, code)
    except (SMTPException, OSError) as fault:
        client.close()
        if isinstance(fault.__cause__, ssl.SSLError):  # where TLS comes before any greeting
            why = "tls"
        return _unreached(server, str(fault) or "The server did not let us in in time", why)
    except BaseException:
        client.close()
        raise


@lru_cache
def tls_context(*, checked: bool) -> ssl.SSLContext:
    """Made once: reading the machine's certificates takes longer than many letters."""
    context = ssl.create_default_context()
    if not checked:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def _greet(client: SMTP) -> None:
    try:
        await client.ehlo()
    except SMTPHeloError:  # a server from before 1995, or a policy: RFC 5321 3.2
        await client.helo()


async def _encrypt(client: SMTP, server: Server) -> None:
    if server.implicit_tls or server.encryption is Tls.NONE:
        return
    if not client.supports_extension("starttls"):
        if server.encryption is Tls.REQUIRE:
            raise SMTPException("The server offers no encryption (STARTTLS), and we require it")
        return
    await client.starttls(server_hostname=server.host)
    await _greet(client)


def _taken_over(client: SMTP) -> Line:
    transport, offers = client.transport, _offers(client)
    if transport is None:
        raise SMTPException("Connection lost")
    encrypted = transport.get_extra_info("ssl_object")
    version = (encrypted.version() or "") if encrypted else ""
    return Line(Wire(transport), offers, version)  # type: ignore[arg-type]


def _offers(client: SMTP) -> Offers:
    offered = client.supports_extension
    return Offers(pipelining=offered("pipelining"), dsn=offered("dsn"))


def _unreached(server: Server, reply: str, why: Why, code: int | None = None) -> Unreached:
    return Unreached(code, spoken(reply), server.host, "", server.by_exchange, why)
