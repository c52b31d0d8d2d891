"""The editor: a draft is begun, saved part by part, never lost, and looked at from both sides."""

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import select

from app.accounts import organisations
from app.campaigns.drafts import keeping
from app.db import Database
from app.models import Alert, AuditLine, Campaign, DraftSection, Organiser, Role, StageStep
from app.web.organisers.alerts import find
from tests.grounds.alerts import MINE_BAN
from tests.grounds.databases import both
from tests.grounds.desk import enter, hashed, token_in
from tests.grounds.rows import all_of

EDIT = f"/organise/alerts/{MINE_BAN}/edit"
DRAFT = f"/organise/alerts/{MINE_BAN}/draft"
BY_ITSELF = {"X-Autosave": "1"}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def desk(
    client: httpx.AsyncClient, mari: Organiser, database: Database, furnished: None
) -> httpx.AsyncClient:
    """Her browser, signed in, where the first alert is."""
    await enter(client, database, mari)
    return client


class Fields(HTMLParser):
    """What a browser would post of the form of one part."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self.part, self.inside = part, False
        self.found: dict[str, Any] = {}
        self.name = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.inside = given.get("data-part") == self.part
        name = given.get("name") or ""
        if not self.inside or given.get("type") in {"checkbox", "radio"} and "checked" not in given:
            return
        if given.get("type") == "checkbox":  # several may share a name
            self.found[name] = [*self.found.get(name, []), given.get("value")]
        elif tag in {"input", "select", "textarea"}:
            self.found[name] = given.get("value") or ""
        if tag in {"select", "textarea"}:
            self.name = name
        if tag == "option" and "selected" in given:
            self.found[self.name] = given.get("value") or ""

    def handle_data(self, data: str) -> None:
        if self.lasttag == "textarea" and self.inside and self.name:
            self.found[self.name] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self.inside:
            self.found[self.name] = self.found[self.name].removeprefix("\n")
        if tag in {"textarea", "select"}:
            self.name = ""


def form_of(page: str, part: str) -> dict[str, Any]:
    fields = Fields(part)
    fields.feed(page)
    assert fields.found, part
    return fields.found


async def saved(database: Database) -> list[DraftSection]:
    async with database.reading() as session:
        return list(await session.scalars(select(DraftSection)))


async def post(desk: httpx.AsyncClient, part: str, **changes: Any) -> httpx.Response:
    """What stands in a part's form, and what was typed into it."""
    fields = form_of((await desk.get(EDIT)).text, part) | changes.pop("fields", {})
    return await desk.post(f"{EDIT}/{part}", data=fields, **changes)


@both
async def test_an_alert_begins_with_a_campaign_of_its_own(
    client: httpx.AsyncClient, mari: Organiser, database: Database
) -> None:
    await enter(client, database, mari)
    page = (await client.get("/organise/alerts/new")).text
    assert 'name="campaign"' not in page  # there is none to choose yet
    form = {"form_token": token_in(page), "title": "  Keep the  Rivers Open ", "steps": "a_treaty"}
    wrong = await client.post("/organise/alerts/new", data=form)
    assert wrong.status_code == 422
    assert "Please name the campaign" in wrong.text
    assert 'value="Keep the Rivers Open"' in wrong.text
    form |= {"campaign_title": "Rivers", "aim": "The banks stay open."}
    made = await client.post("/organise/alerts/new", data=form)
    assert made.headers["location"] == "/organise/alerts/keep-the-rivers-open/edit"
    (campaign,) = await all_of(database, Campaign)
    assert [stage["key"] for stage in campaign.stages] == [
        *("announced", "voted", "notified", "in_effect")
    ]
    (alert,) = await all_of(database, Alert)
    assert (alert.state, alert.title, alert.campaign_id) == (
        *("draft", "Keep the Rivers Open"),
        campaign.id,
    )
    assert [line.sentence for line in await all_of(database, AuditLine)] == [
        "Began the campaign “rivers”: Rivers",
        "Began the alert “keep-the-rivers-open”: Keep the Rivers Open",
    ]
    page = (await client.get(made.headers["location"])).text
    assert "Choose at least one country to write to." in page
    for path in ("draft/page", "draft/letter", "draft/forecast"):
        shown = await client.get(f"/organise/alerts/keep-the-rivers-open/{path}")
        assert shown.status_code == 200
    assert (await client.get("/alerts/keep-the-rivers-open")).status_code == 404


