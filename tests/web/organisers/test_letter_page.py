"""A letter template in the browser: its form, its findings, and two who write it at once."""

from html import unescape

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from app import clock
from app.campaigns.drafts import keeping
from app.campaigns.drafts.keeping import Draft
from app.db import Database
from app.models import AuditLine, Campaign, LetterTemplate, Organisation, Organiser, Role
from app.web import ROUTERS
from app.web.organisers.alerts import find
from app.web.organisers.editor import letter_page, letters
from app.wording import letter_fields
from app.wording.letter_fields import LetterFields, VariantFields
from tests.grounds.alerts import mine_ban
from tests.grounds.desk import enter, token_in
from tests.grounds.rows import all_of

EDIT = "/organise/alerts/send-one-email/edit/letters"


@pytest.fixture
def database_kind() -> str:
    """What the pages say does not depend on the database."""
    return "sqlite"


@pytest.fixture
async def page(
    app: FastAPI, client: httpx.AsyncClient, database: Database, furnished: None, mari: Organiser
) -> httpx.AsyncClient:
    """Mari's browser."""
    if letters.router not in ROUTERS:
        app.include_router(letters.router)
    await enter(client, database, mari)
    return client


async def draft(database: Database, mari: Organiser) -> Draft:
    async with database.reading() as session:
        return await keeping.read(session, await find(session, mari, "send-one-email"))


def posted(fields: LetterFields, answer: httpx.Response, **changes: str) -> dict[str, object]:
    """The form of a page, as a browser posts it."""
    data: dict[str, object] = {"form_token": token_in(answer.text), "version": version(answer)}
    data |= {f"salutations.{role}": text for role, text in fields.salutations.items()}
    data |= {f"asks.{stage}": text for stage, text in fields.asks.items()}
    for place in letter_fields.PLACES:
        for n, one in enumerate(fields.variants(place), 1):
            data[f"{place}.{n}"] = one.text
            data[f"{place}.{n}.stages"] = list(one.stages)
            data[f"{place}.{n}.roles"] = list(one.roles)
    data |= {"body": fields.body, "note": fields.note}
    return data | ({"reviewed": "on"} if fields.reviewed else {}) | changes


def version(answer: httpx.Response) -> str:
    return answer.text.split('name="version" value="')[1].split('"')[0]


async def test_a_letter_saved_unchanged_is_the_same_and_one_changed_is_kept_and_on_record(
    page: httpx.AsyncClient, database: Database, mari: Organiser
) -> None:
    shown = await page.get(f"{EDIT}/EE.en")
    assert shown.status_code == 200
    before = (await draft(database, mari)).letters["EE.en"]
    fields = letter_fields.read(before)
    saved = await page.post(f"{EDIT}/EE.en", data=posted(fields, shown))
    assert saved.status_code == 303
    assert (await draft(database, mari)).letters["EE.en"] == before
    await page.post(
        f"{EDIT}/EE.en", data=posted(fields, shown, body="{{ ask }}\r\n<b>{{ name }}</b>")
    )
    assert letter_fields.read((await draft(database, mari)).letters["EE.en"]).body == (
        "{{ ask }}\n<b>{{ name }}</b>"
    )
    again = (await page.get(f"{EDIT}/EE.en")).text
    assert "&lt;b&gt;" in again
    assert "{{ own_words }} stands nowhere in the body" in unescape(again)
    said = [line.sentence for line in await all_of(database, AuditLine)]
    assert said[-1] == "Wrote at the draft of “send-one-email”: letter EE.en"


async def test_a_letter_written_by_hand_keeps_its_comments_when_nothing_was_typed(
    page: httpx.AsyncClient, database: Database, mari: Organiser
) -> None:
    source = (
        (await draft(database, mari)).letters["EE.en"].replace("[asks]", "# what we ask\n[asks]")
    )
    async with database.transaction() as session:
        row = await session.scalar(select(LetterTemplate).filter_by(country="EE", language="en"))
        assert row
        row.source = source
    shown = await page.get(f"{EDIT}/EE.en")
    fields = letter_fields.read(source)
    assert (await page.post(f"{EDIT}/EE.en", data=posted(fields, shown))).status_code == 303
    kept = await draft(database, mari)
    assert (kept.letters["EE.en"], kept.begun) == (source, False)


