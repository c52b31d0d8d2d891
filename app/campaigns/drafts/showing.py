"""What a supporter would see of a draft, made without writing anything."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import alerts, offices
from app.campaigns.drafts import assembling, translating
from app.campaigns.drafts.assembling import Fault
from app.campaigns.drafts.contents import CALL, COUNTRIES, RESOURCES, SENDING, SHARING, TEXTS
from app.campaigns.drafts.keeping import Draft
from app.campaigns.offices import Office
from app.errors import TemplateBroken
from app.languages import country_name
from app.models import Alert, AlertCountry, LetterTemplate, OwnMailbox, Target
from app.wording import render
from app.wording.render import LetterText, Words
from app.wording.templates import parse

# letters are tried on: a name with letters of its own, a long one, one with words of their own
SAMPLES = (
    Words("Mari Mägi", "Tartu", "EE", postal_address="Lossi 3, 51003 Tartu"),
    Words(
        "Jānis Bērziņš",
        "Rīga",
        "LV",
        postal_address="Brīvības iela 1, Rīga, LV-1010",
        own_words="My grandfather cleared mines after the war. He never spoke of it without tears.",
    ),
    Words(
        "Anna Maria Wiśniewska-Brzęczyszczykiewicz",
        "Chrząszczyżewoszyce",
        "PL",
        postal_address="ul. Długa 1/2, 00-238 Warszawa",
        own_words="I teach children. They ask me what a mine is.\n\nI would like to tell them that"
        " it is something of the past.",
    ),
    Words("Ed Li", "Hull", "GB", subject="A question from Hull"),
)


@dataclass(frozen=True)
class Shown:
    """The page: an alert that is in no table, and the offices its form would offer."""

    alert: Alert
    offices: list[Office]
    faults: list[Fault]  # why the page, or a country of it, is not all there yet


@dataclass(frozen=True)
class SampleLetter:
    """One office's letter as a sample supporter would send it; `fault` where it cannot be."""

    words: Words
    target: Target
    text: LetterText | None
    fault: TemplateBroken | None


async def shown(session: AsyncSession, draft: Draft, *, delivery: str) -> Shown:
    """The alert as it would be public now; what is not finished is left out, and told."""
    found = [one for one in await assembling.faults(session, draft) if one.serious]
    alert = _alert(draft)
    alert.translations = translating.shown(draft, await assembling.tables(session, draft))
    templates = [
        _template(draft.alert.id, name, source)
        for name, source in draft.letters.items()
        if _is_readable(source)
    ]
    return Shown(alert, await offices.with_templates(session, alert, templates, delivery), found)


async def sample_letter(
    session: AsyncSession,
    draft: Draft,
    *,
    country: str,
    language: str,
    stage: str,
    role: str,
    sample: int = 0,
) -> SampleLetter:
    """The letter of a country and language at a stage to an office of a role."""
    words = SAMPLES[sample % len(SAMPLES)]
    target = await _target(session, country, role)
    rows = {one.country: one for one in _countries(draft)}
    if country in rows:
        words = render.address_only_where_required(words, rows[country], role)
    template = _template(draft.alert.id, f"{country}.{language}", "")
    template.source = draft.letters.get(f"{country}.{language}", "")
    try:
        text = render.letter(template, target, stage=stage, seed=sample, words=words)
    except TemplateBroken as fault:
        return SampleLetter(words, target, None, fault)
    return SampleLetter(words, target, text, None)


def _alert(draft: Draft) -> Alert:
    """In no session: nothing of it is ever written."""
    kept, call = draft.alert, draft.content(CALL)
    moments = assembling.moments_of(draft)
    sending = draft.content(SENDING) if kept.kind == "letters" else {}
    return Alert(
        id=kept.id,
        campaign_id=kept.campaign_id,
        campaign=kept.campaign,
        slug=kept.slug,
        kind=kept.kind,
        state=kept.state,
        **{name: str(call.get(name, "")) for name in ("title", "summary", "body")},
        timezone=moments.get("timezone", kept.timezone),
        opens_at=moments.get("opens_at", kept.opens_at),
        closes_at=moments.get("closes_at"),
        write_before=_day(moments.get("write_before")),
        made_up=kept.made_up,
        default_roles=list(sending.get("default_roles", ())),
        prompts=[one for one in sending.get("prompts", ()) if one.strip()],
        own_mailbox=sending.get("own_mailbox", OwnMailbox.OFFERED),
        editable=sending.get("editable", False),
        refused_words=sending.get("refused_words", []),
        resources=draft.content(RESOURCES)["resources"],
        share=draft.content(SHARING)["share"],
        texts=[] if kept.kind == "letters" else draft.content(TEXTS)["texts"],
        created_at=kept.created_at,
        ending=kept.ending,
        ending_words=kept.ending_words,
        countries=_countries(draft),
    )


def _countries(draft: Draft) -> list[AlertCountry]:
    if draft.alert.kind != "letters":
        return []
    today = alerts.today(draft.alert)
    return [
        AlertCountry(
            alert_id=draft.alert.id,
            country=one["code"],
            position=position,
            added_on=min(_day(one.get("added_on")) or today, today),
            name=one.get("name") or country_name(one["code"], "en"),
            record=one.get("record", ""),
            postal_address=one.get("postal_address", ""),
            language_note=one.get("language_note", ""),
            reply_note=one.get("reply_note", ""),
            postal_address_roles=one.get("postal_address_roles", []),
            language_note_roles=one.get("language_note_roles", []),
        )
        for position, one in enumerate(draft.content(COUNTRIES)["countries"])
    ]


def _template(alert_id: int, name: str, source: str) -> LetterTemplate:
    country, _, language = name.partition(".")
    reviewed = bool(source) and parse(source, name).front.reviewed
    return LetterTemplate(
        alert_id=alert_id,
        country=country,
        language=language,
        revision=0,
        reviewed=reviewed,
        source=source,
    )


def _is_readable(source: str) -> bool:
    try:
        parse(source)
    except TemplateBroken:
        return False
    return True


async def _target(session: AsyncSession, country: str, role: str) -> Target:
    """An office of the directory, or a made-up one where there is none of this role yet."""
    found = await session.scalar(
        select(Target).where(Target.country == country, Target.role == role).limit(1)
    )
    return found or Target(
        id=0,
        country=country,
        office=role.replace("_", " ").capitalize(),
        role=role,
        institution="",
        institution_local="",
    )


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text)) if text else None
    except ValueError:
        return None