async def test_an_alert_begins_from_another_one_or_in_its_campaign(
    desk: httpx.AsyncClient, database: Database
) -> None:
    page = (await desk.get("/organise/alerts/new")).text
    token = token_in(page)
    made = await desk.post("/organise/alerts/new/from", data={"form_token": token, "from": "x"})
    assert (made.status_code, "Please choose the alert" in made.text) == (422, True)
    given = {"form_token": token, "from": MINE_BAN}
    made = await desk.post("/organise/alerts/new/from", data=given)
    copy = (await desk.get(made.headers["location"])).text
    assert "Estonia joined the treaty in 2004." in copy
    given = {"form_token": token, "title": "New", "campaign": "keep-the-mine-ban-treaty"}
    made = await desk.post("/organise/alerts/new", data=given | {"kind": "guide"})
    assert made.status_code == 303
    guide = (await desk.get(made.headers["location"])).text
    assert ('data-part="texts"' in guide, 'data-part="sending"' in guide) == (True, False)
    given = {"form_token": token, "title": "New", "campaign": "somebody-elses"}
    assert (await desk.post("/organise/alerts/new", data=given)).status_code == 422
    assert len(await all_of(database, Campaign)) == 1


@both
async def test_a_part_is_saved_and_shown_and_the_public_page_stays(
    desk: httpx.AsyncClient, database: Database
) -> None:
    typed = {"call-title": "A new title", "call-body": "Now **this**.\r\n\r\n<script>x</script>"}
    answer = await post(desk, "call", fields=typed)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{EDIT}?saved=call#call")
    page = (await desk.get(answer.headers["location"])).text
    assert 'value="A new title"' in page
    assert ">Saved</span>" in page
    shown = (await desk.get(f"{DRAFT}/page")).text
    assert "Now <strong>this</strong>." in shown
    assert "<script>x" not in shown
    assert "A new title" not in (await desk.get(f"/alerts/{MINE_BAN}")).text
    (line,) = await all_of(database, AuditLine)
    assert line.sentence == f"Wrote at the draft of “{MINE_BAN}”: call"
    await post(desk, "call", fields=typed | {"call-summary": "Again"})
    assert len(await all_of(database, AuditLine)) == 1  # within the hour it is the same work


async def test_nothing_changes_when_nothing_was_typed(
    desk: httpx.AsyncClient, database: Database
) -> None:
    for part in ("call", "dates", "countries", "sending", "sharing", "resources"):
        assert (await post(desk, part)).status_code == 303
    assert await saved(database) == []


async def test_the_page_saves_by_itself_and_is_told_what_is_missing(
    desk: httpx.AsyncClient,
) -> None:
    answer = await post(desk, "call", fields={"call-title": ""}, headers=BY_ITSELF)
    assert answer.status_code == 200
    told = answer.json()
    assert told["version"] == 1
    (note,) = told["faults"]["call"]
    assert (note["href"], note["serious"]) == ("#call-title", True)
    page = (await desk.get(EDIT)).text
    assert "One thing before it can be published" in page
    assert f'<a href="#call-title">{note["sentence"]}</a>' in page


