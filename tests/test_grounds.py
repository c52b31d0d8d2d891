"""The ground holds: the mail server behaves as its moods say, and nothing leaves this machine."""

import asyncio
import socket

import aiosmtplib
import pytest

from app.accounts import organisers
from tests.grounds import desk
from tests.grounds.network import LeftThisMachine
from tests.grounds.smtp import Point, SmtpServer

LETTER = b"Subject: Hello\r\n\r\n.A line that begins with a dot\r\n"


async def hand_over(server: SmtpServer, *to: str, timeout: float = 5) -> str:
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=server.port, timeout=timeout)
    async with client:
        _, reply = await client.sendmail("letters@example.org", list(to), LETTER)
    return reply


async def test_it_takes_what_it_is_given(smtp_server: SmtpServer) -> None:
    await hand_over(smtp_server, "pm@gov.example")
    [message] = await smtp_server.has_received(1)
    assert message.mail_from == "letters@example.org"
    assert message.rcpt_to == ["pm@gov.example"]
    assert message.raw == LETTER
    assert smtp_server.connections == 1


@pytest.mark.parametrize("point", ["MAIL", "RCPT", "DATA"])
async def test_it_defers_as_often_as_it_was_told(smtp_server: SmtpServer, point: Point) -> None:
    smtp_server.answers("451 4.7.1 try later", at=point, times=1)
    with pytest.raises(aiosmtplib.SMTPException, match="try later"):
        await hand_over(smtp_server, "pm@gov.example")
    assert await hand_over(smtp_server, "pm@gov.example") == "2.0.0 OK queued as 1"


async def test_it_rejects_one_and_takes_another(smtp_server: SmtpServer) -> None:
    smtp_server.rejects(to="Gone@gov.example")
    await hand_over(smtp_server, "gone@gov.example", "pm@gov.example")
    assert smtp_server.received[0].rcpt_to == ["pm@gov.example"]
    assert smtp_server.asked == ["gone@gov.example", "pm@gov.example"]
    smtp_server.agrees()
    assert await hand_over(smtp_server, "gone@gov.example") == "2.0.0 OK queued as 2"


async def test_it_drops_the_line_after_the_data(smtp_server: SmtpServer) -> None:
    smtp_server.drops_after_data()
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await hand_over(smtp_server, "pm@gov.example")
    assert smtp_server.received == []
    assert len(smtp_server.unanswered) == 1


async def test_it_never_answers(smtp_server: SmtpServer) -> None:
    smtp_server.never_answers(to="pm@gov.example")
    with pytest.raises(aiosmtplib.SMTPReadTimeoutError):
        await hand_over(smtp_server, "pm@gov.example", timeout=0.3)
    assert len(smtp_server.unanswered) == 1


async def test_it_greets_with_a_refusal(smtp_server: SmtpServer) -> None:
    smtp_server.greets("421 4.3.2 too busy", times=1)
    with pytest.raises(aiosmtplib.SMTPConnectError, match="too busy"):
        await hand_over(smtp_server, "pm@gov.example")
    await hand_over(smtp_server, "pm@gov.example")


async def test_it_offers_starttls_and_refuses_it(smtp_server: SmtpServer) -> None:
    smtp_server.refuses_starttls()
    with pytest.raises(aiosmtplib.SMTPException, match="TLS not available"):
        await hand_over(smtp_server, "pm@gov.example")


async def test_it_knows_how_many_came_at_once(smtp_server: SmtpServer) -> None:
    smtp_server.seconds_per_message = 0.2
    await asyncio.gather(*(hand_over(smtp_server, f"{n}@gov.example") for n in range(5)))
    assert smtp_server.most_open == 5
    assert len(smtp_server.received) == 5


@pytest.mark.parametrize("address", [("192.0.2.1", 25), ("203.0.113.7", 443)])
def test_a_socket_to_elsewhere_is_refused(address: tuple[str, int]) -> None:
    with socket.socket() as one, pytest.raises(LeftThisMachine, match=address[0]):
        one.connect(address)
    with socket.socket() as two, pytest.raises(LeftThisMachine):
        two.connect_ex(address)


def test_a_datagram_to_elsewhere_is_refused() -> None:
    with (
        socket.socket(type=socket.SOCK_DGRAM) as one,
        pytest.raises(LeftThisMachine, match=r"192\.0\.2\.53"),
    ):
        one.sendto(b"who is?", ("192.0.2.53", 53))


def test_a_name_elsewhere_is_not_looked_up() -> None:
    with pytest.raises(LeftThisMachine, match=r"mail\.example"):
        socket.getaddrinfo("mail.example", 25)


async def test_a_client_in_a_loop_is_refused_too() -> None:
    with pytest.raises(LeftThisMachine):
        await asyncio.open_connection("192.0.2.1", 25)


async def test_this_machine_is_reached() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    async with await asyncio.start_server(greet, "localhost", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("localhost", port)
        assert await reader.read() == b"hello"
        writer.close()
        await writer.wait_closed()


async def test_a_password_that_the_program_keeps_has_its_full_cost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All other tests take a cheaper one."""
    monkeypatch.setattr(organisers, "_argon2", desk.AT_FULL_COST)
    kept = await organisers.hashed(desk.PASSWORD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await organisers.fits(desk.PASSWORD, kept)
    assert not await organisers.fits(f"{desk.PASSWORD}!", kept)
