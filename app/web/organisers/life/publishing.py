"""The check-list before publishing, the second organiser, and the button."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse

from app import clock
from app.campaigns import alerts
from app.campaigns.drafts import keeping
from app.campaigns.drafts.keeping import Draft
from app.campaigns.drafts.showing import SAMPLES
from app.campaigns.life import approvals, transitions
from app.delivery.domain import standing
from app.delivery.domain.standing import Standing
from app.errors import DraftMoved, FormRefused, PointsOpen
from app.languages import marked as _
from app.models import Organiser, Role
from app.settings import Delivery, Settings
from app.web import gate
from app.web.looks import moments
from app.web.organisers.alerts import find
from app.web.organisers.editor.typed import anchor
from app.web.organisers.life import points
from app.web.organisers.life.points import CheckList
from app.web.pages import reader_language, render

SENTENCES = {
    "moved": _("The draft has changed since this page was made. Look at the list once more."),
    "blocked": _("It is not finished: the first point says what is missing."),
    "open": _("Points are open: ask a second organiser, or write down why you go on."),
    "why": _("Please write a reason of ten characters at least: it stays on record."),
}

router = APIRouter(
    prefix="/organise/alerts", include_in_schema=False, dependencies=[Depends(gate.signed_in)]
)
Changing = Annotated[Organiser, Depends(gate.at_least(Role.ORGANISER))]
Typed = Annotated[str, Form()]


async def of_our_domain(settings: gate.Configured) -> Standing | None:
    """Asked before the transaction begins; in practice nobody is asked."""
    if settings.delivery is Delivery.SANDBOX:
        return None
    return await standing.for_a_page(settings)


OurDomain = Annotated[Standing | None, Depends(of_our_domain)]


@dataclass(frozen=True)
class Sheet:
    """The page in the making."""

    request: Request
    session: AsyncSession
    settings: Settings
    organiser: Organiser
    draft: Draft
    found: CheckList
    typed: Mapping[str, str] = field(default_factory=dict)

    async def page(self, fault: str = "", *, at: str = "") -> Response:
        return await _page(self, fault, at)


@router.get("/{slug}/publish")
async def show(
    request: Request,
    domain: OurDomain,
    session: gate.Reading,
    settings: gate.Configured,
    organiser: gate.Us,
    slug: str,
) -> Response:
    sheet = await _sheet(request, domain, session, settings, organiser, slug)
    return await sheet.page()


@router.post("/{slug}/publish", dependencies=[Depends(gate.form_token)])
async def publish(
    request: Request,
    domain: OurDomain,
    session: gate.Tx,
    settings: gate.Configured,
    organiser: Changing,
    slug: str,
    seal: Typed = "",
    way: Typed = "",
    why: Typed = "",
) -> Response:
    """`way`: ask (a second organiser), reason (go on alone), or nothing where all is in order."""
    typed = {"why": why}
    sheet = await _sheet(request, domain, session, settings, organiser, slug, typed)
    draft, found, by = sheet.draft, sheet.found, organiser.email
    if seal != draft.seal:
        return await sheet.page("moved")
    if found.blocked:
        return await sheet.page("blocked")
    if not _has_news(draft):
        return RedirectResponse(f"/organise/alerts/{slug}?done=unchanged", 303)
    if way == "ask" and found.open:
        await approvals.ask(session, draft, points=found.open, why=why, by=by)
        return RedirectResponse(f"/organise/alerts/{slug}/publish?done=asked", 303)
    try:
        if way == "reason" and found.open:
            await approvals.write_reason(session, draft, points=found.open, why=why, by=by)
        because = await approvals.reason_to_publish(session, draft, found.open)
    except FormRefused:
        return await sheet.page("why", at="why")
    except PointsOpen:
        return await sheet.page("open")
    await transitions.publish(session, draft, by=by, why=because)
    return RedirectResponse(f"/organise/alerts/{slug}?done=published", 303)


@router.post("/{slug}/publish/answer", dependencies=[Depends(gate.form_token)])
async def answer(
    request: Request,
    domain: OurDomain,
    session: gate.Tx,
    settings: gate.Configured,
    organiser: Changing,
    slug: str,
    approval: Annotated[int, Form(le=2**31 - 1)],
    agreed: Typed = "",
    words: Typed = "",
) -> Response:
    """The second organiser's yes or no."""
    draft = await keeping.read(session, await find(session, organiser, slug))
    try:
        await approvals.answer(
            session, draft, approval, agreed=agreed == "yes", words=words, by=organiser.email
        )
    except DraftMoved:
        typed = {"words": words}
        sheet = await _sheet(request, domain, session, settings, organiser, slug, typed)
        return await sheet.page("moved")
    done = "agreed" if agreed == "yes" else "declined"
    return RedirectResponse(f"/organise/alerts/{slug}/publish?done={done}", 303)


def _has_news(draft: Draft) -> bool:
    return draft.begun or draft.alert.state not in alerts.PUBLIC


async def _sheet(
    request: Request,
    domain: Standing | None,
    session: AsyncSession,
    settings: Settings,
    organiser: Organiser,
    slug: str,
    typed: Mapping[str, str] | None = None,
) -> Sheet:
    draft = await keeping.read(session, await find(session, organiser, slug))
    found = await points.of_draft(session, draft, settings, domain)
    return Sheet(request, session, settings, organiser, draft, found, typed or {})


async def _page(sheet: Sheet, fault: str, at: str) -> Response:
    draft, found, organiser = sheet.draft, sheet.found, sheet.organiser
    approval = await approvals.newest(sheet.session, draft.alert)
    same = approval is not None and approval.seal == draft.seal
    return render(
        sheet.request,
        "organise/life/publish.html",
        422 if fault else 200,
        alert=draft.alert,
        draft=draft,
        found=found,
        approval=approval if same else None,
        granted=approvals.holds(approval, draft, found.open),
        waits=approvals.waits(approval, draft),
        others=await approvals.second_organisers(sheet.session, draft.alert, organiser.email),
        me=organiser.email,
        may_change=gate.covers(organiser, Role.ORGANISER),
        news=_has_news(draft),
        public=draft.alert.state in alerts.PUBLIC,
        fault=SENTENCES.get(fault, ""),
        error_at=at,
        typed=sheet.typed,
        anchor=anchor,
        samples=[words.name for words in SAMPLES],
        practice_only=sheet.settings.delivery is Delivery.SANDBOX,
        **_last_leaves(sheet),
    )


def _last_leaves(sheet: Sheet) -> dict[str, Any]:
    plan, shown = sheet.found.plan, sheet.found.shown.alert
    language = reader_language(sheet.request)
    at = plan.last_at if plan else None
    said = moments.point(at, now=clock.now(), zone=shown.timezone, language=language)
    return {"plan": plan, "last_leaves": said}
