"""The outbox at the organisers' desk, as a browser without scripts meets it."""

import re

import httpx
import pytest
from sqlalchemy import update

from app import clock
from app.db import Database
from app.models import (
    Alert,
    Contact,
    Event,
    Freeze,
    Letter,
    LetterStatus,
    Organisation,
    Organiser,
    RelayState,
    Returned,
    Role,
    Submission,
)
from app.outbox import freezes, operating, queue
from app.outbox.pacing import hosts
from app.settings import Settings, Switch
from tests.grounds.databases import both
from tests.grounds.desk import enter, token_in
from tests.grounds.letters import Ground, make_alert, make_queued_letters
from tests.grounds.rows import all_of, counted

OUTBOX = "/organise/outbox"
HOST = f"{OUTBOX}/hosts/1"
ALERT = f"{OUTBOX}/alerts/keep-the-treaty"


@pytest.fixture
async def made(database: Database) -> Ground:
    async with database.transaction() as session:
        made = await make_alert(session)
        await make_queued_letters(session, 6, ground=made)
        await hosts.know(session, [contact.email for contact in made.contacts])
        return made


@pytest.fixture
async def mari_in(
    client: httpx.AsyncClient, mari: Organiser, made: Ground, database: Database
) -> httpx.AsyncClient:
    """Her browser, signed in."""
    await enter(client, database, mari)
    return client


async def page(client: httpx.AsyncClient, path: str) -> str:
    answer = await client.get(path)
    assert answer.status_code == 200, path
    return " ".join(answer.text.split())


async def press(client: httpx.AsyncClient, path: str, act: str, **fields: str) -> httpx.Response:
    """Send a form of the page; its token comes from the page itself."""
    token = token_in((await client.get(path)).text)
    return await client.post(f"{path}/{act}", data={"form_token": token} | fields)


async def fail(database: Database, *letter_ids: int, note: str = "") -> None:
    async with database.transaction() as session:
        which = [Letter.id.in_(letter_ids)]
        await queue.move(session, which, frm=queue.QUEUED, to=queue.SENDING, by="w")
        await queue.move(session, which, frm=queue.SENDING, to=queue.FAILED, by="w", note=note)


def said(text: str) -> str:
    """What a page tells whoever just pressed a button."""
    found = re.search(r'role="status">(.*?)</p>', text)
    assert found
    return found[1].strip()


async def test_the_outbox_is_for_those_who_sign_in(client: httpx.AsyncClient, made: Ground) -> None:
    for path in (OUTBOX, HOST, f"{OUTBOX}/letters/1", f"{HOST}/cancel"):
        assert (await client.get(path)).status_code == 303
    assert (await client.post(f"{HOST}/freeze")).status_code == 401


@both
async def test_what_needs_a_person_comes_first_in_the_servers_own_words(
    mari_in: httpx.AsyncClient, made: Ground, database: Database
) -> None:
    quiet = await page(mari_in, OUTBOX)
    assert "Needs a person" not in quiet
    desk = await page(mari_in, "/organise")
    assert "want a check" in desk  # the addresses are new
    assert "our fault" not in desk
    await fail(database, 6, note="Torn & <broken>")
    async with database.transaction() as session:
        await freezes.freeze(session, scope="host", ref=1, why="550 5.7.1 no <b>", by="worker")
        await freezes.freeze(session, scope="letter", ref=1, why="A wish.", by="kati")
        review = {"review_at": clock.now(), "review_why": "550 5.1.1 unknown"}
        await session.execute(update(Contact).values(review))
        session.add(RelayState(name="relay.example.org:587", failures=3, why="535 who are you"))
        session.add(Returned(received_at=clock.now(), kind="unmatched"))
    for path in (OUTBOX, "/organise"):
        attention = await page(mari_in, path)
        assert "550 5.7.1 no &lt;b&gt;" in attention
        assert "550 5.1.1 unknown" in attention
        assert "did not let us in 3 times in a row. <q>535 who are you</q>" in attention
        assert "One message that came back waits for a person to read it." in attention
        assert "failed through our fault" in attention
        assert "One letter is frozen by itself" in attention
    named = await page(mari_in, OUTBOX)
    assert "Torn &amp; &lt;broken&gt;" in named
    assert f'<a href="{OUTBOX}/letters/6">6</a>' in named
    assert "A wish." in named


