"""One's own name, password and sign-ins."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse

from app.accounts import organisers, people, sign_in
from app.errors import FormRefused
from app.models import Organiser, SignIn
from app.web import gate
from app.web.organisers.people.said import sentences
from app.web.pages import reader_language, render

ME = "/organise/people/me"

router = APIRouter(prefix=ME, include_in_schema=False, dependencies=[Depends(gate.signed_in)])


@router.get("")
async def show(request: Request, session: gate.Reading, organiser: gate.Us) -> Response:
    return await _page(request, session, organiser)


@router.post("", dependencies=[Depends(gate.form_token)])
async def rename(
    request: Request,
    reading: gate.Reading,
    organiser: gate.Us,
    name: Annotated[str, Form()] = "",
) -> Response:
    try:
        async with gate.writing(request) as session:
            await people.rename(session, organiser, name)
    except FormRefused as refusal:
        return await _page(request, reading, organiser, name=name, fields=refusal.fields)
    return _back("renamed")


@router.post(
    "/password", dependencies=[Depends(gate.throttle("sign-in")), Depends(gate.form_token)]
)
async def change_password(
    request: Request,
    reading: gate.Reading,
    organiser: gate.Us,
    old_password: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
) -> Response:
    """The old one is asked: a browser left open must not be enough."""
    try:
        await _check(organiser, old_password)
        password_hash = await organisers.hashed(password)
    except FormRefused as refusal:
        return await _page(request, reading, organiser, fields=refusal.fields)
    here: SignIn = request.state.sign_in
    async with gate.writing(request) as session:
        await people.change_password(session, organiser, password_hash, here=here.key_hash)
    return _back("password")


@router.post("/sign-ins/end", dependencies=[Depends(gate.form_token)])
async def end(session: gate.Tx, organiser: gate.Us, which: Annotated[str, Form()] = "") -> Response:
    """End one of one's own sign-ins, on whatever machine it is."""
    await sign_in.end(session, organiser.id, which)
    return _back("ended")


@router.post("/sign-ins/end-others", dependencies=[Depends(gate.form_token)])
async def end_others(request: Request, session: gate.Tx, organiser: gate.Us) -> Response:
    here: SignIn = request.state.sign_in
    await sign_in.end_all(session, organiser.id, but=here.key_hash)
    return _back("ended")


async def _check(organiser: Organiser, password: str) -> None:
    if not await organisers.fits(password, organiser.password_hash):
        raise FormRefused({"old_password": "wrong"})


async def _page(
    request: Request,
    session: AsyncSession,
    organiser: Organiser,
    *,
    name: str | None = None,
    fields: dict[str, str] | None = None,
) -> Response:
    here: SignIn = request.state.sign_in
    context: dict[str, Any] = {
        "typed": organiser.name if name is None else name,
        "sign_ins": await sign_in.of(session, organiser.id),
        "here": here.key_hash,
        "errors": sentences(fields or {}, reader_language(request)),
    }
    return render(request, "organise/people/me.html", 422 if fields else 200, **context)


def _back(done: str) -> Response:
    return RedirectResponse(f"{ME}?done={done}", 303)
