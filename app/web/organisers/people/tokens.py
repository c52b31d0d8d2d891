"""API tokens: made for a program, shown once, and ended at any time."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse

from app.accounts import api_tokens, organisers
from app.errors import FormRefused
from app.models import Organiser
from app.web import gate
from app.web.organisers.people.members import Number
from app.web.organisers.people.said import sentences
from app.web.pages import reader_language, render

TOKENS = "/organise/people/tokens"

router = APIRouter(prefix=TOKENS, include_in_schema=False, dependencies=[Depends(gate.signed_in)])


@router.get("")
async def show(request: Request, session: gate.Reading, organiser: gate.Us) -> Response:
    return await _page(request, session, organiser)


@router.post("", dependencies=[Depends(gate.throttle("sign-in")), Depends(gate.form_token)])
async def make(
    request: Request,
    reading: gate.Reading,
    organiser: gate.Us,
    old_password: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
    scopes: Annotated[list[str], Form()] = [],  # noqa: B006 (FastAPI copies it)
    days: Annotated[str, Form()] = "",
) -> Response:
    """The secret is on the answer and nowhere else. The password is asked: a browser left open
    must not be enough for a way in that lasts longer than its sign-in."""
    try:
        if not await organisers.fits(old_password, organiser.password_hash):
            raise FormRefused({"old_password": "wrong"})
        async with gate.writing(request) as session:
            secret, made = await api_tokens.make(
                session, organiser, name=name, scopes=scopes, days=_days(days)
            )
    except FormRefused as refusal:
        typed = {"name": name, "scopes": scopes, "days": days}
        return await _page(request, reading, organiser, typed=typed, fields=refusal.fields)
    return render(request, "organise/people/token.html", secret=secret, token=made)


@router.post("/{token_id}/revoke", dependencies=[Depends(gate.form_token)])
async def revoke(session: gate.Tx, organiser: gate.Us, token_id: Number) -> Response:
    await api_tokens.revoke(session, organiser, token_id)
    return RedirectResponse(f"{TOKENS}?done=revoked", 303)


def _days(typed: str) -> int | None:
    """Raises FormRefused."""
    typed = typed.strip()
    if not typed:
        return None
    if not (typed.isascii() and typed.isdecimal() and len(typed) < 6):
        raise FormRefused({"days": "days"})
    return int(typed)


async def _page(
    request: Request,
    session: AsyncSession,
    organiser: Organiser,
    *,
    typed: dict[str, Any] | None = None,
    fields: dict[str, str] | None = None,
) -> Response:
    context: dict[str, Any] = {
        "tokens": [
            (one, api_tokens.is_alive(one)) for one in await api_tokens.of(session, organiser)
        ],
        "offered": [one for one, role in api_tokens.NEEDS.items() if gate.covers(organiser, role)],
        "typed": typed or {"name": "", "scopes": [], "days": "365"},
        "errors": sentences(fields or {}, reader_language(request)),
    }
    return render(request, "organise/people/tokens.html", 422 if fields else 200, **context)
