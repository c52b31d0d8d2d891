"""A person's answer goes on to the supporter, once and whole, and no copy stays with us."""

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from app.db import Database
from app.delivery.messages.message import Message, bounce_address
from app.delivery.returns import forwarding, reading
from app.delivery.returns.reading import Read
from app.delivery.returns.taking import Took, take
from app.errors import ComeAgain, MessageRefused, TakesNoAnswers
from app.models import Event, Letter, Returned, SandboxMessage, Submission
from app.settings import Delivery, Route, Settings
from tests.delivery.returns import sample
from tests.grounds import dns
from tests.grounds.databases import once
from tests.grounds.letters import make_alert, make_notice
from tests.grounds.rows import all_of, statuses
from tests.grounds.smtp import SmtpServer, running


async def take_reply(
    database: Database, settings: Settings, letter: Letter, name: str = "reply", *, to: str = ""
) -> Took:
    to = to or bounce_address("b", letter.id, settings)
    raw = sample.raw(name, to=to, message_id=letter.message_id)
    return await take(database, settings, raw, envelope_to=to)


async def supporter(database: Database, letter: Letter) -> str:
    async with database.reading() as session:
        found = await session.scalars(
            select(Submission.email).where(Submission.id == letter.submission_id)
        )
        return found.one()


def read_mail(raw: bytes) -> EmailMessage:
    read = message_from_bytes(raw, policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


@pytest.fixture
def live(settings: Settings, smtp_server: SmtpServer) -> Settings:
    """Delivery to the offices, through the test's own relay."""
    return settings.model_copy(
        update={
            "delivery": Delivery.LIVE,
            "smtp_url": smtp_server.url,
            "mail_domain": "letters.example.org",
        }
    )


@once
async def test_in_the_sandbox_an_answer_lands_in_the_sandbox_mailbox(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    took = await take_reply(database, settings, letter)
    assert took == Took("reply", letter.id)
    (kept,) = await all_of(database, SandboxMessage)
    assert kept.rcpt_to == await supporter(database, letter)
    assert kept.subject == "Re: Please keep the treaty"
    mail = read_mail(kept.raw)
    assert mail["From"].addresses[0].addr_spec == "letters@letters.example"
    assert mail["From"].addresses[0].display_name == "Kadri Tõeleid (via Mine Ban Campaign)"
    assert mail["Reply-To"].addresses[0].addr_spec == "kadri@government.example"
    assert mail["Auto-Submitted"] == "auto-forwarded"
    text, original = mail.iter_parts()
    assert "and so has Tõnu." in text.get_content()
    assert "kadri@government.example" in text.get_content()
    assert original.get_content()["Message-ID"] == "<human-1@government.example>"


@once
async def test_an_answer_is_never_stored(database: Database, settings: Settings) -> None:
    letter = await sample.make_letter(database)
    await take_reply(database, settings, letter)
    (row,) = await all_of(database, Returned)
    assert (row.kind, row.letter_id, row.reply, row.raw) == ("reply", letter.id, "", None)
    assert row.settled_at is not None
    (line,) = await all_of(database, Event, Event.by == "returns")
    assert (line.what, line.note) == ("answer passed on", "")
    assert await statuses(database) == {"handed_over": 1}


@once
async def test_an_attachment_goes_with_it_unharmed(database: Database, settings: Settings) -> None:
    letter = await sample.make_letter(database)
    await take_reply(database, settings, letter, "reply-with-attachment")
    (kept,) = await all_of(database, SandboxMessage)
    mail = read_mail(kept.raw)
    assert mail["Reply-To"].addresses[0].addr_spec == "registry@government.example"
    pdf = [part for part in mail.walk() if part.get_content_type() == "application/pdf"]
    assert [part.get_content()[:8] for part in pdf] == [b"%PDF-1.4"]


async def test_an_answer_that_names_only_our_message_finds_its_way(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    took = await take_reply(database, settings, letter, to="letters@letters.example")
    assert (took.kind, took.letter) == ("reply", letter.id)
    assert len(await all_of(database, SandboxMessage)) == 1


@once
async def test_live_an_answer_goes_through_the_relay_before_it_is_acknowledged(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    letter = await sample.make_letter(database, delivery="live")
    assert (await take_reply(database, live, letter)).kind == "reply"
    (received,) = smtp_server.received
    assert received.rcpt_to == [await supporter(database, letter)]
    assert received.mail_from == "letters@letters.example.org"
    assert read_mail(received.raw)["Auto-Submitted"] == "auto-forwarded"
    assert await all_of(database, SandboxMessage) == []


@once
async def test_an_answer_to_practice_stays_practice_on_a_live_service(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    letter = await sample.make_letter(database)
    await take_reply(database, live, letter)
    assert smtp_server.received == []
    assert len(await all_of(database, SandboxMessage)) == 1


@once
async def test_while_the_relay_is_away_the_answer_stays_with_its_sender(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    letter = await sample.make_letter(database, delivery="live")
    smtp_server.answers("451 4.3.0 later", times=1)
    with pytest.raises(ComeAgain, match="later"):
        await take_reply(database, live, letter)
    assert await all_of(database, Returned) == []
    assert (await take_reply(database, live, letter)).kind == "reply"
    nowhere = live.model_copy(update={"smtp_url": ""})
    with pytest.raises(ComeAgain, match="no relay"):
        await take_reply(database, nowhere, letter)


@once
async def test_an_answer_goes_through_the_first_relay_that_lets_us_in(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    letter = await sample.make_letter(database, delivery="live")
    with running() as suspended:
        suspended.answers("550 5.7.1 Sender domain suspended", at="MAIL")
        three = f"smtp://127.0.0.1:9 {suspended.url} {smtp_server.url}"
        several = live.model_copy(update={"smtp_url": three})
        assert (await take_reply(database, several, letter)).kind == "reply"
        assert len(smtp_server.received) == suspended.connections == 1
        with pytest.raises(ComeAgain, match="suspended"):
            await take_reply(database, live.model_copy(update={"smtp_url": suspended.url}), letter)


@once
async def test_an_answer_that_the_supporters_server_will_not_take_is_refused(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    letter = await sample.make_letter(database, delivery="live")
    smtp_server.rejects("550 5.1.1 gone")
    with pytest.raises(TakesNoAnswers, match="gone"):
        await take_reply(database, live, letter)
    assert await all_of(database, Returned) == []


@once
async def test_without_a_relay_an_answer_goes_the_way_that_letters_go(
    database: Database, live: Settings
) -> None:
    letter = await sample.make_letter(database, delivery="live")
    with dns.running() as names:
        direct = live.model_copy(update={"route": Route.MX, "nameserver": names.address})
        names.null_mx("example.org")  # the supporter's provider takes no mail at all
        with pytest.raises(TakesNoAnswers):
            await take_reply(database, direct, letter)
        names.fails("example.org")
        with pytest.raises(ComeAgain):
            await take_reply(database, direct, letter)
    assert await all_of(database, Returned) == []


@once
async def test_a_forgotten_person_takes_no_answers_and_nothing_is_kept(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    async with database.transaction() as session:
        await session.execute(update(Submission).values(erased_at=letter.created_at, email=""))
    with pytest.raises(TakesNoAnswers, match="the person no longer takes answers"):
        await take_reply(database, settings, letter)
    assert await all_of(database, Returned) == []


@once
@pytest.mark.parametrize("name", ["out-of-office-et", "out-of-office-en", "read-receipt"])
async def test_no_automatic_message_is_ever_passed_on(
    database: Database, settings: Settings, name: str
) -> None:
    letter = await sample.make_letter(database)
    assert (await take_reply(database, settings, letter, name)).kind == "automatic"
    assert await all_of(database, SandboxMessage) == []


@once
async def test_what_we_passed_on_is_not_passed_on_again_when_it_comes_back(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    await take_reply(database, settings, letter)
    (kept,) = await all_of(database, SandboxMessage)
    to = bounce_address("b", letter.id, settings)
    assert (await take(database, settings, kept.raw, envelope_to=to)).kind == "automatic"
    stripped = kept.raw.replace(b"Auto-Submitted: auto-forwarded\r\n", b"").replace(
        b"Reply-To:", b"X-Was:"
    )
    # from ourselves, whatever it says of itself: a person looks at it
    assert (await take(database, settings, stripped, envelope_to=to)).kind == "unmatched"
    assert len(await all_of(database, SandboxMessage)) == 1


async def test_an_answer_that_comes_back_from_the_supporter_is_not_kept(
    database: Database, settings: Settings
) -> None:
    returned = sample.raw("postfix-unknown-user", to="letters@letters.example").replace(
        b'From: "Mari (via Mine Ban Campaign)"',
        b'Auto-Submitted: auto-forwarded\r\nFrom: "Kadri (via Mine Ban Campaign)"',
    )
    took = await take(database, settings, returned, envelope_to="letters@letters.example")
    assert (took.kind, took.letter, took.changed) == ("report", None, "")
    (row,) = await all_of(database, Returned)
    assert (row.raw, row.settled_by) == (None, "returns")


@once
async def test_an_answer_to_nothing_of_ours_waits_for_a_person(
    database: Database, settings: Settings
) -> None:
    raw = sample.raw("reply")
    took = await take(database, settings, raw, envelope_to="postmaster@letters.example")
    assert (took.kind, took.letter) == ("unmatched", None)
    (row,) = await all_of(database, Returned)
    assert (row.raw, row.settled_at) == (raw, None)


@once
async def test_a_supporter_who_answers_a_notice_is_read_by_a_person(
    database: Database, settings: Settings
) -> None:
    async with database.transaction() as session:
        notice = await make_notice(session, await make_alert(session))
    to = bounce_address("n", notice.id, settings)
    took = await take(database, settings, sample.raw("reply", to=to), envelope_to=to)
    assert took.kind == "unmatched"
    (row,) = await all_of(database, Returned)
    assert row.notice_id == notice.id
    assert row.raw is not None
    assert await all_of(database, SandboxMessage) == []


# ── the message itself ──

OURS = Settings(_env_file=None, secret_key="x", mail_domain="letters.example")


def written(raw: bytes, read: Read) -> Message:
    to = Submission(name="Mari Mägi", email="mari@example.org", language="et", delivery="live")
    return forwarding.write(raw, read, to, OURS)


@given(st.text(max_size=80), st.text(max_size=80), st.text(max_size=80), st.binary(max_size=300))
def test_no_words_of_a_stranger_become_a_header_of_ours(
    name: str, subject: str, words: str, raw: bytes
) -> None:
    read = Read(
        reading.Kind.REPLY,
        sender="kadri@government.example",
        sender_name=name,
        subject=subject,
        words=words,
    )
    mail = message_from_bytes(written(raw, read).raw)
    assert mail.keys() == [
        *("From", "Reply-To", "To", "Subject", "Auto-Submitted"),
        *("Date", "Message-ID", "MIME-Version", "Content-Type"),
    ]


def test_an_address_that_nobody_can_write_to_leaves_the_answer_whole() -> None:
    read = Read(reading.Kind.REPLY, sender="õ õ@government.example", subject="Re", words="Tere")
    mail = read_mail(written(b"From: x\r\n\r\nTere", read).raw)
    assert mail["Reply-To"] is None
    assert mail["To"].addresses[0].addr_spec == "mari@example.org"


def test_the_same_answer_again_is_the_same_message() -> None:
    read = Read(reading.Kind.REPLY, sender="kadri@government.example", words="Tere")
    first, again, other = (written(raw, read).raw for raw in (b"a", b"a", b"b"))
    ids = [read_mail(raw)["Message-ID"] for raw in (first, again, other)]
    assert ids[0] == ids[1] != ids[2]


def test_a_supporter_whose_address_is_none_is_refused() -> None:
    read = Read(reading.Kind.REPLY, sender="kadri@government.example")
    with pytest.raises(MessageRefused):
        forwarding.write(b"", read, Submission(name="", email="", language="en"), OURS)
