"""Alerts as JSON, and the call that submits a form."""

from datetime import date, datetime

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import alerts, offices, stages
from app.campaigns.offices import Office
from app.errors import Missing
from app.letters import submission
from app.letters.form import Form
from app.models import Alert, OwnMailbox
from app.web.gate import Configured, Reading, Tx, throttle

router = APIRouter(prefix="/api/v1", tags=["alerts"])


class AlertLine(BaseModel):
    slug: str
    title: str
    summary: str
    kind: str = Field(description="letters, or guide: texts to copy, no form")
    campaign: str
    opens_at: datetime
    closes_at: datetime | None
    made_up: bool


class StepOut(BaseModel):
    stage: str
    on: date
    what: str
    source: str


class OfficeOut(BaseModel):
    office: str
    role: str
    institution: str
    letter_language: str
    standard: bool = Field(description="written to unless the form asks for others")


class CountryOut(BaseModel):
    country: str
    name: str
    stage: str
    added_on: date
    postal_address: str = Field(description="why a postal address is asked for; empty: it is not")
    steps: list[StepOut]
    offices: list[OfficeOut]


class AlertWhole(AlertLine):
    body: str = Field(description="Markdown")
    prompts: list[str]
    own_mailbox: OwnMailbox = Field(
        description="whether supporters may send from their own mail programs: offered, preferred "
        "(recommended first), or only, and then no submissions are taken"
    )
    countries: list[CountryOut]


class SubmissionIn(BaseModel):
    """A filled form. `countries` and `roles` choose the offices; without them the small default."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Mari Mägi",
                "email": "mari@example.org",
                "city": "Tartu",
                "country": "EE",
                "countries": ["LV", "LT"],
                "own_words": "My grandfather cleared mines.",
                "consent": True,
            }
        }
    )
    name: str
    email: str
    city: str
    country: str = Field(description="two letters, ISO 3166-1")
    postal_address: str = ""
    countries: list[str] | None = None
    roles: list[str] | None = None
    own_words: str = ""
    subject: str = ""
    language: str = Field("en", description="of pages and notices, not of the letters")
    consent: bool = False
    source: dict[str, str] = Field(default_factory=dict)


class SubmissionOut(BaseModel):
    id: str
    status: str = "unconfirmed"
    letters: int = Field(description="offices asked for, written to before or not")


@router.get("/alerts")
async def list_alerts(session: Reading) -> list[AlertLine]:
    return [_line(alert) for alert in await alerts.public(session)]


@router.get("/alerts/{slug}")
async def one_alert(slug: str, session: Reading, settings: Configured) -> AlertWhole:
    alert = await alerts.by_slug(session, slug)
    available = await offices.of_alert(session, alert, settings.delivery)
    return AlertWhole(
        **_line(alert).model_dump(),
        body=alert.body,
        prompts=alert.prompts,
        own_mailbox=OwnMailbox(alert.own_mailbox),
        countries=await _countries(session, alert, available),
    )


@router.post(
    "/alerts/{slug}/submissions", status_code=201, dependencies=[Depends(throttle("form"))]
)
async def submit(
    slug: str, filled: SubmissionIn, session: Tx, settings: Configured
) -> SubmissionOut:
    """Take a form. Nothing leaves before its supporter has confirmed by mail."""
    alert = await alerts.by_slug(session, slug)
    if alert.kind == "guide":
        raise Missing("form", slug)
    taken = await submission.submit(session, settings, alert, Form(**filled.model_dump()))
    return SubmissionOut(id=taken.submission.public_id, letters=taken.letters)


def _line(alert: Alert) -> AlertLine:
    return AlertLine(
        slug=alert.slug,
        title=alert.title,
        summary=alert.summary,
        kind=alert.kind,
        campaign=alert.campaign.slug,
        opens_at=alert.opens_at,
        closes_at=alert.closes_at,
        made_up=alert.made_up,
    )


async def _countries(
    session: AsyncSession, alert: Alert, available: list[Office]
) -> list[CountryOut]:
    standing = await stages.standings(session, alert.campaign, alerts.today(alert))
    return [
        CountryOut(
            country=one.country,
            name=one.name,
            stage=standing[one.country].stage if one.country in standing else "",
            added_on=one.added_on,
            postal_address=one.postal_address,
            steps=_steps(standing.get(one.country)),
            offices=[_office(office) for office in available if office.country is one],
        )
        for one in alert.countries
    ]


def _steps(standing: stages.Standing | None) -> list[StepOut]:
    steps = standing.steps if standing else ()
    return [StepOut(stage=s.stage, on=s.on, what=s.what, source=s.source) for s in steps]


def _office(office: Office) -> OfficeOut:
    return OfficeOut(
        office=office.target.office,
        role=office.target.role,
        institution=office.target.institution,
        letter_language=office.template.language,
        standard=office.standard,
    )
