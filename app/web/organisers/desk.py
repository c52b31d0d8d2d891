"""The desk: what needs a person first, then each alert with the line of its days."""

from fastapi import APIRouter, Depends, Request, Response

from app import audit, clock
from app.reporting.desk import attention, lines
from app.reporting.outbox import state
from app.web import gate
from app.web.pages import render

NOTES = 10

router = APIRouter(
    prefix="/organise", include_in_schema=False, dependencies=[Depends(gate.signed_in)]
)


@router.get("")
async def desk(
    request: Request, session: gate.Reading, settings: gate.Configured, organiser: gate.Us
) -> Response:
    ours = organiser.organisation_id
    return render(
        request,
        "organise/desk.html",
        lines=await lines.of_organisation(session, ours, settings.delivery),
        attention=await attention.of_organiser(session, organiser),
        outbox=await state.now(session, settings, organisation_id=ours),
        notes=await audit.lines(session, ours, limit=NOTES),
        now=clock.now(),
    )
