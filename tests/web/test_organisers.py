"""The organisers' desk and the sandbox mailbox, as a browser without scripts meets them."""

from datetime import timedelta

import httpx
import pytest

from app import clock
from app.db import Database
from app.models import Alert, AuditLine, Freeze, Organisation, Organiser, Role, SandboxMessage
from app.outbox import freezes
from app.settings import Delivery, Settings
from tests.grounds.alerts import confirmed, mine_ban, submitted
from tests.grounds.databases import both
from tests.grounds.desk import PASSWORD, enter, sign_in, token_in
from tests.grounds.rows import all_of

DESK = "/organise/alerts/send-one-email"


@pytest.fixture
async def alert(database: Database, furnished: None) -> Alert:
    return await mine_ban(database)


@pytest.fixture
async def mari_in(
    client: httpx.AsyncClient, mari: Organiser, alert: Alert, database: Database
) -> httpx.AsyncClient:
    """Her browser, signed in."""
    await enter(client, database, mari)
    return client


async def test_signing_in_leads_to_the_page_that_was_asked_for(
    client: httpx.AsyncClient, mari: Organiser
) -> None:
    asked = await client.get("/organise")
    assert asked.headers["location"] == "/organise/sign-in?next=%2Forganise"
    answer = await sign_in(client, mari)
    assert (answer.status_code, answer.headers["location"]) == (303, "/organise")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    desk = await client.get("/organise")
    assert desk.status_code == 200
    assert desk.headers["cache-control"] == "no-store"


async def test_the_cookie_stays_on_https_where_the_public_address_is_https(
    client: httpx.AsyncClient, mari: Organiser, settings: Settings
) -> None:
    settings.public_url = "https://letters.example"
    answer = await sign_in(client, mari)
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("path", ["https://elsewhere.example", "//elsewhere.example", "/organiser"])
async def test_signing_in_never_leads_to_another_site(
    client: httpx.AsyncClient, mari: Organiser, path: str
) -> None:
    form = {"email": mari.email, "password": PASSWORD, "next": path}
    answer = await client.post("/organise/sign-in", data=form)
    assert answer.headers["location"] == "/organise"


async def test_a_wrong_password_keeps_the_address_and_lets_nobody_in(
    client: httpx.AsyncClient, mari: Organiser
) -> None:
    form = {"email": mari.email, "password": "wrong"}
    answer = await client.post("/organise/sign-in", data=form)
    assert answer.status_code == 401
    assert 'value="mari@example.org"' in answer.text
    assert (await client.get("/organise")).status_code == 303


async def test_signing_out_ends_it_on_our_side_too(mari_in: httpx.AsyncClient) -> None:
    cookies = dict(mari_in.cookies)
    token = token_in((await mari_in.get("/organise")).text)
    answer = await mari_in.post("/organise/sign-out", data={"form_token": token})
    assert answer.headers["location"] == "/organise/sign-in?done=signed-out"
    mari_in.cookies.update(cookies)
    assert (await mari_in.get("/organise")).status_code == 303


@both
async def test_the_desk_shows_what_each_alert_has_come_to(
    mari_in: httpx.AsyncClient, alert: Alert, database: Database, settings: Settings
) -> None:
    submission = await submitted(database, settings, alert)
    await confirmed(database, settings, submission.public_id)
    page = (await mari_in.get("/organise")).text
    assert alert.title in page
    assert '<td class="n" data-label="Supporters">1</td>' in page
    assert '<td class="n" data-label="Waiting">5</td>' in page


async def test_a_freeze_needs_a_reason(mari_in: httpx.AsyncClient, database: Database) -> None:
    token = token_in((await mari_in.get(DESK)).text)
    answer = await mari_in.post(f"{DESK}/freeze", data={"form_token": token, "why": "  "})
    assert answer.status_code == 422
    assert "Please say why" in answer.text
    assert await all_of(database, Freeze) == []


@both
async def test_an_alert_is_frozen_and_released_and_both_are_on_record(
    mari_in: httpx.AsyncClient, alert: Alert, database: Database
) -> None:
    form = {"form_token": token_in((await mari_in.get(DESK)).text), "why": "Wrong address?"}
    answer = await mari_in.post(f"{DESK}/freeze", data=form)
    assert answer.headers["location"] == f"{DESK}?done=frozen"
    page = (await mari_in.get(answer.headers["location"])).text
    assert "Wrong address?" in page
    assert "Wrong address?" in (await mari_in.get("/organise")).text
    await mari_in.post(f"{DESK}/release", data=form)
    (freeze,) = await all_of(database, Freeze)
    assert (freeze.ref, freeze.by, freeze.released_by) == (alert.id, *["mari@example.org"] * 2)
    assert [line.sentence for line in await all_of(database, AuditLine)] == [
        "Froze the alert “send-one-email”: Wrong address?",
        "Released the alert “send-one-email”",
    ]


@both
async def test_the_second_of_two_freezes_changes_nothing(
    mari_in: httpx.AsyncClient, alert: Alert, database: Database
) -> None:
    token = token_in((await mari_in.get(DESK)).text)
    async with database.transaction() as session:
        await freezes.freeze(session, scope="alert", ref=alert.id, why="First", by="kati")
    form = {"form_token": token, "why": "Second"}
    answer = await mari_in.post(f"{DESK}/freeze", data=form)
    assert answer.headers["location"] == f"{DESK}?done=unchanged"
    async with database.reading() as session:
        standing = await freezes.standing(session, "alert", alert.id)
    assert standing
    assert (standing.why, standing.by) == ("First", "kati")


