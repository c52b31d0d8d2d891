"""Where countries stand at the organisers' desk, as a browser without scripts meets it."""

import re
from collections.abc import Iterator
from html import unescape

import httpx
import pytest
from sqlalchemy import update

from app import clock
from app.db import Database
from app.models import (
    Campaign,
    Letter,
    LetterStatus,
    Notice,
    Organisation,
    Organiser,
    Role,
    StageStep,
)
from app.outbox import freezes, queue
from tests.campaigns.stage_moves.moving import NOON, Moving, held, make_moving, moves
from tests.grounds.desk import enter, token_in
from tests.grounds.rows import all_of, statuses

CAMPAIGN = "/organise/campaigns/keep-the-treaty-campaign/stages"
ESTONIA = f"{CAMPAIGN}/EE"
KINDS = f"{CAMPAIGN}/kinds"
VOTED = {
    "voted-on": "2026-11-22",
    "voted-what": "Parliament voted.",
    "voted-source": "The record",
    "voted-url": "https://example.org/vote",
}


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with clock.held(NOON):
        yield


@pytest.fixture
async def moving(database: Database) -> Moving:
    async with database.transaction() as session:
        return await make_moving(session, 4)


@pytest.fixture
async def mari_in(
    client: httpx.AsyncClient, mari: Organiser, moving: Moving, database: Database
) -> httpx.AsyncClient:
    await enter(client, database, mari)
    return client


def fields(page: str) -> dict[str, str]:
    """What a page's form holds, typed or hidden."""
    inputs = re.findall(r"<input(?=[^>]*(?:text|date|url|number|hidden))[^>]*>", page)
    found = {}
    for one in inputs:
        name = re.search(r'name="([^"]+)"', one)
        value = re.search(r'value="([^"]*)"', one)
        if name:
            found[name[1]] = unescape(value[1] if value else "")
    for name_, text in re.findall(
        r'<textarea[^>]*name="([^"]+)"[^>]*>\n(.*?)</textarea>', page, re.S
    ):
        found[name_] = unescape(text)
    return found


async def typed(client: httpx.AsyncClient, path: str, **changes: str) -> dict[str, str]:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return fields(answer.text) | changes


def words(answer: httpx.Response) -> str:
    return " ".join(unescape(re.sub("<[^>]+>", " ", answer.text)).split())


async def test_the_page_shows_every_step_and_where_the_country_stands(
    mari_in: httpx.AsyncClient,
) -> None:
    shown = words(await mari_in.get(CAMPAIGN))
    assert "Estonia Announced · 1 November 2026 now It was said. Source: A paper" in shown
    listed = words(await mari_in.get("/organise/campaigns"))
    assert "Keep it" in listed


async def test_a_move_is_shown_before_it_is_written_and_held_when_it_is(
    mari_in: httpx.AsyncClient, database: Database
) -> None:
    form = await typed(mari_in, ESTONIA, **VOTED)
    look = await mari_in.post(ESTONIA, data=form | {"act": "look"})
    shown = words(look)
    assert "Estonia moves from “Announced” to “Voted”." in shown
    assert "4 letters that are confirmed and wait to leave ask for what was asked before" in shown
    assert "- keep the treaty." in shown
    assert "- do not deposit it." in shown
    assert len(await all_of(database, StageStep)) == 1
    assert await held(database) == set()
    saved = await mari_in.post(ESTONIA, data=fields(look.text) | {"act": "save"})
    assert saved.headers["location"] == f"{CAMPAIGN}?done=held#EE"
    assert len(await held(database)) == 4
    after = words(await mari_in.get(CAMPAIGN))
    assert "Estonia moved to Voted : 4 letters wait for your decision" in after
    assert "Voted · 22 November 2026 now" in after


