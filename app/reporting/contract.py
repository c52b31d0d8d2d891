"""The counts as JSON: the shape that other programs rely on, for the API and the command line."""

from datetime import date, datetime
from typing import Self

from pydantic import BaseModel, Field

from app.models import Told
from app.reporting.counts import Counts, OfficeCounts

Letters = dict[str, int]


class AnswersJson(BaseModel):
    answered: int = Field(description="letters that the office answered")
    unanswered: int = Field(description="letters that it did not answer, so far")


class OfficeJson(BaseModel):
    country: str = Field(description="two letters, ISO 3166-1")
    office: str
    letters: Letters = Field(description="by current status")
    answers: AnswersJson = Field(
        description="as supporters told of letters that left; of the others nobody knows"
    )
    own_mailbox: int = Field(
        description="letters to this office that supporters opened in their own mail programs; "
        "never part of `letters`"
    )


class DayJson(BaseModel):
    date: date
    handed_over: int
    accepted: int


class CountsJson(BaseModel):
    """What alert and campaign counts have in common."""

    as_of: datetime
    delivery: str = Field(description="sandbox: practice, nothing left; reflect; live")
    supporters: int = Field(description="distinct people with a confirmed letter")
    sent: int = Field(description="handed over or accepted, and not returned since")
    letters: Letters = Field(description="by current status")
    targets: list[OfficeJson]
    days: list[DayJson] = Field(
        description="letters by the day they first reached a status, in the alert's time zone; "
        "every day from the first to the last"
    )
    own_mailbox: int = Field(
        description="letters that supporters opened in their own mail programs; nobody here can "
        "know whether they sent them, and no other number contains them"
    )


class AlertCountsJson(CountsJson):
    alert: str

    @classmethod
    def of(cls, slug: str, counts: Counts) -> Self:
        return cls.model_validate({"alert": slug, **_common(counts)})


class CampaignCountsJson(CountsJson):
    campaign: str
    alerts: list[str] = Field(description="the alerts that are counted together")

    @classmethod
    def of(cls, slug: str, alerts: list[str], counts: Counts) -> Self:
        return cls.model_validate({"campaign": slug, "alerts": alerts, **_common(counts)})


def _common(counts: Counts) -> dict[str, object]:
    return {
        "as_of": counts.as_of,
        "delivery": counts.delivery,
        "supporters": counts.supporters,
        "sent": counts.sent,
        "letters": counts.letters,
        "targets": [vars(target) | _told(target) for target in counts.targets],
        "days": [vars(day) for day in counts.days],
        "own_mailbox": counts.own_mailbox,
    }


def _told(office: OfficeCounts) -> dict[str, object]:
    answers = {what.value: office.told[what] for what in (Told.ANSWERED, Told.UNANSWERED)}
    return {"answers": answers, "own_mailbox": office.told[Told.OWN_MAILBOX]}
