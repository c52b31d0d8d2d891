"""The writing desk: what the alert page shows, from an alert and a form that may be half filled."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import alerts, offices, stages
from app.campaigns.offices import Office
from app.errors import Refusal
from app.languages import countries, language_name_in, translations
from app.letters import form as forms_domain
from app.letters import preview, submission
from app.letters.form import Form
from app.letters.preview import Sheet
from app.letters.words import edits, prints
from app.models import Alert, AlertCountry, OwnMailbox
from app.settings import Settings
from app.web import forms, pages
from app.web.looks import timeline
from app.web.supporters.spreading import sent
from app.wording import own_mailbox
from app.wording.language import translated
from app.wording.language.choice import LanguageChoice
from app.wording.language.translated import AlertWords, Spoken
from app.wording.render import Words


@dataclass(frozen=True)
class Place:
    """A country on the page: where it stands, its offices, and its letters as they read now."""

    country: AlertCountry
    standing: stages.Standing | None
    lead: Spoken
    offices: list[Office]
    sheets: list[Sheet]
    ticked: bool


async def context(
    session: AsyncSession, request: Request, settings: Settings, alert: Alert, form: Form
) -> dict[str, Any]:
    """All that `alerts/alert.html` needs. A form that is refused still shows what it can."""
    delivery = alerts.delivery_for(alert, settings, form.email)
    available = await offices.of_alert(session, alert, delivery)
    found = await with_offices(session, request, alert, form, available)
    if form.name or form.own_words or form.edits:  # else it is not theirs yet
        letters = [
            (one.office.target.id, prints.unnamed(one.text, form))
            for place in found["places"]
            for one in place.sheets
        ]
        found["unlike"] = await prints.unlike(
            session, settings, letters, alert_id=alert.id, delivery=delivery
        )
    if "x-fragment" not in request.headers:  # which is asked for at every pause in typing
        found["sent"] = await sent.said(session, alert, settings, pages.reader_language(request))
    return found


async def with_offices(
    session: AsyncSession, request: Request, alert: Alert, form: Form, available: list[Office]
) -> dict[str, Any]:
    """The same of an alert that may be in no table yet, with the offices it would write to."""
    language = pages.reader_language(request)
    form = _with_their_edits(alert, form, available)
    seed = form.seed if form.seed is not None else secrets.randbelow(forms.A_SEED)
    standing = await stages.standings(session, alert.campaign, alerts.today(alert))
    words = translated.words(alert, language)
    too_long = _too_long(form)
    sentences = forms.sentences(too_long, language)
    # a megabyte in thirty letters is thirty megabytes
    chosen = [] if too_long.keys() & forms_domain.LIMITS else ticked_offices(form, available)
    sheets = preview.sheets(form, chosen, seed=seed, blank=_blank(language))
    places = [
        _place(one, standing.get(one.country), available, sheets, form, words)
        for one in alert.countries
        if one.added_on <= alerts.today(alert)
    ]
    return {
        "alert": alert,
        "words": words,
        "form": form,
        "seed": seed,
        "page": form.page or secrets.token_urlsafe(16),
        **_of_places(places, words, language),
        "chosen_ids": {office.target.id for office in chosen},
        "letters": len(sheets),
        "reachable": bool(available),
        "countries": countries(language),
        "want_address": [one for one in available if one.wants_address],
        "unlike": {},
        "door": _door(request, alert),
        "why": lambda choice: why_this_language(choice, language),
        "held": await _held(session, alert, available),
        "own_mailbox": own_mailbox.offer,
        "errors": sentences,
        "too_long": sentences,
        "closed": await _closed(session, alert),
    }


def _of_places(places: list[Place], words: AlertWords, language: str) -> dict[str, Any]:
    return {
        "places": places,
        "timeline": timeline.of_countries(((one.country, one.standing) for one in places), words),
        "letter_languages": letter_languages(places, words, language),
    }


def ticked_offices(form: Form, available: list[Office]) -> list[Office]:
    """The offices whose letters are shown: as ticked, or the small default before that."""
    try:
        return submission.choose(form, available)
    except Refusal:
        return _as_far_as_ticked(form, available)


def letter_languages(
    places: Sequence[Place], words: AlertWords, reader: str
) -> dict[str, list[str]]:
    """The letters' languages as the reader calls them, each with its countries; nothing where all
    are in the reader's own. Whatever is ticked: a tick more must not make it untrue."""
    found: dict[str, dict[str, None]] = {}
    for place in places:
        for office in place.offices:
            countries_of = found.setdefault(office.template.language, {})
            countries_of[words.country_name(place.country)] = None
    if found.keys() <= {reader}:
        return {}
    return {language_name_in(one, reader): list(where) for one, where in found.items()}


