"""The offices an alert writes to: each with its address, its letter's language and its stage."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from sqlalchemy import Select, and_, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import stages
from app.campaigns.alerts import today
from app.contacts import directory
from app.errors import TemplateBroken
from app.models import Alert, AlertCountry, Contact, LetterTemplate, MailDomain, Target
from app.outbox import freezes
from app.outbox.pacing import hosts
from app.settings import Delivery
from app.wording import render
from app.wording.language import choice
from app.wording.templates import parse


@dataclass(frozen=True)
class Office:
    """An office that an alert writes to: where, in which language, at which stage."""

    target: Target
    contact: Contact
    country: AlertCountry
    language: choice.LanguageChoice
    stage: str
    standard: bool  # among the small default set

    @property
    def template(self) -> LetterTemplate:
        return self.language.template

    @property
    def wants_address(self) -> bool:
        """Whether its government asks for the sender's postal address."""
        return render.wants_address(self.country, self.target.role)

    @property
    def has_language_note(self) -> bool:
        """Whether what is said of its government's languages is true of this office."""
        roles = self.country.language_note_roles or ()
        return bool(self.country.language_note) and (not roles or self.target.role in roles)


async def of_alert(session: AsyncSession, alert: Alert, delivery: str) -> list[Office]:
    """The offices that can be written to now, by country in the alert's order, then by role.

    Left out: a country without a stage or a reviewed letter for it, and, when letters really
    leave, an address that no organiser has checked.
    """
    templates = await newest_templates(session, alert.id)
    return await with_templates(session, alert, templates, delivery)


async def with_templates(
    session: AsyncSession, alert: Alert, templates: Sequence[LetterTemplate], delivery: str
) -> list[Office]:
    """The same with letter templates that may be in no table yet."""
    day = today(alert)
    countries = {one.country: one for one in alert.countries if one.added_on <= day}
    standing = await stages.standings(session, alert.campaign, day)
    found = []
    for target, contact in await directory.for_countries(session, list(countries)):
        if delivery == Delivery.LIVE and contact.checked_on is None:
            continue
        stage = standing[target.country].stage if target.country in standing else ""
        ours = [one for one in templates if one.country == target.country]
        if language := _language(contact, ours, stage):
            country, standard = countries[target.country], target.role in alert.default_roles
            found.append(Office(target, contact, country, language, stage, standard))
    return sorted(found, key=lambda one: one.country.position)  # and by role, as they came


async def held(
    session: AsyncSession, contacts: Iterable[Contact]
) -> dict[int, Literal["host", "contact"]]:
    """Those of the contacts, by id, to which nothing leaves at the moment, and what is frozen."""
    frozen = await freezes.frozen(session)
    refusing: set[str] = set()
    if frozen.hosts:
        behind = select(MailDomain.name).where(MailDomain.host_id.in_(frozen.hosts))
        refusing = set(await session.scalars(behind))
    found: dict[int, Literal["host", "contact"]] = {}
    for one in contacts:
        if one.id in frozen.contacts:
            found[one.id] = "contact"
        elif hosts.domain_of(one.email) in refusing:
            found[one.id] = "host"
    return found


def _language(
    contact: Contact, templates: Sequence[LetterTemplate], stage: str
) -> choice.LanguageChoice | None:
    """The letter's language, if there is a reviewed letter that has an ask for the stage.

    One country's broken letter must not take the whole page down.
    """
    try:
        language = choice.choose(contact.languages, templates)
        stages_asked = parse(language.template.source).stages
    except TemplateBroken:
        return None
    return language if stage in stages_asked else None


async def newest_templates(session: AsyncSession, alert_id: int) -> Sequence[LetterTemplate]:
    """The newest revision of each letter template of an alert, by country and language; not of
    one that was taken away, whose newest is empty."""
    return (await session.scalars(_newest(), {"alert": alert_id})).all()


@cache  # every supporter's page asks it, and writing it takes longer than running it
def _newest() -> Select[LetterTemplate]:
    newest = (
        select(
            LetterTemplate.country,
            LetterTemplate.language,
            func.max(LetterTemplate.revision).label("revision"),
        )
        .where(LetterTemplate.alert_id == bindparam("alert"))
        .group_by(LetterTemplate.country, LetterTemplate.language)
        .subquery()
    )
    return (
        select(LetterTemplate)
        .join(
            newest,
            and_(
                LetterTemplate.country == newest.c.country,
                LetterTemplate.language == newest.c.language,
                LetterTemplate.revision == newest.c.revision,
            ),
        )
        .where(LetterTemplate.alert_id == bindparam("alert"), LetterTemplate.source != "")
        .order_by(LetterTemplate.country, LetterTemplate.language)
    )
