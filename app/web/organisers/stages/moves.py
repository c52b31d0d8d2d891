"""A country moved on while letters waited: an organiser decides what becomes of them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from starlette.responses import RedirectResponse

from app.campaigns import stages
from app.campaigns.stage_moves import deciding, looking
from app.models import Organiser, Role
from app.web import gate
from app.web.pages import render

MOVES = "/organise/stage-moves"

router = APIRouter(prefix=MOVES, include_in_schema=False, dependencies=[Depends(gate.signed_in)])
Changing = Annotated[Organiser, Depends(gate.at_least(Role.ORGANISER))]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("/{number}")
async def show(
    request: Request, session: gate.Reading, organiser: gate.Us, number: Number
) -> Response:
    found = await looking.find(session, organiser.organisation_id, number)
    steps = await stages.steps_of(session, found.campaign, found.move.country)
    return render(
        request,
        "organise/stages/move.html",
        found=found,
        step=next((one for one in steps if one.stage == found.move.to_stage), None),
        held=await looking.held_by(session, found),
        may_change=gate.covers(organiser, Role.ORGANISER),
    )


@router.post("/{number}/send", dependencies=[Depends(gate.form_token)])
async def send(session: gate.Tx, organiser: Changing, number: Number) -> Response:
    """The letters go as they were written."""
    found = await looking.find(session, organiser.organisation_id, number)
    n = await deciding.send_as_written(session, found.move, by=organiser.email)
    return _back(number, "unchanged" if n is None else "sent")


@router.post("/{number}/call-off", dependencies=[Depends(gate.form_token)])
async def call_off(
    session: gate.Tx, settings: gate.Configured, organiser: Changing, number: Number
) -> Response:
    """The letters are cancelled, and each supporter is offered the new one."""
    found = await looking.find(session, organiser.organisation_id, number)
    done = await deciding.call_off(
        session, found.move, by=organiser.email, mail_domain=settings.mail_domain
    )
    return _back(number, "unchanged" if done is None else "cancelled")


def _back(number: int, done: str) -> Response:
    return RedirectResponse(f"{MOVES}/{number}?done={done}", 303)
