"""The addresses that nothing is sent to: who decided it, why, and how each comes off the list."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse

from app import audit
from app.addresses import is_address
from app.contacts import directory
from app.letters.asking import stopping
from app.models import Organiser, Role
from app.outbox import suppressions
from app.web import gate
from app.web.organisers.contacts.directory import CONTACTS
from app.web.pages import render

SUPPRESSED = f"{CONTACTS}/suppressed"
LONGEST = 500  # characters of a reason

router = APIRouter(
    prefix=SUPPRESSED, include_in_schema=False, dependencies=[Depends(gate.signed_in)]
)
Changing = Annotated[Organiser, Depends(gate.at_least(Role.ORGANISER))]


@router.get("")
async def show(request: Request, session: gate.Reading, organiser: gate.Us) -> Response:
    return await _page(request, session, organiser, {}, {})


@router.post("", dependencies=[Depends(gate.form_token)])
async def lift(
    request: Request,
    session: gate.Tx,
    organiser: Changing,
    email: Annotated[str, Form(max_length=320)] = "",
    why: Annotated[str, Form()] = "",
) -> Response:
    """Letters go there again; what ended meanwhile stays ended."""
    email, why = email.replace("\x00", " ").strip(), " ".join(why.replace("\x00", " ").split())
    errors = {}
    if not why or len(why) > LONGEST:
        errors["why"] = "why"
    elif not await suppressions.lift(session, email):  # what is no address may be on it of old
        errors["email"] = "not_listed" if is_address(email) else "no_address"
    if errors:
        return await _page(request, session, organiser, {"email": email, "why": why}, errors)
    named = await directory.named(session, email)
    await audit.note(session, organiser.email, f"{named} may be written to again: {why}")
    return RedirectResponse(f"{SUPPRESSED}?done=lifted", 303)


async def _page(
    request: Request,
    session: AsyncSession,
    organiser: Organiser,
    typed: dict[str, str],
    errors: dict[str, str],
) -> Response:
    """A supporter who asked not to be written to is counted: all organisations share this list."""
    return render(
        request,
        "organise/contacts/suppressed.html",
        422 if errors else 200,
        listed=await suppressions.listed(session, but_by=stopping.BY),
        unnamed=await suppressions.count_by(session, stopping.BY),
        typed={"email": "", "why": ""} | typed,
        errors=errors,
        longest=LONGEST,
        may_change=gate.covers(organiser, Role.ORGANISER),
    )
