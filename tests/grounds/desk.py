"""An organiser at the desk: signs in, and sends the forms of its pages."""

import re
from functools import cache

import httpx
from pwdlib import PasswordHash

from app.accounts import sign_in as sign_ins
from app.db import Database
from app.models import Organiser
from app.web.gate import COOKIE

PASSWORD = "correct horse battery"


@cache
def hashed(password: str) -> str:
    """A quarter of a second, once."""
    return PasswordHash.recommended().hash(password)


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
