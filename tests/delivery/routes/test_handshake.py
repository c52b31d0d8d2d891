"""Who is let in: TLS and sign-in, with real certificates and real refusals."""

import asyncio
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.delivery.messages.message import Message
from app.delivery.outcome import Taken, Unreached
from app.delivery.routes import handshake
from app.delivery.routes.connection import Connection
from app.delivery.routes.relays import Relay, Tls
from tests.grounds.smtp import SmtpServer, running
from tests.grounds.smtp.certificate import Certificate
from tests.grounds.smtp.scripted import answering

MESSAGE = Message("us@letters.example.org", "pm@example.org", b"Subject: Stay\r\n\r\nPlease.\r\n")
FOLLOWING = replace(MESSAGE, rcpt_to="defence@example.org")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine trusts the tests' certificate, as long as the test lasts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    handshake.tls_context.cache_clear()
    yield
    handshake.tls_context.cache_clear()


def connection_to(relay: Relay) -> Connection:
    return Connection(relay, hello="letters.example.org", timeout=5, data_timeout=5)


async def ending(relay: Relay) -> Taken | Unreached:
    """What becomes of two messages: for both the same."""
    connection = connection_to(relay)
    first = await connection.send(MESSAGE, FOLLOWING)
    second = await connection.send(FOLLOWING)
    await connection.close()
    assert type(first) is type(second)
    assert isinstance(first, Taken | Unreached)
    return first


def required(server: SmtpServer) -> Relay:
    return Relay("127.0.0.1", server.port, tls=Tls.REQUIRE)


@pytest.mark.usefixtures("trusted")
async def test_a_good_certificate_and_its_version_are_on_the_receipt(
    smtp_server: SmtpServer, certificate: Certificate
) -> None:
    smtp_server.tls = certificate.served
    outcome = await ending(required(smtp_server))
    assert isinstance(outcome, Taken)
    assert outcome.tls == "TLSv1.3"
    assert [one.tls for one in smtp_server.received] == ["TLSv1.3", "TLSv1.3"]
    assert smtp_server.connections == 1


@pytest.mark.usefixtures("trusted")
async def test_tls_may_come_before_any_greeting(certificate: Certificate) -> None:
    with running(implicit_tls=certificate.served) as server:
        relay = replace(required(server), implicit_tls=True)
        outcome = await ending(relay)
    assert isinstance(outcome, Taken)
    assert outcome.tls == "TLSv1.3"


async def test_a_certificate_that_nobody_trusts_gets_nothing(
    smtp_server: SmtpServer, certificate: Certificate
) -> None:
    smtp_server.tls = certificate.served
    outcome = await ending(required(smtp_server))
    assert isinstance(outcome, Unreached)
    assert outcome.why == "tls"
    assert "certificate" in outcome.reply
    assert smtp_server.asked == []
    with running(implicit_tls=certificate.served) as server:
        outcome = await ending(replace(required(server), implicit_tls=True))
    assert isinstance(outcome, Unreached)
    assert outcome.why == "tls"


