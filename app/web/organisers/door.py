"""Signing in, with one step or two, and out; and on with a form whose sign-in had ended."""

from datetime import timedelta
from hashlib import sha256
from math import ceil
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse

from app import clock
from app.accounts import organisers, second_factor, sign_in
from app.errors import LinkExpired, Missing, SignInRefused, TooMany
from app.models import Organiser
from app.settings import Settings
from app.tokens import SECOND_STEP, read_timed, timed_token
from app.web import gate
from app.web.organisers.people import guessing
from app.web.organisers.people import kept as carrying
from app.web.organisers.people.second_factor import limit
from app.web.pages import render

DESK = "/organise"
OURS = ("/organise", "/sandbox", "/metrics")
TIME_FOR_A_CODE = timedelta(minutes=5)

router = APIRouter(prefix="/organise", include_in_schema=False)
Next = Annotated[str, Form()]
Carried = Annotated[str, Form(alias="kept")]
throttled = [Depends(gate.throttle("sign-in"))]


@router.get("/sign-in")
async def show(request: Request, kept: gate.SignInOrNot, next: str = DESK) -> Response:  # noqa: A002
    if kept is not None:
        return RedirectResponse(_ours(next), 303)
    return _ask(request, next)


@router.post("/sign-in", dependencies=throttled)
async def enter(
    request: Request,
    reading: gate.Reading,
    settings: gate.Configured,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Next = DESK,  # noqa: A002
    carried: Carried = "",
) -> Response:
    """Checks the password before it takes the one writer of SQLite: a hash is slow."""
    try:
        async with gate.writing(request) as session:
            await guessing.limit(session, settings, request, email)
        organiser = await organisers.recognise(reading, email, password)
    except TooMany as refusal:
        page = _ask(request, next, 429, carried=carried, email=email, guessed=True)
        page.headers["Retry-After"] = str(ceil(refusal.retry_after))
        return page
    except SignInRefused:
        return _ask(request, next, 401, carried=carried, email=email, refused=True)
    if organiser.totp_since:
        return _ask_for_code(request, _half_in(settings, organiser), next, carried)
    async with gate.writing(request) as session:
        return await _in(request, session, organiser.id, next, carried)


@router.post("/sign-in/code", dependencies=throttled)
async def enter_code(
    request: Request,
    settings: gate.Configured,
    session: gate.Tx,
    token: Annotated[str, Form()] = "",
    code: Annotated[str, Form()] = "",
    next: Next = DESK,  # noqa: A002
    carried: Carried = "",
) -> Response:
    """The second step; a code that was tried counts, so that nobody tries them all."""
    organiser = await _halfway(session, settings, token)
    if organiser is None:
        return _ask(request, next, 401, carried=carried, slow=True)
    await limit(session, organiser.id)
    passed = await second_factor.spend(session, organiser.id, code)
    if passed is None:
        return _ask_for_code(request, token, next, carried, refused=True)
    if passed.left is not None and not carried:
        next = "/organise/people/second-factor?done=recovered"  # noqa: A001
    return await _in(request, session, organiser.id, next, carried)


@router.post("/sign-out", dependencies=[Depends(gate.form_token)])
async def leave(request: Request, session: gate.Tx) -> Response:
    await sign_in.sign_out(session, request.cookies.get(gate.COOKIE, ""))
    response = RedirectResponse("/organise/sign-in?done=signed-out", 303)
    response.delete_cookie(gate.COOKIE)
    return response


def remember(request: Request, response: Response, secret: str) -> None:
    """Hand the browser the secret of a sign-in."""
    response.set_cookie(
        gate.COOKIE,
        secret,
        max_age=int(sign_in.ABSOLUTE.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=gate.settings_of(request).public_url.startswith("https://"),
    )


async def _in(
    request: Request, session: AsyncSession, organiser_id: int, following: str, carried: str
) -> Response:
    """They are in: on to the page they wanted, or to what they had typed."""
    await sign_in.sign_out(session, request.cookies.get(gate.COOKIE, ""))
    organiser = await session.get_one(Organiser, organiser_id)
    secret, started = await sign_in.sign_in(session, organiser)
    kept = carrying.unpacked(carried)
    response: Response = RedirectResponse(_ours(following), 303)
    if kept:
        page = "organise/people/resumed.html"
        response = render(
            request, page, kept=kept, organiser=organiser, form_token=started.form_token
        )
        response.headers["Cache-Control"] = "no-store"
    remember(request, response, secret)
    guessing.let_in(gate.settings_of(request), response, organiser.email)
    return response


def _half_in(settings: Settings, organiser: Organiser) -> str:
    """Says for five minutes that the password was right; a new password makes it void."""
    value = f"{organiser.id}-{_mark(organiser)}"
    return timed_token(settings, SECOND_STEP, value, clock.now() + TIME_FOR_A_CODE)


async def _halfway(session: AsyncSession, settings: Settings, token: str) -> Organiser | None:
    try:
        organiser_id, _, mark = read_timed(settings, SECOND_STEP, token).partition("-")
    except (LinkExpired, Missing):
        return None
    organiser = await session.get(Organiser, int(organiser_id))
    valid = organiser and not organiser.disabled_at and _mark(organiser) == mark
    return organiser if valid else None


def _mark(organiser: Organiser) -> str:
    return sha256(organiser.password_hash.encode()).hexdigest()[:12]


def _ask(
    request: Request, following: str, status: int = 200, *, carried: str = "", **context: Any
) -> Response:
    known: dict[str, Any] = {"email": "", "refused": False, "slow": False, "guessed": False}
    kept = carried if carrying.unpacked(carried) else ""
    page = "organise/sign_in.html"
    return render(request, page, status, **known | context, next=_ours(following), kept=kept)


def _ask_for_code(
    request: Request, token: str, following: str, carried: str, *, refused: bool = False
) -> Response:
    kept = carried if carrying.unpacked(carried) else ""
    page = "organise/people/code.html"
    context = {"token": token, "next": _ours(following), "kept": kept, "refused": refused}
    return render(request, page, 401 if refused else 200, **context)


def _ours(path: str) -> str:
    """Only a page of the desk: a link to our sign-in must not lead to another site."""
    known = any(path == start or path.startswith((f"{start}/", f"{start}?")) for start in OURS)
    return path if known else DESK
