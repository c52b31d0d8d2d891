"""The second factor when signing in, and the tokens of programs."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import httpx
import pyotp
import pytest
from fastapi import Depends, FastAPI

from app import clock
from app.accounts import api_tokens, second_factor
from app.accounts.api_tokens import Scope
from app.db import Database
from app.models import ApiToken, AuditLine, Organiser, Role
from app.web import gate
from tests.grounds.desk import PASSWORD, sign_in, token_in
from tests.grounds.rows import all_of
from tests.web.organisers.people.conftest import Browser, MakePerson

PEOPLE = "/organise/people"
FACTOR = f"{PEOPLE}/second-factor"
TOKENS = f"{PEOPLE}/tokens"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"the page has no {name}"
    return found[1]


def code_of(secret: str, later: timedelta = timedelta()) -> str:
    return pyotp.TOTP(secret).at(clock.now() + later)


async def secured(client: httpx.AsyncClient) -> tuple[str, list[str]]:
    """Set the second factor up as a person does: the key, and the recovery codes."""
    form = {"form_token": token_in((await client.get(FACTOR)).text)}
    await client.post(f"{FACTOR}/begin", data=form)
    page = (await client.get(FACTOR)).text
    assert "<svg" in page
    assert "style=" not in page
    key = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert key
    secret = key[1].replace(" ", "")
    wrong = await client.post(f"{FACTOR}/prove", data=form | {"code": "12 34"})
    assert wrong.status_code == 422
    done = await client.post(f"{FACTOR}/prove", data=form | {"code": code_of(secret)})
    return secret, re.findall(r"<code>([a-z2-7-]{19})</code>", done.text)


async def second_page(client: httpx.AsyncClient, organiser: Organiser) -> dict[str, str]:
    """The fields of the page that follows the password."""
    client.cookies.clear()
    page = await sign_in(client, organiser)
    assert page.status_code == 200
    assert not client.cookies
    return {name: field(page.text, name) for name in ("token", "next")}


async def enter_code(
    client: httpx.AsyncClient, fields: dict[str, str], code: str
) -> httpx.Response:
    return await client.post("/organise/sign-in/code", data=fields | {"code": code})


async def test_with_a_second_factor_the_password_is_half_the_way_and_a_code_works_once(
    anna_in: httpx.AsyncClient, anna: Organiser
) -> None:
    with clock.held(NOON) as held:
        secret, codes = await secured(anna_in)
        assert len(set(codes)) == 10
        fields = await second_page(anna_in, anna)
        used = await enter_code(anna_in, fields, code_of(secret))
        assert used.status_code == 401  # it turned the factor on, and once is enough
        held.advance(timedelta(seconds=30))
        again = await enter_code(anna_in, fields, "000000")
        assert (again.status_code, "does not fit" in again.text) == (401, True)
        done = await enter_code(anna_in, fields, code_of(secret))
        assert (done.status_code, done.headers["location"]) == (303, "/organise")
        assert (await anna_in.get(PEOPLE)).status_code == 200
        fields = await second_page(anna_in, anna)
        assert (await enter_code(anna_in, fields, code_of(secret))).status_code == 401
        ahead = code_of(secret, timedelta(seconds=30))  # a phone whose clock is a little fast
        assert (await enter_code(anna_in, fields, ahead)).status_code == 303


async def test_the_second_step_is_over_after_five_minutes_and_belongs_to_one_password(
    anna_in: httpx.AsyncClient, anna: Organiser, database: Database
) -> None:
    with clock.held(NOON) as held:
        secret, _ = await secured(anna_in)
        fields = await second_page(anna_in, anna)
        held.advance(timedelta(minutes=5))
        late = await enter_code(anna_in, fields, code_of(secret))
        assert "longer than five minutes" in late.text
        fields = await second_page(anna_in, anna)
        async with database.transaction() as session:
            (await session.get_one(Organiser, anna.id)).password_hash += "x"
        assert (await enter_code(anna_in, fields, code_of(secret))).status_code == 401
        forged = await enter_code(anna_in, fields | {"token": "1-x.99.forged"}, code_of(secret))
        assert forged.status_code == 401
        assert not anna_in.cookies


async def test_a_recovery_code_lets_in_once_and_says_how_many_are_left(
    anna_in: httpx.AsyncClient, anna: Organiser, database: Database
) -> None:
    _, codes = await secured(anna_in)
    fields = await second_page(anna_in, anna)
    done = await enter_code(anna_in, fields, codes[3].upper().replace("-", " "))
    assert done.headers["location"] == f"{FACTOR}?done=recovered"
    assert "9 recovery codes are left" in (await anna_in.get(done.headers["location"])).text
    fields = await second_page(anna_in, anna)
    assert (await enter_code(anna_in, fields, codes[3])).status_code == 401
    said = [line.sentence for line in await all_of(database, AuditLine)]
    assert said == [
        "Turned the second factor on",
        "Signed in with a recovery code; 9 are left",
    ]


async def test_codes_are_not_tried_for_ever(anna_in: httpx.AsyncClient, anna: Organiser) -> None:
    with clock.held(NOON):
        secret, _ = await secured(anna_in)
        fields = await second_page(anna_in, anna)
        tried = [(await enter_code(anna_in, fields, f"00000{n}")).status_code for n in range(10)]
        assert tried == [401] * 10
        assert (await enter_code(anna_in, fields, code_of(secret))).status_code == 429


async def test_turning_it_off_asks_for_the_password_and_an_owner_can_do_it_for_another(
    anna_in: httpx.AsyncClient,
    anna: Organiser,
    person: MakePerson,
    browser: Browser,
    database: Database,
) -> None:
    kati = await person("kati@example.org")
    kati_in = await browser(kati)
    await secured(kati_in)
    form = {"form_token": token_in((await kati_in.get(FACTOR)).text), "old_password": "wrong"}
    for path in ("off", "codes"):
        assert (await kati_in.post(f"{FACTOR}/{path}", data=form)).status_code == 422
    new = await kati_in.post(f"{FACTOR}/codes", data=form | {"old_password": PASSWORD})
    assert len(re.findall("<code>", new.text)) == 10
    owners = {"form_token": token_in((await anna_in.get(PEOPLE)).text)}
    path = f"{PEOPLE}/members/{kati.id}/reset-second-factor"
    assert (await anna_in.post(path, data=owners)).status_code == 303
    kati_in.cookies.clear()
    assert (await sign_in(kati_in, kati)).status_code == 303
    await secured(kati_in)
    form = {"form_token": token_in((await kati_in.get(FACTOR)).text), "old_password": PASSWORD}
    assert (await kati_in.post(f"{FACTOR}/off", data=form)).status_code == 303
    async with database.reading() as session:
        assert await second_factor.codes_left(session, kati.id) == 0
    lines = await all_of(database, AuditLine)
    off = "Turned the second factor of kati@example.org off"
    assert [one.by for one in lines if one.sentence == off] == [anna.email, kati.email]


# ── programs ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def asked(app: FastAPI) -> str:
    """A call that needs a token to change alerts."""

    async def call(
        caller: Annotated[gate.Caller, Depends(gate.token_with(Scope.ALERTS_WRITE))],
        session: gate.Tx,
    ) -> dict[str, object]:
        return {"by": caller.organiser.email, "for": caller.organisation_id}

    app.post("/api/v1/asked")(call)
    return "/api/v1/asked"


async def make(client: httpx.AsyncClient, **changes: object) -> httpx.Response:
    page = (await client.get(TOKENS)).text
    typed = {"name": "Nightly", "scopes": ["alerts:write"], "days": "30"} | changes
    typed |= {"old_password": PASSWORD}
    return await client.post(TOKENS, data={"form_token": token_in(page)} | typed)


def secret_in(page: str) -> str:
    found = re.search(r"<pre>(one_[\w-]+)</pre>", page)
    assert found
    return found[1]


async def call(client: httpx.AsyncClient, path: str, secret: str) -> httpx.Response:
    return await client.post(path, headers={"Authorization": f"Bearer {secret}"})


async def test_a_token_is_shown_once_works_and_is_revoked(
    anna_in: httpx.AsyncClient, client: httpx.AsyncClient, asked: str, database: Database
) -> None:
    with clock.held(NOON) as held:
        secret = secret_in((await make(anna_in)).text)
        page = (await anna_in.get(TOKENS)).text
        assert "Nightly" in page
        assert secret not in page
        answer = await call(client, asked, secret)
        assert answer.json() == {"by": "anna@example.org", "for": 1}
        held.advance(timedelta(seconds=50))
        await call(client, asked, secret)
        (token,) = await all_of(database, ApiToken)
        assert token.used_at == NOON  # known to the minute
        assert secret not in token.key_hash
        held.advance(timedelta(seconds=20))
        await call(client, asked, secret)
        (token,) = await all_of(database, ApiToken)
        assert token.used_at == clock.now()
        form = {"form_token": token_in(page)}
        await anna_in.post(f"{TOKENS}/{token.id}/revoke", data=form)
        refused = await call(client, asked, secret)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["type"] == "/docs#token-refused"
    assert [line.sentence for line in await all_of(database, AuditLine)] == [
        "Made the API token “Nightly” (alerts:write)",
        "Revoked the API token “Nightly”",
    ]


async def test_a_token_is_worth_no_more_than_its_scopes_its_maker_and_its_time(
    anna: Organiser, client: httpx.AsyncClient, asked: str, person: MakePerson, database: Database
) -> None:
    async def made(organiser: Organiser, *scopes: str, days: int | None = None) -> str:
        async with database.transaction() as session:
            secret, _ = await api_tokens.make(
                session, organiser, name="x", scopes=scopes, days=days
            )
        return secret

    kati = await person("kati@example.org")
    with clock.held(NOON) as held:
        reads = await call(client, asked, await made(anna, Scope.ALERTS_READ))
        assert (reads.status_code, "alerts:write" in reads.json()["detail"]) == (403, True)
        short, lasting = [await made(kati, Scope.ALERTS_WRITE, days=days) for days in (1, None)]
        assert (await call(client, asked, short)).status_code == 200
        held.advance(timedelta(days=1))
        assert (await call(client, asked, short)).status_code == 401
        for change, status in (({"role": Role.VIEWER}, 403), ({"disabled_at": NOON}, 401)):
            async with database.transaction() as session:
                kept = await session.get_one(Organiser, kati.id)
                for name, value in change.items():
                    setattr(kept, name, value)
            assert (await call(client, asked, lasting)).status_code == status
    for nothing in ("", "one_", "one_guessed", "x" * 5000):
        assert (await call(client, asked, nothing)).status_code == 401
    assert (await client.post(asked)).status_code == 401


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": " "}, "Please fill this in"),
        ({"scopes": []}, "at least one thing"),
        ({"scopes": ["everything"]}, "at least one thing"),
        ({"days": "0"}, "whole number of days"),
        ({"days": "soon"}, "whole number of days"),
    ],
)
async def test_a_token_that_cannot_be_made_keeps_what_was_typed(
    anna_in: httpx.AsyncClient, database: Database, changes: dict[str, object], said: str
) -> None:
    answer = await make(anna_in, **changes)
    assert answer.status_code == 422
    assert said in answer.text
    if "name" not in changes:
        assert 'value="Nightly"' in answer.text
    assert await all_of(database, ApiToken) == []


async def test_a_viewer_makes_only_tokens_that_read(person: MakePerson, browser: Browser) -> None:
    vic_in = await browser(await person("vic@example.org", Role.VIEWER))
    assert "alerts:write" not in (await vic_in.get(TOKENS)).text
    assert "Your own role" in (await make(vic_in)).text
    assert (await make(vic_in, scopes=["counts:read"])).status_code == 200


async def test_a_token_is_revoked_by_its_maker_only(
    anna_in: httpx.AsyncClient, person: MakePerson, browser: Browser, database: Database
) -> None:
    await make(anna_in)
    (token,) = await all_of(database, ApiToken)
    kati_in = await browser(await person("kati@example.org"))
    form = {"form_token": token_in((await kati_in.get(TOKENS)).text)}
    for number in (token.id, 10**30):
        answer = await kati_in.post(f"{TOKENS}/{number}/revoke", data=form)
        assert answer.status_code == 404
