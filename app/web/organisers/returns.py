"""Mail that came back and that no program could make sense of: a person reads it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from starlette.responses import RedirectResponse

from app import audit
from app.delivery.returns import waiting
from app.models import Organiser, Role
from app.web import gate
from app.web.pages import render

SHOWN = 20_000  # characters of a message; the rest is attachments
RETURNS = "/organise/returns"

router = APIRouter(prefix=RETURNS, include_in_schema=False, dependencies=[Depends(gate.signed_in)])
Changing = Annotated[Organiser, Depends(gate.at_least(Role.ORGANISER))]
Number = Annotated[int, Path(ge=1, le=2**53)]


@router.get("")
async def listed(request: Request, session: gate.Reading, organiser: gate.Us) -> Response:
    found = await waiting.waiting(session, organisation_id=organiser.organisation_id)
    return render(request, "organise/returns/list.html", returns=found)


@router.get("/{number}")
async def read(
    request: Request, session: gate.Reading, organiser: gate.Us, number: Number
) -> Response:
    found = await waiting.one(session, number, organisation_id=organiser.organisation_id)
    text = (found.raw or b"").decode("utf-8", "replace")
    return render(
        request,
        "organise/returns/one.html",
        returned=found,
        text=text[:SHOWN],
        cut=len(text) > SHOWN,
        may_change=gate.covers(organiser, Role.ORGANISER),
    )


@router.post("/{number}/settle", dependencies=[Depends(gate.form_token)])
async def settle(session: gate.Tx, organiser: Changing, number: Number) -> Response:
    """A person has read it; its bytes are dropped."""
    await waiting.one(session, number, organisation_id=organiser.organisation_id)
    await waiting.settle(session, number, by=organiser.email)
    await audit.note(session, organiser.email, f"Read the returned message {number}.")
    return RedirectResponse(f"{RETURNS}?done=settled", 303)
