"""The outbox for organisers: what needs a person, how each mail host stands, one letter's story."""

import re
from dataclasses import replace
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import QueryParams
from starlette.responses import RedirectResponse

from app import clock
from app.campaigns.stage_moves import noticing
from app.errors import FormRefused, Refusal
from app.models import Alert, Organiser, Role
from app.outbox import operating, places
from app.outbox.freezes import Scope
from app.outbox.places import Place
from app.reporting.outbox import hosts, letters, state
from app.reporting.outbox.hosts import HostLine
from app.settings import Settings
from app.web import gate
from app.web.pages import render

Kind = Literal["letters", "contacts", "hosts", "alerts"]
SCOPES: dict[Kind, Scope] = {
    "letters": "letter",
    "contacts": "contact",
    "hosts": "host",
    "alerts": "alert",
}
OUTBOX = "/organise/outbox"
A_NUMBER = re.compile("[0-9]{1,9}")
NUMBERS = ("n", "leaving", "refused", "more")  # what a page says was done

router = APIRouter(prefix=OUTBOX, include_in_schema=False, dependencies=[Depends(gate.signed_in)])
Changing = Annotated[Organiser, Depends(gate.at_least(Role.ORGANISER))]
Why = Annotated[str, Form()]


async def place_of(
    session: gate.Reading, settings: gate.Configured, organiser: gate.Us, kind: Kind, ref: str
) -> Place:
    """What a page's address names, with the letters there that are the organiser's own."""
    ours = organiser.organisation_id
    delivery = settings.delivery
    return await places.find(session, SCOPES[kind], ref, delivery=delivery, organisation_id=ours)


There = Annotated[Place, Depends(place_of)]


# ── looking ─────────────────────────────────────────────────────────────────────────────────


@router.get("")
async def show(
    request: Request, session: gate.Reading, settings: gate.Configured, organiser: gate.Us
) -> Response:
    ours = organiser.organisation_id
    found = await state.now(session, settings, organisation_id=ours)
    named = await letters.to_look_at(session, found, organisation_id=ours)
    return render(
        request, "organise/outbox.html", outbox=found, letters=named, paced=settings.paced
    )


@router.get("/{kind}/{ref}")
async def look(
    request: Request,
    session: gate.Reading,
    settings: gate.Configured,
    organiser: gate.Us,
    there: There,
) -> Response:
    context = await _context(session, settings, organiser, there)
    return render(request, PAGES[there.scope], **context | {"did": _numbers(request.query_params)})


@router.get("/{kind}/{ref}/cancel")
async def ask(
    request: Request,
    session: gate.Reading,
    settings: gate.Configured,
    organiser: Changing,
    there: There,
) -> Response:
    """What would be called off, before it is."""
    context = await _context(session, settings, organiser, there)
    return render(request, "organise/outbox_cancel.html", **context)


# ── acting ──────────────────────────────────────────────────────────────────────────────────


@router.post("/{kind}/{ref}/freeze", dependencies=[Depends(gate.form_token)])
async def freeze(
    request: Request,
    reading: gate.Reading,
    session: gate.Tx,
    settings: gate.Configured,
    organiser: Changing,
    there: There,
    why: Why = "",
) -> Response:
    """Hold what waits there; the reason is required."""
    try:
        changed = await operating.freeze(session, there, why=why, by=organiser.email)
    except FormRefused:
        context = await _context(reading, settings, organiser, there)
        return render(
            request, PAGES[there.scope], 422, **context | {"why_missing": True, "did": {}}
        )
    return _back(there, "frozen" if changed else "unchanged")


@router.post("/{kind}/{ref}/release", dependencies=[Depends(gate.form_token)])
async def release(session: gate.Tx, organiser: Changing, there: There) -> Response:
    changed = await operating.release(session, there, by=organiser.email)
    if changed and there.scope == "letter":
        await noticing.look_again(session, there, by=organiser.email)
    return _back(there, "released" if changed else "unchanged")


