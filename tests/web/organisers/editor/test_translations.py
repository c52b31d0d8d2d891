"""An alert's other languages in the editor: written beside the English, kept, and told apart."""

from typing import Any

import httpx
import pytest
from sqlalchemy import select

from app.campaigns import alerts
from app.campaigns.drafts import assembling, keeping
from app.campaigns.other_languages import texts
from app.db import Database
from app.models import AlertState, AuditLine, DraftSection, Organiser, Role
from app.web.organisers.alerts import find
from app.wording.language import translated
from tests.grounds.alerts import MINE_BAN
from tests.grounds.databases import both
from tests.grounds.desk import enter
from tests.grounds.rows import all_of
from tests.web.organisers.test_editor import BY_ITSELF, form_of, saved

EDIT = f"/organise/alerts/{MINE_BAN}/edit"
ESTONIAN = f"{EDIT}/languages/et"
PART = "translation.et"


@pytest.fixture
async def desk(
    client: httpx.AsyncClient, mari: Organiser, database: Database, furnished: None
) -> httpx.AsyncClient:
    """Her browser, signed in, where the first alert is."""
    await enter(client, database, mari)
    return client


async def post(desk: httpx.AsyncClient, changes: dict[str, Any], **more: Any) -> httpx.Response:
    fields = form_of((await desk.get(ESTONIAN)).text, PART) | changes
    return await desk.post(ESTONIAN, data=fields, **more)


@both
async def test_a_translation_is_kept_shown_and_published_with_the_alert(
    desk: httpx.AsyncClient, mari: Organiser, database: Database
) -> None:
    answer = await post(desk, {"title": "Uus pealkiri", "reviewed": "on", "prompts.2": ""})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{ESTONIAN}?saved=it")
    (line,) = await all_of(database, AuditLine)
    assert line.sentence == f"Wrote at the draft of “{MINE_BAN}”: its texts in Estonian"
    preview = (await desk.get(f"/organise/alerts/{MINE_BAN}/draft/page?language=et")).text
    assert "Uus pealkiri" in preview
    assert "lahkumine jõustunud" in preview
    assert "Uus pealkiri" not in (await desk.get(f"/alerts/{MINE_BAN}?lang=et")).text
    async with database.transaction() as session:
        draft = await keeping.read(session, await find(session, mari, MINE_BAN))
        await assembling.publish(session, draft, state=AlertState.PUBLISHED, by=mari.email)
    async with database.reading() as session:
        alert = await alerts.by_slug(session, MINE_BAN)
        words = translated.words(alert, "et")
        assert (words.title, words.reviewed) == ("Uus pealkiri", True)
        assert words.prompts[0].language == "en"  # half a list is not mixed into English
        assert words.content["begun"].keys() == {"prompts.1", "prompts.3", "prompts.4"}
    page = (await desk.get(ESTONIAN)).text
    assert form_of(page, PART)["prompts.1"].startswith("Mis tööd")


async def test_nothing_changes_when_nothing_was_typed(
    desk: httpx.AsyncClient, database: Database
) -> None:
    for language in ("et", "lv", "lt", "pl", "fi"):
        path = f"{EDIT}/languages/{language}"
        fields = form_of((await desk.get(path)).text, f"translation.{language}")
        assert (await desk.post(path, data=fields)).status_code == 303
    assert await saved(database) == []


async def test_a_text_older_than_its_english_is_told_until_somebody_says_it_is_right(
    desk: httpx.AsyncClient,
) -> None:
    call = form_of((await desk.get(EDIT)).text, "call")
    await desk.post(f"{EDIT}/call", data=call | {"call-summary": "Another summary."})
    assert "one text is older than the English" in (await desk.get(EDIT)).text
    page = (await desk.get(ESTONIAN)).text
    assert page.count("the English has changed") == 1
    await post(desk, {"title": "Teine pealkiri"})
    assert 'id="right-summary"' in (await desk.get(ESTONIAN)).text
    await post(desk, {"right-summary": "on"})
    assert "the English has changed" not in (await desk.get(ESTONIAN)).text


async def test_english_that_changes_while_one_translates_is_told(
    desk: httpx.AsyncClient,
) -> None:
    opened = form_of((await desk.get(ESTONIAN)).text, PART)
    call = form_of((await desk.get(EDIT)).text, "call")
    await desk.post(f"{EDIT}/call", data=call | {"call-title": "Another title"})
    await desk.post(ESTONIAN, data=opened | {"title": "Vana pealkirja tõlge"})
    page = (await desk.get(ESTONIAN)).text
    assert 'id="right-title"' in page


async def test_who_comes_second_sees_both_and_loses_nothing(
    desk: httpx.AsyncClient, mari: Organiser
) -> None:
    opened = form_of((await desk.get(ESTONIAN)).text, PART)
    await desk.post(ESTONIAN, data=opened | {"title": "Esimese pealkiri"})
    mine = opened | {"title": "Teise pealkiri", "summary": "Minu"}
    told = await desk.post(ESTONIAN, data=mine, headers=BY_ITSELF)
    assert (told.status_code, told.json()["by"]) == (409, mari.email)
    shown = await desk.post(ESTONIAN, data=mine)
    assert shown.status_code == 409
    assert "<ins>Esimese </ins><del>Teise </del>" in shown.text
    again = form_of(shown.text, PART)
    assert (again["title"], again["summary"]) == ("Teise pealkiri", "Minu")
    assert (await desk.post(ESTONIAN, data=again)).status_code == 303
    assert 'value="Teise pealkiri"' in (await desk.get(ESTONIAN)).text


