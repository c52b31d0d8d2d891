"""The operator's hand: hold, let go, queue again, call off; every act on record, none too far."""

from datetime import UTC, datetime
from itertools import product

import pytest
import pytest_asyncio
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import Database
from app.errors import FormRefused, Missing, Refusal, TooLate
from app.models import (
    AuditLine,
    Contact,
    Event,
    Freeze,
    Letter,
    LetterStatus,
    LetterTemplate,
    Organisation,
    Submission,
)
from app.outbox import freezes, operating, places, queue
from app.outbox.pacing import hosts
from app.outbox.places import Place
from tests.grounds.letters import Ground, make_alert, make_queued_letters
from tests.grounds.rows import all_of, counted, statuses

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ANNA = "anna@example.org"
FIRST = "keep-the-treaty-0@example.org"


@pytest_asyncio.fixture
async def made(database: Database) -> Ground:
    """Three offices behind one host, and two letters waiting for each."""
    async with database.transaction() as session:
        made = await make_alert(session)
        await make_queued_letters(session, 6, ground=made)
        await hosts.know(session, [contact.email for contact in made.contacts])
        return made


async def at(session: AsyncSession, scope: freezes.Scope, ref: object) -> Place:
    return await places.find(session, scope, str(ref), delivery="sandbox")


async def letters(database: Database) -> list[Letter]:
    return await all_of(database, Letter)


async def history(database: Database, letter_id: int) -> list[tuple[str, str, str]]:
    events = await all_of(database, Event, Event.letter_id == letter_id)
    return [(one.what, one.by, one.note) for one in events]


async def audit(database: Database) -> list[str]:
    return [f"{line.by}: {line.sentence}" for line in await all_of(database, AuditLine)]


async def walk(database: Database, letter_id: int, *road: LetterStatus) -> None:
    frm = queue.QUEUED
    async with database.transaction() as session:
        for to in road:
            assert await queue.move(session, [Letter.id == letter_id], frm=frm, to=to, by="w")
            frm = to


# ── freeze and release ──


async def test_a_frozen_letter_says_in_its_history_who_and_why(
    database: Database, made: Ground
) -> None:
    letter = (await letters(database))[0]
    async with database.transaction() as session:
        place = await at(session, "letter", letter.id)
        assert await operating.freeze(session, place, why="  A \n doubt ", by=ANNA)
        assert not await operating.freeze(session, place, why="another", by=ANNA)
        assert await operating.release(session, place, by=ANNA)
        assert not await operating.release(session, place, by=ANNA)
    assert (await history(database, letter.id))[-2:] == [
        ("frozen", ANNA, "A doubt"),
        ("released", ANNA, ""),
    ]
    assert await audit(database) == [
        f"{ANNA}: Froze letter {letter.id}: A doubt",
        f"{ANNA}: Released letter {letter.id}",
    ]


@pytest.mark.parametrize(
    ("scope", "ref", "named"),
    [
        ("contact", FIRST.upper(), f"the contact {FIRST}"),
        ("host", "Example.org", "the mail host example.org"),
        ("alert", "keep-the-treaty", "the alert “keep-the-treaty”"),
    ],
)
async def test_a_frozen_place_is_one_row_whatever_waits_there(
    database: Database, made: Ground, scope: freezes.Scope, ref: str, named: str
) -> None:
    async with database.transaction() as session:
        before = len(await all_of(database, Event))
        place = await at(session, scope, ref)
        assert await operating.freeze(session, place, why="So.", by=ANNA)
        held = await freezes.frozen(session)
    (row,) = await all_of(database, Freeze)
    assert (row.scope, row.why, row.by) == (scope, "So.", ANNA)
    assert [ref for refs in (held.alerts, held.contacts, held.hosts) for ref in refs] == [row.ref]
    assert len(await all_of(database, Event)) == before
    assert await audit(database) == [f"{ANNA}: Froze {named}: So."]


async def test_offices_with_one_address_are_held_together(database: Database, made: Ground) -> None:
    async with database.transaction() as session:
        await session.execute(update(Contact).values(email=FIRST))
        place = await at(session, "contact", made.contacts[1].id)
        await operating.freeze(session, place, why="So.", by=ANNA)
        assert (await freezes.frozen(session)).contacts == {one.id for one in made.contacts}
        await operating.release(session, place, by=ANNA)
        assert (await freezes.frozen(session)).contacts == frozenset()


async def test_a_freeze_of_the_host_holds_the_letters_behind_it(
    database: Database, made: Ground
) -> None:
    async with database.transaction() as session:
        other = await make_alert(session, slug="elsewhere", targets=1)
        await session.execute(
            update(Contact).filter_by(id=other.contacts[0].id).values(email="pm@elsewhere.example")
        )
        (free,) = await make_queued_letters(session, 1, ground=other)
        await hosts.know(session, ["pm@elsewhere.example"])
        place = await at(session, "host", "example.org")
        await operating.freeze(session, place, why="5.7.1 blocked", by="worker")
    async with database.reading() as session:
        statement = (
            places.select(Letter.id)
            .join(Contact, Contact.target_id == Letter.target_id)
            .where(~freezes.in_force())
        )
        assert (await session.scalars(statement)).all() == [free.id]