async def test_going_back_from_the_look_keeps_every_word(mari_in: httpx.AsyncClient) -> None:
    form = await typed(mari_in, ESTONIA, **VOTED)
    look = await mari_in.post(ESTONIA, data=form | {"act": "look"})
    back = await mari_in.post(ESTONIA, data=fields(look.text) | {"act": "back"})
    assert fields(back.text) | {"form_token": ""} == form | {"form_token": ""}


async def test_a_day_to_come_is_said_and_changes_nothing_today(
    mari_in: httpx.AsyncClient, database: Database
) -> None:
    form = await typed(mari_in, ESTONIA, **VOTED | {"voted-on": "2026-12-24"})
    look = await mari_in.post(ESTONIA, data=form | {"act": "look"})
    assert "“Voted” holds from 24 December 2026 on" in words(look)
    assert "No letter of an open alert would ask for anything else today." in words(look)
    await mari_in.post(ESTONIA, data=fields(look.text) | {"act": "save"})
    assert "Voted · 24 December 2026 is still to come" in words(await mari_in.get(CAMPAIGN))
    assert await held(database) == set()


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"voted-on": "soon"}, "voted-on, Day", "A day is written as 2026-11-22."),
        ({"voted-what": ""}, "voted-what, What happened", "Please fill this in."),
        (
            {"voted-url": "ftp://x"},
            "voted-url, Its web address",
            "A web address begins with https://",
        ),
        ({"voted-source": "x" * 501}, "voted-source, Who says so", "This is too long."),
    ],
)
async def test_a_fault_is_told_at_its_field_and_nothing_is_lost(
    mari_in: httpx.AsyncClient, database: Database, change: dict[str, str], field: str, said: str
) -> None:
    form = await typed(mari_in, ESTONIA, **VOTED | change)
    field, _, named = field.partition(", ")
    for act in ("look", "save"):
        answer = await mari_in.post(ESTONIA, data=form | {"act": act})
        assert answer.status_code == 422
        error = re.search(rf'id="{field}-error">([^<]+)<', answer.text)
        assert error
        assert said in error[1]
        assert f'<a href="#{field}">Voted, {named}: {said}' in answer.text
        assert fields(answer.text) == form
    assert len(await all_of(database, StageStep)) == 1


async def test_the_second_of_two_is_shown_both(
    mari_in: httpx.AsyncClient, database: Database
) -> None:
    first = await typed(mari_in, ESTONIA, **VOTED)
    second = await typed(mari_in, ESTONIA, **VOTED | {"voted-what": "The Riigikogu voted."})
    await mari_in.post(ESTONIA, data=first | {"act": "save"})
    for act in ("look", "save"):
        answer = await mari_in.post(ESTONIA, data=second | {"act": act})
        assert answer.status_code == 409
        assert "Parliament voted." in answer.text
        assert fields(answer.text)["voted-what"] == "The Riigikogu voted."
    await mari_in.post(ESTONIA, data=fields(answer.text) | {"act": "save"})
    steps = await all_of(database, StageStep, StageStep.stage == "voted")
    assert [one.what for one in steps] == ["The Riigikogu voted."]


async def test_a_step_is_taken_away(mari_in: httpx.AsyncClient, database: Database) -> None:
    await mari_in.post(ESTONIA, data=await typed(mari_in, ESTONIA, **VOTED) | {"act": "save"})
    form = await typed(mari_in, ESTONIA)
    look = await mari_in.post(ESTONIA, data=form | {"voted-gone": "on", "act": "look"})
    assert "moves from “Voted” to “Announced”" in words(look)
    await mari_in.post(ESTONIA, data=fields(look.text) | {"act": "save"})
    assert [one.stage for one in await all_of(database, StageStep)] == ["announced"]
    assert await held(database) == set()


# ── the decision ──


@pytest.fixture
async def move(mari_in: httpx.AsyncClient, database: Database) -> str:
    """The address of a move of which nobody has decided."""
    await mari_in.post(ESTONIA, data=await typed(mari_in, ESTONIA, **VOTED) | {"act": "save"})
    [one] = await moves(database)
    return f"/organise/stage-moves/{one.id}"


