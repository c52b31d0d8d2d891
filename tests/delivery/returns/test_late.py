"""Reports of a letter that stands where its first copy is not known to have arrived.

Its reply was lost, or its worker was killed, so it waits to be sent again, or was given up.
"""

import asyncio

import pytest
from sqlalchemy import update

from app import clock
from app.db import Database
from app.errors import ComeAgain
from app.models import Attempt, Letter, LetterStatus, Notice, NoticeKind
from app.reporting import receipts, recount
from app.settings import Settings
from tests.delivery.returns import sample
from tests.delivery.returns.test_taking import contact, history, know_exchanges, take_for
from tests.grounds.databases import once
from tests.grounds.rows import all_of, counted, statuses


@once
async def test_a_failure_that_came_while_the_letter_was_to_be_sent_again_counts_the_next_time(
    database: Database, settings: Settings
) -> None:
    """The reply to its first copy was lost; each copy comes back, in the same words."""
    letter = await sample.make_letter(database, status=LetterStatus.QUEUED)
    for _ in range(2):
        assert (await take_for(database, settings, letter, "postfix-unknown-user")).changed == ""
    assert [line[0] for line in await history(database, letter)] == ["late failure report"]
    async with database.transaction() as session:
        await sample.move(session, letter, LetterStatus.QUEUED, LetterStatus.SENDING)
    with pytest.raises(ComeAgain):
        await take_for(database, settings, letter, "postfix-unknown-user")
    async with database.transaction() as session:
        await sample.move(session, letter, LetterStatus.SENDING, LetterStatus.HANDED_OVER)
    took = await take_for(database, settings, letter, "postfix-unknown-user")
    assert took.changed == "bounced"
    assert await statuses(database) == {"bounced": 1} == await counted(database)
    assert (await contact(database)).review_at is not None
    assert len(await all_of(database, Notice)) == 1


async def test_two_reports_at_once_do_not_wait_for_each_other(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    names = ("postfix-unknown-user", "qmail", "postfix-unknown-user")
    took = await asyncio.gather(*(take_for(database, settings, letter, name) for name in names))
    assert sorted(one.changed for one in took) == ["", "", "bounced"]
    assert await statuses(database) == {"bounced": 1} == await counted(database)


@once
@pytest.mark.parametrize("status", [LetterStatus.QUEUED, LetterStatus.EXPIRED])
async def test_a_letter_that_arrived_although_nobody_answered_is_accepted_and_not_sent_again(
    database: Database, settings: Settings, status: LetterStatus
) -> None:
    letter = await sample.make_letter(database, status=status)
    await broke_off(database, letter)
    await know_exchanges(database, "mx1.government.example")
    async with database.reading() as session:
        before = await recount.differences(session, letter.alert_id)
        assert (await receipts.of_letter(session, letter.id)).line.in_doubt
    took = await take_for(database, settings, letter, "postfix-relayed")
    assert took.changed == "accepted"
    assert await statuses(database) == {"accepted": 1} == await counted(database)
    async with database.reading() as session:
        assert await recount.differences(session, letter.alert_id) == before
        assert not (await receipts.of_letter(session, letter.id)).line.in_doubt
    assert [one.kind for one in await all_of(database, Notice)] == [NoticeKind.COPY]
    assert (await take_for(database, settings, letter, "postfix-relayed")).changed == ""
    assert len(await history(database, letter)) == 1
    assert (await take_for(database, settings, letter, "qmail")).changed == "bounced"


async def test_a_letter_that_waits_to_be_sent_again_is_no_other_servers_to_accept(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database, status=LetterStatus.QUEUED)
    await know_exchanges(database, "mx1.elsewhere.example")
    assert (await take_for(database, settings, letter, "postfix-relayed")).changed == ""
    assert await statuses(database) == {"queued": 1}


async def broke_off(database: Database, letter: Letter) -> None:
    """Put it on record that the connection broke after the text had gone over."""
    async with database.transaction() as session:
        await session.execute(update(Letter).values(text_sha256="0" * 64))
        session.add(
            Attempt(
                letter_id=letter.id,
                number=1,
                worker="test",
                started_at=clock.now(),
                ended_at=clock.now(),
                outcome="deferred",
                address="keep-the-treaty-0@example.org",
                host="mx1.government.example",
                tls="",
                enhanced="",
                reply="the connection broke",
                began_data=True,
            )
        )
