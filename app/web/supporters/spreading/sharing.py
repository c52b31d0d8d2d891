"""Passing an alert on: its texts with their links, and the page that asks for a Mastodon server."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.campaigns import alerts
from app.errors import Missing
from app.languages import marked, translations
from app.models import Alert, AlertState
from app.web import pages
from app.web.gate import Configured, Reading
from app.wording import sharing
from app.wording.language import translated
from app.wording.language.translated import AlertWords, Spoken

router = APIRouter(include_in_schema=False)

LONGEST_SERVER = 260
NO_SERVER = marked("This is not the name of a server. It looks like this: mastodon.social")


@router.get("/alerts/{slug}/share")
async def show(request: Request, slug: str, session: Reading, settings: Configured) -> Response:
    alert = await alerts.by_slug(session, slug)
    words = translated.words(alert, pages.reader_language(request))
    texts = sharing.for_anybody(words, settings.public_url, ended=_ended(alert))
    return pages.render(request, "alerts/share.html", alert=alert, shared=texts)


@router.get("/alerts/{slug}/share/mastodon")
async def mastodon(
    request: Request,
    slug: str,
    session: Reading,
    settings: Configured,
    text: str = "1",
    server: str = "",
) -> Response:
    """Asks which server, then shows the link to it. No redirect: a form may only lead here, and
    a page of ours that sends people anywhere would be borrowed by others."""
    alert = await alerts.by_slug(session, slug)
    language = pages.reader_language(request)
    said = _text(translated.words(alert, language), text)
    posted = sharing.post(said, await _about(session, alert), settings.public_url)
    host = sharing.server(server[:LONGEST_SERVER])
    error = translations(language).gettext(NO_SERVER) if server and not host else ""
    return pages.render(
        request,
        "alerts/share_mastodon.html",
        422 if error else 200,
        alert=alert,
        key=text,
        typed=server[:LONGEST_SERVER],
        error=error,
        host=host,
        shown=Spoken(posted, said.language),
        href=sharing.mastodon(posted, host) if host else "",
    )


async def _about(session: Reading, alert: Alert) -> Alert:
    if alert.kind != "guide":
        return alert
    return await alerts.letters_of_campaign(session, alert) or alert


def _text(words: AlertWords, key: str) -> Spoken:
    """A guide's text by its key, an alert's by its number. Raises Missing."""
    for one in words.alert.texts:
        if one["key"] == key:
            return words.copied(key, "text", one["text"])
    found = [said for _, said in sharing.templates(words, ended=_ended(words.alert))]
    found.append(sharing.by_title(words))
    if key.isascii() and key.isdecimal() and 0 < int(key[:4]) <= len(found):
        return found[int(key[:4]) - 1]
    raise Missing("text", key)


def _ended(alert: Alert) -> bool:
    return alert.state != AlertState.PUBLISHED or alerts.ended_at(alert) is not None
