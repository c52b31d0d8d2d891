"""What a supporter would see of a draft: the page, and each letter with its sender's words.

The editor shows both in frames; nothing can be sent from them.
"""

import re
from dataclasses import replace
from datetime import date
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock, languages
from app.campaigns import alerts, stages
from app.campaigns.drafts import keeping, showing
from app.campaigns.drafts.contents import COUNTRIES, SENDING
from app.campaigns.drafts.keeping import Draft
from app.campaigns.drafts.showing import Shown
from app.errors import Missing
from app.letters.form import Form
from app.reporting import departures
from app.web import gate
from app.web.looks import moments
from app.web.organisers import typed_limits
from app.web.organisers.alerts import find
from app.web.organisers.pacing import MOST_SUPPORTERS, SUPPORTERS
from app.web.pages import reader_language, render
from app.web.supporters import desk
from app.wording import sharing
from app.wording.language import translated
from app.wording.language.translated import AlertWords
from app.wording.templates import ROLES

A_SEED = 1  # the same variants of a letter each time the page is shown

router = APIRouter(
    prefix="/organise/alerts/{slug}/draft",
    include_in_schema=False,
    dependencies=[Depends(gate.signed_in)],
)


@router.get("/page")
async def page(
    request: Request,
    session: gate.Reading,
    settings: gate.Configured,
    organiser: gate.Us,
    slug: str,
    language: str = languages.SOURCE,
) -> Response:
    """The public page as it would be, with a form that takes nothing. `language`: of the alert's
    own texts; the rest of the page is the organiser's."""
    draft = await keeping.read(session, await find(session, organiser, slug))
    shown = await showing.shown(session, draft, delivery=settings.delivery)
    language = language if language in languages.LANGUAGES else languages.SOURCE
    words = translated.words(shown.alert, language)
    shown.alert.resources = [_safe(one) for one in shown.alert.resources]
    if shown.alert.kind == "guide":
        context = await _of_a_guide(session, settings.public_url, shown, words)
    else:
        form = Form(seed=A_SEED)
        context = await desk.with_offices(session, request, shown.alert, form, shown.offices)
        context["places"] = [
            replace(one, lead=desk.lead_of(one.country, one.standing, words))
            for one in context["places"]
        ]
        context["closed"] = None  # it is not open yet: that is why it is looked at
    context["words"] = words
    return render(request, "organise/editor/draft_page.html", **(context | _as_a_visitor(request)))


@router.get("/letter")
async def letter(
    request: Request,
    session: gate.Reading,
    organiser: gate.Us,
    slug: str,
    country: str = "",
    language: str = "",
    stage: str = "",
    role: str = "",
    sample: str = "0",
) -> Response:
    """One letter as one sample supporter would send it; what is not said is chosen."""
    draft = await keeping.read(session, await find(session, organiser, slug))
    if draft.alert.kind != "letters":
        raise Missing("letter", slug)
    chosen = await _chosen(session, draft, country, language, stage, role)
    number = int(sample) % len(showing.SAMPLES) if sample.isdecimal() and len(sample) < 4 else 0
    found = None
    if chosen["country"]:
        found = await showing.sample_letter(session, draft, **chosen, sample=number)
    return render(
        request,
        "organise/editor/draft_letter.html",
        alert=draft.alert,
        chosen=chosen,
        sample=number,
        found=found,
        **_choices(draft, chosen["country"], reader_language(request)),
        **_as_a_visitor(request),
    )


@router.get("/forecast")
async def forecast(
    request: Request,
    session: gate.Reading,
    settings: gate.Configured,
    organiser: gate.Us,
    slug: str,
) -> Response:
    """When the last letter of the expected supporters leaves: apart, for it takes its time."""
    draft = await keeping.read(session, await find(session, organiser, slug))
    if draft.alert.kind != "letters":
        raise Missing("forecast", slug)
    n = typed_limits.number(str(draft.content(SENDING)["expected"])) or SUPPORTERS
    shown = await showing.shown(session, draft, delivery=settings.delivery)
    plan = await departures.of_supporters(
        session, shown.alert, min(n, MOST_SUPPORTERS), settings, available=shown.offices
    )
    zone, reader = shown.alert.timezone, reader_language(request)
    return render(
        request,
        "organise/editor/draft_forecast.html",
        alert=shown.alert,
        plan=plan,
        last_at=moments.point(plan.last_at, now=clock.now(), zone=zone, language=reader),
        settings=settings,
        **_as_a_visitor(request),
    )


def _as_a_visitor(request: Request) -> dict[str, Any]:
    """Nothing of the organiser's own; inside the editor's frame no way back to it."""
    return {"organiser": None, "form_token": "", "framed": "framed" in request.query_params}


async def _chosen(
    session: AsyncSession, draft: Draft, country: str, language: str, stage: str, role: str
) -> dict[str, str]:
    """What was asked for as far as there is such a thing, else what stands first."""
    written = [name.partition(".") for name in draft.letters]
    countries = [one for one in _countries(draft) if one in {code for code, _, _ in written}]
    if country not in countries:
        country = countries[0] if countries else ""
    ours = [one for code, _, one in written if code == country]
    day = alerts.today(draft.alert)
    known = [one["key"] for one in draft.alert.campaign.stages]
    if stage not in known:
        standing = await stages.standings(session, draft.alert.campaign, day)
        now = standing[country].stage if country in standing else ""
        stage = now or (known[0] if known else "")
    if role not in ROLES:
        role = next(iter(draft.content(SENDING)["default_roles"]), ROLES[0])
    language = language if language in ours else next(iter(ours), "")
    return {"country": country, "language": language, "stage": stage, "role": role}


def _choices(draft: Draft, country: str, reader: str) -> dict[str, Any]:
    """The options of the form above the letter."""
    names = {
        row["code"]: row.get("name") or languages.country_name(row["code"], reader)
        for row in draft.content(COUNTRIES)["countries"]
    }
    written = [name.partition(".") for name in draft.letters]
    with_letter = {code for code, _, _ in written}
    return {
        "countries": [(code, named) for code, named in names.items() if code in with_letter],
        "letter_languages": [
            (one, languages.language_name_in(one, reader))
            for code, _, one in written
            if code == country
        ],
        "stages": [(one["key"], one["label"]) for one in draft.alert.campaign.stages],
        "roles": ROLES,
        "samples": showing.SAMPLES,
    }


def _countries(draft: Draft) -> list[str]:
    return [row["code"] for row in draft.content(COUNTRIES)["countries"]]


async def _of_a_guide(
    session: AsyncSession, public_url: str, shown: Shown, words: AlertWords
) -> dict[str, Any]:
    letters = await alerts.letters_of_campaign(session, shown.alert)
    texts = sharing.guide_texts(words, letters or shown.alert, public_url)
    return {"alert": shown.alert, "texts": texts, "letters": letters}


def _safe(resource: dict[str, Any]) -> dict[str, Any]:
    """A resource that may be half typed, without a day that is none and a link that could act."""
    day, url = str(resource.get("on") or ""), str(resource.get("url") or "")
    try:
        date.fromisoformat(day)
    except ValueError:
        day = ""
    return resource | {"on": day, "url": url if re.match(r"https?://\S+$", url) else ""}
