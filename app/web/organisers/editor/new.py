"""Where an alert begins: with a title and an aim, or from an alert that is there already."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse

from app import audit, buckets, languages
from app.campaigns.drafts import beginning, presets
from app.languages import marked as _
from app.models import Alert, Campaign, Organiser, Role
from app.web import gate
from app.web.organisers.alerts import find
from app.web.organisers.editor.typed import LINE, NOT_TYPED, TEXT
from app.web.pages import reader_language, render

KINDS = ("letters", "guide")
A_NEW_ONE = "new"  # in place of a campaign's address: no campaign is called so
FORM_HOLDS = timedelta(days=1)  # how long we know that a page's form was posted
FIELDS = {"title": LINE, "campaign_title": LINE, "aim": TEXT}
SENTENCES = {
    "title": _("Please give it a title: it stands above the page and in the list of alerts."),
    "campaign_title": _("Please name the campaign that this alert serves."),
    "taken": _("You have a campaign of this name: choose it above."),
    "aim": _("Please say in a sentence what you want to reach."),
    "campaign": _("Please choose a campaign, or name a new one."),
    "steps": _("Please choose what the countries do."),
    "too_long": _("This is too long: at most %(most)s characters fit. Nothing was cut."),
    "from": _("Please choose the alert to start from."),
}

router = APIRouter(
    prefix="/organise/alerts", include_in_schema=False, dependencies=[Depends(gate.signed_in)]
)
Changing = Annotated[Organiser, Depends(gate.at_least(Role.ORGANISER))]


@router.get("/new")
async def show(request: Request, session: gate.Reading, organiser: Changing) -> Response:
    return await _page(request, session, organiser, {}, {})


@router.post("/new", dependencies=[Depends(gate.form_token)])
async def begin(request: Request, session: gate.Tx, organiser: Changing) -> Response:
    """A new draft, in a campaign of the organisation's own or in one that begins with it."""
    data = await request.form()
    typed = _read(data)
    if before := await _begun_before(session, organiser, data, typed["title"]):
        return before
    own = await _campaigns(session, organiser)
    serves = next((one for one in own if one.slug == typed["campaign"]), None)
    if not own:
        typed["campaign"] = A_NEW_ONE
    errors = _errors(typed, serves, own)
    if errors:
        return await _page(request, session, organiser, typed, errors, status=422)
    by = organiser.email
    if serves is None:
        serves = await presets.begin_campaign(
            session,
            organisation_id=organiser.organisation_id,
            title=typed["campaign_title"],
            aim=typed["aim"],
            steps=typed["steps"],
        )
        await audit.note(session, by, f"Began the campaign “{serves.slug}”: {serves.title}")
    made = await beginning.create(
        session, campaign=serves, title=typed["title"], kind=typed["kind"], by=by
    )
    await audit.note(session, by, f"Began the alert “{made.slug}”: {made.title}")
    return RedirectResponse(f"/organise/alerts/{made.slug}/edit", 303)


@router.post("/new/from", dependencies=[Depends(gate.form_token)])
async def begin_from(
    request: Request,
    session: gate.Tx,
    organiser: Changing,
    source: Annotated[str, Form(alias="from")] = "",
) -> Response:
    """A draft with everything of another alert, but its dates."""
    if source not in [one.slug for one in await _alerts(session, organiser)]:
        said = languages.translations(reader_language(request)).gettext
        errors = {"from": said(SENTENCES["from"])}
        return await _page(request, session, organiser, {"from": source}, errors, status=422)
    by = organiser.email
    alert = await find(session, organiser, source)
    if before := await _begun_before(session, organiser, await request.form(), alert.title):
        return before
    made = await beginning.clone(session, alert, by=by)
    await audit.note(session, by, f"Began the alert “{made.slug}” from “{source}”")
    return RedirectResponse(f"/organise/alerts/{made.slug}/edit", 303)


async def _begun_before(
    session: AsyncSession, organiser: Organiser, data: FormData, title: str
) -> Response | None:
    """The way to what this very form has begun: a button that is pressed twice makes one."""
    drawn = str(data.get("once", ""))[:40]
    # gone back to, the same page may begin another one
    asked = sha256(f"{data.get('from', '')} {title}".encode("utf-8", "replace")).hexdigest()[:16]
    key = f"begin:{organiser.id}:{drawn}:{asked}"
    if not drawn or await buckets.take(session, key, every=FORM_HOLDS) is None:
        return None
    made = next((one for one in await _alerts(session, organiser) if one.title == title), None)
    return RedirectResponse(f"/organise/alerts/{made.slug}/edit", 303) if made else None


def _read(data: FormData) -> dict[str, str]:
    """What was typed, each in one line."""
    names = ("title", "kind", "campaign", "campaign_title", "aim", "steps")
    typed = {name: " ".join(NOT_TYPED.sub("", str(data.get(name, ""))).split()) for name in names}
    kind = typed["kind"] if typed["kind"] in KINDS else KINDS[0]
    return typed | {"kind": kind, "steps": typed["steps"] or presets.ONE_QUESTION}


def _errors(
    typed: dict[str, str], serves: Campaign | None, own: Sequence[Campaign]
) -> dict[str, str]:
    """The fields that are not there or too long, with a sentence in the language of the source."""
    needed = ["title"]
    if serves is None and typed["campaign"] == A_NEW_ONE:
        needed += ["campaign_title", "aim"]
    found = {name: SENTENCES[name] for name in needed if not typed[name]}
    if serves is None and typed["campaign_title"].casefold() in {
        one.title.casefold() for one in own
    }:
        found["campaign_title"] = SENTENCES["taken"]
    if serves is None and typed["campaign"] != A_NEW_ONE:
        found["campaign"] = SENTENCES["campaign"]
    if typed["steps"] not in presets.STEPS:
        found["steps"] = SENTENCES["steps"]
    for name, most in FIELDS.items():
        if len(typed[name]) > most:
            found[name] = SENTENCES["too_long"]
    return found


async def _page(
    request: Request,
    session: AsyncSession,
    organiser: Organiser,
    typed: dict[str, str],
    errors: dict[str, str],
    status: int = 200,
) -> Response:
    campaigns = await _campaigns(session, organiser)
    said = languages.translations(reader_language(request)).gettext
    empty = dict.fromkeys(("title", "campaign_title", "aim", "from"), "")
    chosen = {
        "kind": KINDS[0],
        "steps": presets.ONE_QUESTION,
        "campaign": campaigns[0].slug if campaigns else A_NEW_ONE,
    }
    return render(
        request,
        "organise/new.html",
        status,
        typed=empty | chosen | typed,
        errors={
            name: said(sentence).replace("%(most)s", str(FIELDS.get(name, 0)))
            for name, sentence in errors.items()
        },
        campaigns=campaigns,
        alerts=await _alerts(session, organiser),
        steps=presets.STEPS,
        once=secrets.token_urlsafe(12),
    )


async def _campaigns(session: AsyncSession, organiser: Organiser) -> Sequence[Campaign]:
    """The organisation's own, the newest first."""
    own = Campaign.organisation_id == organiser.organisation_id
    return (await session.scalars(select(Campaign).where(own).order_by(Campaign.id.desc()))).all()


async def _alerts(session: AsyncSession, organiser: Organiser) -> Sequence[Alert]:
    own = Campaign.organisation_id == organiser.organisation_id
    found = select(Alert).join(Campaign, Campaign.id == Alert.campaign_id).where(own)
    return (await session.scalars(found.order_by(Alert.id.desc()))).all()