async def test_a_reason_is_required_and_kept_short(database: Database, made: Ground) -> None:
    async with database.transaction() as session:
        place = await at(session, "alert", "keep-the-treaty")
        for act in (operating.freeze, operating.call_off):
            with pytest.raises(FormRefused):
                await act(session, place, why=" \n ", by=ANNA)
        await operating.freeze(session, place, why="x" * 900, by=ANNA)
    (row,) = await all_of(database, Freeze)
    assert len(row.why) == operating.LONGEST_REASON


async def test_a_letter_that_waits_for_nothing_is_not_frozen(
    database: Database, made: Ground
) -> None:
    letter = (await letters(database))[0]
    await walk(database, letter.id, queue.SENDING, queue.HANDED_OVER)
    async with database.transaction() as session:
        place = await at(session, "letter", letter.id)
        with pytest.raises(Refusal, match="is handed over"):
            await operating.freeze(session, place, why="So.", by=ANNA)


# ── call off ──


async def test_what_waits_for_a_contact_is_called_off_and_what_is_leaving_is_not(
    database: Database, made: Ground
) -> None:
    first, *others = [one for one in await letters(database) if one.target_id == made.targets[0].id]
    await walk(database, first.id, queue.SENDING)
    async with database.transaction() as session:
        done = await operating.call_off(
            session, await at(session, "contact", FIRST), why="The office closed.", by=ANNA
        )
    assert (done.n, done.leaving, done.more) == (1, 1, False)
    assert (await history(database, others[0].id))[-1] == ("cancelled", ANNA, "The office closed.")
    assert await statuses(database) == {"queued": 4, "sending": 1, "cancelled": 1}
    assert await statuses(database) == await counted(database)
    assert await audit(database) == [
        f"{ANNA}: Called off one letter of the contact {FIRST}: The office closed."
    ]


async def test_unconfirmed_letters_are_called_off_too_and_practice_of_another_kind_is_not(
    database: Database, made: Ground
) -> None:
    held, reflected, *_ = await letters(database)
    async with database.transaction() as session:
        await session.execute(update(Letter).filter_by(id=reflected.id).values(delivery="reflect"))
        submission = await session.get_one(Submission, held.submission_id)
        row = {
            "submission_id": submission.id,
            "alert_id": held.alert_id,
            "target_id": made.targets[1].id,
            "person_key": "one more",
            "delivery": "sandbox",
            "template_id": held.template_id,
            "stage": held.stage,
            "message_id": "<held@example.org>",
        }
        (unconfirmed,) = await queue.hold(session, [row], by="supporter")
        done = await operating.call_off(
            session, await at(session, "host", "example.org"), why="So.", by=ANNA
        )
    assert done.n == 6
    after = {one.id: one.status for one in await letters(database)}
    assert (after[unconfirmed], after[reflected.id]) == ("cancelled", "queued")


async def test_more_than_one_transaction_holds_is_said_and_the_next_goes_on(
    database: Database, made: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operating, "AT_ONCE", 4)
    monkeypatch.setattr(operating, "A_BATCH", 3)
    said = []
    for _ in range(2):
        async with database.transaction() as session:
            place = await at(session, "alert", "keep-the-treaty")
            done = await operating.call_off(session, place, why="So.", by=ANNA)
        said.append((done.n, done.more))
    assert said == [(4, True), (2, False)]
    assert await counted(database) == {"cancelled": 6}


async def test_one_letter_that_is_leaving_or_has_left_is_too_late(
    database: Database, made: Ground
) -> None:
    leaving, left, *_ = await letters(database)
    await walk(database, leaving.id, queue.SENDING)
    await walk(database, left.id, queue.SENDING, queue.ACCEPTED)
    for letter, status in ((leaving, "sending"), (left, "accepted")):
        async with database.transaction() as session:
            place = await at(session, "letter", letter.id)
            with pytest.raises(TooLate, match=f"letter {letter.id} is {status}"):
                await operating.call_off(session, place, why="So.", by=ANNA)
    assert await audit(database) == []


# ── queue again ──


async def failed(database: Database, *letter_ids: int) -> None:
    for letter_id in letter_ids:
        await walk(database, letter_id, queue.SENDING, queue.FAILED)


async def test_a_failed_letter_is_due_again_now_with_all_its_patience(
    database: Database, made: Ground
) -> None:
    letter = (await letters(database))[0]
    await failed(database, letter.id)
    async with database.transaction() as session:
        spent = {"first_attempt_at": NOON, "not_before": NOON, "worker": "w"}
        await session.execute(update(Letter).filter_by(id=letter.id).values(spent))
    with clock.held(NOON.replace(day=27)) as held:
        async with database.transaction() as session:
            done = await operating.queue_again(
                session, await at(session, "letter", letter.id), by=ANNA
            )
    assert (done.n, done.refused, done.after) == (1, {}, None)
    again = (await letters(database))[0]
    assert (again.status, again.not_before, again.first_attempt_at, again.worker) == (
        "queued",
        held.at,
        None,
        "",
    )
    assert (await history(database, letter.id))[-1] == ("queued", ANNA, "to be tried again")
    assert await statuses(database) == await counted(database)


