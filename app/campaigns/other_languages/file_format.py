"""What a pack's alert.<language>.toml may hold, and how each fault in it is told in one line."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints, ValidationError

from app.campaigns.other_languages import texts
from app.campaigns.pack_format import CountryCode, Key, Part, Text, a_lead, told
from app.errors import PackBroken
from app.languages import SOURCE

LANGUAGE_FILE = re.compile(r"alert\.(?P<language>[a-z]{2,3}(-[A-Za-z]{2,4})?)\.toml")

Words = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
ShortWords = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00\r\n]*$")]
Place = Annotated[str, StringConstraints(max_length=120, pattern=r"^[\w.-]+$")]
Seal = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class StageWords(Part):
    label: ShortWords = ""
    meaning: Words = ""
    lead: Annotated[Words, AfterValidator(a_lead)] = ""


class CampaignWords(Part):
    title: ShortWords = ""
    aim: Words = ""
    stages: dict[Key, StageWords] = {}


class CountryWords(Part):
    """`stages`: what happened at each step that the country took."""

    name: ShortWords = ""
    record: Words = ""
    postal_address: Words = ""
    language_note: Words = ""
    reply_note: Words = ""
    stages: dict[Key, Words] = {}


class ShareWords(Part):
    channel: Key
    text: Text


class GuideWords(Part):
    title: ShortWords = ""
    use: Words = ""
    text: Words = ""


class TranslationFile(Part):
    """alert.<language>.toml, whole; in the order in which it is written out.

    `begun`: texts of lists that are not translated whole yet. `of`: the seal of the English text
    that a translation was made from, where alert.toml says something else by now.
    """

    reviewed: bool
    note: Words = ""
    title: ShortWords = ""
    summary: Words = ""
    body: Words = ""
    prompts: list[Text] = []
    resource_notes: list[Text] = []
    campaign: CampaignWords = CampaignWords()
    countries: dict[CountryCode, CountryWords] = {}
    share: list[ShareWords] = []
    texts: dict[Key, GuideWords] = {}
    begun: dict[Place, Text] = {}
    of: dict[Place, Seal] = {}


@dataclass(frozen=True)
class Translation:
    """An alert's texts in one language."""

    language: str
    file: TranslationFile

    @property
    def name(self) -> str:
        return f"alert.{self.language}.toml"


def language_of(file: str) -> str:
    """The language in a file's name. Raises PackBroken."""
    found = LANGUAGE_FILE.fullmatch(file)
    if not found:
        raise PackBroken(f"{file}: a translation is named alert.<language>.toml")
    if found["language"] == SOURCE:
        raise PackBroken(f"{file}: the English texts stand in alert.toml")
    return found["language"]


def check(file: str, tables: dict[str, Any]) -> TranslationFile:
    """The tables of a translation, checked. Raises PackBroken with every fault on one line."""
    try:
        return TranslationFile.model_validate(tables)
    except ValidationError as fault:
        raise told(file, fault) from None


def agree(file: str, translation: TranslationFile, tables: Mapping[str, Any]) -> None:
    """It translates what the alert says and nothing else. `tables`: of alert.toml; one without
    stages leaves them to another pack, and they are not looked at. Raises PackBroken."""
    reasons = [f"{place}: {reason}" for place, reason in _strange(translation, tables)]
    told_of = texts.flat(translation.model_dump())
    reasons += [f"{place}: {reason}" for place, reason in without_url(told_of, tables)]
    if reasons:
        raise PackBroken(f"{file}: {'; '.join(reasons)}")


def without_url(
    translated: Mapping[str, str], tables: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Where the address of the page is gone that the English text has."""
    for place, text in texts.english(tables).items():
        if texts.URL in text and texts.URL not in (translated.get(place) or texts.URL):
            yield place, f"{texts.URL} is missing"


def _strange(translation: TranslationFile, tables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    known = texts.english(tables)
    content = translation.model_dump(exclude=set(texts.LISTS))
    places = list(texts.flat(content))
    if not tables["campaign"]["stages"]:
        places = [place for place in places if ".stages." not in place]
    for start in dict.fromkeys(_unknown(place, known) for place in places if place not in known):
        yield start, "alert.toml has no such text"
    for name in ("prompts", "resource_notes"):
        here = len(getattr(translation, name))
        there = sum(place.startswith(f"{name}.") for place in known)
        if here and here != there:
            yield name, f"there are {here}, but {there} in alert.toml"
    channels = [one["channel"] for one in tables["share"]]
    if translation.share and [one.channel for one in translation.share] != channels:
        yield "share", f"alert.toml has {', '.join(channels) or 'none'}"


def _unknown(place: str, known: Mapping[str, str]) -> str:
    """As much of a place as it takes to be unknown: the country rather than its record."""
    parts = place.split(".")
    starts = [".".join(parts[:n]) for n in range(1, len(parts))]
    return next((one for one in starts if not _begins(one, known)), place)


def _begins(start: str, known: Mapping[str, str]) -> bool:
    return any(place.startswith(f"{start}.") for place in known)
