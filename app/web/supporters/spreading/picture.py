"""The picture that an alert's link, or the front page's, shows where it is shared."""

import asyncio

from fastapi import APIRouter, Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from app import languages
from app.campaigns import alerts
from app.db import Database
from app.languages import marked
from app.settings import Settings
from app.web import pages
from app.web.gate import Configured
from app.web.looks import picture
from app.web.looks.picture import Card
from app.web.supporters.spreading import sent
from app.wording.language import translated

TEN_MINUTES = "public, max-age=600"

router = APIRouter(include_in_schema=False)


@router.get("/picture.png")
async def of_the_front_page(request: Request, settings: Configured) -> Response:
    language = pages.reader_language(request)
    title = languages.translations(language).gettext(marked("Write to a government"))
    card = Card(settings.organisation_name, title, "", "", settings.accent_colour)
    return await _answer(request, card, language)


@router.get("/alerts/{slug}/picture.png")
async def show(request: Request, slug: str, settings: Configured) -> Response:
    """Of a public alert; a draft or a rehearsal has none. Raises Missing."""
    language = pages.reader_language(request)
    database: Database = request.app.state.database
    async with database.reading() as session:  # closed before the drawing begins
        card = await _card(session, settings, slug, language)
    return await _answer(request, card, language)


async def _answer(request: Request, card: Card, language: str) -> Response:
    headers = {
        "ETag": f'"{card.digest}"',
        "Cache-Control": TEN_MINUTES,
        "Content-Language": language,
        "Vary": "Accept-Language, Cookie",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if card.digest in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    async with request.app.state.drawing:  # a link that spreads is looked at by many at once
        drawn = await asyncio.to_thread(picture.drawn, card)
    return Response(drawn, media_type="image/png", headers=headers)


async def _card(session: AsyncSession, settings: Settings, slug: str, language: str) -> Card:
    alert = await alerts.by_slug(session, slug)
    said = await sent.said(session, alert, settings, language)
    return Card(
        organisation=settings.organisation_name,
        title=str(translated.words(alert, language).title),
        number=said.number if said else "",
        letters=said.letters if said else "",
        accent=settings.accent_colour,
    )