@router.post("/{kind}/{ref}/requeue", dependencies=[Depends(gate.form_token)])
async def requeue(session: gate.Tx, organiser: Changing, there: There) -> Response:
    """Queue what failed again, so far as it still reads as it was confirmed."""
    done = await operating.queue_again(session, there, by=organiser.email)
    if there.scope == "letter" and done.refused:
        raise Refusal(done.refused[there.refs[0]])
    if done.n:
        await noticing.look_again(session, there, by=organiser.email)
    more = int(done.after is not None)
    return _back(there, "requeued", n=done.n, refused=len(done.refused), more=more)


@router.post("/{kind}/{ref}/cancel", dependencies=[Depends(gate.form_token)])
async def cancel(
    request: Request,
    reading: gate.Reading,
    session: gate.Tx,
    settings: gate.Configured,
    organiser: Changing,
    there: There,
    why: Why = "",
) -> Response:
    """Call off what waits there; its supporters read the reason."""
    try:
        done = await operating.call_off(session, there, why=why, by=organiser.email)
    except FormRefused:
        context = await _context(reading, settings, organiser, there)
        page = "organise/outbox_cancel.html"
        return render(request, page, 422, **context | {"why_missing": True})
    return _back(there, "cancelled", n=done.n, leaving=done.leaving, more=int(done.more))


# ── pages ───────────────────────────────────────────────────────────────────────────────────

PAGES: dict[Scope, str] = {
    "letter": "organise/outbox_letter.html",
    "contact": "organise/outbox_place.html",
    "host": "organise/outbox_place.html",
    "alert": "organise/outbox_place.html",
}


async def _context(
    session: AsyncSession, settings: Settings, organiser: Organiser, there: Place
) -> dict[str, Any]:
    """What the page of a letter or a place shows."""
    context: dict[str, Any] = {
        "there": there,
        "here": _address(there),
        "may_change": gate.covers(organiser, Role.ORGANISER),
        "why_missing": False,
        "did": {},
    }
    if there.scope == "letter":
        story = await letters.of_letter(session, there.refs[0])
        frozen = story.holds.get("letter")
        return context | {"story": story, "hold": frozen, "n": 1, "now": clock.now()}
    holds = await hosts.holds(session, there.scope)
    counts = await state.counts_of(session, there)
    return context | {
        "hold": next((holds[ref] for ref in there.refs if ref in holds), None),
        "counts": counts,
        "n": counts["queued"] + counts["held"],
        "host": await _host(session, settings, there),
        "zone": await _zone(session, there),
    }


async def _zone(session: AsyncSession, there: Place) -> str:
    """One freeze has one clock, here and on the alert's own page."""
    if there.scope != "alert":
        return "UTC"
    return (await session.get_one(Alert, there.refs[0])).timezone


async def _host(session: AsyncSession, settings: Settings, there: Place) -> HostLine | None:
    """The mail host of a page, or of its contact, which then stands there alone."""
    for host in await hosts.of_delivery(session, settings):
        if there.scope == "host" and host.host_id in there.refs:
            return host
        boxes = [one for one in host.mailboxes if one.contact_id in there.refs]
        if there.scope == "contact" and boxes:
            return replace(host, mailboxes=boxes)
    return None


def _address(there: Place) -> str:
    ref = there.name if there.scope == "alert" else there.refs[0]
    return f"{OUTBOX}/{there.scope}s/{ref}"


def _numbers(query: QueryParams) -> dict[str, int]:
    """What the address says was done: how many."""
    return {name: int(query[name]) for name in NUMBERS if A_NUMBER.fullmatch(query.get(name, ""))}


def _back(there: Place, done: str, **numbers: int) -> Response:
    query = urlencode({"done": done} | numbers)
    return RedirectResponse(f"{_address(there)}?{query}", 303)
