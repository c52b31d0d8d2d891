"""What comes back moves its letter, and only when it is proved to be about it."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from app import clock
from app.db import Database
from app.delivery.messages.message import bounce_address
from app.delivery.returns import acting
from app.delivery.returns.taking import Took, take
from app.errors import ComeAgain
from app.models import (
    Contact,
    Event,
    Freeze,
    Letter,
    LetterStatus,
    Notice,
    NoticeKind,
    Returned,
)
from app.outbox.pacing import hosts
from app.settings import Settings
from tests.delivery.returns import sample
from tests.grounds.databases import once
from tests.grounds.letters import make_alert, make_notice
from tests.grounds.rows import all_of, counted, statuses

OFFICE = "keep-the-treaty-0@example.org"


def about(letter: Letter, name: str, settings: Settings) -> bytes:
    """A sample, speaking of this letter as its own return would."""
    address = bounce_address("b", letter.id, settings)
    return sample.raw(name, to=address, message_id=letter.message_id)


async def take_for(database: Database, settings: Settings, letter: Letter, name: str) -> Took:
    to = bounce_address("b", letter.id, settings)
    return await take(database, settings, about(letter, name, settings), envelope_to=to)


async def know_exchanges(database: Database, *exchanges: str) -> None:
    async with database.transaction() as session:
        await hosts.know(session, [OFFICE])
        await hosts.learn(session, "example.org", exchanges)


async def history(database: Database, letter: Letter) -> Sequence[tuple[str, str, str]]:
    """What was written into a letter's history by returned mail."""
    lines = await all_of(database, Event, Event.letter_id == letter.id, Event.by == "returns")
    return [(line.what, line.by, line.note) for line in lines]


async def waiting(database: Database) -> list[Returned]:
    return await all_of(database, Returned, Returned.settled_at.is_(None))


async def contact(database: Database) -> Contact:
    (found,) = await all_of(database, Contact, Contact.email == OFFICE)
    return found  # type: ignore[no-any-return]


# ── success ──


