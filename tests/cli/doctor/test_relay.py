"""What the doctor says of a relay, asked over a real dialogue; nothing is ever sent."""

import socket
from pathlib import Path

import pytest

from app.cli.doctor import relay
from app.delivery.domain.findings import Finding
from app.delivery.routes.relays import Relay
from tests.cli.doctor.relays import Habits, certificate, running

SENDER, RECIPIENT = "letters+b-0-abc@letters.test", "me@example.org"


async def said_of(url: str) -> list[Finding]:
    return await relay.examine(
        Relay.from_url(url), hello="letters.test", sender=SENDER, recipient=RECIPIENT
    )


async def said(habits: Habits, *, at: str = "smtp://127.0.0.1:{}") -> list[str]:
    """Each finding as its mark and sentence."""
    async with running(habits) as port:
        found = await said_of(at.format(port))
    return [f"{one.mark}: {one.sentence}" for one in found]


async def test_a_relay_is_asked_up_to_the_recipient_and_sent_nothing() -> None:
    habits = Habits()
    lines = await said(habits)
    assert [line.partition(":")[0] for line in lines] == ["well"] * 4
    assert lines[1] == "well: It does not encrypt, and need not on this machine."
    assert "PIPELINING (a letter in one round trip), DSN" in lines[2]
    assert f"takes letters from {SENDER}" in lines[3]
    assert habits.begun == [(SENDER, RECIPIENT)]
    assert habits.messages == []


async def test_what_a_relay_does_not_offer_is_said_with_what_it_costs() -> None:
    lines = await said(Habits(offers=()))
    assert "look: It does not offer PIPELINING: every letter takes four round trips." in lines
    assert any(line.startswith("look: It does not offer DSN") for line in lines)


@pytest.mark.parametrize(
    ("habits", "line"),
    [
        (
            Habits(mail="550 5.7.1 not your domain"),
            "NOT WELL: It refuses our sender letters+b-0-abc@letters.test:"
            " “550 5.7.1 not your domain”. At the relay, allow this domain there.",
        ),
        (
            Habits(rcpt="554 5.7.1 Relay access denied"),
            "NOT WELL: It refuses a letter from letters+b-0-abc@letters.test to me@example.org:"
            " “554 5.7.1 Relay access denied”. At the relay, let it relay for us (sign in, or"
            " allow this machine's address).",
        ),
        (
            Habits(rcpt="451 4.7.1 Greylisted"),
            "look: It does not take a letter from letters+b-0-abc@letters.test to me@example.org"
            " now: “451 4.7.1 Greylisted”. Try again later.",
        ),
    ],
)
async def test_a_refusal_is_told_in_the_relays_own_words(habits: Habits, line: str) -> None:
    assert (await said(habits))[-1] == line


async def test_name_and_password_are_tried() -> None:
    habits = Habits(password="s@cret")
    lines = await said(habits, at="smtp://mari:s%40cret@127.0.0.1:{}")
    assert "well: It lets mari in." in lines
    wrong = (await said(habits, at="smtp://mari:guess@127.0.0.1:{}"))[-1]
    assert wrong.startswith("NOT WELL: It does not let mari in: “535 ")
    assert "ONE_EMAIL_SMTP_URL" in wrong
    beyond = (await said(habits, at="smtp://mari:s%C3%A9cret@127.0.0.1:{}"))[-1]
    assert beyond.startswith("look: Its password is not ASCII")


async def test_a_name_for_a_relay_that_asks_for_none_is_said() -> None:
    last = (await said(Habits(), at="smtp://mari:x@127.0.0.1:{}"))[-1]
    assert last.startswith("NOT WELL: It does not offer AUTH, and ONE_EMAIL_SMTP_URL names mari")


async def test_a_relay_must_encrypt_where_it_is_required() -> None:
    last = (await said(Habits(), at="smtp://127.0.0.1:{}?tls=require"))[-1]
    assert last.startswith("NOT WELL: The relay at 127.0.0.1, port ")
    assert "does not offer STARTTLS" in last


@pytest.mark.parametrize("implicit", [False, True])
async def test_a_certificate_is_told_with_its_days(
    implicit: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted, context = certificate(tmp_path)
    habits = Habits(tls=context, implicit=implicit)
    scheme = "smtps" if implicit else "smtp"
    unknown = await said(habits, at=scheme + "://localhost:{}?tls=require")
    assert "certificate that does not stand: self-signed certificate" in unknown[-1]
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    known = await said(habits, at=scheme + "://localhost:{}?tls=require")
    assert known[1] == (
        "well: It encrypts with TLSv1.3, and its certificate stands for localhost, for 89 days"
        " more."
    )
    other = await said(habits, at=scheme + "://127.0.0.1:{}?tls=require")
    assert "not valid for '127.0.0.1'" in other[-1]


async def test_a_certificate_near_its_end_is_worth_a_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted, context = certificate(tmp_path, days=10)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    lines = await said(Habits(tls=context), at="smtp://localhost:{}?tls=require")
    assert lines[1].startswith("look: It encrypts with TLSv1.3")
    assert "see that it is renewed" in lines[1]


async def test_a_port_for_starttls_is_not_one_that_begins_with_tls() -> None:
    lines = await said(Habits(), at="smtps://127.0.0.1:{}")
    assert lines[0].startswith("NOT WELL: The relay at 127.0.0.1")
    assert "cannot agree on TLS" in lines[0]


async def test_nobody_there_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found = await said_of(f"smtp://127.0.0.1:{port}")
    assert [one.broken for one in found] == [True]
    assert f"The relay at 127.0.0.1, port {port} does not answer" in found[0].sentence
