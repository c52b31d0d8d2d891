"""An organiser's alert: how it stands, its texts, and the hold on its letters."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager, selectinload
from starlette.responses import RedirectResponse

from app import audit, languages
from app.campaigns.offices import newest_templates
from app.errors import Missing, TemplateBroken
from app.models import Alert, Campaign, Organiser, Role
from app.outbox import freezes
from app.settings import Settings
from app.web import gate
from app.web.organisers.life import overview
from app.web.pages import render
from app.wording.templates import parse

LONGEST_REASON = 500  # characters

router = APIRouter(
    prefix="/organise", include_in_schema=False, dependencies=[Depends(gate.signed_in)]
)
Changing = Annotated[Organiser, Depends(gate.at_least(Role.ORGANISER))]


@router.get("/alerts/{slug}")
async def alert(
    request: Request,
    session: gate.Reading,
    settings: gate.Configured,
    organiser: gate.Us,
    slug: str,
) -> Response:
    shown = await find(session, organiser, slug)
    return await page(request, session, settings, organiser, shown)


@router.post("/alerts/{slug}/freeze", dependencies=[Depends(gate.form_token)])
async def freeze(
    request: Request,
    session: gate.Tx,
    settings: gate.Configured,
    organiser: Changing,
    slug: str,
    why: Annotated[str, Form()] = "",
) -> Response:
    """Hold every letter of the alert; the reason is required."""
    held = await find(session, organiser, slug)
    why = " ".join(why.split())[:LONGEST_REASON]
    if not why:
        faults = {"why": "missing"}
        return await page(request, session, settings, organiser, held, faults=faults)
    by = organiser.email
    changed = await freezes.freeze(session, scope="alert", ref=held.id, why=why, by=by)
    if changed:
        await audit.note(session, by, f"Froze the alert “{slug}”: {why}")
    return _back(slug, "frozen" if changed else "unchanged")


@router.post("/alerts/{slug}/release", dependencies=[Depends(gate.form_token)])
async def release(session: gate.Tx, organiser: Changing, slug: str) -> Response:
    held = await find(session, organiser, slug)
    by = organiser.email
    changed = await freezes.release(session, scope="alert", ref=held.id, by=by)
    if changed:
        await audit.note(session, by, f"Released the alert “{slug}”")
    return _back(slug, "released" if changed else "unchanged")


@router.get("/alerts/{slug}/letters")
async def letters(
    request: Request, session: gate.Reading, organiser: gate.Us, slug: str
) -> Response:
    """The newest text of each country and language, reviewed or not."""
    shown = await find(session, organiser, slug)
    texts = [
        {
            "template": text,
            "language": languages.language_name(text.language),
            "note": note_of(text.source),
        }
        for text in await newest_templates(session, shown.id)
    ]
    names = {one.country: one.name for one in shown.countries}
    return render(request, "organise/letters.html", alert=shown, names=names, texts=texts)


async def find(session: AsyncSession, organiser: Organiser, slug: str) -> Alert:
    """An alert of the organiser's own organisation, whatever its state. Raises Missing."""
    found = await session.scalar(_of(organiser).where(Alert.slug == slug))
    if found is None:
        raise Missing("alert", slug)
    return found


def note_of(source: str) -> str:
    """The note in a letter template's front matter, for the organisers' eyes."""
    try:
        return parse(source).front.note
    except TemplateBroken:
        return ""


def _of(organiser: Organiser) -> Select[Alert]:
    return (
        select(Alert)
        .join(Campaign, Campaign.id == Alert.campaign_id)
        .where(Campaign.organisation_id == organiser.organisation_id)
        .options(contains_eager(Alert.campaign), selectinload(Alert.countries))
    )


async def page(
    request: Request,
    session: AsyncSession,
    settings: Settings,
    organiser: Organiser,
    shown: Alert,
    *,
    faults: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    """The alert's own page; `faults` by field, beside what was typed."""
    return render(
        request,
        "organise/alert.html",
        422 if faults else 200,
        faults=faults or {},
        typed=typed or {},
        **await overview.of_alert(session, settings, organiser, shown),
    )


def _back(slug: str, done: str) -> Response:
    return RedirectResponse(f"/organise/alerts/{slug}?done={done}", 303)