async def test_a_letter_that_was_emptied_can_still_be_opened_written_and_removed(
    page: httpx.AsyncClient, database: Database, mari: Organiser
) -> None:
    shown = await page.get(f"{EDIT}/EE.en/file")
    data = {"form_token": token_in(shown.text), "version": version(shown), "source": ""}
    assert (await page.post(f"{EDIT}/EE.en/file", data=data)).status_code == 303
    assert (await draft(database, mari)).letters["EE.en"] == ""
    shown = await page.get(f"{EDIT}/EE.en", follow_redirects=True)
    assert shown.status_code == 200
    assert "The first line is not +++" in unescape(shown.text)
    assert (await page.get(f"{EDIT}/EE.en/download")).status_code == 200
    data |= {"version": version(shown), "source": "+++"}
    assert (await page.post(f"{EDIT}/EE.en/file", data=data)).status_code == 303
    assert (await draft(database, mari)).letters["EE.en"] == "+++"


async def test_every_finding_stands_at_its_field_and_above_as_a_link_the_serious_first(
    page: httpx.AsyncClient, database: Database, mari: Organiser
) -> None:
    shown = await page.get(f"{EDIT}/EE.et?beside=en")
    fields = letter_fields.read((await draft(database, mari)).letters["EE.et"])
    changes = {"subjects.3": "{{ citi }}", "asks.voted": "", "salutations.speaker": ""}
    await page.post(f"{EDIT}/EE.et", data=posted(fields, shown, **changes))
    text = unescape((await page.get(f"{EDIT}/EE.et?beside=en")).text)
    for anchor, sentence in (
        ("subjects.3", "There is no variable “citi” here; did you mean “city”?"),
        ("asks.voted", "There is no ask for the stage “voted”."),
        ("salutations.speaker", "There is no salutation for the speaker."),
    ):
        assert f'<a href="#{anchor}">{sentence}</a>' in text
        assert f'id="told-{anchor}"><p class="error">{sentence}</p>' in text
    assert text.index('href="#asks.voted"') < text.index('href="#reviewed"')
    assert '<div class="words" lang="en">Please keep Estonia in the Mine Ban Treaty</div>' in text


async def test_reasons_have_a_place_of_their_own_and_one_more_is_kept_for_whom_it_is(
    page: httpx.AsyncClient, database: Database, mari: Organiser
) -> None:
    shown = await page.get(f"{EDIT}/EE.en")
    fields = letter_fields.read((await draft(database, mari)).letters["EE.en"])
    assert "Reasons, in an order that differs" in shown.text
    assert fields.reasons[0].text in unescape(shown.text)
    added = len(fields.reasons) + 1
    more = {f"reasons.{added}": "Peace.", f"reasons.{added}.roles": ["defence"]}
    data = posted(fields, shown, reviewed="on") | more
    assert (await page.post(f"{EDIT}/EE.en", data=data)).status_code == 303
    kept = letter_fields.read((await draft(database, mari)).letters["EE.en"])
    assert kept.reasons == (*fields.reasons, VariantFields("Peace.", roles=("defence",)))
    shown = await page.get(f"{EDIT}/EE.en")
    nowhere = posted(kept, shown, body=kept.body.replace("{{ reasons }}", ""))
    await page.post(f"{EDIT}/EE.en", data=nowhere)
    told = unescape((await page.get(f"{EDIT}/EE.en")).text)
    assert '<a href="#reasons">The reasons stand nowhere in the letter: write {{ reasons }}' in told


async def test_two_who_write_the_same_letter_are_shown_both_and_choose(
    page: httpx.AsyncClient, database: Database, mari: Organiser
) -> None:
    shown = await page.get(f"{EDIT}/EE.en")
    fields = letter_fields.read((await draft(database, mari)).letters["EE.en"])
    await page.post(f"{EDIT}/EE.en", data=posted(fields, shown, note="The first to save."))
    late = posted(fields, shown, note="The second to save.")
    both = await page.post(f"{EDIT}/EE.en", data=late)
    assert both.status_code == 409
    assert "<del>first" in both.text
    assert "<ins>second" in both.text
    assert "Save mine over theirs" in both.text
    assert letter_fields.read((await draft(database, mari)).letters["EE.en"]).note == (
        "The first to save."
    )
    quiet = await page.post(f"{EDIT}/EE.en", data=late, headers={"X-Autosave": "1"})
    assert quiet.status_code == 409
    assert quiet.json()["by"] == mari.email
    over = posted(fields, both, note="The second to save.")
    assert (await page.post(f"{EDIT}/EE.en", data=over)).status_code == 303
    assert letter_fields.read((await draft(database, mari)).letters["EE.en"]).note == (
        "The second to save."
    )