async def test_a_hold_of_an_alert_has_one_clock_wherever_it_stands(
    mari_in: httpx.AsyncClient, made: Ground, database: Database
) -> None:
    zoned = update(Alert).where(Alert.slug == "keep-the-treaty").values(timezone="Europe/Tallinn")
    async with database.transaction() as session:
        await session.execute(zoned)
    await press(mari_in, ALERT, "freeze", why="We look at something.")
    for path in (OUTBOX, ALERT, "/organise/alerts/keep-the-treaty"):
        frozen = (await page(mari_in, path)).partition("ozen")[2]
        held_since = re.search(r"</?time[^>]*>[^<]*, \d\d:\d\d ([A-Z]+)<", frozen)
        assert held_since, path
        assert held_since[1] in {"EET", "EEST"}, path


async def test_the_next_turn_is_shown_only_where_letters_are_paced(
    mari_in: httpx.AsyncClient, settings: Settings
) -> None:
    assert "Next turn" not in await page(mari_in, OUTBOX)
    settings.pacing = Switch.ON
    assert "Next turn" in await page(mari_in, OUTBOX)


@both
@pytest.mark.parametrize("place", ["hosts/1", "contacts/1", "letters/1", "alerts/keep-the-treaty"])
async def test_a_place_is_frozen_with_a_reason_and_released(
    mari_in: httpx.AsyncClient, database: Database, place: str
) -> None:
    path = f"{OUTBOX}/{place}"
    refused = await press(mari_in, path, "freeze", why="  ")
    assert refused.status_code == 422
    assert "Please say why" in refused.text
    answer = await press(mari_in, path, "freeze", why="A doubt.")
    assert answer.headers["location"] == f"{path}?done=frozen"
    frozen = await page(mari_in, answer.headers["location"])
    assert said(frozen).startswith("Frozen.")
    assert "A doubt." in frozen
    (row,) = await all_of(database, Freeze)
    assert (row.scope, row.by) == (place.split("/")[0][:-1], "mari@example.org")
    answer = await press(mari_in, path, "release")
    assert said(await page(mari_in, answer.headers["location"])).startswith("Released.")
    assert (await press(mari_in, path, "release")).headers["location"].endswith("done=unchanged")


@both
async def test_calling_off_is_asked_first_and_needs_a_reason(
    mari_in: httpx.AsyncClient, database: Database
) -> None:
    async with database.transaction() as session:
        which = [Letter.id == 1]
        await queue.move(session, which, frm=queue.QUEUED, to=queue.SENDING, by="w")
    assert "Call off the 5 letters that wait" in await page(mari_in, HOST)
    asked = await page(mari_in, f"{HOST}/cancel")
    assert "Call off 5 letters?" in asked
    token = token_in(asked)
    for why, status in (("", 422), ("The office closed.", 303)):
        form = {"form_token": token, "why": why}
        answer = await mari_in.post(f"{HOST}/cancel", data=form)
        assert answer.status_code == status
    shown = said(await page(mari_in, answer.headers["location"]))
    assert shown == (
        "5 letters are called off. One is leaving at this moment and is not called back."
    )
    assert await counted(database) == {"cancelled": 5, "sending": 1}
    (event,) = await all_of(database, Event, Event.letter_id == 2, Event.what == "cancelled")
    assert (event.by, event.note) == ("mari@example.org", "The office closed.")


@both
async def test_failed_letters_are_queued_again_so_far_as_they_can_be(
    mari_in: httpx.AsyncClient, database: Database
) -> None:
    await fail(database, 1, 2, 3)
    async with database.transaction() as session:
        await session.execute(update(Letter).filter_by(id=2).values(text_sha256="0" * 64))
    answer = await press(mari_in, ALERT, "requeue")
    shown = said(await page(mari_in, answer.headers["location"]))
    assert shown.startswith("2 letters are queued again. One stays as it is")
    assert await counted(database) == {"queued": 5, "failed": 1}
    one = f"{OUTBOX}/letters/2"
    refused = await press(mari_in, one, "requeue")
    assert refused.status_code == 422
    assert "it would not read as it was confirmed" in refused.text