async def test_a_form_without_its_token_does_nothing(
    mari_in: httpx.AsyncClient, database: Database
) -> None:
    for form in ({"why": "x"}, {"why": "x", "form_token": "guessed"}, {"form_token": "õ"}):
        assert (await mari_in.post(f"{DESK}/freeze", data=form)).status_code == 403
    assert await all_of(database, Freeze) == []


async def test_a_viewer_looks_and_does_not_touch(
    mari_in: httpx.AsyncClient, mari: Organiser, database: Database
) -> None:
    async with database.transaction() as session:
        viewer = await session.get_one(Organiser, mari.id)
        viewer.role = Role.VIEWER
    page = (await mari_in.get(DESK)).text
    assert "Freeze this alert" not in page
    form = {"form_token": token_in(page), "why": "x"}
    assert (await mari_in.post(f"{DESK}/freeze", data=form)).status_code == 403


@both
async def test_an_organiser_sees_the_alerts_of_their_own_organisation_only(
    mari_in: httpx.AsyncClient, mari: Organiser, database: Database
) -> None:
    async with database.transaction() as session:
        other = Organisation(slug="other", name="Other", created_at=clock.now())
        session.add(other)
        await session.flush()
        (await session.get_one(Organiser, mari.id)).organisation_id = other.id
    assert (await mari_in.get(DESK)).status_code == 404
    assert (await mari_in.get(f"{DESK}/counts")).status_code == 404
    assert "send-one-email" not in (await mari_in.get("/organise")).text


async def test_organisers_read_the_texts_nobody_has_reviewed(mari_in: httpx.AsyncClient) -> None:
    page = (await mari_in.get(f"{DESK}/letters")).text
    assert "Estonia, Eesti" in page
    assert "Not reviewed" in page
    assert "[salutations]" in page


@both
async def test_counts_open_for_an_alert_and_its_campaign(
    mari_in: httpx.AsyncClient, alert: Alert
) -> None:
    for path in (f"{DESK}/counts", f"/organise/campaigns/{alert.campaign.slug}/counts"):
        assert (await mari_in.get(path)).status_code == 200


@pytest.fixture
async def messages(database: Database) -> list[int]:
    """Fifty-one messages to one address and one to another."""
    raw = (
        "From: =?utf-8?q?Mari_M=C3=A4gi?= <letters@letters.example>\r\nTo: {to}\r\n"
        "Subject: Please stay\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\nDear Minister, <b>jääge</b>\r\n"
    )
    async with database.transaction() as session:
        rows = [
            SandboxMessage(
                received_at=clock.now() + timedelta(seconds=n),
                mail_from=f"letters+b-{n}@letters.example",
                rcpt_to=to,
                subject=f"Letter {n}",
                message_id=f"<{n}@letters.example>",
                raw=raw.format(to=to).encode(),
            )
            for n, to in enumerate(["one@office.example"] * 51 + ["two@office.example"])
        ]
        session.add_all(rows)
        await session.flush()
        return [row.id for row in rows]


@both
async def test_the_sandbox_shows_fifty_at_a_time_newest_first(
    client: httpx.AsyncClient, messages: list[int]
) -> None:
    first = (await client.get("/sandbox")).text
    assert "Letter 51" in first
    assert "Letter 2<" in first
    assert "Letter 1<" not in first
    older = (await client.get(f"/sandbox?address=&before={messages[2]}")).text
    assert "Letter 1<" in older
    assert "Letter 0<" in older


@both
async def test_the_sandbox_can_be_asked_for_one_address(
    client: httpx.AsyncClient, messages: list[int]
) -> None:
    page = (await client.get("/sandbox?address=TWO@office")).text
    assert "Letter 51" in page
    assert "Letter 50" not in page


async def test_a_sandbox_message_reads_like_a_letter_and_is_kept_raw(
    client: httpx.AsyncClient, messages: list[int]
) -> None:
    page = (await client.get(f"/sandbox/{messages[0]}")).text
    assert "Mari Mägi &lt;letters@letters.example&gt;" in page
    assert "Dear Minister, &lt;b&gt;jääge&lt;/b&gt;" in page
    raw = await client.get(f"/sandbox/{messages[0]}/raw")
    assert raw.headers["content-type"] == "text/plain; charset=utf-8"
    assert raw.content.startswith(b"From: =?utf-8?q?")
    assert (await client.get("/sandbox/999999")).status_code == 404


async def test_the_sandbox_is_closed_to_strangers(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, settings: Settings
) -> None:
    assert (await stranger.get("/sandbox")).status_code == 303
    elsewhere = {"Host": "rebound.example"}
    assert (await client.get("/sandbox", headers=elsewhere)).status_code == 303
    settings.public_url = "https://letters.example"
    assert (await client.get("/sandbox")).status_code == 303


async def test_the_sandbox_is_for_organisers_where_letters_really_leave(
    mari_in: httpx.AsyncClient, settings: Settings
) -> None:
    settings.delivery = Delivery.LIVE
    assert (await mari_in.get("/sandbox")).status_code == 200
    mari_in.cookies.clear()
    answer = await mari_in.get("/sandbox")
    assert answer.status_code == 403
    assert "The sandbox mailbox is closed" in answer.text
