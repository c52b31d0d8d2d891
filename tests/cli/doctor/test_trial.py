"""The trial letter: one real letter to the person who asks, and nothing to anybody else."""

from email import message_from_bytes, policy

import pytest
from sqlalchemy import select

from app.cli.doctor import trial
from app.db import Database
from app.delivery.domain.findings import Finding
from app.delivery.messages.message import read_bounce_address
from app.models import Contact, SandboxMessage
from app.settings import Delivery, Route, Settings
from tests.cli.doctor.relays import Habits, running
from tests.grounds.dns import DnsServer
from tests.grounds.smtp import SmtpServer

ME = "me@example.org"
# what never reaches the tables is the same on both
once = pytest.mark.parametrize("database_kind", ["sqlite"])


def shown(findings: list[Finding]) -> list[str]:
    return [f"{one.mark}: {one.sentence}" for one in findings]


def leaving(settings: Settings, relay: str) -> Settings:
    return settings.model_copy(
        update={"delivery": Delivery.LIVE, "mail_domain": "letters.test", "smtp_url": relay}
    )


@once
async def test_the_letter_is_written_and_sent_as_every_letter(settings: Settings) -> None:
    habits = Habits(offers=("PIPELINING",))
    async with running(habits) as port:
        ours = leaving(settings, f"smtp://127.0.0.1:{port}")
        lines = shown(await trial.examine(ours, ME))
    assert lines[0] == (
        f"well: 127.0.0.1 took the trial letter to {ME}, which calls it 4BxYz12345; it went there"
        " unencrypted, and the answer was “250 2.0.0 Ok: queued as 4BxYz12345”."
    )
    assert lines[1].startswith(f"look: Open the letter that arrives at {ME}")
    (sender, recipient), letter = habits.begun[0], message_from_bytes(habits.messages[0])
    assert recipient == ME
    assert sender in lines[1]
    assert getattr(read_bounce_address(sender, ours), "id", None) == trial.NO_LETTER
    read = message_from_bytes(habits.messages[0], policy=policy.default)
    assert read["Subject"] == trial.SUBJECT
    assert (read["To"], letter["X-Intended-Recipient"]) == (ME, None)
    assert read["From"].addresses[0].addr_spec == "letters@letters.test"
    assert read["Reply-To"].addresses[0].addr_spec == ME


@once
@pytest.mark.parametrize(
    ("reply", "line"),
    [
        ("550 5.7.1 not from you", "NOT WELL: 127.0.0.1 refuses the trial letter to me@example.o"),
        ("554 5.7.1 relay access denied", "NOT WELL: 127.0.0.1 refuses the trial letter to me@"),
        ("451 4.7.1 greylisted", "look: 127.0.0.1 does not take the trial letter to me@example."),
    ],
)
async def test_a_refusal_is_told_in_the_servers_words(
    settings: Settings, smtp_server: SmtpServer, reply: str, line: str
) -> None:
    smtp_server.answers(reply)
    lines = shown(await trial.examine(leaving(settings, smtp_server.url), ME))
    assert [one.startswith(line) for one in lines] == [True]
    assert f"“{reply}”" in lines[0]


@once
async def test_a_relay_that_is_not_there_gets_no_letter(settings: Settings) -> None:
    lines = shown(await trial.examine(leaving(settings, "smtp://127.0.0.1:1"), ME))
    assert lines[0].startswith("NOT WELL: The trial letter was not sent, for 127.0.0.1 was not")
    none = shown(await trial.examine(leaving(settings, ""), ME))
    assert none == [
        "NOT WELL: The trial letter was not sent: there is no relay: set ONE_EMAIL_SMTP_URL."
    ]


@once
async def test_a_reply_that_is_lost_may_mean_that_it_arrived(
    settings: Settings, smtp_server: SmtpServer
) -> None:
    smtp_server.drops_after_data()
    lines = shown(await trial.examine(leaving(settings, smtp_server.url), ME))
    assert lines[0].startswith("NOT WELL: The dialogue with 127.0.0.1 broke off")
    assert "It may have arrived all the same." in lines[0]


@once
async def test_direct_delivery_goes_to_the_server_that_my_domain_names(
    settings: Settings, smtp_server: SmtpServer, names: DnsServer
) -> None:
    names.mx("example.org", (10, "mx.example.org"))
    names.a("mx.example.org", "127.0.0.1")
    ours = leaving(settings, "").model_copy(update={"route": Route.MX, "nameserver": names.address})
    lines = shown(await trial.examine(ours, ME, port=smtp_server.port))
    assert lines[0].startswith(f"well: mx.example.org took the trial letter to {ME}")
    assert [one.rcpt_to for one in smtp_server.received] == [[ME]]


async def test_in_the_sandbox_it_lands_in_the_mailbox_and_says_so(
    settings: Settings, database: Database, smtp_server: SmtpServer
) -> None:
    ours = settings.model_copy(update={"smtp_url": smtp_server.url})
    lines = shown(await trial.examine(ours, ME))
    assert lines == [
        "well: Delivery is sandbox, so the trial letter did not leave this machine: it lies at"
        f" {settings.public_url}/sandbox."
    ]
    async with database.reading() as session:
        kept = (await session.scalars(select(SandboxMessage))).all()
    assert [(one.rcpt_to, one.subject) for one in kept] == [(ME, trial.SUBJECT)]
    assert smtp_server.received == []


async def test_no_office_gets_a_trial_letter(
    furnished: None, settings: Settings, database: Database
) -> None:
    async with database.reading() as session:
        office = (await session.scalars(select(Contact.email).limit(1))).one()
    local, _, domain = office.partition("@")
    for address in (office, office.upper(), f"{local}+trial@{domain}"):
        refused = await trial.addressee(settings, address)
        assert isinstance(refused, Finding)
        assert refused.broken
        assert "is an office's address. Name your own." in refused.sentence
    assert await trial.addressee(settings, ME) == ME


@once
@pytest.mark.parametrize("nonsense", ["me", "me@", "a@b.test\r\nRCPT TO:<x@y.z>", "õ@example.org"])
async def test_what_is_no_address_gets_no_letter(settings: Settings, nonsense: str) -> None:
    refused = await trial.addressee(settings, nonsense)
    assert isinstance(refused, Finding)
    assert refused.sentence.startswith("The trial letter was not sent: ")
    assert refused.sentence.isprintable()


@once
async def test_without_contacts_to_compare_with_nothing_is_sent(settings: Settings) -> None:
    for database in ("sqlite+aiosqlite:///nowhere.sqlite", "postgresql+asyncpg://x@127.0.0.1:1/x"):
        ours = settings.model_copy(update={"database_url": database})
        refused = await trial.addressee(ours, ME)
        assert isinstance(refused, Finding)
        assert "the contacts cannot be read" in refused.sentence
