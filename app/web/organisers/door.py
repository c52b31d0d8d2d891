"""Signing in and out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from starlette.responses import RedirectResponse

from app.accounts import organisers, sign_in
from app.errors import SignInRefused
from app.web import gate
from app.web.pages import render

DESK = "/organise"
OURS = ("/organise", "/sandbox", "/metrics")

router = APIRouter(prefix="/organise", include_in_schema=False)


@router.get("/sign-in")
async def show(request: Request, kept: gate.SignInOrNot, next: str = DESK) -> Response:  # noqa: A002
    if kept is not None:
        return RedirectResponse(_ours(next), 303)
    return render(request, "organise/sign_in.html", next=_ours(next), email="", refused=False)


@router.post("/sign-in", dependencies=[Depends(gate.throttle("sign-in"))])
async def enter(
    request: Request,
    reading: gate.Reading,
    session: gate.Tx,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = DESK,  # noqa: A002
) -> Response:
    """Checks the password on a reader: a slow hash must not hold the one writer of SQLite."""
    try:
        organiser = await organisers.recognise(reading, email, password)
    except SignInRefused:
        context = {"next": _ours(next), "email": email, "refused": True}
        return render(request, "organise/sign_in.html", 401, **context)
    await sign_in.sign_out(session, request.cookies.get(gate.COOKIE, ""))
    secret, _ = await sign_in.sign_in(session, organiser)
    response = RedirectResponse(_ours(next), 303)
    response.set_cookie(
        gate.COOKIE,
        secret,
        max_age=int(sign_in.ABSOLUTE.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=gate.settings_of(request).public_url.startswith("https://"),
    )
    return response


@router.post("/sign-out", dependencies=[Depends(gate.form_token)])
async def leave(request: Request, session: gate.Tx) -> Response:
    await sign_in.sign_out(session, request.cookies.get(gate.COOKIE, ""))
    response = RedirectResponse("/organise/sign-in?done=signed-out", 303)
    response.delete_cookie(gate.COOKIE)
    return response


def _ours(path: str) -> str:
    """Only a page of the desk: a link to our sign-in must not lead to another site."""
    known = any(path == start or path.startswith((f"{start}/", f"{start}?")) for start in OURS)
    return path if known else DESK