async def test_only_what_still_reads_as_it_was_confirmed_is_queued_again(
    database: Database, made: Ground
) -> None:
    changed, forgotten, good, *_ = await letters(database)
    await failed(database, changed.id, forgotten.id, good.id)
    async with database.transaction() as session:
        await session.execute(update(Letter).filter_by(id=changed.id).values(text_sha256="0" * 64))
        await session.execute(
            update(Submission).filter_by(id=forgotten.submission_id).values(erased_at=NOON)
        )
        place = await at(session, "alert", "keep-the-treaty")
        done = await operating.queue_again(session, place, by=ANNA, why="The template is mended.")
    assert done.n == 1
    assert done.refused == {
        changed.id: "it would not read as it was confirmed",
        forgotten.id: "its supporter was forgotten",
    }
    assert (await history(database, good.id))[-1] == ("queued", ANNA, "The template is mended.")
    assert await counted(database) == {"failed": 2, "queued": 4}
    assert await audit(database) == [
        f"{ANNA}: Queued one letter of the alert “keep-the-treaty” again: The template is mended."
    ]


async def test_a_broken_template_holds_its_letters_back(database: Database, made: Ground) -> None:
    letter = (await letters(database))[0]
    await failed(database, letter.id)
    async with database.transaction() as session:
        await session.execute(update(LetterTemplate).values(source="+++\n{{"))
        done = await operating.queue_again(session, await at(session, "contact", FIRST), by=ANNA)
    assert (done.n, list(done.refused)) == (0, [letter.id])
    assert await audit(database) == []


async def test_the_second_letter_of_one_person_to_one_office_is_not_queued_again(
    database: Database, made: Ground
) -> None:
    mine = [one for one in await letters(database) if one.target_id == made.targets[0].id]
    await failed(database, *(one.id for one in mine))
    async with database.transaction() as session:
        await session.execute(
            update(Letter)
            .where(Letter.id.in_([one.id for one in mine]))
            .values(person_key="the same")
        )
        first = await operating.queue_again(session, await at(session, "contact", FIRST), by=ANNA)
        second = await operating.queue_again(session, await at(session, "contact", FIRST), by=ANNA)
    assert (first.n, second.n) == (1, 0)
    assert first.refused == second.refused == {mine[1].id: operating.ANOTHER}


async def test_many_failed_letters_are_queued_step_by_step(
    database: Database, made: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operating, "AT_ONCE", 4)
    ids = [one.id for one in await letters(database)]
    await failed(database, *ids)
    async with database.transaction() as session:
        await session.execute(update(Letter).filter_by(id=ids[0]).values(text_sha256="0" * 64))
        place = await at(session, "alert", "keep-the-treaty")
        first = await operating.queue_again(session, place, by=ANNA)
        rest = await operating.queue_again(session, place, by=ANNA, after=first.after or 0)
    assert (first.n, first.after, rest.n, rest.after) == (3, ids[3], 2, None)


async def test_only_what_failed_is_queued_again(database: Database, made: Ground) -> None:
    letter = (await letters(database))[0]
    async with database.transaction() as session:
        place = await at(session, "letter", letter.id)
        with pytest.raises(Refusal, match="is queued: only what failed"):
            await operating.queue_again(session, place, by=ANNA)


# ── places ──


async def test_what_is_not_there_is_missing(database: Database, made: Ground) -> None:
    scopes: tuple[freezes.Scope, ...] = ("letter", "contact", "host", "alert")
    nowhere = ("", "nobody@example.org", "999999", "²", "9" * 40, "-1")
    async with database.reading() as session:
        for scope, ref in product(scopes, nowhere):
            try:
                found = await at(session, scope, ref)
            except Missing:
                continue
            pytest.fail(f"{scope} {ref!r} is {found}")


async def test_an_organisation_reaches_its_own_letters_and_the_shared_places(
    database: Database, made: Ground
) -> None:
    letter = (await letters(database))[0]
    async with database.transaction() as session:
        other = Organisation(slug="other", name="Other", created_at=NOON)
        session.add(other)
        await session.flush()

        async def theirs(scope: freezes.Scope, ref: object) -> Place:
            ours = {"delivery": "sandbox", "organisation_id": other.id}
            return await places.find(session, scope, str(ref), **ours)

        for scope, ref in (("letter", letter.id), ("alert", "keep-the-treaty")):
            with pytest.raises(Missing):
                await theirs(scope, ref)
        done = await operating.call_off(
            session, await theirs("host", "example.org"), why="So.", by="them"
        )
    assert done.n == 0
    assert await counted(database) == {"queued": 6}
