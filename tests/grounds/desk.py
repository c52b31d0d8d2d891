"""An organiser at the desk: signs in, and sends the forms of its pages."""

import re
from functools import cache
from typing import Any

import httpx
from fastapi import FastAPI
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from app.accounts import organisers
from app.accounts import sign_in as sign_ins
from app.db import Database
from app.models import Organiser
from app.settings import Settings
from app.web.gate import COOKIE

PASSWORD = "correct horse battery"
AT_FULL_COST: PasswordHash = organisers._argon2
# what the program takes for each is a quarter of a second; a test that asks for it gets it
QUICK = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=1024, parallelism=1),))


def browser(app: FastAPI, settings: Settings, **told: Any) -> httpx.AsyncClient:
    """Its requests go straight into the application. It asks for no compressed answers:
    nothing would be saved, and time is spent."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, **told),
        base_url=settings.public_url,
        headers={"Accept-Encoding": "identity"},
    )


@cache
def hashed(password: str) -> str:
    return QUICK.hash(password)


async def enter(client: httpx.AsyncClient, database: Database, organiser: Organiser) -> None:
    """The browser of somebody who signed in before."""
    async with database.transaction() as session:
        secret, _ = await sign_ins.sign_in(session, organiser)
    client.cookies.set(COOKIE, secret)


async def sign_in(client: httpx.AsyncClient, organiser: Organiser) -> httpx.Response:
    return await client.post(
        "/organise/sign-in", data={"email": organiser.email, "password": PASSWORD}
    )


def token_in(page: str) -> str:
    """The hidden field of a page's forms."""
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found, "the page has no form of an organiser"
    return found[1]
