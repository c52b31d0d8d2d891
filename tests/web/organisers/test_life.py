"""An alert's life at the organisers' desk, as a browser without scripts meets it."""

import re
from html import unescape
from weakref import WeakKeyDictionary

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app import clock
from app.campaigns.drafts import keeping
from app.campaigns.drafts.keeping import Draft
from app.db import Database
from app.models import (
    Alert,
    Approval,
    AuditLine,
    Contact,
    Letter,
    Organisation,
    Organiser,
    Role,
    SandboxMessage,
    Submission,
)
from app.settings import Settings
from tests.grounds.desk import PASSWORD, enter, hashed, token_in
from tests.grounds.rows import all_of

SLUG = "send-one-email"
DESK = f"/organise/alerts/{SLUG}"
PAGE = f"/alerts/{SLUG}"
TOKENS: WeakKeyDictionary[httpx.AsyncClient, str] = WeakKeyDictionary()  # by browser
FORM = {
    "name": "Jaan Tamm",
    "email": "jaan@example.org",
    "city": "Narva",
    "country": "EE",
    "consent": "on",
}


@pytest.fixture
def database_kind() -> str:
    """What is done below the pages is tested on both."""
    return "sqlite"


@pytest.fixture
async def alert(database: Database, furnished: None) -> Alert:
    """Written and never published, its addresses checked today."""
    async with database.transaction() as session:
        draft = update(Alert).where(Alert.slug == SLUG).values(state="draft", closes_at=None)
        await session.execute(draft)
        await session.execute(update(Contact).values(checked_on=clock.now().date()))
        return (await drafted(session)).alert


@pytest.fixture
async def mari_in(
    client: httpx.AsyncClient, mari: Organiser, alert: Alert, database: Database
) -> httpx.AsyncClient:
    await enter(client, database, mari)
    return client


@pytest.fixture
async def kati(database: Database) -> Organiser:
    return await another(database, "kati@example.org", Role.OWNER)


async def another(
    database: Database, email: str, role: Role, organisation_id: int = 1
) -> Organiser:
    somebody = Organiser(
        organisation_id=organisation_id,
        email=email,
        name=email.partition("@")[0].capitalize(),
        password_hash=hashed(PASSWORD),
        role=role,
        created_at=clock.now(),
    )
    async with database.transaction() as session:
        session.add(somebody)
    return somebody


async def browser_of(
    app: FastAPI, settings: Settings, database: Database, organiser: Organiser
) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app)
    opened = httpx.AsyncClient(transport=transport, base_url=settings.public_url)
    await enter(opened, database, organiser)
    return opened


async def drafted(session: AsyncSession) -> Draft:
    found = select(Alert).where(Alert.slug == SLUG)
    parts = (selectinload(Alert.campaign), selectinload(Alert.countries))
    return await keeping.read(session, (await session.scalars(found.options(*parts))).one())


async def save(session: AsyncSession, part: str, **typed: str) -> None:
    draft = await drafted(session)
    section = draft.sections[part]
    await keeping.save(
        session, draft.alert, part, section.content | typed, version=section.version, by="mari"
    )


async def press(browser: httpx.AsyncClient, act: str, **fields: str) -> httpx.Response:
    """A button of the alert's pages, with the token of the page."""
    if browser not in TOKENS:
        TOKENS[browser] = token_in((await browser.get("/organise")).text)
    return await browser.post(f"{DESK}/{act}", data={"form_token": TOKENS[browser], **fields})


async def publish(browser: httpx.AsyncClient, **fields: str) -> httpx.Response:
    """As somebody does who has the page of this moment before them."""
    page = (await browser.get(f"{DESK}/publish")).text
    seal = re.search(r'name="seal" value="([0-9a-f]+)"', page)
    return await press(browser, "publish", **({"seal": seal[1] if seal else ""} | fields))


