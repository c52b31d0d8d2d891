"""What a pack's alert.toml may hold, and how each fault in it is told in one line."""

import string
from datetime import date
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from app.errors import PackBroken
from app.wording.templates import TargetRole

NEEDS = "an alert with letters needs default_roles and countries"
PLACEHOLDERS = {"country", "date"}  # what a stage's leading line is filled with


def _a_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, or not even the shape of a name
        raise ValueError("there is no such time zone") from None
    return name


def a_lead(text: str) -> str:
    names = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    if not names <= PLACEHOLDERS:
        raise ValueError("only {country} and {date} can be filled in")
    return text


Text = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\x00]*$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00\r\n]*$")]
Slug = Annotated[str, StringConstraints(max_length=80, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Key = Annotated[str, StringConstraints(max_length=40, pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*$")]
CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[^\x00\r\n]*$")]
Url = Annotated[str, StringConstraints(max_length=500, pattern=r"^(https?://[^\s\x00]+)?$")]


class Part(BaseModel):
    """A table of alert.toml: a key it does not know is a fault, not something to pass over."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Stage(Part):
    """A step that a country can reach; `lead` says how things stand, above the form."""

    key: Key
    label: Line
    meaning: Text
    lead: Annotated[Text, AfterValidator(a_lead)]


class CampaignPart(Part):
    """The campaign that the alert serves; without its stages when another pack holds it."""

    slug: Slug
    title: Line
    aim: Text
    stages: list[Stage] = []

    @model_validator(mode="after")
    def _whole(self) -> Self:
        _no_twins("stages", [stage.key for stage in self.stages])
        return self


class Step(Part):
    """A country reached a stage on a day, as a source says."""

    stage: Key
    on: date
    what: Text
    source: Annotated[Text, StringConstraints(max_length=500)]
    url: Url = ""


class Country(Part):
    """A country the alert writes to, its dated steps, and what its government requires.

    The two lists of roles: the offices that the text before each is true of; empty, all of them.
    """

    code: CountryCode
    name: Annotated[Line, StringConstraints(max_length=80)]
    added_on: date
    record: str = ""
    postal_address: str = ""
    postal_address_roles: list[TargetRole] = []
    language_note: str = ""
    language_note_roles: list[TargetRole] = []
    reply_note: str = ""
    stages: list[Step] = []

    @model_validator(mode="after")
    def _with_their_text(self) -> Self:
        for name in ("postal_address", "language_note"):
            if getattr(self, f"{name}_roles") and not getattr(self, name):
                raise ValueError(f"{name}_roles without {name}")
        return self


class Resource(Part):
    title: Line
    publisher: Line
    on: date | None = None
    url: Url = ""
    note: Text


class ShareText(Part):
    channel: Key
    text: Text


class GuideText(Part):
    """A text to copy, of an alert that is a guide and has no form."""

    key: Key
    title: Line
    use: Text
    audience: Line
    text: Text


class AlertFile(Part):
    """alert.toml, whole; in the order in which it is written out."""

    slug: Slug
    kind: Literal["letters", "guide"]
    title: Line
    summary: Text
    timezone: Annotated[str, StringConstraints(max_length=60), AfterValidator(_a_zone)]
    opens_at: AwareDatetime
    closes_at: AwareDatetime | None = None
    write_before: date | None = None
    expected: Annotated[int, Field(ge=0, le=100_000_000)] = 0
    made_up: bool
    body: Text
    prompts: list[Text] = []
    default_roles: list[TargetRole] = []
    own_mailbox: Literal["offered", "preferred", "only"] = "offered"
    editable: bool = False
    refused_words: list[Word] = []
    campaign: CampaignPart
    countries: list[Country] = []
    resources: list[Resource] = []
    share: list[ShareText] = []
    texts: list[GuideText] = []

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.closes_at and self.closes_at <= self.opens_at:
            raise ValueError("closes_at is not after opens_at")
        if self.kind == "letters" and not (self.default_roles and self.countries):
            raise ValueError(NEEDS)
        if self.kind == "letters" and self.texts:
            raise ValueError("texts belong to a guide")
        if self.kind == "guide" and (self.prompts or self.default_roles):
            raise ValueError("prompts and default_roles belong to an alert with letters")
        sends = self.own_mailbox != "offered" or self.editable or self.refused_words
        if self.kind == "guide" and sends:
            raise ValueError(
                "own_mailbox, editable and refused_words belong to an alert with letters"
            )
        _no_twins("refused_words", [word.casefold() for word in self.refused_words])
        _no_twins("countries", [country.code for country in self.countries])
        _no_twins("texts", [text.key for text in self.texts])
        for country in self.countries:
            _no_twins(f"the stages of {country.code}", [step.stage for step in country.stages])
        return self


def check(file: str, tables: dict[str, Any]) -> AlertFile:
    """The tables of an alert.toml, checked. Raises PackBroken with every fault on one line."""
    try:
        return AlertFile.model_validate(tables)
    except ValidationError as fault:
        raise told(file, fault) from None


def check_json(name: str, text: str) -> AlertFile:
    """The same as JSON, where a day and a moment are texts. Raises PackBroken."""
    try:
        return AlertFile.model_validate_json(text)
    except ValidationError as fault:
        raise told(name, fault) from None


def told(file: str, fault: ValidationError) -> PackBroken:
    """Every fault on one line, each with its place."""
    reasons = [f"{_place(one['loc'])}{_reason(one)}" for one in fault.errors()]
    return PackBroken(f"{file}: {'; '.join(reasons)}")


def _place(loc: tuple[int | str, ...]) -> str:
    """`countries[1].stages[0].on: `, counted from one, as a reader counts."""
    path = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in loc)
    return f"{path.lstrip('.')}: " if path else ""


def _reason(fault: Any) -> str:
    if fault["type"] == "extra_forbidden":
        return "there is no such key"
    if fault["type"] == "missing":
        return "is missing"
    return str(fault["msg"]).removeprefix("Value error, ")


def _no_twins(what: str, keys: list[str]) -> None:
    twins = sorted({key for key in keys if keys.count(key) > 1})
    if twins:
        raise ValueError(f"{', '.join(twins)} more than once in {what}")
