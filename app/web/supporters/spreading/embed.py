"""An alert in a frame on a partner's page: its call, the form and the letters, and nothing else.

All of it works without a script and without cookies, which browsers keep from frames: what one
page knows, the next has from its address.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from app import languages
from app.campaigns import alerts
from app.errors import FormRefused, Missing
from app.letters.form import Form
from app.models import Alert
from app.settings import Settings
from app.web import forms, pages
from app.web.armour import PRIVATE
from app.web.gate import Configured, Reading, Tx, throttle
from app.web.looks.assets import STYLES
from app.web.supporters import desk, waiting

A_DAY = 24 * 3600

router = APIRouter(include_in_schema=False)


@router.get("/alerts/{slug}/embed")
async def frame(request: Request, slug: str, session: Reading, settings: Configured) -> Response:
    alert = await _with_form(session, slug)
    form = Form(source=forms.source_of(request.query_params))
    return await _page(request, session, settings, alert, form)


@router.get("/alerts/{slug}/embed/preview")
async def preview_again(request: Request, slug: str) -> Response:
    """Whoever reloads a preview finds the form."""
    carried = _carried(request, forms.source_of(request.query_params))
    return RedirectResponse(f"/alerts/{slug}/embed{carried}", 303)


@router.post("/alerts/{slug}/embed/preview", dependencies=[Depends(throttle("preview"))])
async def preview(request: Request, slug: str, session: Reading, settings: Configured) -> Response:
    """The exact letters, as on the alert's own page."""
    data = await request.form()  # first: a slow line must hold no transaction
    alert = await _with_form(session, slug)
    form = forms.read(data, language=pages.reader_language(request))
    if request.headers.get("x-fragment") == "letters":
        context = await desk.context(session, request, settings, alert, form)
        return _framed(request, "alerts/letters.html", **context)
    return await _page(request, session, settings, alert, form)


@router.post("/alerts/{slug}/embed", dependencies=[Depends(throttle("form"))])
async def submit(request: Request, slug: str, session: Tx, settings: Configured) -> Response:
    data = await request.form()  # the gate has read it, before the transaction began
    alert = await _with_form(session, slug)
    try:
        token = await waiting.take(request, session, settings, alert, data)
    except FormRefused as refusal:
        return await _again(request, session, settings, alert, data, refusal)
    source = forms.read(data, language="").source
    carried = _carried(request, {**source, "for": token})
    return RedirectResponse(f"/alerts/{slug}/embed/look-in-your-mail{carried}", 303)


@router.get("/alerts/{slug}/embed/look-in-your-mail")
async def look_in_your_mail(
    request: Request, slug: str, session: Reading, settings: Configured
) -> Response:
    """What comes next. The code is typed on a page beside: only the form is ever framed."""
    alert = await _with_form(session, slug)
    source = forms.source_of(request.query_params)
    token = quote(request.query_params.get("for", ""))
    response = _framed(
        request,
        "embed/look_in_your_mail.html",
        alert=alert,
        token=waiting.token_of(request, settings),
        speaks=_speaks(request, "/look-in-your-mail"),
        back=f"/alerts/{slug}/embed{_carried(request, source)}",
        beside=f"{waiting.address(slug, token)}&lang={pages.reader_language(request)}",
        answers=True,
    )
    response.headers.update(PRIVATE)
    return response


@router.get("/embed.js")
async def script(request: Request) -> Response:
    """Sets the heights of the frames on a partner's page, under an address that never changes."""
    found = request.app.state.assets.find("embed.js")
    headers = {
        "Cache-Control": f"public, max-age={A_DAY}",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return Response(found.content, media_type="text/javascript", headers=headers)


async def _with_form(session: AsyncSession, slug: str) -> Alert:
    """A public alert that takes letters: a rehearsal's cookie would not reach a frame.

    Raises Missing.
    """
    alert = await alerts.by_slug(session, slug)
    if alert.kind == "guide":
        raise Missing("form", slug)
    return alert


async def _page(
    request: Request,
    session: AsyncSession,
    settings: Settings,
    alert: Alert,
    form: Form,
    refusal: FormRefused | None = None,
) -> Response:
    language = pages.reader_language(request)
    context = await desk.context(session, request, settings, alert, form)
    if refusal:
        context["errors"] = forms.sentences(refusal.fields, language)
    return _framed(
        request,
        "embed/alert.html",
        422 if refusal else 200,
        speaks=_speaks(request, "/preview"),
        answers=request.method == "POST",
        **context,
    )


async def _again(
    request: Request,
    session: AsyncSession,
    settings: Settings,
    alert: Alert,
    data: FormData,
    refusal: FormRefused,
) -> Response:
    """The frame once more, with all that was typed and a sentence at each field."""
    form = forms.read(data, language=pages.reader_language(request))
    return await _page(request, session, settings, alert, form, refusal)


def _framed(request: Request, name: str, status: int = 200, **context: Any) -> Response:
    style = _style(request)
    context |= {"style": f"{style}/" if style else "", "door_query": _carried(request)}
    return _cookieless(pages.render(request, name, status, **context))


def _cookieless(response: Response) -> Response:
    """Without the cookie that keeps a chosen language: a frame sets none on a partner's readers."""
    if "set-cookie" in response.headers:
        del response.headers["set-cookie"]
    return response


def _style(request: Request) -> str:
    """By day or by night, as the partner's page is; else as the reader's device says."""
    asked = request.query_params.get("style", "")
    return asked if asked in STYLES else ""


def _carried(request: Request, source: Mapping[str, str] | None = None, language: str = "") -> str:
    """The query of the frame's next page: its language, its style and where its reader is."""
    style = _style(request)
    query = {"lang": language or pages.reader_language(request)}
    return f"?{urlencode(query | ({'style': style} if style else {}) | dict(source or {}))}"


def _speaks(request: Request, page: str) -> list[tuple[str, str, str]]:
    """The languages as addresses inside the frame."""
    slug = request.path_params["slug"]
    source = {} if request.method == "POST" else forms.source_of(request.query_params)
    if token := request.query_params.get("for"):
        source["for"] = token
    return [
        (code, named, f"/alerts/{slug}/embed{page}{_carried(request, source, code)}")
        for code, named in ((one, languages.language_name(one)) for one in languages.LANGUAGES)
    ]
