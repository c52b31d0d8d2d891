"""The whole examination, and the command that prints it."""

from pathlib import Path

import pytest
from sqlalchemy import func, insert, select
from typer.testing import CliRunner

from app import clock
from app.cli.doctor import examination, here
from app.cli.doctor.examination import Asked
from app.cli.program import app
from app.db import Database
from app.delivery.domain.findings import Finding
from app.models import Contact, Freeze, MailHost, RelayState
from app.settings import Delivery, Settings
from tests.cli.doctor.relays import Habits, running
from tests.grounds.dns import DnsServer
from tests.grounds.smtp import SmtpServer

PACK = Path(__file__).parents[3] / "templates" / "letters" / "send-one-email"
ME = "me@example.org"
once = pytest.mark.parametrize("database_kind", ["sqlite"])


def shown(findings: list[Finding]) -> str:
    return "\n".join(f"{one.mark}: {one.sentence}" for one in findings)


@pytest.fixture
def ready(settings: Settings, names: DnsServer) -> Settings:
    """Settings that are ready to go live, but for the contacts; the relay is set by the test."""
    names.mx("letters.test", (10, "mx.letters.test"))
    names.a("mx.letters.test", "127.0.0.1")
    names.txt("letters.test", "v=spf1 ip4:192.0.2.7 -all")
    names.txt("_dmarc.letters.test", "v=DMARC1; p=none; rua=mailto:a@letters.test")
    return settings.model_copy(
        update={
            "delivery": Delivery.REFLECT,
            "mail_domain": "letters.test",
            "nameserver": names.address,
        }
    )


async def test_in_the_sandbox_nobody_is_greeted_and_nothing_asked(
    ready: Settings, names: DnsServer, smtp_server: SmtpServer
) -> None:
    ours = ready.model_copy(update={"delivery": Delivery.SANDBOX, "smtp_url": smtp_server.url})
    said = shown(await examination.examine(ours))
    assert "nothing leaves" in said
    assert "well: Relay and domain are looked at with --network before going live." in said
    assert (smtp_server.connections, names.asked) == (0, [])


@once
async def test_before_going_live_the_network_is_looked_at_from_the_sandbox(
    ready: Settings, names: DnsServer, smtp_server: SmtpServer
) -> None:
    ours = ready.model_copy(update={"delivery": Delivery.SANDBOX, "smtp_url": smtp_server.url})
    said = shown(await examination.examine(ours, Asked(network=True, address="192.0.2.7")))
    assert f"well: The relay at 127.0.0.1, port {smtp_server.port} answers." in said
    assert "well: SPF: letters.test lets 192.0.2.7 send." in said
    assert "look: DKIM: the relay signs for letters.test; under which selector" in said
    assert "NOT WELL" not in said
    assert smtp_server.received == []


@once
async def test_every_relay_is_looked_at_and_one_that_is_gone_hides_none(ready: Settings) -> None:
    habits = Habits()
    async with running(habits) as port:
        urls = f"smtp://127.0.0.1:1 smtp://127.0.0.1:{port}?weight=2"
        said = shown(await examination.examine(ready.model_copy(update={"smtp_url": urls})))
    assert "NOT WELL: The relay at 127.0.0.1, port 1 does not answer" in said
    assert f"well: The relay at 127.0.0.1, port {port} answers." in said
    assert [recipient for _, recipient in habits.begun] == ["letters@letters.test"]


@once
async def test_a_relay_that_is_no_address_is_a_sentence(ready: Settings) -> None:
    said = shown(await examination.examine(ready.model_copy(update={"smtp_url": "smtp://"})))
    assert "NOT WELL: ONE_EMAIL_SMTP_URL names no host" in said
    assert "DMARC: the record at _dmarc.letters.test" in said


@once
async def test_a_relay_hears_no_name_that_may_not_get_a_letter(
    ready: Settings, furnished: None, smtp_server: SmtpServer
) -> None:
    ours = ready.model_copy(update={"smtp_url": smtp_server.url})
    office = "riigikantselei@riigikantselei.ee"
    said = shown(await examination.examine(ours, Asked(send=office)))
    assert f"NOT WELL: The trial letter was not sent: {office} is an office's address" in said
    assert smtp_server.asked == ["letters@letters.test"]


