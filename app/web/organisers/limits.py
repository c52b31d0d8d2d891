"""The limits of one mailbox and of one mail host: try them, set them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse

from app import clock
from app.errors import FormRefused, Missing
from app.models import Mailbox, Organiser, Role
from app.outbox.pacing import choices
from app.outbox.pacing.choices import Choice
from app.reporting import boxes, curves, departures
from app.reporting.boxes import Box, Boxes, HostRow
from app.settings import Settings
from app.web import gate
from app.web.looks import moments
from app.web.organisers import typed_limits
from app.web.organisers.pacing import PACING, SUPPORTERS
from app.web.pages import reader_language, render

router = APIRouter(prefix=PACING, include_in_schema=False, dependencies=[Depends(gate.signed_in)])
Changing = Annotated[Organiser, Depends(gate.at_least(Role.ORGANISER))]
Typed = Annotated[str, Form(max_length=40)]


@router.get("/mailboxes/{email:path}")
async def mailbox(
    request: Request,
    session: gate.Reading,
    settings: gate.Configured,
    organiser: gate.Us,
    email: str,
) -> Response:
    box = _find(await boxes.load(session, settings), email)
    return await _mailbox_page(request, session, settings, organiser, box, typed_limits.of(box.own))


@router.post("/mailboxes/{email:path}", dependencies=[Depends(gate.form_token)])
async def pace_mailbox(
    request: Request,
    session: gate.Tx,
    settings: gate.Configured,
    organiser: Changing,
    email: str,
    per_hour: Typed = "",
    per_day: Typed = "",
    in_all: Typed = "",
    off_days: Typed = "",
    act: Typed = "save",
) -> Response:
    """Try other limits, or set them."""
    box = _find(await boxes.load(session, settings), email)
    typed = {"per_hour": per_hour, "per_day": per_day, "in_all": in_all, "off_days": off_days}
    try:
        choice = typed_limits.choice(typed)
        if act == "save":
            changed = await choices.pace_mailbox(session, box.email, choice, by=organiser.email)
            return RedirectResponse(f"{PACING}?done={'paced' if changed else 'unchanged'}", 303)
        choice.check()
    except FormRefused as refusal:
        return await _mailbox_page(
            request, session, settings, organiser, box, typed, errors=refusal.fields
        )
    tried = boxes.paced(box, _with(box, choice), settings)
    return await _mailbox_page(
        request, session, settings, organiser, tried, typed, tried=typed != typed_limits.of(box.own)
    )


@router.get("/hosts/{name}")
async def host(
    request: Request,
    session: gate.Reading,
    settings: gate.Configured,
    organiser: gate.Us,
    name: str,
) -> Response:
    row = _find_host(await boxes.load(session, settings), name)
    return _host_page(request, organiser, row, typed_limits.of_number(row.own), settings)


@router.post("/hosts/{name}", dependencies=[Depends(gate.form_token)])
async def pace_host(
    request: Request,
    session: gate.Tx,
    settings: gate.Configured,
    organiser: Changing,
    name: str,
    per_hour: Typed = "",
) -> Response:
    row = _find_host(await boxes.load(session, settings), name)
    try:
        n = typed_limits.limit("per_hour", per_hour)
        known = [box.email for box in row.boxes]
        changed = await choices.pace_host(session, row.name, known, n, by=organiser.email)
    except FormRefused:
        return _host_page(request, organiser, row, per_hour, settings, wrong=True)
    return RedirectResponse(f"{PACING}?done={'paced' if changed else 'unchanged'}", 303)


# ── pages ──


async def _mailbox_page(
    request: Request,
    session: AsyncSession,
    settings: Settings,
    organiser: Organiser,
    box: Box,
    typed: dict[str, str],
    *,
    errors: dict[str, str] | None = None,
    tried: bool = False,
) -> Response:
    now = clock.now()
    departure = await departures.of_mailbox(session, box, SUPPORTERS, settings)
    last_at = moments.point(
        departure.last_at, now=now, zone=box.calendar.zone.key, language=reader_language(request)
    )
    return render(
        request,
        "organise/pacing_mailbox.html",
        422 if errors else 200,
        box=box,
        typed=typed,
        errors=errors or {},
        tried=tried,
        most=choices.MOST,
        may_change=gate.covers(organiser, Role.ORGANISER),
        supporters=SUPPORTERS,
        last_at=last_at,
        curve=curves.together([departure], start=now, zone=box.calendar.zone),
        settings=settings,
    )


def _host_page(
    request: Request,
    organiser: Organiser,
    row: HostRow,
    typed: str,
    settings: Settings,
    *,
    wrong: bool = False,
) -> Response:
    return render(
        request,
        "organise/pacing_host.html",
        422 if wrong else 200,
        host=row,
        typed=typed,
        wrong=wrong,
        most=choices.MOST,
        may_change=gate.covers(organiser, Role.ORGANISER),
        settings=settings,
    )


def _find(found: Boxes, email: str) -> Box:
    box = found.by_email.get(email.lower())
    if box is None:
        raise Missing("mailbox", email)
    return box


def _find_host(found: Boxes, name: str) -> HostRow:
    for row in found.by_host():
        if row.name == name:
            return row
    raise Missing("mail host", name)


def _with(box: Box, choice: Choice) -> Mailbox:
    """The mailbox as it would be; never put into a session."""
    own = box.own
    return Mailbox(
        email=box.email,
        last_at=own.last_at if own else None,
        today=own.today if own else None,
        today_n=own.today_n if own else 0,
        per_hour=choice.per_hour,
        per_day=choice.per_day,
        in_all=choice.in_all,
        off_days=choice.off_days,
    )
