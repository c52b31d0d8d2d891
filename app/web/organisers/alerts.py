"""The organisers' alerts: what each has come to, its texts, and the hold on its letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload
from starlette.responses import RedirectResponse

from app import audit, clock, languages
from app.campaigns.offices import newest_templates
from app.errors import Missing, TemplateBroken
from app.models import Alert, AuditLine, Campaign, Freeze, Organiser, Role
from app.outbox import freezes
from app.reporting import counts, way
from app.reporting.outbox import state
from app.web import gate
from app.web.pages import render
from app.wording.templates import parse

LONGEST_REASON = 500  # characters
NOTES = 20

router = APIRouter(
    prefix="/organise", include_in_schema=False, dependencies=[Depends(gate.signed_in)]
)
Changing = Annotated[Organiser, Depends(gate.at_least(Role.ORGANISER))]


@dataclass(frozen=True)
class Line:
    """One alert on the desk."""

    alert: Alert
    freeze: Freeze | None
    counts: counts.Counts

    @property
    def waiting(self) -> int:
        return way.parts(self.counts.letters)["waiting"]

    @property
    def not_arrived(self) -> int:
        return way.parts(self.counts.letters)["lost"]

    @property
    def failed(self) -> int:
        return self.counts.letters["failed"]


@router.get("")
async def desk(
    request: Request, session: gate.Reading, settings: gate.Configured, organiser: gate.Us
) -> Response:
    found = await session.scalars(_of(organiser).order_by(Alert.made_up, Alert.opens_at.desc()))
    lines = [
        Line(
            alert,
            await freezes.standing(session, "alert", alert.id),
            await counts.of_alert(session, alert.id, settings.delivery),
        )
        for alert in found.all()
    ]
    return render(
        request,
        "organise/alerts.html",
        lines=lines,
        outbox=await state.now(session, settings, organisation_id=organiser.organisation_id),
        notes=await _notes(session),
        now=clock.now(),
    )


@router.get("/alerts/{slug}")
async def alert(request: Request, session: gate.Reading, organiser: gate.Us, slug: str) -> Response:
    return await _show(request, session, organiser, await find(session, organiser, slug))


@router.post("/alerts/{slug}/freeze", dependencies=[Depends(gate.form_token)])
async def freeze(
    request: Request,
    session: gate.Tx,
    organiser: Changing,
    slug: str,
    why: Annotated[str, Form()] = "",
) -> Response:
    """Hold every letter of the alert; the reason is required."""
    held = await find(session, organiser, slug)
    why = " ".join(why.split())[:LONGEST_REASON]
    if not why:
        return await _show(request, session, organiser, held, status=422, why_missing=True)
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
    return render(request, "organise/letters.html", alert=shown, texts=texts)


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
        .options(selectinload(Alert.campaign), selectinload(Alert.countries))
    )


async def _show(
    request: Request,
    session: AsyncSession,
    organiser: Organiser,
    shown: Alert,
    *,
    status: int = 200,
    why_missing: bool = False,
) -> Response:
    return render(
        request,
        "organise/alert.html",
        status,
        alert=shown,
        freeze=await freezes.standing(session, "alert", shown.id),
        may_change=gate.covers(organiser, Role.ORGANISER),
        why="",
        why_missing=why_missing,
        notes=await _notes(session, shown.slug),
        now=clock.now(),
    )


async def _notes(session: AsyncSession, slug: str = "") -> Sequence[AuditLine]:
    """The last sentences on record, all or those that name an alert."""
    found = select(AuditLine).order_by(AuditLine.id.desc()).limit(NOTES)
    if slug:
        found = found.where(AuditLine.sentence.contains(f"“{slug}”", autoescape=True))
    return (await session.scalars(found)).all()


def _back(slug: str, done: str) -> Response:
    return RedirectResponse(f"/organise/alerts/{slug}?done={done}", 303)
