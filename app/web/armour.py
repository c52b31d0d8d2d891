"""Around every answer: protective headers, a limit on bodies, and an access log without secrets."""

import re
import time
from collections.abc import Awaitable, Callable

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.settings import Settings

LARGEST_BODY = 1024 * 1024  # bytes; a form full of somebody's own words needs a hundredth
LARGEST_UPLOAD = 12 * LARGEST_BODY  # an organiser's: contact files, packs, all texts of an alert
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none';"
        " object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
UPLOADS = frozenset({"/api/v1/contacts/import"})  # of programs; read only for a token that works
# behind a personal link: kept by no cache, passed on by no referrer, found by no search
PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}
# an editor shows these beside itself, in a frame
FRAMED = re.compile(r"^/organise/alerts/[^/]+/draft/")
# partners show these on pages of theirs
EMBEDDED = re.compile(r"^/alerts/[^/]+/embed(/|$)")
# a token in an address opens somebody's letters, or the desk, to whoever reads the log
TOKENS = re.compile(r"^/(confirm|letters|stop|organise/invitations)/[^/]+")

Known = Callable[[Scope], Awaitable[bool]]  # whether somebody of ours brings it

log = structlog.get_logger("access")


def masked(path: str) -> str:
    """The path as a log may keep it."""
    return TOKENS.sub(r"/\1/…", path)


class Armour:
    """Adds the headers an answer does not bring itself, and logs one line per request."""

    def __init__(self, app: ASGIApp, settings: Settings, known: Known) -> None:
        self.app, self.known = app, known
        self.headers = dict(HEADERS)
        if settings.public_url.startswith("https://"):
            self.headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"
        if head:  # answered as a GET whose body stays here; FastAPI knows no HEAD
            scope = {**scope, "method": "GET"}
        status = 500
        began = time.monotonic()

        async def send_armoured(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
                if framed_by := _framed_by(scope["path"]):
                    headers["Content-Security-Policy"] = HEADERS["Content-Security-Policy"].replace(
                        "frame-ancestors 'none'", f"frame-ancestors {framed_by}"
                    )
                if TOKENS.search(scope["path"]):  # error pages behind a personal link too
                    headers.update(PRIVATE)
            elif head:
                message = {**message, "body": b""}
            await send(message)

        try:
            await self.app(scope, _limited(scope, receive, self.known), send_armoured)
        finally:
            log.info(
                "answered",
                method="HEAD" if head else scope["method"],
                path=masked(scope["path"]),
                status=status,
                ms=round((time.monotonic() - began) * 1000),
            )


def _framed_by(path: str) -> str:
    """Who may show a page in a frame of theirs; nobody else may be made to press its buttons."""
    if EMBEDDED.search(path):
        return "*"
    return "'self'" if FRAMED.search(path) else ""


def _limited(scope: Scope, receive: Receive, known: Known) -> Receive:
    """Refuses a body that says it is too long before reading it, and any other when it is.

    Starlette's own limit answers in plain text whatever our pages say.
    """
    headers = Headers(scope=scope)
    announced = headers.get("content-length", "0")
    most, read = LARGEST_BODY, 0

    async def check(size: int) -> None:
        nonlocal most
        # only whoever sends much is looked up: anybody can write that they are somebody
        if LARGEST_BODY < size <= LARGEST_UPLOAD and most == LARGEST_BODY:
            most = LARGEST_UPLOAD if _may_be_large(scope, headers) and await known(scope) else most
        if size > most:
            raise HTTPException(413)

    async def receive_limited() -> Message:
        nonlocal read
        await check(int(announced[:18]) if announced.isdecimal() else 0)
        message = await receive()
        read += len(message.get("body", b""))
        await check(read)
        return message

    return receive_limited


def _may_be_large(scope: Scope, headers: Headers) -> bool:
    at_desk = scope["path"].startswith("/organise/") and "organiser=" in headers.get("cookie", "")
    return at_desk or (scope["path"] in UPLOADS and "authorization" in headers)