async def test_a_letter_that_saves_itself_is_answered_with_its_version_and_what_was_found(
    page: httpx.AsyncClient, database: Database, mari: Organiser
) -> None:
    shown = await page.get(f"{EDIT}/EE.en")
    fields = letter_fields.read((await draft(database, mari)).letters["EE.en"])
    # the form has an empty subject in the middle, and calls the next ones by their own numbers
    data = posted(fields, shown, **{"subjects.2": "", "subjects.4": "{{ 1 + 1 }}"})
    saved = await page.post(f"{EDIT}/EE.en", data=data, headers={"X-Autosave": "1"})
    assert saved.status_code == 200
    serious = [one for one in saved.json()["found"] if one["serious"]]
    assert [one["anchor"] for one in serious] == ["subjects.4"]
    follows = data | {"version": str(saved.json()["version"]), "subjects.4": "Peace"}
    again = await page.post(f"{EDIT}/EE.en", data=follows, headers={"X-Autosave": "1"})
    assert again.status_code == 200
    assert again.json()["found"] == []


@pytest.mark.parametrize("place", ["body", "subjects.2", "asks.voted"])
async def test_far_too_much_text_is_told_at_its_field_and_kept(
    page: httpx.AsyncClient, database: Database, mari: Organiser, place: str
) -> None:
    shown = await page.get(f"{EDIT}/EE.en")
    before = (await draft(database, mari)).letters["EE.en"]
    long = "Peace and {{ quiet. " * 60_000  # more than a form field usually takes
    data = posted(letter_fields.read(before), shown, **{place: long})
    refused = await page.post(f"{EDIT}/EE.en", data=data)
    assert refused.status_code == 422
    assert f'id="told-{place}"><p class="error">This is too long:' in refused.text
    assert long.strip() in refused.text
    assert (await draft(database, mari)).letters["EE.en"] == before


async def test_a_letter_in_another_language_begins_with_a_start_or_a_copy_and_is_unreviewed(
    page: httpx.AsyncClient, database: Database, mari: Organiser
) -> None:
    start = await page.get(f"{EDIT}/EE.fi")
    assert "Arvoisa pääministeri" in start.text
    assert "This letter is not written yet" in start.text
    assert "EE.fi" not in (await draft(database, mari)).letters
    copy = await page.get(f"{EDIT}/EE.fi?from=FI.fi")
    fields = letter_fields.read((await draft(database, mari)).letters["FI.fi"])
    assert fields.body.split("\n")[4][:40] in copy.text
    await page.post(f"{EDIT}/EE.fi", data=posted(fields, copy))
    assert "EE.fi" in (await draft(database, mari)).letters
    text = unescape((await page.get(f"{EDIT}/EE.fi")).text)
    assert "It is 100 % like the letter FI.fi" in text
    assert "draft/letter?framed=1&country=EE&language=fi" in text


async def test_another_letter_is_shown_beside_it_only_after_what_was_typed_is_saved(
    page: httpx.AsyncClient, database: Database, mari: Organiser
) -> None:
    shown = await page.get(f"{EDIT}/EE.en?beside=et")
    assert '<select id="beside" name="beside" form="letter">' in shown.text
    fields = letter_fields.read((await draft(database, mari)).letters["EE.en"])
    data = posted(fields, shown, note="Typed, then looked beside.", beside="-", show="beside")
    after = await page.post(f"{EDIT}/EE.en", data=data)
    assert after.headers["location"] == f"{EDIT}/EE.en?saved=letter&beside=-"
    assert "Typed, then looked beside." in (await draft(database, mari)).letters["EE.en"]
    data["version"] = version(await page.get(f"{EDIT}/EE.en"))
    points = await page.post(f"{EDIT}/EE.en", data=data | {"show": "score"})
    assert points.headers["location"] == f"{EDIT}/EE.en?saved=letter&beside=-&score=1"


