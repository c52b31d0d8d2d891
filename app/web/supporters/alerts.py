"""The open alerts, an alert's page, the preview of its letters, and the form."""

from typing import Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from app.campaigns import alerts
from app.errors import FormRefused, Missing
from app.letters import submission
from app.letters.form import Form
from app.models import Alert
from app.settings import Settings
from app.web import forms, pages
from app.web.gate import Configured, Reading, Tx, throttle
from app.web.supporters import desk, rehearsal
from app.wording.language import translated
from app.wording.language.translated import AlertWords, Spoken

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index(request: Request, session: Reading) -> Response:
    return pages.render(request, "alerts/index.html", alerts=await alerts.public(session))


@router.get("/alerts/{slug}")
async def alert(request: Request, slug: str, session: Reading, settings: Configured) -> Response:
    found = await rehearsal.find(request, session, settings, slug)
    if found.kind == "guide":
        guide = await _guide(request, session, settings, found)
        return rehearsal.marked(request, guide, found)
    form = desk.with_source(Form(), request)
    context = await desk.context(session, request, settings, found, form)
    return rehearsal.marked(request, pages.render(request, "alerts/alert.html", **context), found)


@router.get("/alerts/{slug}/preview")
async def preview_again(request: Request, slug: str) -> Response:
    """Whoever reloads a preview, or sends its address on, finds the form."""
    return RedirectResponse(str(request.url.replace(path=f"/alerts/{slug}")), 303)


@router.post("/alerts/{slug}/preview")
async def preview(request: Request, slug: str, session: Reading, settings: Configured) -> Response:
    """The exact letters. A POST, so that what people type is in no address and no log."""
    data = await request.form()  # first: a slow line must hold no transaction
    found = await _with_form(request, session, settings, slug)
    form = forms.read(data, language=pages.reader_language(request))
    context = await desk.context(session, request, settings, found, form)
    fragment = request.headers.get("x-fragment") == "letters"
    page = "alerts/letters.html" if fragment else "alerts/alert.html"
    return rehearsal.marked(request, pages.render(request, page, **context), found)


@router.post("/alerts/{slug}", dependencies=[Depends(throttle("form"))])
async def submit(request: Request, slug: str, session: Tx, settings: Configured) -> Response:
    data = await request.form()  # the gate has read it, before the transaction began
    found = await _with_form(request, session, settings, slug)
    if not forms.is_caught(data):
        form = forms.read(data, language=pages.reader_language(request))
        try:
            await submission.submit(session, settings, found, form)
        except FormRefused as refusal:
            return await _again(request, session, settings, found, data, refusal)
    # the same answer for a known and an unknown address, and for a machine that was caught
    return RedirectResponse(f"/alerts/{slug}/look-in-your-mail", 303)


@router.get("/alerts/{slug}/look-in-your-mail")
async def look_in_your_mail(
    request: Request, slug: str, session: Reading, settings: Configured
) -> Response:
    found = await _with_form(request, session, settings, slug)
    page = pages.render(request, "alerts/look_in_your_mail.html", alert=found)
    return rehearsal.marked(request, page, found)


async def _guide(
    request: Request, session: Reading, settings: Configured, guide: Alert
) -> Response:
    """Texts to copy; `{url}` in them is where the letters of the campaign can be written."""
    letters = await alerts.letters_of_campaign(session, guide)
    url = f"{settings.public_url.rstrip('/')}/alerts/{(letters or guide).slug}"
    words = translated.words(guide, pages.reader_language(request))
    texts = [one | {"text": _with_url(words, one, url)} for one in guide.texts]
    return pages.render(request, "alerts/guide.html", alert=guide, texts=texts, letters=letters)


def _with_url(words: AlertWords, one: dict[str, Any], url: str) -> Spoken:
    said = words.copied(one["key"], "text", one["text"])
    return Spoken(said.replace("{url}", url), said.language)


async def _with_form(
    request: Request, session: AsyncSession, settings: Settings, slug: str
) -> Alert:
    """An alert that takes letters; a guide has no form. Raises Missing."""
    found = await rehearsal.find(request, session, settings, slug)
    if found.kind == "guide":
        raise Missing("form", slug)
    return found


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