@pytest.mark.usefixtures("trusted")
async def test_a_certificate_of_another_name_gets_nothing(
    smtp_server: SmtpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Certificate(tmp_path, "DNS:elsewhere.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(other.file))
    smtp_server.tls = other.served
    outcome = await ending(required(smtp_server))
    assert isinstance(outcome, Unreached)
    assert outcome.why == "tls"
    assert smtp_server.asked == []


async def test_on_this_machine_encryption_is_taken_from_whoever_offers_it(
    smtp_server: SmtpServer, certificate: Certificate
) -> None:
    smtp_server.tls = certificate.served
    outcome = await ending(Relay.from_url(smtp_server.url))
    assert isinstance(outcome, Taken)
    assert outcome.tls == "TLSv1.3"
    unencrypted = await ending(Relay.from_url(f"{smtp_server.url}?tls=none"))
    assert isinstance(unencrypted, Taken)
    assert unencrypted.tls == ""


async def test_a_server_of_old_tls_only_is_refused(
    smtp_server: SmtpServer, certificate: Certificate
) -> None:
    old = certificate.served
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    smtp_server.tls = old
    outcome = await ending(Relay.from_url(smtp_server.url))
    assert isinstance(outcome, Unreached)
    assert outcome.why == "tls"


async def test_a_relay_that_refuses_or_breaks_starttls_is_not_reached(
    smtp_server: SmtpServer,
) -> None:
    smtp_server.refuses_starttls()
    outcome = await ending(Relay.from_url(smtp_server.url))
    assert isinstance(outcome, Unreached)
    assert (outcome.why, outcome.code) == ("tls", 454)
    smtp_server.agrees()
    smtp_server.breaks_starttls()
    outcome = await ending(Relay.from_url(smtp_server.url))
    assert isinstance(outcome, Unreached)
    assert (outcome.why, outcome.code) == ("tls", None)


async def test_beyond_this_machine_a_relay_without_starttls_gets_nothing(
    smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Relay, "on_this_machine", False)
    outcome = await ending(Relay("127.0.0.1", smtp_server.port))
    assert isinstance(outcome, Unreached)
    assert outcome.why == "tls"
    assert "STARTTLS" in outcome.reply
    assert smtp_server.asked == []


async def test_the_right_password_opens_and_the_wrong_one_says_so(smtp_server: SmtpServer) -> None:
    smtp_server.passwords = {"us": "secret"}
    ours = Relay("127.0.0.1", smtp_server.port, "us", "secret")
    assert isinstance(await ending(ours), Taken)
    outcome = await ending(replace(ours, password="wrong"))
    assert isinstance(outcome, Unreached)
    assert (outcome.why, outcome.code, outcome.enhanced) == ("sign-in", 535, "5.7.8")


@pytest.mark.usefixtures("trusted")
async def test_a_password_is_only_told_under_tls(
    smtp_server: SmtpServer, certificate: Certificate
) -> None:
    smtp_server.tls = certificate.served
    smtp_server.passwords = {"us": "secret"}
    outcome = await ending(replace(required(smtp_server), username="us", password="secret"))
    assert isinstance(outcome, Taken)
    assert outcome.tls == "TLSv1.3"


async def test_a_relay_that_offers_no_sign_in_is_not_reached(smtp_server: SmtpServer) -> None:
    outcome = await ending(Relay("127.0.0.1", smtp_server.port, "us", "secret"))
    assert isinstance(outcome, Unreached)
    assert outcome.why == "sign-in"
    assert "AUTH" in outcome.reply


async def test_a_refused_sign_in_is_told_in_the_servers_own_words() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        await reader.readline()
        writer.write(b"250-hello\r\n250 AUTH PLAIN\r\n")
        await reader.readline()
        writer.write(b"535 5.7.8 wrong password\r\n")
        await reader.read()

    async with answering(refuse) as relay:
        connection = connection_to(replace(relay, username="us", password="secret"))
        outcome = await connection.send(MESSAGE)
    assert outcome == Unreached(535, "5.7.8 wrong password", "127.0.0.1", why="sign-in")


async def test_a_server_that_is_slow_at_every_step_is_given_up_in_all() -> None:
    """Each step within its time, and yet: the lease must outlive the whole."""

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in (b"220 here\r\n", b"502 no EHLO\r\n", b"250 hello\r\n"):
            await asyncio.sleep(0.12)
            writer.write(reply)
            await reader.readline()
        await reader.read()

    async with answering(slow) as relay:
        connection = Connection(relay, hello="letters.example.org", timeout=0.2)
        outcome = await connection.send(MESSAGE)
    assert isinstance(outcome, Unreached)
    assert outcome.reply == "The server did not let us in in time"


async def test_a_server_that_knows_only_helo_is_spoken_to() -> None:
    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        for reply in (b"502 what", b"250 hello", b"250 OK", b"250 OK", b"354 go on"):
            await reader.readline()
            writer.write(reply + b"\r\n")
        await reader.readuntil(b"\r\n.\r\n")
        writer.write(b"250 taken\r\n")
        await reader.readline()

    async with answering(old) as relay:
        connection = connection_to(relay)
        assert isinstance(await connection.send(MESSAGE), Taken)
        await connection.close()
