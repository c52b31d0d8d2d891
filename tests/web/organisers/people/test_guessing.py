"""Passwords are not guessed from many places, and whoever guesses keeps nobody out for long."""

from datetime import UTC, datetime, timedelta

import httpx
from fastapi import FastAPI
from sqlalchemy import select

from app import clock
from app.db import Database
from app.models import Bucket, Organiser
from app.settings import Settings
from app.web.organisers.people import guessing
from tests.grounds import desk
from tests.grounds.databases import both
from tests.grounds.desk import PASSWORD, sign_in

SIGN_IN = "/organise/sign-in"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


async def guess(
    app: FastAPI, settings: Settings, email: str, times: int = guessing.AT_ONCE
) -> list[tuple[int, str]]:
    """Each from a network of its own: what was answered."""
    answers = []
    for n in range(times):
        async with desk.browser(app, settings, client=(f"2001:db8:{n:x}::1", 40000)) as browser:
            answer = await browser.post(SIGN_IN, data={"email": email, "password": f"guess {n}"})
        answers.append((answer.status_code, answer.text.replace(email, "…")))
    return answers


@both
async def test_guesses_from_many_networks_are_counted_for_a_known_address_and_an_unknown_one(
    app: FastAPI, client: httpx.AsyncClient, settings: Settings, anna: Organiser, database: Database
) -> None:
    with clock.held(NOON) as held:
        known, unknown = [
            await guess(app, settings, email, guessing.AT_ONCE + 1)
            for email in (anna.email, "nobody@example.org")
        ]
        assert [status for status, _ in known] == [401] * guessing.AT_ONCE + [429]
        assert known == unknown
        assert "Many passwords have been tried" in known[-1][1]
        spelled = await guess(app, settings, f" {anna.email.upper()} ", 1)
        assert [status for status, _ in spelled] == [429]
        right = await sign_in(client, anna)  # it tells nothing
        assert (right.status_code, right.headers["retry-after"]) == (429, "180")
        held.advance(guessing.ANOTHER)
        assert (await sign_in(client, anna)).status_code == 303
    async with database.reading() as session:
        keys = list(await session.scalars(select(Bucket.key)))
    assert not [key for key in keys if "example.org" in key]


async def test_a_browser_that_was_let_in_before_is_not_kept_out_by_others(
    app: FastAPI, client: httpx.AsyncClient, settings: Settings, anna: Organiser
) -> None:
    with clock.held(NOON) as held:
        assert (await sign_in(client, anna)).status_code == 303
        client.cookies.delete("organiser")
        await guess(app, settings, anna.email)
        assert (await guess(app, settings, anna.email, 1))[0][0] == 429
        assert (await sign_in(client, anna)).status_code == 303
        client.cookies.delete("organiser")
        wrong = {"email": anna.email, "password": "wrong"}
        tried = [(await client.post(SIGN_IN, data=wrong)).status_code for _ in range(20)]
        assert tried.count(401) == guessing.AT_ONCE  # it is counted for itself
        held.advance(timedelta(hours=2))
        assert (await sign_in(client, anna)).status_code == 303


async def test_what_a_browser_was_given_is_worth_nothing_for_another_address(
    app: FastAPI, client: httpx.AsyncClient, settings: Settings, anna: Organiser
) -> None:
    with clock.held(NOON):
        await sign_in(client, anna)
        client.cookies.delete("organiser")
        other = {"email": "kati@example.org", "password": PASSWORD}
        await guess(app, settings, other["email"])
        assert (await client.post(SIGN_IN, data=other)).status_code == 429
        client.cookies.set(guessing.COOKIE, "made-up")
        assert (await sign_in(client, anna)).status_code == 303  # as if it had none