async def test_who_comes_second_sees_both_and_loses_nothing(
    desk: httpx.AsyncClient, mari: Organiser, database: Database
) -> None:
    opened = form_of((await desk.get(EDIT)).text, "call")
    await desk.post(f"{EDIT}/call", data=opened | {"call-title": "The title of the first"})
    mine = opened | {"call-title": "The title of the second", "call-summary": "Mine"}
    told = await desk.post(f"{EDIT}/call", data=mine, headers=BY_ITSELF)
    assert (told.status_code, told.json()["by"]) == (409, mari.email)
    both_shown = await desk.post(f"{EDIT}/call", data=mine)
    assert both_shown.status_code == 409
    assert "mari@example.org saved this part while you were writing" in both_shown.text
    assert "<ins>first</ins><del>second</del>" in both_shown.text
    again = form_of(both_shown.text, "call")
    assert (again["call-title"], again["call-summary"]) == ("The title of the second", "Mine")
    assert (await desk.post(f"{EDIT}/call", data=again)).status_code == 303
    assert 'value="The title of the second"' in (await desk.get(EDIT)).text


async def test_what_is_too_long_comes_back_whole_at_its_field(
    desk: httpx.AsyncClient, database: Database
) -> None:
    pasted = "x" * 5_000_000
    fields = form_of((await desk.get(EDIT)).text, "call") | {"call-body": pasted}
    form = {"content": urlencode(fields), "headers": {"Content-Type": FORM}}
    answer = await desk.post(f"{EDIT}/call", **form)
    assert answer.status_code == 422
    assert '<a href="#call-body">This is too long: at most 60000 characters fit.' in answer.text
    assert pasted in answer.text
    form["headers"] |= BY_ITSELF
    told = await desk.post(f"{EDIT}/call", **form)
    assert list(told.json()["errors"]) == ["call-body"]
    assert await saved(database) == []


async def test_a_page_of_before_the_last_sign_in_keeps_its_text(
    desk: httpx.AsyncClient, mari: Organiser, database: Database
) -> None:
    fields = form_of((await desk.get(EDIT)).text, "call") | {"call-title": "Typed before"}
    desk.cookies.clear()
    signed_out = await desk.post(f"{EDIT}/call", data=fields)
    assert (signed_out.status_code, "Typed before" in signed_out.text) == (401, True)
    await enter(desk, database, mari)
    told = await desk.post(f"{EDIT}/call", data=fields, headers=BY_ITSELF)
    assert told.status_code == 403
    answer = await desk.post(f"{EDIT}/call", data=fields)
    assert (answer.status_code, "press Save once more" in answer.text) == (403, True)
    again = form_of(answer.text, "call")
    assert again["form_token"] == told.json()["form_token"]
    assert (await desk.post(f"{EDIT}/call", data=again)).status_code == 303
    assert 'value="Typed before"' in (await desk.get(EDIT)).text


async def test_countries_are_picked_from_the_directory_and_stand_somewhere(
    desk: httpx.AsyncClient, database: Database
) -> None:
    page = (await desk.get("/organise/alerts/new")).text
    form = {"title": "Ports", "campaign": "new", "campaign_title": "Ports", "aim": "They open."}
    form["form_token"] = token_in(page)
    path = (await desk.post("/organise/alerts/new", data=form)).headers["location"]
    page = (await desk.get(path)).text
    assert '<option value="EE">Estonia: 7 offices, 0 checked</option>' in page
    fields = form_of(page, "countries") | {"add": "EE"}
    added = await desk.post(f"{path}/countries", data=fields)
    page = (await desk.get(added.headers["location"])).text
    assert "At no stage yet" in page
    assert f'<a href="{path}/letters/EE.et">Estonian' in page
    for _ in range(2):
        await desk.post(f"{path}/standing", data={"form_token": token_in(page)})
    steps = [one for one in await all_of(database, StageStep) if one.stage == "open"]
    assert [(one.country, one.what) for one in steps] == [("EE", "They open.")]
    assert "At no stage yet" not in (await desk.get(path)).text
    letter = await desk.get(f"{path}/letter?country=EE&language=fr")
    assert letter.headers["location"] == f"{path}/letters/EE.fr"
    assert (await desk.get(f"{path}/letter?country=../&language=fr")).status_code == 404