def why_this_language(choice: LanguageChoice, reader: str) -> str:
    """Why a letter is not in the language its office reads first; empty when it is."""
    said = translations(reader)
    language = language_name_in(choice.template.language, reader)
    if choice.unreviewed:
        first = language_name_in(choice.unreviewed[0], reader)
        text = said.gettext(
            "This office reads %(first)s first. Our text in that language still waits for a "
            "native reader's review, so your letter goes in %(language)s."
        )
        return text % {"first": first, "language": language}
    if choice.missing:
        first = language_name_in(choice.missing[0], reader)
        text = said.gettext(
            "This office reads %(first)s first. We have no text in that language, so your letter "
            "goes in %(language)s."
        )
        return text % {"first": first, "language": language}
    return ""


def _place(
    country: AlertCountry,
    standing: stages.Standing | None,
    available: list[Office],
    sheets: list[Sheet],
    form: Form,
    words: AlertWords,
) -> Place:
    here = [one for one in available if one.target.country == country.country]
    if form.countries is None:
        ticked = any(one.standard for one in here)
    else:
        ticked = bool(here) and country.country in form.countries
    return Place(
        country,
        standing,
        lead_of(country, standing, words),
        here,
        [one for one in sheets if one.office.target.country == country.country],
        ticked,
    )


def lead_of(country: AlertCountry, standing: stages.Standing | None, words: AlertWords) -> Spoken:
    """How things stand, in one line: the campaign's own sentence for the stage."""
    if not standing or not standing.current:
        return Spoken("", words.language)
    lead = words.stage(standing.stage, "lead")
    name = words.country_name(country) if lead.language == words.language else country.name
    since = pages.day(standing.current.on, lead.language)
    return Spoken(lead.replace("{country}", name).replace("{date}", since), lead.language)


def _blank(language: str) -> Words:
    gettext = translations(language).gettext  # by this name, `make words` finds its sentences
    return Words(
        name=gettext("Your name"), city=gettext("your city"), country=gettext("your country")
    )


def _as_far_as_ticked(form: Form, available: list[Office]) -> list[Office]:
    """What is ticked and can be written to, where the whole cannot be taken yet."""
    wanted = {one.target.country for one in available}
    if form.countries is not None:
        wanted &= set(form.countries)
    return [
        one
        for one in available
        if one.target.country in wanted and (form.offices is None or one.target.id in form.offices)
    ]


def _too_long(form: Form) -> dict[str, str]:
    tidy = forms_domain.tidy(form)
    return forms_domain.too_long(tidy) | edits.too_long(tidy.edits)


def _with_their_edits(alert: Alert, form: Form, available: list[Office]) -> Form:
    """Letters are written anew where the alert allows it, and to its own offices."""
    known = {one.target.id for one in available} if alert.editable else set()
    return replace(form, edits={ref: one for ref, one in form.edits.items() if ref in known})


def _door(request: Request, alert: Alert) -> str:
    """The address that a part of the page is asked for again by."""
    path = request.url.path
    return path.removesuffix("/preview") if path.endswith("/preview") else f"/alerts/{alert.slug}"


async def _held(
    session: AsyncSession, alert: Alert, available: list[Office]
) -> dict[int, Literal["host", "contact"]]:
    """What waits here, and why; where people send themselves, no host of ours is in the way."""
    found = await offices.held(session, [one.contact for one in available])
    if alert.own_mailbox == OwnMailbox.ONLY:
        return {ref: why for ref, why in found.items() if why == "contact"}
    return found


async def _closed(session: AsyncSession, alert: Alert) -> Refusal | None:
    try:
        await alerts.check_open(session, alert)
    except Refusal as refusal:
        return refusal
    return None
