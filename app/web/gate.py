"""What stands before a route: its transaction, the throttle, where a form came from, who asks."""

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import BackgroundTasks, Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.types import Scope

from app import buckets
from app.accounts import api_tokens, organisers, sign_in
from app.db import Database
from app.errors import FormOutdated, NotAllowed, NotSignedIn, ScopeMissing, TokenRefused, TooMany
from app.models import ApiToken, Organiser, Role, SignIn
from app.settings import Settings
from app.web.armour import LARGEST_UPLOAD

COOKIE = "organiser"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
NOBODY = IPv4Address("0.0.0.0")  # noqa: S104 (an address to count by, not to listen on)
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
PREVIEWS = 1_200  # an hour; whoever writes with care asks for one every few seconds
THROTTLES: dict[str, Callable[[Settings], int]] = {  # how many in an hour
    "form": lambda settings: settings.forms_per_hour,
    "opened": lambda settings: 10 * settings.forms_per_hour,  # a form has several letters
    "preview": lambda settings: PREVIEWS,
    "sign-in": lambda settings: settings.sign_ins_per_hour,
}


async def tx(request: Request) -> AsyncIterator[AsyncSession]:
    """A writer, committed before the answer is made."""
    # read whole before, and kept for the route: on SQLite one slow line would hold all writers
    if request.method not in SAFE:
        await request.form(max_part_size=LARGEST_UPLOAD)
    database: Database = request.app.state.database
    async with database.transaction() as session:
        yield session


async def reading(request: Request) -> AsyncIterator[AsyncSession]:
    """A reader."""
    database: Database = request.app.state.database
    async with database.reading() as session:
        yield session


def writing(request: Request) -> AbstractAsyncContextManager[AsyncSession]:
    """A writer for a part of a route that must do something slow before: hash a password."""
    database: Database = request.app.state.database
    return database.transaction()


