"""Personal data goes when it is asked for, and on schedule; counts stay."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app import clock
from app.db import Database
from app.errors import Missing
from app.letters import confirmation, erasure, submission
from app.letters.people import person_key
from app.models import (
    Alert,
    AlertState,
    Attempt,
    Letter,
    LetterStatus,
    Notice,
    Participation,
    SandboxMessage,
    Submission,
)
from app.outbox import queue
from app.reporting import recount
from app.settings import Settings
from tests.grounds.alerts import confirmed, filled, submitted
from tests.grounds.databases import once
from tests.grounds.rows import all_of, counted, statuses
from tests.grounds.working import until, working


async def erased(database: Database, settings: Settings, email: str) -> int:
    async with database.transaction() as session:
        return await erasure.erase(session, email, settings)


async def move_all(database: Database, frm: LetterStatus, to: LetterStatus) -> None:
    async with database.transaction() as session:
        await queue.move(session, [], frm=frm, to=to, by="test")


async def test_a_forgotten_person_leaves_counts_and_nothing_else(
    database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert, filled(own_words="My own words."))
    other = await submitted(database, settings, alert, filled(email="juri@example.org"))
    await confirmed(database, settings, kept.public_id)
    assert await erased(database, settings, "MARI@example.org") == 1
    assert await counted(database) == {"cancelled": 5, "held": 5}
    rows = await all_of(database, Submission)
    emptied, whole = rows
    assert emptied.erased_at is not None
    assert {emptied.name, emptied.email, emptied.city, emptied.own_words, emptied.subject} == {""}
    assert (whole.email, whole.erased_at) == ("juri@example.org", None)
    key = person_key(settings, "mari@example.org")
    async with database.reading() as session:
        for table in (Submission, Letter, Notice, Participation):
            assert key not in set(await session.scalars(select(table.person_key)))
        assert await recount.differences(session, alert.id) == []
        with pytest.raises(Missing):
            await confirmation.load(session, kept.public_id)
        await confirmation.load(session, other.public_id)
    assert await erased(database, settings, "mari@example.org") == 0


async def test_practice_mail_of_a_forgotten_person_is_gone_too(
    database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert, filled(countries=["EE"]))
    await submitted(database, settings, alert, filled(email="juri@example.org", countries=["EE"]))
    await confirmed(database, settings, kept.public_id)
    async with working(settings, database):

        async def arrived() -> bool:
            return len(await all_of(database, SandboxMessage)) == 3

        await until(arrived)
        await until(lambda: _stand(database, {"handed_over": 1, "held": 1}))
    await erased(database, settings, "mari@example.org")
    (left,) = await all_of(database, SandboxMessage)
    assert left.rcpt_to == "juri@example.org"


async def _stand(database: Database, wanted: dict[str, int]) -> bool:
    return await statuses(database) == wanted


@once
async def test_a_letter_that_is_leaving_keeps_its_words_until_the_next_call(
    database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert, filled(countries=["EE"]))
    await confirmed(database, settings, kept.public_id)
    await move_all(database, LetterStatus.QUEUED, LetterStatus.SENDING)
    assert await erased(database, settings, "mari@example.org") == 0
    await move_all(database, LetterStatus.SENDING, LetterStatus.HANDED_OVER)
    assert await erased(database, settings, "mari@example.org") == 1


async def test_settled_forms_are_emptied_on_schedule_and_still_count_their_person(
    database: Database, settings: Settings, alert: Alert
) -> None:
    began = clock.now()
    settled = await submitted(database, settings, alert, filled(countries=["EE"]))
    await confirmed(database, settings, settled.public_id)
    await move_all(database, LetterStatus.QUEUED, LetterStatus.SENDING)
    await move_all(database, LetterStatus.SENDING, LetterStatus.HANDED_OVER)
    waiting = await submitted(database, settings, alert, filled(countries=["LV"]))
    await confirmed(database, settings, waiting.public_id)
    for days, emptied in ((89, 0), (91, 1), (92, 0)):
        with clock.held(began + timedelta(days=days)):
            async with database.transaction() as session:
                assert await erasure.erase_old(session, settings) == emptied
    first, second = await all_of(database, Submission)
    assert (first.email, second.email) == ("", "mari@example.org")
    again = await submitted(database, settings, alert, filled(countries=["EE"]))
    assert (await confirmed(database, settings, again.public_id)).duplicates == 1


async def test_a_server_that_repeats_an_address_in_its_refusal_is_forgotten_too(
    database: Database, settings: Settings, alert: Alert
) -> None:
    await submitted(database, settings, alert)
    (notice,) = await all_of(database, Notice)
    async with database.transaction() as session:
        session.add(
            Attempt(
                notice_id=notice.id,
                number=1,
                worker="w",
                started_at=clock.now(),
                ended_at=clock.now(),
                outcome="rejected",
                address="mari@example.org",
                host="",
                tls="",
                enhanced="5.1.1",
                reply="5.1.1 <mari@example.org>: Recipient address rejected",
            )
        )
    await erased(database, settings, " Mari@EXAMPLE.org ")
    (attempt,) = await all_of(database, Attempt)
    assert (attempt.address, attempt.reply) == ("", "")


async def test_what_a_person_tried_out_is_forgotten_with_the_rest(
    database: Database, settings: Settings, alert: Alert
) -> None:
    """Each try is somebody else's: it is found by its address."""
    for _ in range(2):
        async with database.transaction() as session:
            await session.execute(
                update(Alert).where(Alert.id == alert.id).values(state=AlertState.REHEARSAL)
            )
            rehearsed = await session.get_one(Alert, alert.id, populate_existing=True)
            await session.refresh(rehearsed, ["campaign", "countries"])
            await submission.submit(session, settings, rehearsed, filled())
    rows = await all_of(database, Submission)
    assert {row.delivery for row in rows} == {"rehearsal"}
    assert len({row.person_key for row in rows}) == 2
    assert await erased(database, settings, "Mari@example.org") == 2
    assert {row.name for row in await all_of(database, Submission)} == {""}