async def test_an_organiser_sends_them_as_written(
    mari_in: httpx.AsyncClient, database: Database, move: str
) -> None:
    page = await mari_in.get(move)
    assert "4 letters are held" in words(page)
    token = {"form_token": token_in(page.text)}
    answer = await mari_in.post(f"{move}/send", data=token)
    assert answer.headers["location"] == f"{move}?done=sent"
    assert await held(database) == set()
    again = await mari_in.post(f"{move}/call-off", data=token)
    assert again.headers["location"] == f"{move}?done=unchanged"
    assert await statuses(database) == {"queued": 4}
    assert "sent as they were written" in words(await mari_in.get(move))


async def test_an_organiser_calls_them_off_and_offers_the_new_letter(
    mari_in: httpx.AsyncClient, database: Database, move: str
) -> None:
    token = {"form_token": token_in((await mari_in.get(move)).text)}
    answer = await mari_in.post(f"{move}/call-off", data=token)
    assert answer.headers["location"] == f"{move}?done=cancelled"
    assert await statuses(database) == {"cancelled": 4}
    assert {one.kind for one in await all_of(database, Notice)} == {"stage_moved"}
    page = await mari_in.get(move)
    assert "called off, and the new letter offered: mari@example.org" in words(page)
    assert "<button" not in page.text.split("<main")[1]


async def test_a_viewer_looks_and_decides_nothing(
    mari_in: httpx.AsyncClient, database: Database, mari: Organiser, move: str
) -> None:
    token = {"form_token": token_in((await mari_in.get(move)).text)}
    async with database.transaction() as session:
        await session.execute(update(Organiser).values(role=Role.VIEWER))
    assert (await mari_in.get(move)).status_code == 200
    assert (await mari_in.get(CAMPAIGN)).status_code == 200
    for path in (ESTONIA, KINDS):
        assert (await mari_in.get(path)).status_code == 403
        assert (await mari_in.post(path, data=token)).status_code == 403
    assert (await mari_in.post(f"{move}/send", data=token)).status_code == 403
    assert len(await held(database)) == 4


async def test_another_organisation_sees_none_of_it(
    mari_in: httpx.AsyncClient, database: Database, move: str
) -> None:
    token = {"form_token": token_in((await mari_in.get(move)).text)}
    async with database.transaction() as session:
        other = Organisation(slug="other", name="Other", created_at=clock.now())
        session.add(other)
        await session.flush()
        await session.execute(update(Campaign).values(organisation_id=other.id))
    for path in (CAMPAIGN, ESTONIA, KINDS, move):
        assert (await mari_in.get(path)).status_code == 404
    for path in (ESTONIA, KINDS, f"{move}/send", f"{move}/call-off"):
        assert (await mari_in.post(path, data=token)).status_code == 404
    assert "Keep it" not in (await mari_in.get("/organise/campaigns")).text
    assert len(await held(database)) == 4


# ── the stages of a campaign ──


async def test_stages_are_added_renamed_and_put_in_order(
    mari_in: httpx.AsyncClient, database: Database
) -> None:
    form = await typed(mari_in, KINDS)
    form |= {
        "0-label": "Said",
        "3-label": "In effect",
        "3-meaning": "It is.",
        "3-lead": "Since {date}",
        "3-place": "2",
        "2-gone": "on",
    }
    answer = await mari_in.post(KINDS, data=form)
    assert answer.headers["location"] == f"{CAMPAIGN}?done=kinds"
    [campaign] = await all_of(database, Campaign)
    found = [(one["key"], one["label"]) for one in campaign.stages]
    assert found == [("announced", "Said"), ("voted", "Voted"), ("in_effect", "In effect")]
    assert "Letters that ask for nothing at some step" in (await mari_in.get(CAMPAIGN)).text