@once
async def test_a_report_of_a_server_that_the_mx_names_makes_a_letter_accepted(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    await know_exchanges(database, "mx9.example.org", "MX1.government.example.")
    took = await take_for(database, settings, letter, "postfix-relayed")
    assert took == Took("report", letter.id, "relayed", "2.0.0", None, "accepted")
    assert await statuses(database) == {"accepted": 1} == await counted(database)
    words = "250 2.0.0 Ok: queued as 7D1B22C0A1"
    assert await history(database, letter) == [("accepted", "returns", words)]
    assert await waiting(database) == []


async def test_a_report_of_any_other_server_is_only_a_line_in_the_history(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    await know_exchanges(database, "mx1.elsewhere.example")
    took = await take_for(database, settings, letter, "postfix-relayed")
    assert (took.kind, took.changed) == ("report", "")
    assert await statuses(database) == {"handed_over": 1}
    ((what, _, note),) = await history(database, letter)
    assert what == "report"
    assert note.startswith("passed on by mx1.government.example: 250 2.0.0 Ok")


# ── failure ──


@once
async def test_a_hard_bounce_ends_the_letter_marks_the_contact_and_tells_the_supporter(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    took = await take_for(database, settings, letter, "postfix-unknown-user")
    assert took == Took("report", letter.id, "failed", "5.1.1", True, "bounced")
    assert await statuses(database) == {"bounced": 1} == await counted(database)
    ((what, _, note),) = await history(database, letter)
    assert what == "bounced"
    assert note.startswith("550 5.1.1 <pm@government.example>")
    marked = await contact(database)
    assert "User unknown" in marked.review_why
    (freeze,) = await all_of(database, Freeze)
    assert (freeze.scope, freeze.ref) == ("contact", marked.id)
    kinds = [notice.kind for notice in await all_of(database, Notice)]
    assert kinds == [NoticeKind.FAILED]
    (row,) = await all_of(database, Returned)
    assert (row.letter_id, row.enhanced, row.remote_mta) == (
        letter.id,
        "5.1.1",
        "mx1.government.example",
    )
    assert (row.raw, row.settled_by) == (None, "returns")


@once
async def test_a_soft_bounce_ends_the_letter_and_silences_nobody(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    took = await take_for(database, settings, letter, "postfix-mailbox-full")
    assert (took.status, took.hard, took.changed) == ("4.2.2", False, "bounced")
    assert (await contact(database)).review_at is None
    assert await all_of(database, Freeze) == []


@once
async def test_an_accepted_letter_can_still_bounce(database: Database, settings: Settings) -> None:
    letter = await sample.make_letter(database, status=LetterStatus.ACCEPTED)
    assert (await take_for(database, settings, letter, "qmail")).changed == "bounced"
    assert await statuses(database) == {"bounced": 1} == await counted(database)


@once
async def test_a_bounce_of_a_letter_that_went_to_its_supporter_says_nothing_of_the_office(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database, delivery="reflect")
    assert (await take_for(database, settings, letter, "gmail")).changed == "bounced"
    assert (await contact(database)).review_at is None


@once
@pytest.mark.parametrize("name", ["postfix-unknown-user", "qmail", "postfix-relayed"])
async def test_the_same_return_twice_changes_nothing_the_second_time(
    database: Database, settings: Settings, name: str
) -> None:
    letter = await sample.make_letter(database)
    await take_for(database, settings, letter, name)
    before = await history(database, letter), await statuses(database), await counted(database)
    again = await take_for(database, settings, letter, name)
    assert again.changed == ""
    after = await history(database, letter), await statuses(database), await counted(database)
    assert after == before
    assert len(await all_of(database, Notice)) <= 1


@once
async def test_of_several_recipients_the_office_itself_counts(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    raw = about(letter, "several-recipients", settings)
    raw = raw.replace(b"pm@government.example", OFFICE.encode())
    took = await take(database, settings, raw, envelope_to=bounce_address("b", letter.id, settings))
    assert (took.action, took.status, took.changed) == ("failed", "5.7.1", "bounced")


async def test_a_letter_that_one_behind_the_address_got_has_not_bounced(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    raw = about(letter, "several-recipients", settings)
    raw = raw.replace(b"Action: delayed", b"Action: delivered")
    took = await take(database, settings, raw, envelope_to=bounce_address("b", letter.id, settings))
    assert (took.action, took.changed) == ("delivered", "")
    assert await statuses(database) == {"handed_over": 1}


# ── neither ──


@once
@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("postfix-delayed", "delay report"),
        ("out-of-office-et", "automatic reply"),
        ("out-of-office-en", "automatic reply"),
        ("arf-abuse", "complaint"),
    ],
)
async def test_what_ends_nothing_is_a_line_in_the_history(
    database: Database, settings: Settings, name: str, what: str
) -> None:
    letter = await sample.make_letter(database)
    took = await take_for(database, settings, letter, name)
    assert took.changed == ""
    assert await statuses(database) == {"handed_over": 1}
    assert [line[0] for line in await history(database, letter)] == [what]
    assert (await contact(database)).review_at is None


@once
async def test_a_complaint_waits_for_an_organiser_without_its_letter(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    await take_for(database, settings, letter, "arf-abuse")
    (row,) = await waiting(database)
    assert (row.kind, row.letter_id, row.action, row.raw) == (
        "complaint",
        letter.id,
        "abuse",
        None,
    )


async def test_a_notice_that_bounces_is_on_record_and_changes_nothing(
    database: Database, settings: Settings
) -> None:
    async with database.transaction() as session:
        notice = await make_notice(session, await make_alert(session))
    to = bounce_address("n", notice.id, settings)
    raw = sample.raw("postfix-unknown-user", to=to, message_id=notice.message_id)
    took = await take(database, settings, raw, envelope_to=to)
    assert (took.kind, took.letter, took.hard, took.changed) == ("report", None, True, "")
    (row,) = await all_of(database, Returned)
    assert (row.notice_id, row.letter_id, row.settled_by) == (notice.id, None, "returns")
    (same,) = await all_of(database, Notice)
    assert same.status == notice.status


# ── which letter ──


@once
async def test_a_forged_address_changes_nothing_and_waits_for_a_person(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    forged = f"letters+b-{letter.id}-0123456789ab@{settings.mail_domain}"
    # even with the right Message-ID, which every reader of the letter knows
    raw = sample.raw("postfix-unknown-user", to=forged, message_id=letter.message_id)
    took = await take(database, settings, raw, envelope_to=forged)
    assert (took.kind, took.letter, took.changed) == ("unmatched", None, "")
    assert await statuses(database) == {"handed_over": 1}
    assert await history(database, letter) == []
    (row,) = await waiting(database)
    assert (row.letter_id, row.raw) == (None, raw)


@once
async def test_the_envelope_may_be_silent_where_a_header_is_signed(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    raw = about(letter, "qmail", settings).replace(b"To: ", b"Delivered-To: ")
    took = await take(database, settings, raw, envelope_to="returns@letters.example")
    assert (took.letter, took.changed) == (letter.id, "bounced")


async def test_a_server_that_shouts_the_address_is_understood(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    to = bounce_address("b", letter.id, settings).upper()
    took = await take(database, settings, sample.raw("gmail"), envelope_to=to)
    assert (took.letter, took.changed) == (letter.id, "bounced")


@once
@pytest.mark.parametrize(
    ("status", "name"), [("handed_over", "postfix-unknown-user"), ("expired", "postfix-relayed")]
)
async def test_an_address_copied_long_ago_changes_nothing(
    database: Database, settings: Settings, status: str, name: str
) -> None:
    letter = await sample.make_letter(database, status=LetterStatus(status))
    await know_exchanges(database, "mx1.government.example")
    with clock.held(clock.now() + timedelta(days=31)):
        took = await take_for(database, settings, letter, name)
    assert (took.kind, took.changed) == ("unmatched", "")
    assert await statuses(database) == {status: 1}
    assert len(await waiting(database)) == 1


async def test_a_signed_address_of_a_letter_that_is_gone_waits_for_a_person(
    database: Database, settings: Settings
) -> None:
    to = bounce_address("b", 4711, settings)
    took = await take(database, settings, sample.raw("gmail", to=to), envelope_to=to)
    assert (took.kind, took.letter) == ("unmatched", None)
    assert len(await waiting(database)) == 1


@pytest.mark.parametrize("raw", [b"", b"\0\xff", b"From: x\n\nhello"])
async def test_what_nobody_can_read_is_kept_for_a_person(
    database: Database, settings: Settings, raw: bytes
) -> None:
    took = await take(database, settings, raw, envelope_to="letters@letters.example")
    assert took == Took("unreadable")
    (row,) = await waiting(database)
    assert row.raw == raw


async def test_what_cannot_be_written_down_as_it_was_read_is_kept_as_it_came(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = await sample.make_letter(database)

    async def stumble(*arguments: object) -> str:
        raise ValueError("a fault of ours")

    monkeypatch.setattr(acting, "act", stumble)
    took = await take_for(database, settings, letter, "gmail")
    assert (took.kind, took.changed) == ("unreadable", "")
    (row,) = await waiting(database)
    assert row.raw == about(letter, "gmail", settings)


@once
async def test_a_report_that_overtakes_our_own_settling_comes_again(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database, status=LetterStatus.SENDING)
    with pytest.raises(ComeAgain):
        await take_for(database, settings, letter, "postfix-unknown-user")
    assert await all_of(database, Returned) == []
    async with database.transaction() as session:
        await sample.move(session, letter, LetterStatus.SENDING, LetterStatus.HANDED_OVER)
    assert (await take_for(database, settings, letter, "postfix-unknown-user")).changed == "bounced"


async def test_a_letter_that_never_left_is_not_bounced(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database, status=LetterStatus.REJECTED)
    took = await take_for(database, settings, letter, "postfix-unknown-user")
    assert (took.kind, took.changed) == ("report", "")
    assert [line[0] for line in await history(database, letter)] == ["late failure report"]
    assert (await contact(database)).review_at is None


@once
async def test_ten_policy_refusals_by_returned_mail_freeze_the_host(
    database: Database, settings: Settings
) -> None:
    for number, letter in enumerate(await sample.make_letters(database, 10), start=1):
        raw = about(letter, "gmail", settings).replace(b"5.1.1", b"5.7.1")
        to = bounce_address("b", letter.id, settings)
        assert (await take(database, settings, raw, envelope_to=to)).changed == "bounced"
        frozen = await all_of(database, Freeze)
        assert [one.scope for one in frozen] == (["host"] if number == 10 else [])