@pytest.mark.parametrize("start", ["", "FI.fi"])
async def test_a_start_that_nobody_has_changed_is_not_kept_for_a_look_beside_it(
    page: httpx.AsyncClient, database: Database, mari: Organiser, start: str
) -> None:
    shown = await page.get(f"{EDIT}/EE.fi?from={start}")
    fields = letter_page.Shown.of(await draft(database, mari), "EE.fi", start).fields
    data = posted(fields, shown, beside="et", show="beside") | {"from": start}
    after = await page.post(f"{EDIT}/EE.fi", data=data)
    started = f"&from={start}" if start else ""
    assert after.headers["location"] == f"{EDIT}/EE.fi?beside=et{started}"
    assert "EE.fi" not in (await draft(database, mari)).letters
    await page.post(f"{EDIT}/EE.fi", data=data | {"body": f"{fields.body} Mine."})
    assert "EE.fi" in (await draft(database, mari)).letters


async def test_a_letter_is_removed_downloaded_and_written_as_a_file(
    page: httpx.AsyncClient, database: Database, mari: Organiser
) -> None:
    file = await page.get(f"{EDIT}/EE.en/download")
    assert file.headers["content-disposition"] == 'attachment; filename="EE.en.txt"'
    assert file.text == (await draft(database, mari)).letters["EE.en"]
    shown = await page.get(f"{EDIT}/EE.en/file")
    data = {"form_token": token_in(shown.text), "version": version(shown), "source": "+++\nbroken"}
    assert (await page.post(f"{EDIT}/EE.en/file", data=data)).status_code == 303
    broken = await page.get(f"{EDIT}/EE.en", follow_redirects=True)
    assert str(broken.url).endswith("/EE.en/file")
    assert "Line 2: No second +++ ends the front matter" in broken.text
    late = await page.post(f"{EDIT}/EE.en/file", data=data | {"source": file.text})
    assert late.status_code == 409
    assert "Save mine over theirs" in late.text
    much = data | {"version": version(broken), "source": "x" * 60_001}
    refused = await page.post(f"{EDIT}/EE.en/file", data=much)
    assert refused.status_code == 422
    assert "x" * 60_001 in refused.text
    gone = {"form_token": data["form_token"], "version": version(broken)}
    await page.post(f"{EDIT}/EE.en/remove", data=gone)
    assert "EE.en" not in (await draft(database, mari)).letters
    assert (await page.get(f"{EDIT}/EE.en")).status_code == 200


async def test_a_form_of_before_the_last_signing_in_is_kept_and_can_be_sent_again(
    page: httpx.AsyncClient, database: Database, mari: Organiser
) -> None:
    shown = await page.get(f"{EDIT}/EE.en")
    fields = letter_fields.read((await draft(database, mari)).letters["EE.en"])
    old = posted(fields, shown, note="Typed before.", form_token="of before")
    kept = await page.post(f"{EDIT}/EE.en", data=old)
    assert kept.status_code == 403
    assert "Typed before." in kept.text
    quiet = await page.post(f"{EDIT}/EE.en", data=old, headers={"X-Autosave": "1"})
    assert quiet.json() == {"form_token": token_in(kept.text)}


async def test_a_viewer_reads_and_changes_nothing_and_no_letter_has_a_strange_name(
    page: httpx.AsyncClient, database: Database, mari: Organiser
) -> None:
    for strange in ("EE", "ee.en", "EE.en.txt", "EE.english", "XX.e1"):
        assert (await page.get(f"{EDIT}/{strange}")).status_code == 404
    async with database.transaction() as session:
        (await session.get_one(Organiser, mari.id)).role = Role.VIEWER
    shown = await page.get(f"{EDIT}/EE.en")
    assert '<p class="save">' not in shown.text
    refused = await page.post(f"{EDIT}/EE.en", data={"form_token": token_in(shown.text)})
    assert refused.status_code == 403


async def test_no_other_organisation_sees_the_letter(
    page: httpx.AsyncClient, database: Database
) -> None:
    alert = await mine_ban(database)
    async with database.transaction() as session:
        session.add(Organisation(id=2, slug="others", name="Others", created_at=clock.now()))
        await session.flush()
        (await session.get_one(Campaign, alert.campaign_id)).organisation_id = 2
    for path in ("EE.en", "EE.en/file", "EE.en/download"):
        assert (await page.get(f"{EDIT}/{path}")).status_code == 404