def words(answer: httpx.Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


async def state_of(database: Database) -> str:
    (alert,) = await all_of(database, Alert, Alert.slug == SLUG)
    return str(alert.state)


async def test_a_rehearsal_is_seen_by_organisers_and_whoever_has_its_link_alone(
    mari_in: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    assert (await stranger.get(PAGE)).status_code == 404
    assert (await press(mari_in, "rehearse")).headers["location"] == f"{DESK}?done=rehearsal"
    seen = await mari_in.get(PAGE)
    assert "Rehearsal: no office is written to." in words(seen)
    assert seen.headers["x-robots-tag"].startswith("noindex")
    assert (await stranger.get(PAGE)).status_code == 404
    assert SLUG not in (await stranger.get("/")).text
    assert (await stranger.get(f"/api/v1/alerts/{SLUG}")).status_code == 404

    found = re.search(r'id="rehearsal-link" value="([^"]+)"', (await mari_in.get(DESK)).text)
    assert found
    assert (await stranger.get(unescape(found[1]))).status_code == 200
    assert (await stranger.get(PAGE)).status_code == 200  # the cookie remembers
    sent = await stranger.post(PAGE, data=FORM)
    assert sent.headers["location"].startswith(f"{PAGE}/look-in-your-mail")
    assert (await stranger.get(sent.headers["location"])).status_code == 200


async def test_another_alerts_link_and_another_organisations_organiser_see_nothing(
    mari_in: httpx.AsyncClient,
    stranger: httpx.AsyncClient,
    database: Database,
    app: FastAPI,
    settings: Settings,
) -> None:
    await press(mari_in, "rehearse")
    assert (await stranger.get(f"{PAGE}?rehearsal=send-one-email.guessed")).status_code == 404
    async with database.transaction() as session:
        other = Organisation(slug="other", name="Other", created_at=clock.now())
        session.add(other)
    jonas = await another(database, "jonas@example.org", Role.OWNER, other.id)
    async with await browser_of(app, settings, database, jonas) as his:
        assert (await his.get(PAGE)).status_code == 404
        assert (await his.get(f"{DESK}/publish")).status_code == 404
        assert (await press(his, "rehearse")).status_code == 404


async def test_a_form_of_a_rehearsal_keeps_its_own_delivery_and_a_test_persons_another(
    mari_in: httpx.AsyncClient, database: Database
) -> None:
    await press(mari_in, "rehearse")
    wrong = await press(mari_in, "test-people", test_people="kati@example.org\nno address")
    assert wrong.status_code == 422
    assert "This is not an email address: no" in words(wrong)
    assert "kati@example.org" in wrong.text
    await press(mari_in, "test-people", test_people="Kati@example.org\n")
    for email in ("jaan@example.org", "kati@example.org", "jaan@example.org"):
        await mari_in.post(PAGE, data=FORM | {"email": email})
    found = [one.delivery for one in await all_of(database, Submission)]
    assert found == ["rehearsal", "trial", "rehearsal"]
    assert {one.delivery for one in await all_of(database, Letter)} == {"rehearsal", "trial"}
    counts = (await mari_in.get(f"/api/v1/alerts/{SLUG}/counts")).status_code
    assert counts == 404


async def test_who_publishes_from_a_rehearsal_begins_at_nothing(
    mari_in: httpx.AsyncClient, database: Database
) -> None:
    await press(mari_in, "rehearse")
    await mari_in.post(PAGE, data=FORM)
    await publish(mari_in, way="reason", why="Nobody else is awake at this hour.")
    assert await state_of(database) == "published"
    assert {one.status for one in await all_of(database, Letter)} == {"cancelled"}
    counts = (await mari_in.get(f"/api/v1/alerts/{SLUG}/counts")).json()
    assert (counts["supporters"], counts["sent"]) == (0, 0)


async def test_an_open_point_takes_a_reason_of_some_length_and_keeps_it_on_record(
    mari_in: httpx.AsyncClient, database: Database
) -> None:
    listed = words(await mari_in.get(f"{DESK}/publish"))
    assert "To do Test letter" in listed
    assert "In order Addresses" in listed
    short = await publish(mari_in, way="reason", why="just so")
    assert short.status_code == 422
    assert "just so" in short.text
    assert await state_of(database) == "draft"
    without = await publish(mari_in)
    assert without.status_code == 422
    assert "ask a second organiser, or write down why" in words(without)
    done = await publish(mari_in, way="reason", why="The relay is tested every day.")
    assert done.headers["location"] == f"{DESK}?done=published"
    said = [line.sentence for line in await all_of(database, AuditLine)]
    assert "because: The relay is tested every day." in said[-1]


async def test_a_second_organiser_agrees_and_then_it_is_published(
    mari_in: httpx.AsyncClient,
    kati: Organiser,
    database: Database,
    app: FastAPI,
    settings: Settings,
) -> None:
    asked = await publish(mari_in, way="ask", why="The letters are those of spring.")
    assert asked.headers["location"] == f"{DESK}/publish?done=asked"
    assert "You have asked a second organiser" in words(await mari_in.get(f"{DESK}/publish"))
    (approval,) = await all_of(database, Approval)
    own = await press(mari_in, "publish/answer", approval=str(approval.id), agreed="yes")
    assert own.status_code == 403  # not one's own question
    async with await browser_of(app, settings, database, kati) as hers:
        assert "The letters are those of spring." in words(await hers.get(DESK))
        assert "Do you agree?" in words(await hers.get(f"{DESK}/publish"))
        await press(hers, "publish/answer", approval=str(approval.id), agreed="yes")
    assert (await publish(mari_in)).headers["location"] == f"{DESK}?done=published"
    said = [line.sentence for line in await all_of(database, AuditLine)]
    assert said[-1].endswith("to which kati@example.org agreed")


async def test_a_draft_that_changes_has_to_be_asked_about_anew(
    mari_in: httpx.AsyncClient,
    kati: Organiser,
    database: Database,
    app: FastAPI,
    settings: Settings,
) -> None:
    await publish(mari_in, way="ask")
    old_seal = re.search(r'name="seal" value="(\w+)"', (await mari_in.get(f"{DESK}/publish")).text)
    async with database.transaction() as session:
        await save(session, "call", title="New")
    (approval,) = await all_of(database, Approval)
    async with await browser_of(app, settings, database, kati) as hers:
        late = await press(hers, "publish/answer", approval=str(approval.id), agreed="yes")
        assert late.status_code == 422
        assert "The draft has changed since this page was made." in words(late)
    assert old_seal
    stale = await press(mari_in, "publish", seal=old_seal[1])
    assert stale.status_code == 422
    assert await state_of(database) == "draft"


async def test_a_second_organiser_declines_with_words(
    mari_in: httpx.AsyncClient,
    kati: Organiser,
    database: Database,
    app: FastAPI,
    settings: Settings,
) -> None:
    await publish(mari_in, way="ask")
    (approval,) = await all_of(database, Approval)
    async with await browser_of(app, settings, database, kati) as hers:
        fields = {"approval": str(approval.id), "agreed": "no", "words": "Test it first."}
        await press(hers, "publish/answer", **fields)
    page = words(await mari_in.get(f"{DESK}/publish"))
    assert "kati@example.org declined." in page
    assert "Test it first." in page
    assert (await publish(mari_in)).status_code == 422


async def test_the_test_letters_come_to_me_and_close_their_point(
    mari_in: httpx.AsyncClient, database: Database
) -> None:
    sent = await press(mari_in, "test-letters", sample="1")
    assert "All 5 letters left for mari@example.org." in words(sent)
    kept = await all_of(database, SandboxMessage)
    assert {(one.rcpt_to, one.organisation_id) for one in kept} == {("mari@example.org", 1)}
    assert all(b"X-Intended-Recipient: " in one.raw for one in kept)
    assert await all_of(database, Letter) == []
    assert "In order Test letter" in words(await mari_in.get(f"{DESK}/publish"))
    async with database.transaction() as session:
        source = (await drafted(session)).letters["EE.en"]
        await save(session, "letter:EE.en", source=source.replace("Dear", "Dearest", 1))
    assert "To do Test letter" in words(await mari_in.get(f"{DESK}/publish"))


async def test_an_alert_is_closed_opened_again_won_and_archived(
    mari_in: httpx.AsyncClient, stranger: httpx.AsyncClient, database: Database
) -> None:
    await publish(mari_in, way="reason", why="All is well, believe me.")
    assert (await press(mari_in, "archive")).status_code == 409
    assert (await press(mari_in, "close")).headers["location"] == f"{DESK}?done=closed"
    assert "This action has ended" in words(await stranger.get(PAGE))
    assert (await press(mari_in, "close")).status_code == 409  # somebody was faster
    await press(mari_in, "reopen")
    assert "Your letters" in words(await stranger.get(PAGE))
    assert (await press(mari_in, "won", ending_words=" ")).status_code == 422
    await press(mari_in, "won", ending_words="Estonia stays. Thank you!")
    assert "Estonia stays. Thank you!" in words(await stranger.get(PAGE))
    await press(mari_in, "archive")
    assert SLUG not in (await stranger.get("/")).text
    assert (await stranger.get(f"{PAGE}/counts")).status_code == 200
    assert (await stranger.get(PAGE)).status_code == 200
    assert [line.sentence for line in await all_of(database, AuditLine)][1:] == [
        f"Closed the alert “{SLUG}”",
        f"Opened the alert “{SLUG}” again",
        f"Ended the alert “{SLUG}” as won: Estonia stays. Thank you!",
        f"Archived the alert “{SLUG}”",
    ]


async def test_what_is_unfinished_cannot_be_rehearsed_or_published_whatever_the_reason(
    mari_in: httpx.AsyncClient, database: Database
) -> None:
    async with database.transaction() as session:
        await save(session, "call", title="")
    answer = await press(mari_in, "rehearse")
    assert answer.headers["location"] == f"{DESK}/publish?done=unfinished"
    assert "Unfinished The alert is written" in words(await mari_in.get(f"{DESK}/publish"))
    async with database.reading() as session:
        seal = (await drafted(session)).seal
    forced = {"seal": seal, "way": "reason", "why": "I want it out today."}
    assert (await press(mari_in, "publish", **forced)).status_code == 422
    assert await state_of(database) == "draft"


async def test_a_viewer_presses_nothing(
    mari_in: httpx.AsyncClient, mari: Organiser, database: Database
) -> None:
    async with database.transaction() as session:
        (await session.get_one(Organiser, mari.id)).role = Role.VIEWER
    for act in ("rehearse", "publish", "close", "won", "test-people", "test-letters"):
        assert (await press(mari_in, act)).status_code == 403
    page = words(await mari_in.get(f"{DESK}/publish"))
    assert "Your role lets you look" in page
