"""The supporter's pages: what they show, and how they say no."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import event, update
from sqlalchemy.exc import OperationalError

from app import clock
from app.db import Database
from app.models import Alert, Freeze, Submission
from app.settings import Delivery, Settings, Switch
from tests.grounds.alerts import confirmed, mine_ban, submitted
from tests.grounds.databases import both
from tests.grounds.rows import all_of, statuses

PAGE = "/alerts/send-one-email"
FORM: dict[str, Any] = {
    "name": "Mari Mägi",
    "email": "mari@example.org",
    "city": "Tartu",
    "country": "EE",
    "consent": "on",
}


@pytest_asyncio.fixture(autouse=True)
async def alert(database: Database, furnished: None) -> Alert:
    return await mine_ban(database)


async def listed(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    """The form as the page would post it untouched, with these changes."""
    page = (await client.get(PAGE)).text
    found = {
        "lists": "1",
        "seed": re.findall(r'name="seed" value="(\d+)"', page)[0],
        "countries": re.findall(r'name="countries" value="(\w\w)"[^>]*checked', page),
        "offices": re.findall(r'name="offices" value="(\d+)"[^>]*checked', page),
    }
    return found | FORM | changes


async def test_the_page_leads_with_how_things_stand(client: httpx.AsyncClient) -> None:
    page = (await client.get(PAGE)).text
    assert "In effect since 27 December 2025: your letter asks Estonia to return" in page
    assert "In effect since 20 February 2026: your letter asks Poland to return" in page
    assert re.search(r"Part of this action since\s+<time[^>]*>2 April 2025", page)
    assert page.index("your letter asks Estonia") < page.index('name="email"')
    assert "Our text in that language still waits" in page
    # unreviewed text is for organisers only
    assert "Lugupeetud" not in page


async def test_the_small_default_is_one_letter_to_each_country(client: httpx.AsyncClient) -> None:
    form = await listed(client)
    assert form["countries"] == ["EE", "LV", "LT", "PL", "FI"]
    assert len(form["offices"]) == 5
    page = (await client.get(PAGE)).text
    assert len(re.findall(r'name="offices"', page)) == 32
    assert "Your 5 letters" in page


@both
async def test_the_preview_shows_the_letters_of_the_ticked_offices_and_keeps_nothing(
    client: httpx.AsyncClient, database: Database
) -> None:
    form = await listed(client, countries=["PL"], own_words="{{ 7*7 }} <b>bold</b>")
    page = (await client.post(f"{PAGE}/preview", data=form)).text
    assert "Your letter, as it will go out" in page
    assert "{{ 7*7 }} &lt;b&gt;bold&lt;/b&gt;" in page
    assert 'value="Mari Mägi"' in page
    part = await client.post(f"{PAGE}/preview", data=form, headers={"X-Fragment": "letters"})
    assert part.text.lstrip().startswith("<h2")
    assert "<html" not in part.text
    assert await all_of(database, Submission) == []


async def test_a_faulty_form_comes_back_with_a_sentence_at_each_field_and_all_that_was_typed(
    client: httpx.AsyncClient, database: Database
) -> None:
    typed = "My own words, \u0627\u0644\u0633\u0644\u0627\u0645 🕊 & <i>"
    form = await listed(client, email="nonsense", city="", consent="", own_words=typed)
    answer = await client.post(PAGE, data=form)
    assert answer.status_code == 422
    assert "This does not look like an email address" in answer.text
    assert "Please write your city" in answer.text
    assert "without your consent we send nothing" in answer.text
    assert 'value="nonsense"' in answer.text
    assert "🕊 &amp; &lt;i&gt;" in answer.text
    assert re.search(r'id="email"[^>]*aria-describedby="[^"]*email-error', answer.text)
    assert await all_of(database, Submission) == []


async def test_what_has_to_be_put_right_stands_once_above_in_the_order_of_the_page(
    client: httpx.AsyncClient,
) -> None:
    form = await listed(
        client, email="nonsense", city="", consent="", own_words="https://a.example"
    )
    page = (await client.post(PAGE, data=form)).text
    named = re.findall(r'<li><a href="#([a-z_-]+)">', page.split("errors-title")[2])
    assert named == ["email", "city", "own_words", "consent"]
    assert page.count("This does not look like an email address") == 2  # above, and at its field


async def test_a_country_or_an_office_is_missing(client: httpx.AsyncClient) -> None:
    for changes, said in (
        ({"countries": []}, "choose at least one country"),
        ({"offices": []}, "choose at least one office"),
        ({"countries": ["DE"]}, "does not write to that country"),
    ):
        answer = await client.post(PAGE, data=await listed(client, **changes))
        assert answer.status_code == 422
        assert said in answer.text


@both
async def test_the_answer_is_the_same_for_a_known_and_an_unknown_address(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert)
    await confirmed(database, settings, kept.public_id)
    form = await listed(client)
    known = await client.post(PAGE, data=form)
    unknown = await client.post(PAGE, data=form | {"email": "new@example.org"})
    assert known.status_code == unknown.status_code == 303
    caught = await client.post(PAGE, data=form | {"website": "http://spam.example"})
    kinds = {
        re.sub(r"=[\w-]{16}\.[\w-]{27}$", "=…", one.headers["location"])
        for one in (known, unknown, caught)
    }
    assert kinds == {f"{PAGE}/look-in-your-mail?for=…"}


async def test_a_machine_that_fills_the_hidden_field_gets_a_kind_nothing(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await client.post(PAGE, data=await listed(client, website="http://spam.example"))
    assert answer.status_code == 303
    assert await all_of(database, Submission) == []


@both
async def test_where_a_supporter_came_from_is_kept(
    client: httpx.AsyncClient, database: Database
) -> None:
    page = (await client.get(f"{PAGE}?utm_source=partner&evil=1")).text
    assert 'name="utm_source" value="partner"' in page
    assert "evil" not in page
    await client.post(PAGE, data=await listed(client, utm_source="partner"))
    (kept,) = await all_of(database, Submission)
    assert kept.source == {"utm_source": "partner"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/alerts/no-such-alert", 404),
        ("/alerts/no-such-alert/counts", 404),
    ],
)
async def test_what_is_not_there_is_a_kind_page(
    client: httpx.AsyncClient, path: str, status: int
) -> None:
    answer = await client.get(path)
    assert answer.status_code == status
    assert "There is nothing here" in answer.text


async def test_what_is_not_there_in_a_frame_leads_out_of_it(client: httpx.AsyncClient) -> None:
    answer = await client.get("/alerts/no-such-alert/embed")
    assert answer.status_code == 404
    assert '/embed?lang=en">Back to the action' not in answer.text
    assert 'href="/" target="_blank" rel="noopener">To the open alerts' in answer.text


@both
async def test_a_closed_alert_can_be_read_and_takes_no_form(
    client: httpx.AsyncClient, database: Database
) -> None:
    form = await listed(client)
    async with database.transaction() as session:
        await session.execute(update(Alert).values(closes_at=clock.now() - timedelta(days=1)))
    page = await client.get(PAGE)
    assert page.status_code == 200
    assert "This action has ended" in page.text
    assert 'name="email"' not in page.text
    assert "your letter asks" not in page.text
    answer = await client.post(PAGE, data=form | {"country": "LV"})
    assert answer.status_code == 410
    assert "<dd>Latvia</dd>" in answer.text
    assert "Try again" not in answer.text
    assert await all_of(database, Submission) == []


async def test_a_frozen_alert_says_that_it_rests(
    client: httpx.AsyncClient, database: Database, alert: Alert
) -> None:
    form = await listed(client)
    async with database.transaction() as session:
        session.add(Freeze(scope="alert", ref=alert.id, why="x", by="y", at=clock.now()))
    assert "rests for a moment" in (await client.get(PAGE)).text
    assert (await client.post(PAGE, data=form)).status_code == 503


@both
async def test_a_form_is_durable_before_the_thank_you(
    client: httpx.AsyncClient, app: FastAPI, database: Database
) -> None:
    """With the database made to fail at commit, the page says so and keeps what was typed."""
    form = await listed(client, own_words="Not to be lost.")
    engine = app.state.database.engine.sync_engine

    def fail(connection: object) -> None:
        raise OperationalError("COMMIT", {}, Exception("the disk is full"))

    event.listen(engine, "commit", fail)
    try:
        answer = await client.post(PAGE, data=form)
    finally:
        event.remove(engine, "commit", fail)
    assert answer.status_code == 503
    assert "could not be saved" in answer.text
    assert "Not to be lost." in answer.text
    assert "Mari Mägi" in answer.text
    assert await all_of(database, Submission) == []
    assert (await client.post(PAGE, data=form)).status_code == 303


async def test_a_form_from_another_site_is_not_taken(
    client: httpx.AsyncClient, database: Database
) -> None:
    form = await listed(client)
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await client.post(PAGE, data=form, headers=headers)).status_code == 403
    assert await all_of(database, Submission) == []


@both
async def test_a_visitor_who_posts_too_often_is_asked_to_wait_where_mail_leaves(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    form = await listed(client)
    app.state.settings.pacing = Switch.ON
    app.state.settings.forms_per_hour = 2
    answers = [(await client.post(PAGE, data=form)).status_code for _ in range(3)]
    assert answers == [303, 303, 429]


@both
async def test_every_script_and_rubbish_in_every_field_is_an_answer_and_never_a_crash(
    client: httpx.AsyncClient,
) -> None:
    rubbish = [
        "{{ 7*7 }}",
        "=?utf-8?q?Hi=0ABcc:_x@example.org?=",
        "a\r\nBcc: x@example.org",
        "x" * 10_000,
        "👩‍👩‍👧‍👦🏳️‍🌈",
        "\u202eتحية שלום\u202c",
        "漢字 ไทย ქართული ᚠᚢᚦ Ελλάδα Кириллица हिन्दी",
        "\x00\x07\ud7ff",
        "' OR 1=1 --",
    ]
    base = await listed(client)
    for text in rubbish:
        for field in ("name", "city", "subject", "own_words", "postal_address", "email", "seed"):
            answer = await client.post(PAGE, data=base | {field: text})
            assert answer.status_code in {303, 422}, (field, text)
    for field in ("countries", "offices"):
        answer = await client.post(PAGE, data=base | {field: ["\x00", "9" * 40, "EE"]})
        assert answer.status_code == 422


async def test_the_guide_shows_its_texts_and_has_no_form(
    client: httpx.AsyncClient, database: Database
) -> None:
    from app.campaigns import packs
    from tests.grounds.alerts import ROOT

    async with database.transaction() as session:
        folder = ROOT / "templates" / "letters" / "urgent-action-request"
        await packs.put(session, packs.load_folder(folder), organisation_id=1)
    page = await client.get("/alerts/urgent-action-request")
    assert page.status_code == 200
    assert page.text.count("<blockquote") == 8
    assert "<form" not in page.text.split("<main", 1)[1].split("</main")[0]
    assert (await client.post("/alerts/urgent-action-request", data=FORM)).status_code == 404
    index = (await client.get("/")).text
    assert index.index("send-one-email") < index.index("urgent-action-request")


async def test_the_alert_page_weighs_under_a_hundred_kilobytes_in_all(
    client: httpx.AsyncClient,
) -> None:
    page = await client.get(PAGE, headers={"Accept-Encoding": "identity"})
    parts = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text))
    assert len(parts) >= 3
    weight = len(page.content)
    for part in parts:
        weight += len((await client.get(part, headers={"Accept-Encoding": "identity"})).content)
    assert weight < 100_000, weight


async def test_a_live_alert_without_a_checked_address_has_no_form_and_says_why(
    client: httpx.AsyncClient, app: FastAPI
) -> None:
    app.state.settings.delivery = Delivery.LIVE
    page = await client.get(PAGE)
    assert "No letter can go out just now" in page.text
    assert 'name="email"' not in page.text


async def test_a_field_over_its_limit_is_told_and_not_printed_thirty_times(
    client: httpx.AsyncClient,
) -> None:
    form = await listed(client, own_words="<" * 200_000)
    part = await client.post(f"{PAGE}/preview", data=form, headers={"X-Fragment": "letters"})
    assert "This is too long" in part.text
    assert len(part.content) < 10_000


async def test_a_refused_form_still_holds_what_was_typed(
    client: httpx.AsyncClient, database: Database, alert: Alert
) -> None:
    form = await listed(client, own_words="Typed while it was being frozen.")
    async with database.transaction() as session:
        session.add(
            Freeze(scope="alert", ref=alert.id, why="a private reason", by="y", at=clock.now())
        )
    answer = await client.post(PAGE, data=form)
    assert answer.status_code == 503
    assert "Typed while it was being frozen." in answer.text


@both
async def test_a_half_sent_form_holds_up_nobody(
    served: str, database: Database, settings: Settings, alert: Alert
) -> None:
    """A form that stops in the middle of a slow line must not hold the one writer of SQLite."""
    host, port = served.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = (
        f"POST {PAGE} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 5000\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\nname=Mari"
    )
    writer.write(head.encode())
    await writer.drain()
    await asyncio.sleep(0.3)
    async with asyncio.timeout(3):
        await submitted(database, settings, alert)
    writer.close()
    assert await statuses(database) == {"held": 5}


@both
@pytest.mark.parametrize(
    "path", ["/sandbox/99999999999999999999999", "/sandbox?before=" + "9" * 30]
)
async def test_a_number_too_big_for_the_database_is_no_crash(
    client: httpx.AsyncClient, path: str
) -> None:
    assert (await client.get(path)).status_code in {200, 404, 422}