def settings_of(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


# scope="function", or the commit comes after the answer and a failed one has said 200
Tx = Annotated[AsyncSession, Depends(tx, scope="function")]
Reading = Annotated[AsyncSession, Depends(reading, scope="function")]
Configured = Annotated[Settings, Depends(settings_of)]


def throttle(name: str) -> Callable[[Request], Awaitable[None]]:
    """So many an hour for one visitor, in a transaction of its own: a refused form counts too.

    Forms are free where mail is practice, as pacing is: there is nobody to protect.
    """
    per_hour = THROTTLES[name]

    async def check(request: Request) -> None:
        settings = settings_of(request)
        if name != "sign-in" and not settings.paced:
            return
        n = per_hour(settings)
        key = f"visitor:{name}:{visitor(request)}"
        database: Database = request.app.state.database
        async with database.transaction() as session:
            wait = await buckets.take(session, key, every=timedelta(hours=1) / n, burst=n)
        if wait:
            raise TooMany(wait.total_seconds())

    return check


def visitor(request: Request) -> str:
    """Whoever is at the other end, as a keyed hash that nobody can turn back into an address."""
    address = _client(request)
    if isinstance(address, IPv6Address):
        # a household is given 256 networks of 2^64 addresses each, a /56 (RIPE 690): counted by
        # the /64, it would have 256 times what others have
        address = address.ipv4_mapped or IPv6Address(int(address) >> 72 << 72)
    secret = settings_of(request).secret
    return hmac.new(secret, f"visitor {address}".encode(), sha256).hexdigest()[:32]


def on_this_machine(request: Request) -> bool:
    """Whether the visitor sits at this machine and asked for it by a name of this machine.

    The name counts too: a page elsewhere could point its own name at 127.0.0.1.
    """
    return _client(request).is_loopback and request.url.hostname in LOOPBACK_NAMES


def _client(request: Request) -> IPv4Address | IPv6Address:
    try:
        # no client: a Unix socket, and whoever can open that is on this machine
        return ip_address(request.client.host if request.client else "127.0.0.1")
    except ValueError:
        return NOBODY  # a proxy wrote something else than an address


async def same_origin(request: Request) -> None:
    """A form must come from a page of ours; a program says nothing about where it comes from."""
    if request.method in SAFE or request.url.path.startswith("/api/"):
        return
    site = request.headers.get("sec-fetch-site")
    if site in {"same-origin", "none"}:
        return
    origin = request.headers.get("origin")
    # "null": an older browser on a page that sends no referrer, as those with a token do
    if site or origin not in {None, "null", *_ours(request)}:
        raise NotAllowed("the form came from another site")


def _ours(request: Request) -> set[str]:
    public = urlsplit(settings_of(request).public_url)
    return {
        f"{request.url.scheme}://{request.url.netloc}",
        f"{public.scheme}://{public.netloc}",
    }


async def is_known(scope: Scope) -> bool:
    """Whether a request brings the secret of a sign-in, be it over by now, or of a token."""
    request = Request(scope)
    database: Database = request.app.state.database
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    async with database.reading() as session:
        if given and await api_tokens.recognise(session, given):
            return True
        return await sign_in.is_known(session, request.cookies.get(COOKIE, ""))


async def signed_in_or_not(request: Request) -> SignIn | None:
    """The sign-in of whoever asks, kept on the request for the page."""
    secret = request.cookies.get(COOKIE)
    if not secret:
        return None
    database: Database = request.app.state.database
    async with database.reading() as session:
        kept = await sign_in.resume(session, secret)
    if kept and sign_in.is_stale(kept):
        async with database.transaction() as session:
            await sign_in.touch(session, kept)
    request.state.sign_in = kept
    return kept


async def signed_in(kept: Annotated[SignIn | None, Depends(signed_in_or_not)]) -> Organiser:
    if kept is None:
        raise NotSignedIn
    return kept.organiser


Us = Annotated[Organiser, Depends(signed_in)]
SignInOrNot = Annotated[SignIn | None, Depends(signed_in_or_not)]


def at_least(role: Role) -> Callable[[Organiser], Awaitable[Organiser]]:
    """An organiser whose role covers this one's."""

    async def check(organiser: Us) -> Organiser:
        if not organisers.covers(organiser, role):
            raise NotAllowed(f"this needs the role {role}")
        return organiser

    return check


covers = organisers.covers


async def form_token(request: Request, organiser: Us) -> None:
    """The hidden field that only a page made for this sign-in knows."""
    kept: SignIn = request.state.sign_in
    # the armour has set how much; Starlette would stop at a megabyte, whatever our pages say
    given = (await request.form(max_part_size=LARGEST_UPLOAD)).get("form_token")
    if not hmac.compare_digest(str(given).encode(), kept.form_token.encode()):
        raise FormOutdated(f"the form was not made for this sign-in of {organiser.email}")


# ── programs ────────────────────────────────────────────────────────────────────────────────

_bearer = HTTPBearer(auto_error=False, scheme_name="API token", description="of an organiser")
Given = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


@dataclass(frozen=True)
class Caller:
    """The organiser whose token a program brought, and what the token was made for."""

    organiser: Organiser
    organisation_id: int
    scopes: frozenset[str]


def token_with(scope: str) -> Callable[[Request, Given, BackgroundTasks], Awaitable[Caller]]:
    """Whoever brings a token made for this, of an organiser who may do it themselves.

    Use: `caller: Annotated[gate.Caller, Depends(gate.token_with("alerts:write"))]`.
    """
    if scope not in api_tokens.NEEDS:
        raise LookupError(scope)

    async def check(request: Request, given: Given, after: BackgroundTasks) -> Caller:
        database: Database = request.app.state.database
        async with database.reading() as session:
            kept = await api_tokens.recognise(session, given.credentials if given else "")
        if kept is None:
            raise TokenRefused
        if not api_tokens.may(kept, scope):
            raise ScopeMissing(scope)
        if api_tokens.is_stale(kept):
            # after the answer: the route may hold the one writer of SQLite already
            after.add_task(_touch, database, kept)
        organiser = kept.organiser
        return Caller(organiser, organiser.organisation_id, frozenset(kept.scopes))

    return check


async def _touch(database: Database, token: ApiToken) -> None:
    async with database.transaction() as session:
        await api_tokens.touch(session, token)
