"""Who may see an alert that is only tried out: its organisers, and whoever has its link."""

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from app.accounts import sign_in
from app.campaigns import alerts
from app.errors import Missing
from app.models import Alert, AlertState
from app.settings import Settings
from app.tokens import link_token, read_token
from app.web import gate

REHEARSAL = "rehearsal"  # what its links are for, and how query and cookie are called
# for those who try it out alone: no cache keeps it, no search finds it, no link passes it on
PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}


def link(settings: Settings, alert: Alert) -> str:
    """Opens the rehearsal to whoever has it, for as long as there is one."""
    token = link_token(settings, REHEARSAL, alert.slug)
    return f"{settings.public_url.rstrip('/')}/alerts/{alert.slug}?{REHEARSAL}={token}"


async def find(request: Request, session: AsyncSession, settings: Settings, slug: str) -> Alert:
    """A public alert, or one in rehearsal for those who may see it. Raises Missing."""
    try:
        return await alerts.by_slug(session, slug)
    except Missing:
        alert = await alerts.in_rehearsal(session, slug)
    if _has_the_link(request, settings, slug) or await _is_theirs(request, session, alert):
        return alert
    raise Missing("alert", slug)


async def with_form(
    request: Request, session: AsyncSession, settings: Settings, slug: str
) -> Alert:
    """The same for an alert that takes letters; a guide has no form. Raises Missing."""
    found = await find(request, session, settings, slug)
    if found.kind == "guide":
        raise Missing("form", slug)
    return found


def marked(request: Request, response: Response, alert: Alert) -> Response:
    """The answer with what a rehearsal needs: a cookie that opens the next page, no trace left."""
    if alert.state != AlertState.REHEARSAL:
        return response
    response.headers.update(PRIVATE)
    if token := request.query_params.get(REHEARSAL):
        path = f"/alerts/{alert.slug}"
        secure = gate.settings_of(request).public_url.startswith("https://")
        response.set_cookie(
            REHEARSAL, token, path=path, httponly=True, samesite="lax", secure=secure
        )
    return response


def _has_the_link(request: Request, settings: Settings, slug: str) -> bool:
    token = request.query_params.get(REHEARSAL) or request.cookies.get(REHEARSAL, "")
    try:
        return read_token(settings, REHEARSAL, token) == slug
    except Missing:
        return False


async def _is_theirs(request: Request, session: AsyncSession, alert: Alert) -> bool:
    """Whether an organiser of the alert's organisation is signed in here."""
    secret = request.cookies.get(gate.COOKIE)
    kept = await sign_in.resume(session, secret) if secret else None
    return kept is not None and (kept.organiser.organisation_id == alert.campaign.organisation_id)
