"""How unlike the letters that were sent a new one is, and what is kept to tell it."""

import random
from array import array
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from app import clock
from app.db import Database
from app.errors import FormRefused
from app.letters import confirmation
from app.letters.words import prints
from app.models import Alert, Letter, LetterPrint, LetterStatus, Submission
from app.settings import Settings
from app.wording.examining import likeness
from app.wording.render import LetterText
from tests.grounds.alerts import confirmed, filled, submitted
from tests.grounds.databases import once
from tests.grounds.rows import all_of

WORDS = ["river", "stone", "bread", "lamp", "child", "road", "winter", "field", "garden", "bridge"]
OURS = "Dear Prime Minister, " + " ".join(f"{one} of our own making" for one in WORDS * 3)


def text(own: str = "") -> LetterText:
    return LetterText("Please", f"{OURS} {own}\n")


async def put(
    database: Database, settings: Settings, alert: Alert, texts: list[LetterText], status: str
) -> int:
    """Letters as if they had been confirmed and had come so far; gives their office."""
    kept = await submitted(database, settings, alert, filled(countries=["EE"]))
    (held,) = await all_of(database, Letter, Letter.submission_id == kept.id)
    async with database.transaction() as session:
        rows = []
        for number, one in enumerate(texts):
            letter = Letter(
                submission_id=kept.id,
                alert_id=alert.id,
                target_id=held.target_id,
                person_key=f"{held.id}-{number}",
                delivery="sandbox",
                template_id=held.template_id,
                stage=held.stage,
                message_id=f"<{held.id}-{number}@example.org>",
                created_at=clock.now(),
                not_before=clock.now(),
                status_at=clock.now(),
                status=status,  # no count is looked at here
            )
            session.add(letter)
            await session.flush()
            rows.append(prints.Confirmed(letter.id, held.target_id, "sandbox", one))
        await prints.keep(session, settings, rows)
    return int(held.target_id)


async def kept_prints(database: Database) -> Sequence[LetterPrint]:
    async with database.reading() as session:
        return (await session.scalars(select(LetterPrint))).all()


async def asked(
    database: Database, settings: Settings, alert: Alert, target_id: int, mine: LetterText
) -> dict[int, int]:
    async with database.reading() as session:
        return await prints.unlike(
            session, settings, [(target_id, mine)], alert_id=alert.id, delivery="sandbox"
        )


@once
async def test_a_letter_like_all_others_is_told_so_and_one_of_its_own_stands_out(
    database: Database, settings: Settings, alert: Alert
) -> None:
    draw = random.Random(4)
    sent = [text(" ".join(draw.choices(WORDS, k=8))) for _ in range(12)]
    office = await put(database, settings, alert, sent, LetterStatus.ACCEPTED)
    assert await asked(database, settings, alert, office, text()) == {office: 0}
    own = LetterText("Mine", "I write every word of this by myself, and it is about my village.")
    assert await asked(database, settings, alert, office, own) == {office: 100}


@given(st.lists(st.frozensets(st.integers(0, 40), min_size=1), min_size=1, max_size=40), st.data())
def test_all_at_once_is_the_same_as_one_by_one(
    letters: list[frozenset[int]], data: st.DataObject
) -> None:
    mine = data.draw(st.frozensets(st.integers(0, 40), min_size=1))
    packed = [array("Q", sorted(one)).tobytes() for one in letters]
    one_by_one = sum(likeness.of(mine, one) < prints.ALIKE for one in letters)
    assert prints._apart(mine, prints._put_together(packed)) == one_by_one


async def test_only_letters_that_left_count_and_few_of_them_say_nothing(
    database: Database, settings: Settings, alert: Alert
) -> None:
    office = await put(database, settings, alert, [text()] * 9, LetterStatus.HANDED_OVER)
    await put(database, settings, alert, [text()] * 9, LetterStatus.HELD)
    assert await asked(database, settings, alert, office, text()) == {}
    await put(database, settings, alert, [text()], LetterStatus.BOUNCED)
    later = clock.now() + 2 * prints.FRESH
    with clock.held(later):
        assert await asked(database, settings, alert, office, text()) == {office: 0}
        # in earnest it is another matter
        async with database.reading() as session:
            letters = [(office, text())]
            live = await prints.unlike(
                session, settings, letters, alert_id=alert.id, delivery="live"
            )
        assert live == {}


