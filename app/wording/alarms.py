"""The text of mail to organisers: letters to a place are refused, or somebody is asked to join."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.languages import SOURCE, country_name
from app.models import Freeze, Notice, Organiser
from app.settings import Settings
from app.tokens import invitation_url
from app.wording import notices
from app.wording.render import LetterText


@dataclass(frozen=True)
class WaitingOffice:
    """An office with an address behind the freeze, and how many letters of ours wait for it."""

    country: str
    office: str
    address: str
    waiting: int

    @property
    def place(self) -> str:
        return country_name(self.country, SOURCE)


@dataclass(frozen=True)
class Alarm:
    """A freeze that a refusal made, as one organiser is told of it.

    `place`: the name of the mail host, or the address that does not exist. `offices`: those for
    which letters of the organiser's own organisation wait.
    """

    organiser: Organiser
    freeze: Freeze
    place: str
    offices: Sequence[WaitingOffice]

    @property
    def name(self) -> str:
        return self.organiser.name

    @property
    def email(self) -> str:
        return self.organiser.email

    @property
    def language(self) -> str:
        """Organisers choose none: their command line speaks English too."""
        return SOURCE


@dataclass(frozen=True)
class Invitation:
    """Somebody is asked to join an organisation; empty: the one that runs this service."""

    organiser: Organiser
    organisation: str
    until: datetime

    @property
    def name(self) -> str:
        """They have told us none yet."""
        return ""

    @property
    def email(self) -> str:
        return self.organiser.email

    @property
    def language(self) -> str:
        return SOURCE


def write(notice: Notice, told: Alarm | Invitation, *, settings: Settings) -> LetterText:
    """The notice, by what it tells of."""
    if isinstance(told, Invitation):
        return _invitation(notice, told, settings)
    return _alarm(notice, told, settings)


def _invitation(notice: Notice, asked: Invitation, settings: Settings) -> LetterText:
    """Who asks, what they would do, and the link."""
    return notices.rendered(
        notice.kind,
        asked.language,
        by=asked.organiser.invited_by,
        role=asked.organiser.role,
        join=asked.organisation or settings.organisation_name,
        until=f"{asked.until:%Y-%m-%d %H:%M} UTC",
        url=invitation_url(settings, asked.organiser.id, asked.until),
        organisation=settings.organisation_name,
        delivery=notice.delivery,
    )


def _alarm(notice: Notice, alarm: Alarm, settings: Settings) -> LetterText:
    """What happened, the refusal in its own words, what waits, what can be done."""
    held = alarm.freeze
    return notices.rendered(
        notice.kind,
        alarm.language,
        name=alarm.name,
        email=alarm.email,
        place=alarm.place,
        said=notices.shortened(held.why),
        since=f"{held.at:%Y-%m-%d %H:%M} UTC",
        offices=alarm.offices,
        waiting=sum(one.waiting for one in alarm.offices),
        url=f"{settings.public_url.rstrip('/')}/organise/outbox/{held.scope}s/{held.ref}",
        organisation=settings.organisation_name,
        delivery=notice.delivery,
    )
