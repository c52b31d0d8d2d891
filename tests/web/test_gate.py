"""What stands before every route, and what a visitor is told when it does not open."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text
from structlog.testing import capture_logs

from app import clock, errors
from app.accounts import api_tokens, organisers
from app.db import Database
from app.models import Bucket, Freeze, RelayState, Role
from app.settings import Settings
from app.web import armour, gate
from tests.grounds import desk
from tests.grounds.alerts import confirmed, mine_ban, submitted
from tests.grounds.databases import both
from tests.grounds.desk import PASSWORD

HEALTH = ("/healthz", "/readyz", "/metrics")


async def test_every_answer_is_armoured(client: httpx.AsyncClient) -> None:
    for path in ("/docs", "/nothing-here", "/healthz"):
        headers = (await client.get(path)).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "strict-origin-when-cross-origin"


async def test_no_page_has_script_or_style_of_its_own(client: httpx.AsyncClient) -> None:
    for path in ("/docs", "/sandbox", "/organise/sign-in", "/nothing-here"):
        page = (await client.get(path)).text
        assert "<style" not in page
        assert " style=" not in page
        assert "<script>" not in page


async def test_an_unknown_address_gets_a_kind_page(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nothing-here")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


@both
async def test_an_address_that_cannot_be_is_missing_like_any_other(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.get("/sandbox/not-a-number")).status_code == 404


@pytest.mark.parametrize(
    ("refusal", "status", "said"),
    [
        (errors.AlertNotOpen(datetime(2026, 12, 24, tzinfo=UTC)), 403, "24 December 2026"),
        (errors.TooMany(61), 429, "in 2 minutes"),
        (errors.FormRefused({"why": "missing"}), 422, "<code>why</code>: missing"),
        (errors.TemplateBroken("EE.en.txt", 7, "no {% endif %}"), 422, "Line 7: no {% endif %}"),
        (errors.RowRefused("estonia.csv", 3, "no address"), 422, "estonia.csv, line 3: no address"),
        (errors.SettingsRefused("100 % unsafe"), 422, "100 % unsafe"),
    ],
)
async def test_a_refusal_of_the_domain_becomes_a_page_that_says_why(
    app: FastAPI, client: httpx.AsyncClient, refusal: errors.Refusal, status: int, said: str
) -> None:
    async def refuse() -> None:
        raise refusal

    app.get("/refuse")(refuse)
    answer = await client.get("/refuse")
    assert (answer.status_code, said in answer.text) == (status, True)


async def test_a_program_gets_its_problem_as_json(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/nothing-here")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 404


async def test_a_head_request_is_a_get_without_its_body(client: httpx.AsyncClient) -> None:
    answer = await client.head("/docs")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_body_over_a_mebibyte_is_refused_with_a_page(client: httpx.AsyncClient) -> None:
    form = {"email": "x" * (armour.LARGEST_BODY + 1)}
    answer = await client.post("/organise/sign-in", data=form)
    assert answer.status_code == 413
    assert "nothing of it was stored" in answer.text


async def test_a_body_that_hides_its_length_is_refused_too(client: httpx.AsyncClient) -> None:
    async def endless():  # type: ignore[no-untyped-def]
        for _ in range(20):
            yield b"email=" + b"x" * 100_000

    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await client.post("/organise/sign-in", content=endless(), headers=kind)
    assert answer.status_code == 413


async def test_a_style_sheet_is_kept_for_ever_under_its_digest(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    address = page.split('href="/static/')[1].split('"')[0]
    answer = await client.get(f"/static/{address}")
    assert "immutable" in answer.headers["cache-control"]
    old = await client.get(f"/static/000000000000/{address.split('/')[1]}")
    assert old.headers["cache-control"] == "no-cache"
    assert (await client.get("/static/000000000000/%2e%2e/gate.py")).status_code == 404


async def test_the_log_does_not_keep_a_token(client: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        await client.get("/confirm/very-secret?lang=en")
        await client.post("/letters/very-secret/withdraw")
    assert [line["path"] for line in lines if line["event"] == "answered"] == [
        "/confirm/…",
        "/letters/…/withdraw",
    ]
    assert "very-secret" not in str(lines)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    ],
)
async def test_a_form_from_another_site_is_refused(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await client.post("/organise/sign-in", data={}, headers=headers)
    assert answer.status_code == 403
    assert "did not come from a page of ours" in answer.text


async def test_a_form_of_our_own_is_taken_from_old_browsers_too(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    ours: list[dict[str, str]] = [
        {"Sec-Fetch-Site": "same-origin", "Origin": settings.public_url},
        {"Origin": settings.public_url},
        {"Origin": "null"},
        {},
    ]
    for headers in ours:
        answer = await client.post("/organise/sign-in", data={"email": "x"}, headers=headers)
        assert answer.status_code == 401  # the password, not the door


@both
async def test_a_visitor_who_asks_too_often_is_told_when_to_come_back(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, settings: Settings
) -> None:
    settings.sign_ins_per_hour = 2
    for _ in range(2):
        assert (await client.post("/organise/sign-in", data={})).status_code == 401
    answer = await client.post("/organise/sign-in", data={})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 1800
    assert "in 30 minutes" in answer.text
    assert (await stranger.post("/organise/sign-in", data={})).status_code == 401


@pytest.mark.parametrize(
    ("visitors", "counted_as"),
    [
        # a provider gives one household a /56: two hundred and fifty-six networks
        (("2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:ff::1"), 1),
        (("2001:db8:0:1::1", "2001:db8:0:101::1"), 2),
        (("192.0.2.7", "192.0.2.8"), 2),
        # as a door that is open to both kinds calls those of the older one
        (("::ffff:192.0.2.7", "::ffff:192.0.2.8"), 2),
        (("::ffff:192.0.2.7", "192.0.2.7"), 1),
    ],
)
async def test_a_visitor_is_counted_by_the_network_that_one_household_has(
    app: FastAPI,
    settings: Settings,
    database: Database,
    visitors: tuple[str, ...],
    counted_as: int,
) -> None:
    for address in visitors:
        async with desk.browser(app, settings, client=(address, 40000)) as browser:
            await browser.post("/organise/sign-in", data={})
    async with database.reading() as session:
        keys = set(await session.scalars(select(Bucket.key)))
    assert len({key for key in keys if key.startswith("visitor:")}) == counted_as


@both
async def test_the_throttle_does_not_keep_an_address(
    client: httpx.AsyncClient, database: Database
) -> None:
    await client.post("/organise/sign-in", data={})
    async with database.reading() as session:
        keys = sorted(await session.scalars(select(Bucket.key)))
    assert [key.rpartition(":")[0] for key in keys] == ["sign-in", "visitor:sign-in"]
    assert not [key for key in keys if "127.0.0.1" in key]


async def _with_a_row_that_cannot_be_committed(app: FastAPI, database: Database) -> None:
    """A route whose INSERT is taken and whose COMMIT is refused."""
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE parent (id INTEGER PRIMARY KEY)"))
        await session.execute(
            text(
                "CREATE TABLE child (id INTEGER"
                " REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)"
            )
        )

    async def save(session: gate.Tx) -> str:
        await session.execute(text("INSERT INTO child (id) VALUES (99)"))
        return "saved"

    app.post("/save")(save)
    app.post("/api/save")(save)


@both
async def test_a_commit_that_fails_never_answers_ok_and_keeps_what_was_typed(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    await _with_a_row_that_cannot_be_committed(app, database)
    typed = {
        "name": "Mari <Mägi>",
        "own_words": "My uncle\nlost a leg.",
        "password": "kept-from-no-page",
    }
    with capture_logs() as lines:
        answer = await client.post("/save", data=typed)
    assert "Mägi" not in str(lines)
    assert answer.status_code == 503
    assert "nothing was sent" in answer.text
    assert "<dd>Mari &lt;Mägi&gt;</dd>" in answer.text
    assert '<form method="post" action="/save">' in answer.text
    assert 'name="own_words" value="My uncle\nlost a leg."' in answer.text
    assert "kept-from-no-page" not in answer.text
    async with database.reading() as session:
        assert not (await session.execute(text("SELECT id FROM child"))).all()


@both
async def test_a_program_hears_of_a_failed_commit_too(
    app: FastAPI, client: httpx.AsyncClient, database: Database
) -> None:
    await _with_a_row_that_cannot_be_committed(app, database)
    answer = await client.post("/api/save", json={})
    assert (answer.status_code, answer.json()["status"]) == (503, 503)
    assert answer.headers["retry-after"] == "5"


async def test_a_mistake_of_ours_is_a_page_and_says_so(
    app: FastAPI, client: httpx.AsyncClient, settings: Settings
) -> None:
    async def broken() -> None:
        raise ValueError("ours")

    app.get("/broken")(broken)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as outside:
        answer = await outside.get("/broken")
    assert answer.status_code == 500
    assert "This is our mistake, not yours" in answer.text
    assert "content-security-policy" in answer.headers


async def test_health_is_told_to_machines(client: httpx.AsyncClient) -> None:
    assert [(await client.get(path)).status_code for path in HEALTH] == [200, 200, 200]


async def test_metrics_are_not_told_to_strangers(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/metrics")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/organise/sign-in?next=%2Fmetrics"


async def test_metrics_are_for_nobody_without_a_name_where_others_are_served(
    app: FastAPI, settings: Settings, client: httpx.AsyncClient
) -> None:
    assert (await client.get("/metrics")).status_code == 200
    app.state.settings = settings.model_copy(update={"public_url": "https://write.example.org"})
    assert (await client.get("/metrics")).status_code == 303


async def test_metrics_want_a_token_for_counts(
    stranger: httpx.AsyncClient, database: Database
) -> None:
    async with database.transaction() as session:
        mari = await organisers.add(
            session, email="mari@example.org", name="Mari", password=PASSWORD, role=Role.OWNER
        )
        counts, _ = await api_tokens.make(session, mari, name="watch", scopes=["counts:read"])
        other, _ = await api_tokens.make(session, mari, name="write", scopes=["alerts:write"])
    for token, status in ((counts, 200), (other, 403), ("made up", 401)):
        answer = await stranger.get("/metrics", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status


@both
async def test_metrics_say_what_waits_and_what_stands_still(
    client: httpx.AsyncClient, database: Database, settings: Settings, furnished: None
) -> None:
    alert = await mine_ban(database)
    kept = await submitted(database, settings, alert)
    await confirmed(database, settings, kept.public_id)
    async with database.transaction() as session:
        session.add(RelayState(name="relay.example:587", failures=3, why="535 no"))
        session.add(Freeze(scope="alert", ref=alert.id, why="a look", by="mari", at=clock.now()))
    with clock.held(clock.now() + timedelta(minutes=30)):
        found = dict(
            line.rsplit(" ", 1)
            for line in (await client.get("/metrics")).text.splitlines()
            if not line.startswith("#")
        )
    assert found['one_email_letters{delivery="sandbox",status="queued"}'] == "5.0"
    assert 1_799 < float(found["one_email_oldest_notice_seconds"]) < 1_860
    assert found["one_email_oldest_due_letter_seconds"] == "0.0", "its alert is frozen"
    assert found['one_email_frozen{what="alert"}'] == "1.0"
    assert found['one_email_relay_failures{relay="relay.example:587"}'] == "3.0"


@both
async def test_a_database_behind_this_version_is_not_ready(
    client: httpx.AsyncClient, database: Database
) -> None:
    async with database.transaction() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert (await client.get("/healthz")).status_code == 200


async def test_the_api_is_described_without_another_host(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    assert "/api/v1/alerts/{slug}/submissions" in page
    assert 'id="alert-closed"' in page
    assert "https://" not in page
