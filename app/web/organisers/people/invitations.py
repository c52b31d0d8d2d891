"""The link of an invitation: shows who is asked to join, and takes a name and a password."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from starlette.responses import RedirectResponse

from app.accounts import invitations, organisers, sign_in
from app.errors import FormRefused
from app.models import Organiser
from app.web import gate
from app.web.organisers import door
from app.web.organisers.people.said import sentences
from app.web.pages import reader_language, render

router = APIRouter(prefix="/organise/invitations", include_in_schema=False)


@router.get("/{token}")
async def show(
    request: Request, session: gate.Reading, settings: gate.Configured, token: str
) -> Response:
    """A link shows, a button acts."""
    return _page(request, await invitations.opened(session, settings, token))


@router.post("/{token}", dependencies=[Depends(gate.throttle("sign-in"))])
async def join(
    request: Request,
    reading: gate.Reading,
    settings: gate.Configured,
    token: str,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
) -> Response:
    """They are in: what was a row without a password is an organiser who has signed in."""
    invited = await invitations.opened(reading, settings, token)
    try:
        if not organisers.called(name):
            raise FormRefused({"name": "missing"})
        password_hash = await organisers.hashed(password)
    except FormRefused as refusal:
        return _page(request, invited, name=name, fields=refusal.fields)
    async with gate.writing(request) as session:
        joining = await invitations.opened(session, settings, token, joining=True)
        await invitations.join(session, joining, name=name, password_hash=password_hash)
        secret, _ = await sign_in.sign_in(session, joining)
    response = RedirectResponse("/organise?done=joined", 303)
    door.remember(request, response, secret)
    return response


def _page(
    request: Request, invited: Organiser, *, name: str = "", fields: dict[str, str] | None = None
) -> Response:
    return render(
        request,
        "organise/people/join.html",
        422 if fields else 200,
        invited=invited,
        typed=name,
        errors=sentences(fields or {}, reader_language(request)),
    )
