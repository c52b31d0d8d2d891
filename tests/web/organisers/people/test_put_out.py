"""A token ends where its maker's sign-ins end, and is made by nobody who only found a browser."""

from collections.abc import Sequence

import httpx
import pytest

from app.accounts import api_tokens, people
from app.db import Database
from app.models import ApiToken, AuditLine, Organiser, Role
from tests.grounds.databases import both
from tests.grounds.desk import PASSWORD, sign_in, token_in
from tests.grounds.rows import all_of
from tests.web.organisers.people.conftest import Browser, MakePerson

PEOPLE = "/organise/people"
TOKENS = f"{PEOPLE}/tokens"


async def given(database: Database, organiser: Organiser, *names: str) -> list[str]:
    """Tokens that somebody made before: their secrets."""
    async with database.transaction() as session:
        made = [
            await api_tokens.make(session, organiser, name=name, scopes=["counts:read"])
            for name in names
        ]
    return [secret for secret, _ in made]


async def work(database: Database, secrets: Sequence[str]) -> list[bool]:
    async with database.reading() as session:
        return [bool(await api_tokens.recognise(session, one)) for one in secrets]


async def last_sentence(database: Database) -> str:
    return str((await all_of(database, AuditLine))[-1].sentence)


@both
async def test_a_new_password_ends_the_tokens_too_and_says_so(
    anna_in: httpx.AsyncClient, anna: Organiser, person: MakePerson, database: Database
) -> None:
    theirs = await given(database, anna, "Nightly", "Counts")
    others = await given(database, await person("kati@example.org"), "Hers")
    page = (await anna_in.get(f"{PEOPLE}/me")).text
    assert "your API tokens end" in page
    form = {"form_token": token_in(page), "old_password": PASSWORD, "password": "a new one, long"}
    done = await anna_in.post(f"{PEOPLE}/me/password", data=form)
    assert (
        "every other sign-in and every API token has ended"
        in (await anna_in.get(done.headers["location"])).text
    )
    assert await work(database, [*theirs, *others]) == [False, False, True]
    assert await last_sentence(database) == (
        "Changed their password, which ended the API tokens “Counts”, “Nightly”"
    )


@both
async def test_an_owner_sees_how_many_tokens_there_are_and_puts_a_person_out(
    anna_in: httpx.AsyncClient,
    anna: Organiser,
    person: MakePerson,
    browser: Browser,
    database: Database,
) -> None:
    kati = await person("kati@example.org")
    kati_in = await browser(kati)
    secrets = await given(database, kati, "One", "Two", "Three")
    async with database.transaction() as session:
        over = (await all_of(database, ApiToken))[0]
        await api_tokens.revoke(session, kati, over.id)
        known = {
            one.organiser.email: one.tokens for one in await people.of_organisation(session, 1)
        }
    assert known == {"anna@example.org": 0, "kati@example.org": 2}
    page = (await anna_in.get(PEOPLE)).text
    assert 'data-label="API tokens">2</td>' in page
    assert "API tokens" not in (await kati_in.get(PEOPLE)).text.partition("<table")[2]
    put_out = f"{PEOPLE}/members/{kati.id}/put-out"
    form = {"form_token": token_in((await kati_in.get(PEOPLE)).text)}
    assert (await kati_in.post(put_out, data=form)).status_code == 403
    done = await anna_in.post(put_out, data={"form_token": token_in(page)})
    assert "their API tokens have ended" in (await anna_in.get(done.headers["location"])).text
    assert await work(database, secrets) == [False] * 3
    assert (await kati_in.get(PEOPLE)).status_code == 303
    assert (await sign_in(kati_in, kati)).status_code == 303  # they are not disabled
    assert await last_sentence(database) == (
        "Put kati@example.org out everywhere, which ended the API tokens “Three”, “Two”"
    )
    own = await anna_in.post(
        f"{PEOPLE}/members/{anna.id}/put-out", data={"form_token": token_in(page)}
    )
    assert own.status_code == 403


async def test_tokens_of_somebody_who_was_disabled_do_not_come_back_with_them(
    anna_in: httpx.AsyncClient, person: MakePerson, database: Database
) -> None:
    kati = await person("kati@example.org", Role.OWNER)
    secrets = await given(database, kati, "Nightly")
    form = {"form_token": token_in((await anna_in.get(PEOPLE)).text)}
    for act in ("disable", "enable"):
        assert (await anna_in.post(f"{PEOPLE}/members/{kati.id}/{act}", data=form)).is_redirect
    assert await work(database, secrets) == [False]


@pytest.mark.parametrize("password", ["", "wrong"])
async def test_a_token_is_made_for_the_password_only(
    anna_in: httpx.AsyncClient, database: Database, password: str
) -> None:
    typed = {"name": "Nightly", "scopes": ["counts:read"], "days": "30", "old_password": password}
    form = {"form_token": token_in((await anna_in.get(TOKENS)).text)} | typed
    refused = await anna_in.post(TOKENS, data=form)
    assert refused.status_code == 422
    assert "This is not your password" in refused.text
    assert 'value="Nightly"' in refused.text
    assert await all_of(database, ApiToken) == []
    assert (await anna_in.post(TOKENS, data=form | {"old_password": PASSWORD})).status_code == 200
