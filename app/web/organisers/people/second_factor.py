"""Setting up the second factor: a picture for the phone, the same key as text, and its proof."""

from datetime import timedelta
from typing import Annotated, Any

import segno
from fastapi import APIRouter, Depends, Form, Request, Response
from markupsafe import Markup
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse

from app import buckets
from app.accounts import organisers, second_factor
from app.errors import FormRefused, TooMany
from app.models import Organiser
from app.settings import Settings
from app.web import gate
from app.web.organisers.people.said import sentences
from app.web.pages import reader_language, render

HERE = "/organise/people/second-factor"
TRIES_AN_HOUR = 10

router = APIRouter(prefix=HERE, include_in_schema=False, dependencies=[Depends(gate.signed_in)])
Tokened = [Depends(gate.form_token)]
Guessing = [Depends(gate.throttle("sign-in")), *Tokened]


@router.get("")
async def show(
    request: Request, session: gate.Reading, settings: gate.Configured, organiser: gate.Us
) -> Response:
    return await _page(request, session, settings, organiser)


@router.post("/begin", dependencies=Tokened)
async def begin(session: gate.Tx, organiser: gate.Us) -> Response:
    await second_factor.begin(session, organiser.id)
    return RedirectResponse(HERE, 303)


@router.post("/prove", dependencies=Tokened)
async def prove(
    request: Request,
    reading: gate.Reading,
    settings: gate.Configured,
    organiser: gate.Us,
    code: Annotated[str, Form()] = "",
) -> Response:
    """The first code turns it on; the recovery codes are on the answer and nowhere else."""
    try:
        async with gate.writing(request) as session:
            codes = await second_factor.prove(session, organiser.id, code)
    except FormRefused as refusal:
        return await _page(request, reading, settings, organiser, fields=refusal.fields)
    return render(request, "organise/people/recovery_codes.html", codes=codes)


@router.post("/codes", dependencies=Guessing)
async def codes(
    request: Request,
    reading: gate.Reading,
    settings: gate.Configured,
    organiser: gate.Us,
    old_password: Annotated[str, Form()] = "",
) -> Response:
    """New recovery codes, for the password."""
    if not await organisers.fits(old_password, organiser.password_hash):
        fields = {"old_password": "wrong"}
        return await _page(request, reading, settings, organiser, fields=fields)
    async with gate.writing(request) as session:
        made = await second_factor.renew_codes(session, organiser.id)
    return render(request, "organise/people/recovery_codes.html", codes=made)


@router.post("/off", dependencies=Guessing)
async def off(
    request: Request,
    reading: gate.Reading,
    settings: gate.Configured,
    organiser: gate.Us,
    old_password: Annotated[str, Form()] = "",
) -> Response:
    if not await organisers.fits(old_password, organiser.password_hash):
        fields = {"old_password": "wrong"}
        return await _page(request, reading, settings, organiser, fields=fields)
    async with gate.writing(request) as session:
        await second_factor.turn_off(session, organiser.id, by=organiser.email)
    return RedirectResponse(f"{HERE}?done=off", 303)


async def limit(session: AsyncSession, organiser_id: int) -> None:
    """So many codes an hour may be tried for one person, from wherever. Raises TooMany."""
    key, every = f"second-factor:{organiser_id}", timedelta(hours=1) / TRIES_AN_HOUR
    wait = await buckets.take(session, key, every=every, burst=TRIES_AN_HOUR)
    if wait:
        raise TooMany(wait.total_seconds())


async def _page(
    request: Request,
    session: AsyncSession,
    settings: Settings,
    organiser: Organiser,
    *,
    fields: dict[str, str] | None = None,
) -> Response:
    setting_up = bool(organiser.totp_secret) and organiser.totp_since is None
    context: dict[str, Any] = {
        "since": organiser.totp_since,
        "picture": _picture(organiser, settings) if setting_up else "",
        "key": _in_groups(organiser.totp_secret) if setting_up else "",
        "left": await second_factor.codes_left(session, organiser.id),
        "errors": sentences(fields or {}, reader_language(request)),
    }
    return render(request, "organise/people/second_factor.html", 422 if fields else 200, **context)


def _picture(organiser: Organiser, settings: Settings) -> Markup:
    """Dark on light whatever the page: a phone's camera wants it so."""
    made = segno.make(second_factor.address(organiser, settings.organisation_name), error="m")
    drawn = made.svg_inline(scale=4, border=4, dark="#000", light="#fff", svgclass="qr")
    return Markup(drawn)  # noqa: S704 (only squares: what it says is drawn, not written)


def _in_groups(key: str) -> str:
    return " ".join(key[at : at + 4] for at in range(0, len(key), 4))
