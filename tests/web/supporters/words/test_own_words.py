"""Own words and whole letters on the alert's page: refused at the field, nothing lost."""

import html
import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from sqlalchemy import select, update

from app import clock
from app.db import Database
from app.languages import translations
from app.letters.words import prints
from app.models import Alert, AlertCountry, Letter, Submission, Target
from app.outbox import claims, queue
from app.settings import Settings, Switch
from app.tokens import CONFIRM, link_token
from app.web import gate
from app.web.supporters import desk
from app.wording import render
from tests.grounds.alerts import confirmed, filled, mine_ban, submitted
from tests.grounds.rows import all_of

PAGE = "/alerts/send-one-email"
FORM: dict[str, Any] = {
    "lists": "1",
    "seed": "7",
    "name": "Mari Mägi",
    "email": "mari@example.org",
    "city": "Tartu",
    "country": "EE",
    "consent": "on",
    "countries": ["EE"],
}
LETTERS = {"X-Fragment": "letters"}


@pytest_asyncio.fixture(autouse=True)
async def alert(database: Database, furnished: None) -> Alert:
    async with database.transaction() as session:
        await session.execute(update(Alert).values(editable=True, refused_words=["idiot*"]))
    return await mine_ban(database)


async def office(database: Database, country: str = "EE", role: str = "prime_minister") -> int:
    (found,) = await all_of(database, Target, Target.country == country, Target.role == role)
    return int(found.id)


async def form(database: Database, **changes: Any) -> dict[str, Any]:
    return FORM | {"offices": [str(await office(database))]} | changes


def field(page: str, name: str) -> str:
    """What stands in a field of the page."""
    area = re.search(rf'<textarea[^>]* name="{name}"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    line = re.search(rf'<input[^>]*name="{name}"[^>]*value="([^"]*)"', page)
    found = area or line
    assert found, name
    return html.unescape(found[1])


def edited(page: str, ref: int) -> dict[str, str]:
    """The fields of a letter that is being written anew, as a browser would post them."""
    parts = ("stage", "subject", "body", "begun")
    return {f"edit-{ref}-{part}": field(page, f"edit-{ref}-{part}") for part in parts}


async def test_what_a_letter_may_not_say_is_told_at_its_field_and_still_stands_there(
    client: httpx.AsyncClient, database: Database
) -> None:
    words = "Read www.example.org, you IDIOTS"
    typed = await form(database, own_words=words, subject="STOP MINES NOW YOU PEOPLE")
    answer = await client.post(PAGE, data=typed)
    assert answer.status_code == 422
    assert "“www.example.org” looks like a link" in answer.text
    assert "reads like shouting" in answer.text
    assert field(answer.text, "own_words") == words
    assert 'id="own_words-error"' in answer.text
    answer = await client.post(PAGE, data=typed | {"own_words": "Idiots!", "subject": ""})
    assert "another word for “Idiots”" in answer.text
    assert await all_of(database, Submission) == []