async def test_too_many_for_one_step_says_so(
    mari_in: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    monkeypatch.setattr(operating, "AT_ONCE", 4)
    answer = await press(mari_in, ALERT, "cancel", why="Over.")
    assert "press again" in said(await page(mari_in, answer.headers["location"]))
    answer = await press(mari_in, ALERT, "cancel", why="Over.")
    assert "press again" not in said(await page(mari_in, answer.headers["location"]))
    assert await counted(database) == {"cancelled": 6}


@both
async def test_a_letters_page_tells_its_story_and_no_address_of_its_supporter(
    mari_in: httpx.AsyncClient, database: Database
) -> None:
    await fail(database, 1, note="Torn.")
    async with database.transaction() as session:
        submission = await session.get_one(Submission, 1)
        await queue.note_event(session, 1, "late", "w", "250 taken after all")
    shown = await page(mari_in, f"{OUTBOX}/letters/1")
    assert submission.name in shown
    assert submission.email not in shown
    assert "Our fault: Torn." in shown
    assert "An answer came late: 250 taken after all" in shown
    assert "Queue it again" in shown
    assert "Call it off" not in shown


async def test_every_status_has_a_page_with_the_buttons_that_fit(
    mari_in: httpx.AsyncClient, database: Database
) -> None:
    for status in LetterStatus:
        async with database.transaction() as session:
            # past the one writer: what leads to each status is tested where it is led to
            await session.execute(update(Letter).filter_by(id=1).values({"status": status}))
        shown = await page(mari_in, f"{OUTBOX}/letters/1")
        fits = {
            "/freeze": status in {"held", "queued", "sending", "failed"},
            "/requeue": status == "failed",
            "/cancel": status in {"held", "queued"},
        }
        assert {act: f"letters/1{act}" in shown for act in fits} == fits, status


async def test_a_viewer_looks_and_does_not_touch(
    mari_in: httpx.AsyncClient, mari: Organiser, database: Database
) -> None:
    await fail(database, 1)
    async with database.transaction() as session:
        (await session.get_one(Organiser, mari.id)).role = Role.VIEWER
    for path in (HOST, f"{OUTBOX}/letters/1"):
        shown = await page(mari_in, path)
        assert f"{path}/" not in shown
        for act in ("freeze", "release", "requeue", "cancel"):
            assert (await press(mari_in, path, act, why="x")).status_code == 403
        assert (await mari_in.get(f"{path}/cancel")).status_code == 403
    assert await all_of(database, Freeze) == []


async def test_a_form_without_its_token_does_nothing(
    mari_in: httpx.AsyncClient, database: Database
) -> None:
    for act in ("freeze", "release", "requeue", "cancel"):
        assert (await mari_in.post(f"{HOST}/{act}", data={"why": "x"})).status_code == 403
    assert await counted(database) == {"queued": 6}


@both
async def test_letters_and_alerts_of_another_organisation_are_not_there(
    mari_in: httpx.AsyncClient, mari: Organiser, database: Database
) -> None:
    async with database.transaction() as session:
        other = Organisation(slug="other", name="Other", created_at=clock.now())
        session.add(other)
        await session.flush()
        (await session.get_one(Organiser, mari.id)).organisation_id = other.id
    for path in (f"{OUTBOX}/letters/1", ALERT):
        assert (await mari_in.get(path)).status_code == 404
    assert "Call off" not in await page(mari_in, HOST)


@pytest.mark.parametrize(
    "path", ["letters/99", "letters/x", "hosts/99", "contacts/99", "alerts/none", "drawers/1"]
)
async def test_what_is_not_there_is_a_page_that_says_so(
    mari_in: httpx.AsyncClient, path: str
) -> None:
    assert (await mari_in.get(f"{OUTBOX}/{path}")).status_code == 404


@both
async def test_numbers_in_the_address_are_read_with_care(mari_in: httpx.AsyncClient) -> None:
    odd = f"{HOST}?done=cancelled&n={'9' * 5000}&leaving=-1&refused=x"
    assert said(await page(mari_in, odd)) == "0 letters are called off."