@once
async def test_a_trial_letter_follows_the_examination(
    ready: Settings, smtp_server: SmtpServer
) -> None:
    ours = ready.model_copy(update={"smtp_url": smtp_server.url})
    said = shown(await examination.examine(ours, Asked(send=ME)))
    assert f"well: 127.0.0.1 took the trial letter to {ME}" in said
    assert [one.rcpt_to for one in smtp_server.received] == [[ME]]


@once
async def test_the_letter_that_arrived_names_the_key_to_look_up(
    ready: Settings, names: DnsServer, smtp_server: SmtpServer
) -> None:
    names.txt("s1._domainkey.letters.test", "v=DKIM1; p=")
    letter = (
        b"Authentication-Results: mx.test; spf=pass; dkim=permerror; dmarc=pass\r\n"
        b"DKIM-Signature: v=1; d=letters.test; s=s1; b=abc\r\n\r\nDear\r\n"
    )
    ours = ready.model_copy(update={"smtp_url": smtp_server.url})
    said = shown(await examination.examine(ours, Asked(arrived=letter)))
    assert "NOT WELL: DKIM: the record at s1._domainkey.letters.test does not help" in said
    assert "NOT WELL: Arrived: dkim=permerror" in said
    assert "well: Arrived: dmarc=pass" in said


async def test_what_no_organiser_looked_at_is_worth_a_look_and_not_well_when_live(
    settings: Settings, database: Database, furnished: None
) -> None:
    async with database.reading() as session:
        n = await session.scalar(select(func.count(Contact.id)))
    said = shown(await here.examine(settings))
    assert f"look: {n} contacts were not checked by an organiser" in said
    assert "send-one-email EE.et" in said
    live = settings.model_copy(update={"delivery": Delivery.LIVE})
    assert f"NOT WELL: {n} contacts were not checked" in shown(await here.examine(live))


async def test_what_rests_or_is_frozen_is_worth_a_look(
    settings: Settings, database: Database
) -> None:
    async with database.transaction() as session:
        host = MailHost(name="mx.gov.test")
        session.add(host)
        await session.flush()
        hold = {"scope": "host", "ref": host.id, "why": "550 5.7.1 blocked", "by": "worker"}
        await session.execute(insert(Freeze).values(at=clock.now(), **hold))
        why = "refused: 5.7.1 account suspended"
        session.add(RelayState(name="relay.test:587", failures=2, why=why))
    said = shown(await here.examine(settings))
    assert "look: The mail host mx.gov.test is frozen: 550 5.7.1 blocked." in said
    assert "look: The relay relay.test:587 rests: refused: 5.7.1 account suspended." in said
    assert "well: No letter is due." in said


def test_the_command_prints_each_finding_and_ends_as_it_found(
    ready: Settings, smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("database_url", "secret_key", "mail_domain", "nameserver"):
        monkeypatch.setenv(f"ONE_EMAIL_{name.upper()}", getattr(ready, name))
    monkeypatch.setenv("ONE_EMAIL_DELIVERY", "reflect")
    monkeypatch.setenv("ONE_EMAIL_SMTP_URL", smtp_server.url)
    monkeypatch.chdir(tmp_path)
    at = ["--address", "192.0.2.7"]
    assert CliRunner().invoke(app, ["alerts", "load", str(PACK)]).exit_code == 0
    well = CliRunner().invoke(app, ["doctor", "--send", ME, *at])
    assert well.exit_code == 0, well.output
    assert (
        "look      Letter templates that nobody reviewed, and nobody gets: send-one" in well.output
    )
    assert f"well      127.0.0.1 took the trial letter to {ME}" in well.output
    smtp_server.rejects()
    broken = CliRunner().invoke(app, ["doctor", *at])
    assert broken.exit_code == 1
    assert "NOT WELL  It refuses a letter from letters+b-0-" in broken.output