async def test_a_long_line_of_waiting_letters_hides_none_that_left(
    database: Database, settings: Settings, alert: Alert, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prints, "NEWEST", 12)
    office = await put(database, settings, alert, [text()] * 12, LetterStatus.ACCEPTED)
    await put(database, settings, alert, [text()] * 40, LetterStatus.QUEUED)
    assert await asked(database, settings, alert, office, text()) == {office: 0}


@once
async def test_what_a_letter_is_compared_by_is_kept_with_its_confirmation(
    database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert, filled(own_words="My grandfather did."))
    assert await kept_prints(database) == []
    await confirmed(database, settings, kept.public_id)
    found = await kept_prints(database)
    letters = await all_of(database, Letter)
    assert {(one.letter_id, one.target_id) for one in found} == {
        (one.id, one.target_id) for one in letters
    }
    hashes = {w for one in found for w in array("Q", one.windows)}
    assert len(hashes) > 200
    # not what somebody without this installation's secret could reckon from a text
    assert hashes.isdisjoint(likeness.windows("My grandfather did."))
    other = settings.model_copy(update={"secret_key": "another"})
    assert prints.of(settings, text()).isdisjoint(prints.of(other, text()))


@once
async def test_a_changed_sentence_is_refused_as_kindly_as_in_the_form(
    database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert, filled(own_words="Mine."))
    async with database.transaction() as session:
        await session.execute(update(Alert).values(refused_words=["idiot*"]))
    for words, reason in (("www.example.org", "link"), ("Idiots!", "insult")):
        async with database.transaction() as session:
            found = await confirmation.load(session, kept.public_id)
            with pytest.raises(FormRefused) as refusal:
                await confirmation.reword(session, found, words)
        assert refusal.value.fields == {"own_words": reason}
    (still,) = await all_of(database, Submission)
    assert still.own_words == "Mine."


@once
async def test_nobody_can_find_out_by_the_meter_whether_somebody_wrote(
    database: Database, settings: Settings, alert: Alert
) -> None:
    """Else a name is typed beside thousands of texts, and some of them are just alike enough."""
    they = filled(name="Mari Mägi", city="Tartu", countries=["EE"], own_words="Tartu is my home.")
    kept = await submitted(database, settings, alert, they)
    await confirmed(database, settings, kept.public_id)
    (theirs,) = await kept_prints(database)
    guesses = ("Mari Mägi\nTartu", "mägi tartu estonia", "Tartu is my")
    for guess in guesses:
        tried = prints.of(settings, LetterText("", guess))
        assert tried.isdisjoint(array("Q", theirs.windows))
    left = prints.unnamed(LetterText("I, Mari", "MÄGI, of Tartu;\nmy home"), they)
    assert left == LetterText("i", "of my home")


async def test_only_what_a_letter_is_compared_with_is_kept(
    database: Database, settings: Settings, alert: Alert, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prints, "KEPT", 3)
    monkeypatch.setattr(prints, "AT_ONCE", 1000)
    await put(database, settings, alert, [text(str(n)) for n in range(5)], LetterStatus.ACCEPTED)
    waiting = [text(f"waits {n}") for n in range(2)]
    await put(database, settings, alert, waiting, LetterStatus.QUEUED)
    async with database.transaction() as session:
        assert await prints.forget(session, "live") == 0
        assert await prints.forget(session, "sandbox") == 2
    kept = {one.windows for one in await kept_prints(database)}
    newest = [text("2"), text("3"), text("4"), *waiting]
    assert kept == {array("Q", sorted(prints.of(settings, one))).tobytes() for one in newest}
