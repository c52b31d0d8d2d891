"""So many passwords may be tried for one account, from wherever: whoever guesses has many networks.

Ten at once, and another every three minutes: 490 on a day, which finds no password that we take.
Somebody's guesses keep the owner out of browsers that are new to the account, and no longer than
three minutes after they end. A browser that was let in before is counted for itself, so that no
guesses of others keep it out.
"""

import hmac
import secrets
from datetime import timedelta
from hashlib import sha256

from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app import buckets
from app.errors import Missing, TooMany
from app.settings import Settings
from app.tokens import KNOWN_BROWSER, link_token, read_token

AT_ONCE = 10
ANOTHER = timedelta(minutes=3)
COOKIE = "let-in-before"
PLACE = "/organise/sign-in"  # it is sent nowhere else
LASTS = timedelta(days=365)


async def limit(session: AsyncSession, settings: Settings, request: Request, email: str) -> None:
    """Count a try for the address as it was typed, whether or not there is such an account: the
    answer and its time tell nobody which there are. Raises TooMany."""
    account = _account(settings, email)
    key = f"sign-in:{_browser(settings, request, account) or account}"
    wait = await buckets.take(session, key, every=ANOTHER, burst=AT_ONCE)
    if wait:
        raise TooMany(wait.total_seconds())


def let_in(settings: Settings, response: Response, email: str) -> None:
    """Know the browser again as one that was let in to this account. It opens nothing."""
    value = f"{_account(settings, email)}-{secrets.token_hex(8)}"
    response.set_cookie(
        COOKIE,
        link_token(settings, KNOWN_BROWSER, value),
        max_age=int(LASTS.total_seconds()),
        path=PLACE,
        httponly=True,
        samesite="lax",
        secure=settings.public_url.startswith("https://"),
    )


def _account(settings: Settings, email: str) -> str:
    """A keyed hash, for people type passwords there too; folded as `organisers.find` does."""
    typed = f"account {email.strip().lower()}".encode("utf-8", "replace")
    return hmac.new(settings.secret, typed, sha256).hexdigest()[:32]


def _browser(settings: Settings, request: Request, account: str) -> str:
    """Its own mark, if it was let in to this account before; else empty."""
    try:
        known = read_token(settings, KNOWN_BROWSER, request.cookies.get(COOKIE, ""))
    except Missing:
        return ""
    whose, _, mark = known.partition("-")
    return mark if whose == account else ""