async def test_a_program_is_told_the_field_too(
    client: httpx.AsyncClient, database: Database
) -> None:
    body = {key: FORM[key] for key in ("name", "email", "city", "country")} | {"consent": True}
    path = f"/api/v1{PAGE}/submissions"
    answer = await client.post(path, json=body | {"own_words": "<b>Hello</b>"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["fields"] == {"own_words": "markup"}


async def test_a_letter_is_opened_changed_shown_and_kept_through_language_and_faults(
    client: httpx.AsyncClient, database: Database
) -> None:
    ref = await office(database)
    typed = await form(database)
    plain = (await client.post(f"{PAGE}/preview", data=typed)).text
    assert "edit-" not in plain
    opened = (await client.post(f"{PAGE}/preview", data=typed | {"edit": str(ref)})).text
    fields = edited(opened, ref)
    assert fields[f"edit-{ref}-body"].startswith("Dear Prime Minister,")
    # not touched: it follows what is filled in above
    other = typed | fields | {"name": "Jaan Tamm"}
    followed = (await client.post(f"{PAGE}/preview", data=other)).text
    assert "Jaan Tamm" in field(followed, f"edit-{ref}-body")
    mine = "Dear Prime Minister,\n\nplease come back.\n\n  Mari Mägi"
    typed |= fields | {f"edit-{ref}-body": mine.replace("\n", "\r\n")}
    for again in (
        await client.post(f"{PAGE}/preview?lang=et", data=typed),
        await client.post(PAGE, data=typed | {"city": ""}),
        await client.post(f"{PAGE}/preview", data=typed | {"offices": []}),
    ):
        assert field(again.text, f"edit-{ref}-body").replace("\r\n", "\n") == mine
    back = (await client.post(f"{PAGE}/preview", data=typed | {"ours": str(ref)})).text
    assert "edit-" not in back


async def test_a_letter_is_not_opened_before_what_stands_in_it_is_filled_in(
    client: httpx.AsyncClient, database: Database
) -> None:
    said = "A letter can be changed once your name, your city and your country are filled in"
    ref = await office(database)
    typed = await form(database)
    opened = edited(
        (await client.post(f"{PAGE}/preview", data=typed | {"edit": str(ref)})).text, ref
    )
    assert "your city" not in opened[f"edit-{ref}-body"]
    for lacking in ("name", "city", "country"):
        without = typed | {lacking: " "}
        # opened too early, and opened in time but emptied since
        for asked in ({"edit": str(ref)}, opened):
            page = (await client.post(f"{PAGE}/preview", data=without | asked)).text
            assert said in page
            assert f"edit-{ref}-body" not in page
    # what they wrote themselves stays, whatever is emptied above it
    theirs = opened | {f"edit-{ref}-body": "Please.\n\nMari Mägi, Tartu"}
    page = (await client.post(f"{PAGE}/preview", data=typed | theirs | {"city": ""})).text
    assert "Mari Mägi, Tartu" in field(page, f"edit-{ref}-body")


async def leaving(database: Database, settings: Settings) -> dict[int, str]:
    """What a worker would send, by office; each is what was confirmed."""
    async with database.transaction() as session:
        lease = timedelta(minutes=5)
        taken = await claims.claim(
            session, worker="w", delivery="sandbox", limit=5, lease=lease, settings=settings
        )
    found = {}
    for one in taken:
        text = render.confirmed(one.letter, one.submission, one.target, one.template, one.country)
        assert text.sha256 == one.letter.text_sha256
        found[one.target.id] = text.body
    return found


async def test_a_letter_written_anew_is_what_leaves_and_the_others_have_the_own_words(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    ref, finnish = await office(database), await office(database, "FI")
    typed = await form(
        database, countries=["EE", "FI"], offices=[str(ref), str(finnish)], own_words="I fish."
    )
    opened = (await client.post(f"{PAGE}/preview", data=typed | {"edit": str(ref)})).text
    fields = edited(opened, ref)
    wrong = typed | fields | {f"edit-{ref}-body": "Nobody wrote this, see www.example.org"}
    answer = await client.post(PAGE, data=wrong)
    assert answer.status_code == 422
    assert f'href="#edit-{ref}-body"' in answer.text
    assert f'id="edit-{ref}-body-error"' in answer.text
    mine = "Dear Prime Minister,\n\nplease come back.\n\nMari Mägi"
    assert (
        await client.post(PAGE, data=typed | fields | {f"edit-{ref}-body": mine})
    ).status_code == 303
    (kept,) = await all_of(database, Submission)
    assert kept.edits == {
        str(ref): {"stage": "in_effect", "subject": fields[f"edit-{ref}-subject"], "body": mine}
    }
    page = (await client.get(f"/confirm/{link_token(settings, CONFIRM, kept.public_id)}")).text
    assert mine in html.unescape(page)
    assert page.count("I fish.") == 2  # in its field, and in the letter to Finland
    await confirmed(database, settings, kept.public_id)
    left = await leaving(database, settings)
    assert left[ref] == mine + "\n"
    assert "I fish." in left[finnish]


async def test_a_letter_whose_country_moved_on_shows_the_new_text_and_what_was_written(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    ref = await office(database)
    fields = {"stage": "voted", "subject": "Mine", "body": "Do not notify! Mari Mägi"}
    typed = await form(database) | {f"edit-{ref}-{key}": one for key, one in fields.items()}
    page = (await client.post(f"{PAGE}/preview", data=typed)).text
    assert "The country has moved on since you changed this letter" in page
    assert "Do not notify!" in page
    assert "Use what I wrote all the same" in page
    taken = (await client.post(f"{PAGE}/preview", data=typed | {"edit": str(ref)})).text
    assert field(taken, f"edit-{ref}-stage") == "in_effect"
    assert (await client.post(PAGE, data=typed)).status_code == 303
    (kept,) = await all_of(database, Submission)
    page = (await client.get(f"/confirm/{link_token(settings, CONFIRM, kept.public_id)}")).text
    assert "What you had written does not leave" in page
    assert "Do not notify!" in page
    assert "Dear Prime Minister," in page


async def test_where_letters_may_not_be_written_anew_nothing_offers_or_takes_it(
    client: httpx.AsyncClient, database: Database
) -> None:
    async with database.transaction() as session:
        await session.execute(update(Alert).values(editable=False))
    ref = await office(database)
    typed = await form(database) | {f"edit-{ref}-subject": "x", f"edit-{ref}-body": "www.a.ee"}
    page = (await client.post(f"{PAGE}/preview", data=typed | {"edit": str(ref)})).text
    assert "Change this letter" not in page
    assert "edit-" not in page
    assert (await client.post(PAGE, data=typed)).status_code == 303
    (kept,) = await all_of(database, Submission)
    assert kept.edits == {}


async def test_each_letter_says_how_unlike_others_it_is_once_enough_were_sent(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    said = "One sentence of your own makes it stand out"
    typed = await form(database)
    for number in range(10):
        one = filled(email=f"p{number}@example.org", countries=["EE"], seed=7)
        kept = await submitted(database, settings, alert, one)
        await confirmed(database, settings, kept.public_id)
    page = (await client.post(f"{PAGE}/preview", data=typed, headers=LETTERS)).text
    assert said not in page
    async with database.transaction() as session:
        ids = (await session.scalars(select(Letter.id))).all()
        await queue.take(session, ids, worker="w", lease_until=clock.now() + timedelta(minutes=5))
        await queue.move(
            session, [Letter.id.in_(ids)], frm=queue.SENDING, to=queue.ACCEPTED, by="w"
        )
    with clock.held(clock.now() + 2 * prints.FRESH):
        page = (await client.post(f"{PAGE}/preview", data=typed, headers=LETTERS)).text
        assert said in page
        own = {
            "own_words": " ".join(f"My {n}th story is of lake number {n * 7}." for n in range(30))
        }
        page = (await client.post(f"{PAGE}/preview", data=typed | own, headers=LETTERS)).text
    assert "Yours is unlike 100 % of the letters sent to this office" in html.unescape(page)
    assert said not in page


async def test_a_postal_address_is_asked_for_by_the_offices_that_want_it_alone(
    client: httpx.AsyncClient, database: Database
) -> None:
    lacks = "may leave a letter without a postal address unread"
    pm, president = await office(database, "LV"), await office(database, "LV", "president")
    async with database.transaction() as session:
        await session.execute(
            update(AlertCountry).where(AlertCountry.country == "PL").values(postal_address="")
        )
        await session.execute(
            update(AlertCountry)
            .where(AlertCountry.country == "LV")
            .values(postal_address_roles=["president"], language_note_roles=["president"])
        )
    page = (await client.get(PAGE)).text
    assert f'data-wanted-by="LV:{president} "' in page
    typed = FORM | {"countries": ["LV"], "offices": [str(pm), str(president)]}
    sheets = (await client.post(f"{PAGE}/preview", data=typed, headers=LETTERS)).text.split(
        'data-sheet="'
    )
    told = {int(one.split('"')[0]): lacks in one for one in sheets[1:]}
    noted = {int(one.split('"')[0]): "formal submissions in Latvian" in one for one in sheets[1:]}
    assert told == noted == {pm: False, president: True}
    typed |= {"postal_address": "Raiņa bulvāris 1\nRīga"}
    page = (await client.post(f"{PAGE}/preview", data=typed, headers=LETTERS)).text
    assert lacks not in page
    assert page.count("Raiņa bulvāris 1") == 1
    assert (await client.post(PAGE, data=typed | {"offices": [str(pm)]})).status_code == 303
    (kept,) = await all_of(database, Submission)
    assert kept.postal_address == ""


async def test_the_confirm_page_says_once_more_that_an_address_is_missing(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert, filled(countries=["PL"]))
    page = (await client.get(f"/confirm/{link_token(settings, CONFIRM, kept.public_id)}")).text
    assert "may leave a letter without a postal address unread" in page


async def test_an_alert_without_prompts_asks_for_a_link_to_each_country(
    client: httpx.AsyncClient, database: Database
) -> None:
    async with database.transaction() as session:
        await session.execute(update(Alert).values(prompts=[]))
    page = (await client.get(PAGE)).text
    assert page.count("do you have a link to this country?") == 5


async def test_previews_have_their_limit_where_mail_leaves(
    client: httpx.AsyncClient, app: FastAPI, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "PREVIEWS", 2)
    typed = await form(database)
    app.state.settings.pacing = Switch.ON
    answers = [(await client.post(f"{PAGE}/preview", data=typed)).status_code for _ in range(3)]
    assert answers == [200, 200, 429]


async def test_whoever_writes_in_another_language_than_the_letters_is_told(
    client: httpx.AsyncClient, database: Database
) -> None:
    other = (
        "Your letters are in another language than this page: %(language)s. Your own words stand"
        " in them just as you write them, in whatever language."
    )
    assert other.partition(":")[0] not in (await client.get(f"{PAGE}?lang=en")).text
    page = html.unescape((await client.get(f"{PAGE}?lang=fi")).text)
    field = page.split('id="own"')[1].split('id="own_words"')[0]
    said = translations("fi").gettext(other)
    assert said % {"language": "<strong>englanti</strong>"} in field


def test_letters_in_several_languages_are_told_apart_by_their_countries() -> None:
    places: Any = [
        SimpleNamespace(
            country=SimpleNamespace(country=code, name=code),
            offices=[SimpleNamespace(template=SimpleNamespace(language=one)) for one in spoken],
        )
        for code, spoken in (("EE", ["en", "en"]), ("PL", ["pl", "en"]), ("LV", ["en"]), ("LT", []))
    ]
    words: Any = SimpleNamespace(country_name=lambda one: one.name)
    told = {"English": ["EE", "PL", "LV"], "Polish": ["PL"]}
    assert desk.letter_languages(places, words, "en") == told
    assert desk.letter_languages(places[:1], words, "en") == {}
    assert list(desk.letter_languages(places[:1], words, "pl")) == ["angielski"]


@pytest.mark.parametrize("field", ["name", "city", "postal_address", "subject", "own_words"])
async def test_a_field_too_long_is_named_where_the_letters_would_stand(
    client: httpx.AsyncClient, field: str
) -> None:
    typed = FORM | {field: "word " * 3000}
    page = html.unescape((await client.post(f"{PAGE}/preview", data=typed, headers=LETTERS)).text)
    label = {
        "name": "Your name",
        "city": "Your city",
        "postal_address": "Your postal address",
        "subject": "Your own subject line",
        "own_words": "Your own words",
    }[field]
    assert "0 letters" not in page
    assert f'<a href="#{field}">{label}</a>: This is too long' in page