async def test_what_cannot_stand_is_told_at_its_place_and_blocks_and_what_is_missing_does_not(
    desk: httpx.AsyncClient,
) -> None:
    wrong = {"campaign.stages.voted.lead": "{name} lahkus", "share.1": "Ilma aadressita"}
    told = await post(desk, wrong, headers=BY_ITSELF)
    found = [one for one in told.json()["faults"]["languages"] if one["serious"]]
    notes = {one["href"]: one["sentence"] for one in found}
    assert notes == {
        "#campaign.stages.voted.lead": "only {country} and {date} can be filled in",
        "#share.1": "{url} is missing",
    }
    page = (await desk.get(EDIT)).text
    assert "2 things before it can be published" in page
    assert f'<a href="{ESTONIAN}#share.1">' in page
    preview = await desk.get(f"/organise/alerts/{MINE_BAN}/draft/page?language=et")
    assert preview.status_code == 200
    await post(desk, dict.fromkeys(wrong, ""))
    page = (await desk.get(EDIT)).text
    assert "Ready for the check-list" in page
    listed = (await desk.get(f"/organise/alerts/{MINE_BAN}/publish")).text
    assert "Estonian: 2 of" in listed
    assert f"{ESTONIAN}#" in listed


async def test_a_date_that_would_become_a_list_is_told(desk: httpx.AsyncClient) -> None:
    await post(desk, {"body": "18. märtsil 2025 soovitasid ministrid lahkuda."})
    assert "becomes a numbered list" in (await desk.get(ESTONIAN)).text
    await post(desk, {"body": "18\\. märtsil 2025 soovitasid ministrid lahkuda."})
    assert "becomes a numbered list" not in (await desk.get(ESTONIAN)).text


async def test_what_is_too_long_comes_back_whole_at_its_field(
    desk: httpx.AsyncClient, database: Database
) -> None:
    answer = await post(desk, {"title": "x" * 201, "summary": "Kokku"})
    assert answer.status_code == 422
    assert '<a href="#title">This is too long: at most 200 characters fit.' in answer.text
    assert "x" * 201 in answer.text
    assert await saved(database) == []


async def test_a_translation_that_is_emptied_is_taken_out(
    desk: httpx.AsyncClient, mari: Organiser, database: Database
) -> None:
    fields = form_of((await desk.get(ESTONIAN)).text, PART)
    kept = {name: text for name, text in fields.items() if name in {"form_token", "version"}}
    assert (await desk.post(ESTONIAN, data=kept)).status_code == 303
    assert form_of((await desk.get(ESTONIAN)).text, PART)["title"] == ""
    async with database.reading() as session:
        draft = await keeping.read(session, await find(session, mari, MINE_BAN))
        assert "et" not in draft.translations
        pack = await assembling.pack_of(session, draft)
        assert [one.language for one in pack.translations] == ["fi", "lt", "lv", "pl"]
    await post(desk, {"title": "Algus"})
    page = (await desk.get(ESTONIAN)).text
    assert 'value="Algus"' in page


async def test_a_page_of_before_the_last_sign_in_keeps_its_text(
    desk: httpx.AsyncClient, mari: Organiser, database: Database
) -> None:
    fields = form_of((await desk.get(ESTONIAN)).text, PART) | {"title": "Enne"}
    await enter(desk, database, mari)
    answer = await desk.post(ESTONIAN, data=fields)
    assert (answer.status_code, "press Save once more" in answer.text) == (403, True)
    assert form_of(answer.text, PART)["title"] == "Enne"


@pytest.mark.parametrize("language", ["en", "xx", "de", "%3Cb%3E"])
async def test_there_is_no_page_of_a_language_that_the_pages_do_not_speak(
    desk: httpx.AsyncClient, language: str
) -> None:
    assert (await desk.get(f"{EDIT}/languages/{language}")).status_code == 404


async def test_a_viewer_looks_and_does_not_touch(
    desk: httpx.AsyncClient, mari: Organiser, database: Database
) -> None:
    async with database.transaction() as session:
        (await session.get_one(Organiser, mari.id)).role = Role.VIEWER
    assert '<fieldset class="of-part" disabled>' in (await desk.get(ESTONIAN)).text
    assert (await post(desk, {"title": "Minu"})).status_code == 403
    assert await saved(database) == []


async def test_a_clone_speaks_the_same_languages(
    desk: httpx.AsyncClient, database: Database
) -> None:
    page = form_of((await desk.get(ESTONIAN)).text, PART)
    given = {"form_token": page["form_token"], "from": MINE_BAN}
    made = await desk.post("/organise/alerts/new/from", data=given)
    path = made.headers["location"]
    assert form_of((await desk.get(f"{path}/languages/et")).text, PART)["title"] == page["title"]
    async with database.reading() as session:
        rows = await session.scalars(select(DraftSection).where(DraftSection.name == PART))
        content = rows.one().content
        assert content["of"].keys() == content["texts"].keys()
        assert content["of"]["title"] == texts.seal((await alerts.by_slug(session, MINE_BAN)).title)
