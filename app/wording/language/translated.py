"""What an alert says in the reader's language; each text knows which language it is in.

A text that has no translation stays as the organisers wrote it, and a page marks it so: a screen
reader would else read English words as if they were Estonian.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from app.languages import SOURCE, country_name, marked, translations
from app.models import Alert, AlertCountry, StageStep

# offices of the directory that every catalogue names; any other stands as it was imported
OFFICES = (
    marked("Prime Minister"),
    marked("Minister of Defence"),
    marked("Minister of National Defence"),
    marked("Minister of Foreign Affairs"),
    marked("Minister for Foreign Affairs"),
    marked("President"),
    marked("President of the Republic"),
    marked("President of Latvia"),
    marked("President of the Riigikogu"),
    marked("Speaker of the Parliament"),
    marked("Speaker of the Saeima"),
    marked("Speaker of the Seimas"),
    marked("Marshal of the Sejm"),
    marked("Marshal of the Senate"),
    marked("Chair of the Defence Committee"),
    marked("Chair of the National Defence Committee"),
    marked("Chair of the Foreign Affairs Committee"),
)


class Spoken(str):
    """A text and the language it is in."""

    language: str

    def __new__(cls, text: str, language: str) -> Self:
        made = super().__new__(cls, text)
        made.language = language
        return made


@dataclass(frozen=True)
class AlertWords:
    """The texts of an alert for one reader. `content`: the translation, or nothing."""

    alert: Alert
    language: str
    content: Mapping[str, Any]
    reviewed: bool = True

    @property
    def title(self) -> Spoken:
        return self._own("title", self.alert.title)

    @property
    def summary(self) -> Spoken:
        return self._own("summary", self.alert.summary)

    @property
    def body(self) -> Spoken:
        """Markdown."""
        return self._own("body", self.alert.body)

    @property
    def prompts(self) -> list[Spoken]:
        return self._list(self.content.get("prompts", ()), self.alert.prompts)

    @property
    def campaign_title(self) -> Spoken:
        """`alert.campaign` must be loaded, as for all that follows of stages."""
        return self._of(self.content.get("campaign", {}), "title", self.alert.campaign.title)

    def country_name(self, country: AlertCountry) -> Spoken:
        """As the translation calls it, else as its language does."""
        told = self._country(country.country)
        if self.language == SOURCE or told.get("name"):
            return self._of(told, "name", country.name)
        known = country_name(country.country, self.language, "")
        return Spoken(known or country.name, self.language)

    def record(self, country: AlertCountry) -> Spoken:
        return self._of(self._country(country.country), "record", country.record)

    def postal_address(self, country: AlertCountry) -> Spoken:
        """Why it is asked for."""
        return self._of(self._country(country.country), "postal_address", country.postal_address)

    def language_note(self, country: AlertCountry) -> Spoken:
        return self._of(self._country(country.country), "language_note", country.language_note)

    def reply_note(self, country: AlertCountry) -> Spoken:
        return self._of(self._country(country.country), "reply_note", country.reply_note)

    def stage(self, key: str, part: str) -> Spoken:
        """`part`: label, meaning or lead; empty for a stage that the campaign does not know."""
        known = {str(one["key"]): one for one in self.alert.campaign.stages}
        told = self.content.get("campaign", {}).get("stages", {}).get(key, {})
        return self._of(told, part, str(known.get(key, {}).get(part, "")))

    def what(self, step: StageStep) -> Spoken:
        """What happened when a country took a step."""
        told = self._country(step.country).get("stages", {})
        return self._of(told, step.stage, step.what)

    @property
    def share(self) -> list[tuple[str, Spoken]]:
        """(channel, text with {url}) of each text to share."""
        told = self.content.get("share") or []
        chosen, language = (told, self.language) if told else (self.alert.share, SOURCE)
        return [(str(one["channel"]), Spoken(str(one["text"]), language)) for one in chosen]

    def copied(self, key: str, part: str, otherwise: str) -> Spoken:
        """`part`: title, use or text of one of a guide's texts."""
        return self._of(self.content.get("texts", {}).get(key, {}), part, otherwise)

    @property
    def resource_notes(self) -> list[Spoken]:
        """One for each of the alert's resources."""
        notes = [str(one.get("note", "")) for one in self.alert.resources]
        return self._list(self.content.get("resource_notes", ()), notes)

    def _own(self, key: str, otherwise: str) -> Spoken:
        return self._of(self.content, key, otherwise)

    def _of(self, told: Mapping[str, Any], key: str, otherwise: str) -> Spoken:
        found = str(told.get(key, "")) if otherwise else ""
        return Spoken(found, self.language) if found else Spoken(otherwise, SOURCE)

    def _list(self, told: Sequence[Any], otherwise: Sequence[str]) -> list[Spoken]:
        """A list that has changed since it was translated is not mixed."""
        if len(told) != len(otherwise):
            return [Spoken(one, SOURCE) for one in otherwise]
        return [Spoken(str(one), self.language) for one in told]

    def _country(self, code: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.content.get("countries", {}).get(code, {})
        return found


def words(alert: Alert, language: str) -> AlertWords:
    """The alert in a language, as far as it was translated."""
    for one in alert.translations if language != SOURCE else ():
        if one.language == language:
            return AlertWords(alert, language, one.content, one.reviewed)
    return AlertWords(alert, language, {})


def office_name(office: str, language: str) -> Spoken:
    """What an office is called: a name of the directory in the reader's language where we know."""
    if language == SOURCE or office not in OFFICES:
        return Spoken(office, SOURCE)
    said = translations(language).gettext(office)
    return Spoken(said, SOURCE if said == office else language)


class Housed(Protocol):
    """What names an office's institution: a target, or a letter's line."""

    @property
    def institution(self) -> str: ...
    @property
    def institution_local(self) -> str: ...


def institution(of: Housed, language: str) -> Spoken:
    """Readers of other languages than English know a ministry by its own name, if by any."""
    if language != SOURCE and of.institution_local:
        return Spoken(of.institution_local, "")
    return Spoken(of.institution, SOURCE)