async def test_a_letter_is_tried_on_for_any_country_stage_and_supporter(
    desk: httpx.AsyncClient, mari: Organiser, database: Database
) -> None:
    asked = "country=LV&language=lv&stage=voted&role=president&sample=1"
    page = (await desk.get(f"{DRAFT}/letter?{asked}")).text
    assert "Jānis Bērziņš (via" in page
    assert "My grandfather cleared mines" in page
    assert '<option value="voted" selected>' in page
    nonsense = "country=%3Cb&language=xx&stage=no&role=king&sample=99999"
    shown = await desk.get(f"{DRAFT}/letter?{nonsense}")
    assert (shown.status_code, "Dear Prime Minister" in shown.text) == (200, True)
    async with database.transaction() as session:
        alert = await find(session, mari, MINE_BAN)
        draft = await keeping.read(session, alert)
        section = draft.sections["letter:LV.lv"]
        broken = {"source": section.content["source"].replace("{{ closing }}", "{{ clsing }}")}
        await keeping.save(
            session, alert, section.name, broken, version=section.version, by="mari@example.org"
        )
    page = (await desk.get(f"{DRAFT}/letter?{asked}")).text
    assert "This letter does not work yet" in page
    assert re.search(r"Line \d\d: .*clsing", page)
    assert "does not work yet" in (await desk.get(EDIT)).text


async def test_the_preview_may_stand_in_our_own_frame_and_takes_nothing(
    desk: httpx.AsyncClient,
) -> None:
    page = await desk.get(f"{DRAFT}/page")
    assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
    assert '<fieldset disabled class="as-shown">' in page.text
    assert "Sign out" not in page.text
    assert "frame-ancestors 'none'" in (await desk.get(EDIT)).headers["content-security-policy"]
    resources = {"resources-0-on": "last week", "resources-0-url": "javascript:alert(1)"}
    await post(desk, "resources", fields=resources)
    shown = await desk.get(f"{DRAFT}/page")
    assert (shown.status_code, "javascript:" in shown.text) == (200, False)
    told = (await desk.get(f"{DRAFT}/forecast")).text
    assert "1,000 supporters: the last letter leaves" in told


async def test_a_viewer_looks_and_does_not_touch(
    desk: httpx.AsyncClient, mari: Organiser, database: Database
) -> None:
    async with database.transaction() as session:
        (await session.get_one(Organiser, mari.id)).role = Role.VIEWER
    page = await desk.get(EDIT)
    assert (page.status_code, '<fieldset class="of-part" disabled>' in page.text) == (200, True)
    answer = await post(desk, "call", fields={"call-title": "Mine"})
    assert answer.status_code == 403
    assert (await desk.get("/organise/alerts/new")).status_code == 403
    assert await saved(database) == []


async def test_another_organisation_finds_nothing_here(
    desk: httpx.AsyncClient, database: Database
) -> None:
    fields = form_of((await desk.get(EDIT)).text, "call")
    async with database.transaction() as session:
        other = await organisations.add(session, "Others")
        stranger = Organiser(
            organisation_id=other.id,
            email="else@example.org",
            name="Else",
            password_hash=hashed("another long password"),
            role=Role.OWNER,
            created_at=other.created_at,
        )
        session.add(stranger)
    await enter(desk, database, stranger)
    for path in (EDIT, f"{DRAFT}/page", f"{DRAFT}/letter", f"{DRAFT}/forecast"):
        assert (await desk.get(path)).status_code == 404
    assert (await desk.post(f"{EDIT}/call", data=fields)).status_code == 404
    token = token_in((await desk.get("/organise/alerts/new")).text)
    given = {"form_token": token, "from": MINE_BAN}
    assert (await desk.post("/organise/alerts/new/from", data=given)).status_code == 422
    form = {"form_token": token, "title": "T", "campaign": "keep-the-mine-ban-treaty"}
    assert (await desk.post("/organise/alerts/new", data=form)).status_code == 422


async def test_there_is_no_part_nobody_knows(desk: httpx.AsyncClient) -> None:
    token = token_in((await desk.get(EDIT)).text)
    for part in ("texts", "letter:EE.et", "nothing"):
        assert (await desk.post(f"{EDIT}/{part}", data={"form_token": token})).status_code == 404