async def test_a_stage_in_use_cannot_go(mari_in: httpx.AsyncClient, database: Database) -> None:
    form = await typed(mari_in, KINDS)
    answer = await mari_in.post(KINDS, data=form | {"0-gone": "on", "1-label": "The vote"})
    assert answer.status_code == 422
    assert "A country has reached this step" in answer.text
    kept = fields(answer.text)
    assert (kept["0-label"], kept["1-label"]) == ("Announced", "The vote")
    [campaign] = await all_of(database, Campaign)
    assert [one["label"] for one in campaign.stages] == ["Announced", "Voted", "Notified"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"1-label": ""}, "1-label"),
        ({"1-lead": "{name} left"}, "1-lead"),
        ({"3-label": "Voted"}, "3-label"),
        ({"1-meaning": ""}, "1-meaning"),
    ],
)
async def test_a_faulty_stage_is_told_at_its_field(
    mari_in: httpx.AsyncClient, change: dict[str, str], field: str
) -> None:
    form = await typed(mari_in, KINDS)
    form |= {"3-meaning": "It is.", "3-lead": "Since {date}", "3-label": "Fourth"} | change
    answer = await mari_in.post(KINDS, data=form)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert fields(answer.text)["3-meaning"] == "It is."


async def test_of_two_who_change_the_stages_the_second_is_shown_both(
    mari_in: httpx.AsyncClient,
) -> None:
    first, second = await typed(mari_in, KINDS), await typed(mari_in, KINDS)
    await mari_in.post(KINDS, data=first | {"0-label": "Said"})
    answer = await mari_in.post(KINDS, data=second | {"0-label": "Told"})
    assert answer.status_code == 409
    assert "<strong>Said</strong>" in answer.text
    assert fields(answer.text)["0-label"] == "Told"


async def test_a_made_up_country_code_is_no_page(mari_in: httpx.AsyncClient) -> None:
    assert (await mari_in.get(f"{CAMPAIGN}/Estonia")).status_code == 404
    assert (await mari_in.get("/organise/stage-moves/99999999999")).status_code == 404
    assert (await mari_in.get("/organise/stage-moves/7")).status_code == 404


async def test_letters_confirmed_before_do_not_move_by_looking(
    mari_in: httpx.AsyncClient, database: Database
) -> None:
    form = await typed(mari_in, ESTONIA, **VOTED)
    await mari_in.post(ESTONIA, data=form | {"act": "look"})
    assert {one.stage for one in await all_of(database, Letter)} == {"announced"}
    assert await moves(database) == []


async def test_what_is_let_go_or_queued_again_after_the_move_waits_for_the_decision_too(
    mari_in: httpx.AsyncClient, database: Database
) -> None:
    failed, frozen, *_ = [letter.id for letter in await all_of(database, Letter)]
    async with database.transaction() as session:
        for frm, to in (("queued", "sending"), ("sending", "failed")):
            which, steps = [Letter.id == failed], {"frm": LetterStatus(frm), "to": LetterStatus(to)}
            await queue.move(session, which, **steps, by="test")
        await freezes.freeze(session, scope="letter", ref=frozen, why="A doubt", by="m@x.org")
    await mari_in.post(ESTONIA, data=await typed(mari_in, ESTONIA, **VOTED) | {"act": "save"})
    assert len(await held(database)) == 3  # with the one that was frozen by hand
    letters = "/organise/outbox/letters"
    token = {"form_token": token_in((await mari_in.get(ESTONIA)).text)}
    for number, act in ((failed, "requeue"), (frozen, "release")):
        answer = await mari_in.post(f"{letters}/{number}/{act}", data=token)
        assert answer.status_code == 303
    assert len(await held(database)) == 4
    [move] = await moves(database)
    assert "4 letters are held" in words(await mari_in.get(f"/organise/stage-moves/{move.id}"))
