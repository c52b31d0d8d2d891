"""Personal data goes when it is asked for, and on schedule; counts stay."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Table, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import Database
from app.errors import Missing
from app.letters import confirmation, erasure, submission
from app.letters.people import person_key
from app.models import (
    GUESSED_LETTER,
    GUESSED_NOTICE,
    Alert,
    AlertState,
    Attempt,
    Base,
    Event,
    Letter,
    LetterStatus,
    Notice,
    Participation,
    Returned,
    SandboxMessage,
    Submission,
)
from app.outbox import queue
from app.reporting import recount
from app.settings import Delivery, Settings
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


def came_back(**known: object) -> Returned:
    return Returned(**{"received_at": clock.now(), "kind": "unreadable"} | known)


def answer(rcpt_to: str) -> SandboxMessage:
    """Of an office, passed on: of no letter and no notice of ours."""
    return SandboxMessage(
        received_at=clock.now(),
        mail_from="letters@letters.example",
        rcpt_to=rcpt_to,
        subject="Re: My own subject",
        message_id=f"<f.{rcpt_to}@letters.example>",
        raw=b"Dear Mari Maasikas, thank you for My own words.",
    )


async def everything(database: Database) -> str:
    """All that stands in all tables."""
    async with database.reading() as session:
        rows = [
            row for table in Base.metadata.sorted_tables for row in await rows_of(session, table)
        ]
    return "\n".join(map(str, rows))


async def rows_of(session: AsyncSession, table: Table) -> Sequence[object]:
    return (await session.execute(select(table))).all()


TYPED = ("Maasikas", "Maasikas+", "Viljandi", "My own")
MAASIKAS = filled(
    name="Mari Maasikas",
    email="Mari.Maasikas+mines@example.org",
    city="Viljandi",
    own_words="My own words.",
    subject="My own subject",
    countries=["EE"],
)


async def test_nothing_that_a_forgotten_person_typed_stays_in_any_table(
    database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert, MAASIKAS)
    await confirmed(database, settings, kept.public_id)
    (notice,) = await all_of(database, Notice)
    (letter,) = await all_of(database, Letter)
    said = "550 5.1.1 <Mari.Maasikas+mines@example.org>: no such user"
    raw = b"From: Mari Maasikas\n\nMy own words."
    async with database.transaction() as session:
        session.add_all(
            [
                came_back(letter_id=letter.id, raw=raw),
                came_back(notice_id=notice.id, raw=raw, reply=said),
                came_back(kind="unmatched", raw=raw, reply=f"{GUESSED_LETTER}{letter.id}"),
                came_back(kind="unmatched", raw=raw, reply=f"{GUESSED_NOTICE}{notice.id}"),
                came_back(notice_id=notice.id, reply=said, settled_at=clock.now()),
                answer(kept.email),
            ]
        )
    assert [word for word in TYPED if word in await everything(database)] == list(TYPED)
    await erased(database, settings, "mari.maasikas@example.org")
    assert [word for word in TYPED if word in await everything(database)] == []
    returns = await all_of(database, Returned)
    assert [one.settled_by for one in returns] == ["forgotten"] * 4 + [""]
    assert all(one.settled_at for one in returns)


async def test_what_came_back_of_others_and_mail_of_others_stays(
    database: Database, settings: Settings, alert: Alert
) -> None:
    await submitted(database, settings, alert, MAASIKAS)
    other = await submitted(database, settings, alert, filled(email="juri@example.org"))
    (_, theirs, *_) = await all_of(database, Letter)
    (_, notice) = await all_of(database, Notice)
    assert theirs.submission_id == notice.submission_id == other.id
    about_an_alert = answer(MAASIKAS.email)  # she is an organiser too, say
    about_an_alert.message_id = notice.message_id
    async with database.transaction() as session:
        session.add_all(
            [
                came_back(letter_id=theirs.id, raw=b"x"),
                came_back(kind="unmatched", raw=b"x", reply=f"{GUESSED_LETTER}{theirs.id}"),
                came_back(kind="complaint", letter_id=theirs.id),
                answer("juri@example.org"),
                about_an_alert,
            ]
        )
    await erased(database, settings, MAASIKAS.email)
    assert [one.raw for one in await all_of(database, Returned)] == [b"x", b"x", None]
    assert {one.settled_at for one in await all_of(database, Returned)} == {None}
    assert len(await all_of(database, SandboxMessage)) == 2


async def test_what_comes_back_of_a_form_that_was_emptied_does_not_wait_for_a_reader(
    database: Database, settings: Settings, alert: Alert
) -> None:
    await submitted(database, settings, alert, MAASIKAS)
    other = await submitted(database, settings, alert, filled(email="juri@example.org"))
    letters = {one.submission_id: one.id for one in await all_of(database, Letter)}
    await erased(database, settings, MAASIKAS.email)
    async with database.transaction() as session:
        session.add_all(came_back(letter_id=n, raw=b"x") for n in letters.values())
    async with database.transaction() as session:
        await erasure.erase_old(session, settings)
    (whole,) = [one for one in await all_of(database, Returned) if one.raw]
    assert whole.letter_id == letters[other.id]


async def test_an_answer_to_an_address_with_letters_beyond_ascii_is_forgotten_too(
    database: Database, settings: Settings, alert: Alert
) -> None:
    await submitted(database, settings, alert, filled(email="mari@tõde.example"))
    async with database.transaction() as session:
        session.add(answer("mari@xn--tde-ona.example"))
    await erased(database, settings, "mari@tõde.example")
    assert await all_of(database, SandboxMessage) == []


@once
async def test_the_words_of_a_server_that_names_a_forgotten_tester_are_gone_from_the_history(
    database: Database, settings: Settings, alert: Alert
) -> None:
    """A reflected letter goes to its supporter, and its history holds what their server said."""
    reflecting = settings.model_copy(update={"delivery": Delivery.REFLECT})
    kept = await submitted(database, reflecting, alert, MAASIKAS)
    await confirmed(database, reflecting, kept.public_id)
    (letter,) = await all_of(database, Letter)
    refused = "550 5.1.1 <Mari.Maasikas+mines@example.org>: no such user"
    async with database.transaction() as session:
        await queue.note_event(session, letter.id, "rejected", "w", refused)
    await erased(database, reflecting, MAASIKAS.email)
    assert [word for word in TYPED if word in await everything(database)] == []
    assert "rejected" in {one.what for one in await all_of(database, Event)}
