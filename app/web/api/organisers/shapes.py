"""What the organisers' calls take and answer."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.campaigns import pack_folder, pack_format
from app.campaigns.drafts.assembling import Fault
from app.campaigns.other_languages import file_format
from app.campaigns.other_languages.file_format import TranslationFile
from app.campaigns.pack_folder import ALERT_FILE, LETTER_FILE, Pack
from app.campaigns.pack_format import AlertFile
from app.errors import PackBroken
from app.models import Alert

STAGE = {
    "key": "open",
    "label": "Open",
    "meaning": "Nothing is decided.",
    "lead": "Your letter asks {country} to keep its promise",
}
STEP = {
    "stage": "open",
    "on": "2019-05-02",
    "what": "The promise was made.",
    "source": "The record of the sitting",
}
EXAMPLE: dict[str, Any] = {
    "alert": {
        "slug": "keep-the-river-clean",
        "kind": "letters",
        "title": "Keep the River Clean",
        "summary": "One letter asks the government to keep its promise.",
        "timezone": "Europe/Tallinn",
        "opens_at": "2026-12-01T09:00:00+02:00",
        "made_up": True,
        "body": "The promise was made in **2019**.",
        "default_roles": ["prime_minister"],
        "campaign": {"slug": "rivers", "title": "Rivers", "aim": "Clean ones.", "stages": [STAGE]},
        "countries": [
            {"code": "EE", "name": "Estonia", "added_on": "2026-12-01", "stages": [STEP]}
        ],
    },
    "letters": {"EE.en": "+++\nreviewed = true\n…\n+++\n{{ salutation }}\n…"},
}


def _checked(sent: Any) -> AlertFile:
    """As a pack is, with a sentence that names the key. Raises PackBroken."""
    return pack_format.check_json(ALERT_FILE, json.dumps(sent))


def _translated(sent: Any) -> TranslationFile:
    return file_format.check("translations", sent)


class PackIn(BaseModel):
    """An alert as a pack has it: alert.toml as JSON, the text of each letter template, and what it
    says in other languages."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})
    alert: Annotated[AlertFile, BeforeValidator(_checked)] = Field(
        description="the tables of alert.toml"
    )
    letters: dict[str, str] = Field(
        default_factory=dict, description="EE.et → what the file EE.et.txt of a pack holds"
    )

    translations: dict[str, Annotated[TranslationFile, BeforeValidator(_translated)]] = Field(
        default_factory=dict, description="et → the tables of alert.et.toml"
    )

    def pack(self) -> Pack:
        """What was sent, as strictly as a folder is read. Raises PackBroken or TemplateBroken."""
        for name in self.letters:
            if not LETTER_FILE.fullmatch(f"{name}.txt"):
                raise PackBroken(f"letters: {name}: a letter is named like EE.et")
        files = {f"{name}.txt": text for name, text in self.letters.items()}
        texts = {name: pack_folder.plain(name, text) for name, text in files.items()}
        for language in self.translations:
            file_format.language_of(f"alert.{language}.toml")
        return pack_folder.whole(self.alert, texts, self.translations)


class FaultOut(BaseModel):
    section: str = Field(description="call, dates, countries, …, or letter:EE.et")
    field: str
    sentence: str
    line: int = Field(description="of a letter template; 0: not a line of a text")
    serious: bool = Field(description="stands in the way of publishing")


class DraftOut(BaseModel):
    """An alert that is written: nothing of it is public before it is published."""

    slug: str
    state: str
    faults: list[FaultOut] = Field(description="what is wrong, or should be looked at")

    @classmethod
    def of(cls, alert: Alert, faults: Sequence[Fault]) -> "DraftOut":
        found = [FaultOut.model_validate(one, from_attributes=True) for one in faults]
        return cls(slug=alert.slug, state=alert.state, faults=found)


class StateOut(BaseModel):
    slug: str
    state: str = Field(description="draft, rehearsal, published, closed or archived")
    frozen: bool
    changed: bool = Field(description="false: it was so already")


class WhyIn(BaseModel):
    model_config = ConfigDict(json_schema_extra={"example": {"why": "An address is wrong"}})
    why: str = Field("", description="the other organisers read this")


class ReasonIn(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"example": {"reason": "The vote is tomorrow; Anna read every letter"}}
    )
    reason: str = Field(
        "", description="why it goes on although a point of the check-list is open; on record"
    )


class AlertOut(BaseModel):
    slug: str
    title: str
    kind: str
    campaign: str
    state: str
    frozen: bool
    opens_at: datetime
    closes_at: datetime | None
    unpublished_changes: bool
    delivery: str = Field(description="whose counts these are; anything but live is practice")
    supporters: int
    sent: int
    letters: dict[str, int] = Field(description="by status, unconfirmed ones (held) too")


class RowOut(BaseModel):
    country: str
    office: str
    email: str


class ChangedOut(RowOut):
    differences: dict[str, tuple[str, str]] = Field(description="field → as it is, as it would be")


class RefusedOut(BaseModel):
    line: int
    reason: str


class ImportOut(BaseModel):
    """What a contact file would change, or has changed."""

    written: bool
    assumed: list[str] = Field(description="how the file was understood")
    added: list[RowOut]
    changed: list[ChangedOut]
    missing: list[RowOut] = Field(
        description="offices of the file's countries that it does not have; they stay"
    )
    unchanged: int
    refused: list[RefusedOut]
