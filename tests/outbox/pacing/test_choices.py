"""What an organiser sets of a mailbox or a host: kept, checked, on record."""

import pytest

from app.db import Database
from app.errors import FormRefused
from app.models import AuditLine, Mailbox, MailHost
from app.outbox.pacing import choices
from app.outbox.pacing.choices import Choice
from tests.grounds.rows import all_of

EMAIL = "Peaminister@Example.org"


async def paced(database: Database, choice: Choice) -> bool:
    async with database.transaction() as session:
        return await choices.pace_mailbox(session, EMAIL, choice, by="mari@example.org")


async def test_a_mailbox_nobody_has_written_to_can_be_paced_and_it_is_on_record(
    database: Database,
) -> None:
    assert await paced(database, Choice(per_hour=5, in_all=0, off_days=False))
    async with database.reading() as session:
        mailbox = await session.get_one(Mailbox, "peaminister@example.org")
    assert choices.of(mailbox) == Choice(per_hour=5, per_day=None, in_all=0, off_days=False)
    (line,) = await all_of(database, AuditLine)
    assert (line.by, line.sentence) == (
        "mari@example.org",
        "Paced the mailbox “peaminister@example.org”: 5 letters an hour at peak, "
        "a day as set for all, no cap in all, working days only",
    )


async def test_the_same_again_changes_nothing_and_is_not_put_on_record_twice(
    database: Database,
) -> None:
    chosen = Choice(per_hour=5, per_day=40, in_all=900, off_days=True)
    assert [await paced(database, chosen) for _ in range(2)] == [True, False]
    assert await paced(database, Choice())
    sentences = [line.sentence.partition(": ")[2] for line in await all_of(database, AuditLine)]
    assert sentences == [
        "5 letters an hour at peak, 40 a day, 900 in all, days off too",
        "letters an hour as set for all at peak, a day as set for all, in all as set for all, "
        "days off as set for all",
    ]


@pytest.mark.parametrize(
    ("choice", "wrong"),
    [
        (Choice(per_hour=0, per_day=-1, in_all=-1), {"per_hour", "per_day", "in_all"}),
        (Choice(per_hour=choices.MOST + 1), {"per_hour"}),
    ],
)
async def test_a_limit_that_is_none_is_refused_at_its_field(
    database: Database, choice: Choice, wrong: set[str]
) -> None:
    with pytest.raises(FormRefused) as refusal:
        await paced(database, choice)
    assert set(refusal.value.fields) == wrong
    assert await all_of(database, AuditLine) == []


async def test_a_host_is_paced_for_all_behind_it(database: Database) -> None:
    for n, changed in ((30, True), (30, False), (None, True)):
        async with database.transaction() as session:
            assert changed is await choices.pace_host(
                session, "example.org", [EMAIL], n, by="mari@example.org"
            )
        (host,) = await all_of(database, MailHost)
        assert (host.name, host.per_hour) == ("example.org", n)
    sentences = [line.sentence for line in await all_of(database, AuditLine)]
    assert sentences == [
        "Paced the mail host “example.org”: 30 letters an hour",
        "Paced the mail host “example.org”: letters an hour as set for all",
    ]
