"""Who did what: the organisation's sentences on record, newest first."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AfterValidator

from app import audit
from app.web import gate
from app.web.pages import render

PAGE = 50
Number = Annotated[int, AfterValidator(lambda number: max(0, min(number, 2**53)))]

router = APIRouter(
    prefix="/organise/people/audit",
    include_in_schema=False,
    dependencies=[Depends(gate.signed_in)],
)


@router.get("")
async def show(
    request: Request,
    session: gate.Reading,
    organiser: gate.Us,
    by: str = "",
    about: str = "",
    before: Number | None = None,
) -> Response:
    """Of one person or command if asked, and with some words in it."""
    ours = organiser.organisation_id
    rows = await audit.lines(
        session, ours, by=by, about=about.strip(), before=before, limit=PAGE + 1
    )
    return render(
        request,
        "organise/people/audit.html",
        lines=rows[:PAGE],
        authors=await audit.authors(session, ours),
        by=by,
        about=about,
        before=before,
        older=rows[PAGE - 1].id if len(rows) > PAGE else None,
    )
