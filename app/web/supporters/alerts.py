"""The open alerts, an alert's page, the preview of its letters, and the form."""

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from app.campaigns import alerts
from app.errors import FormRefused
from app.models import Alert, AlertState
from app.web import forms, pages
from app.web.gate import Configured, Reading, Tx, throttle
from app.web.supporters import desk, rehearsal, waiting
from app.web.supporters.spreading import prefilled
from app.wording import sharing
from app.wording.language import translated

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index(request: Request, session: Reading) -> Response:
    shown = await alerts.public(session)
    first = next((one for one in shown if one.kind == "letters" and _is_open(one)), None)
    return pages.render(request, "alerts/index.html", alerts=shown, first=first)


@router.get("/alerts/{slug}")
async def alert(request: Request, slug: str, session: Reading, settings: Configured) -> Response:
    found = await rehearsal.find(request, session, settings, slug)
    if found.kind == "guide":
        guide = await _guide(request, session, settings, found)
        return rehearsal.marked(request, guide, found)
    form = prefilled.form(request.query_params, found)
    context = await desk.context(session, request, settings, found, form)
    page = rehearsal.marked(request, pages.render(request, "alerts/alert.html", **context), found)
    return prefilled.private(page) if prefilled.is_asked(request.query_params) else page


@router.get("/alerts/{slug}/preview")
async def preview_again(request: Request, slug: str) -> Response:
    """Whoever reloads a preview, or sends its address on, finds the form."""
    return RedirectResponse(str(request.url.replace(path=f"/alerts/{slug}")), 303)


@router.post("/alerts/{slug}/preview", dependencies=[Depends(throttle("preview"))])
async def preview(request: Request, slug: str, session: Reading, settings: Configured) -> Response:
    """The exact letters. A POST, so that what people type is in no address and no log."""
    data = await request.form()  # first: a slow line must hold no transaction
    found = await rehearsal.with_form(request, session, settings, slug)
    form = forms.read(data, language=pages.reader_language(request))
    context = await desk.context(session, request, settings, found, form)
    fragment = request.headers.get("x-fragment") == "letters"
    page = "alerts/letters.html" if fragment else "alerts/alert.html"
    return rehearsal.marked(request, pages.render(request, page, **context), found)


@router.post("/alerts/{slug}", dependencies=[Depends(throttle("form"))])
async def submit(request: Request, slug: str, session: Tx, settings: Configured) -> Response:
    data = await request.form()  # the gate has read it, before the transaction began
    found = await rehearsal.with_form(request, session, settings, slug)
    try:
        token = await waiting.take(request, session, settings, found, data)
    except FormRefused as refusal:
        return await _again(request, session, settings, found, data, refusal)
    # the same answer for a known and an unknown address, and for a machine that was caught
    return RedirectResponse(waiting.address(slug, token), 303)


def _is_open(alert: Alert) -> bool:
    return alert.state == AlertState.PUBLISHED and not alerts.ended_at(alert)


async def _guide(
    request: Request, session: Reading, settings: Configured, guide: Alert
) -> Response:
    """Texts to copy and pass on; `{url}` in them is where the campaign's letters are written."""
    letters = await alerts.letters_of_campaign(session, guide)
    words = translated.words(guide, pages.reader_language(request))
    texts = sharing.guide_texts(words, letters or guide, settings.public_url)
    return pages.render(request, "alerts/guide.html", alert=guide, texts=texts, letters=letters)


async def _again(
    request: Request,
    session: Tx,
    settings: Configured,
    found: Alert,
    data: FormData,
    refusal: FormRefused,
) -> Response:
    """The page once more, with all that was typed and a sentence at each field."""
    language = pages.reader_language(request)
    context = await desk.context(
        session, request, settings, found, forms.read(data, language=language)
    )
    context["errors"] = forms.sentences(refusal.fields, language)
    again = pages.render(request, "alerts/alert.html", 422, **context)
    return rehearsal.marked(request, again, found)
