"""A small alert of its own, and letters in the outbox, for tests of how letters leave."""

import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.models import (
    Alert,
    AlertCountry,
    AlertState,
    Campaign,
    Contact,
    Letter,
    LetterStatus,
    LetterTemplate,
    Notice,
    NoticeKind,
    Organisation,
    Submission,
    Target,
)
from app.outbox import notices, queue
from app.wording import render

MAIL_DOMAIN = "letters.example.org"
STAGE = "announced"
SOURCE = """+++
reviewed = true

[salutations]
prime_minister = "Dear Prime Minister,"
defence = "Dear Minister,"
foreign = "Dear Minister,"
president = "Dear President,"
speaker = "Dear Speaker,"
committee = "Dear Chair and Members of the Committee,"

[[subjects]]
text = "Please keep the treaty: a request from {{ city }}"

[[openings]]
text = "I write because I care."

[[closings]]
text = "Thank you for reading my letter."

[asks]
announced = "- keep the treaty."
+++
{{ salutation }}

{{ opening }}

{{ own_words }}

I respectfully ask you to:
{{ ask }}

{{ closing }}

{{ name }}
{{ city }}, {{ country }}
"""


@dataclass(frozen=True)
class Ground:
    """An alert and all that its letters need."""

    alert: Alert
    country: AlertCountry
    template: LetterTemplate
    targets: list[Target]
    contacts: list[Contact]


async def make_alert(
    session: AsyncSession, *, slug: str = "keep-the-treaty", targets: int = 3, checked: bool = True
) -> Ground:
    """A published alert to that many offices of one country, at addresses of example.org."""
    now = clock.now()
    organisation_id = await session.scalar(select(Organisation.id).limit(1))
    campaign = Campaign(
        organisation_id=organisation_id, slug=f"{slug}-campaign", title="Keep it", aim="", stages=[]
    )
    session.add(campaign)
    await session.flush()
    alert = _alert(slug, campaign.id, now)
    session.add(alert)
    await session.flush()
    country, template = _country(alert), _template(alert, now)
    offices = [_target(slug, n) for n in range(targets)]
    session.add_all([country, template, *offices])
    await session.flush()
    contacts = [_contact(slug, office, n, checked) for n, office in enumerate(offices)]
    session.add_all(contacts)
    await session.flush()
    return Ground(alert, country, template, offices, contacts)


async def make_submission(session: AsyncSession, ground: Ground, **changes: Any) -> Submission:
    """One supporter's confirmed form; `changes` replace its fields."""
    submission = _submission(ground, changes)
    session.add(submission)
    await session.flush()
    return submission


async def make_queued_letters(
    session: AsyncSession,
    n: int,
    *,
    ground: Ground | None = None,
    delivery: str = "sandbox",
    **changes: Any,
) -> list[Letter]:
    """`n` letters of `n` supporters, confirmed and due now, shared out among the targets."""
    ground = ground or await make_alert(session)
    submissions = [_submission(ground, {"delivery": delivery} | changes) for _ in range(n)]
    session.add_all(submissions)
    await session.flush()
    rows, seals = [], []
    for number, submission in enumerate(submissions):
        target = ground.targets[number % len(ground.targets)]
        row, seal = _letter(ground, submission, target)
        rows.append(row)
        seals.append(seal)
    await queue.hold(session, rows, by="test")
    by_message_id = {
        letter.message_id: letter
        for letter in await session.scalars(
            select(Letter).where(Letter.alert_id == ground.alert.id)
        )
    }
    letters = [by_message_id[row["message_id"]] for row in rows]
    for letter, seal in zip(letters, seals, strict=True):
        letter.text_sha256 = seal
    await session.flush()
    await queue.move(
        session,
        [Letter.id.in_([letter.id for letter in letters])],
        frm=LetterStatus.HELD,
        to=LetterStatus.QUEUED,
        by="test",
    )
    return letters


async def make_notice(
    session: AsyncSession, ground: Ground, *, delivery: str = "sandbox", **changes: Any
) -> Notice:
    """A notice to confirm, due now, to a supporter of its own."""
    submission = await make_submission(session, ground, delivery=delivery, **changes)
    await notices.put(session, submission, NoticeKind.CONFIRM, mail_domain=MAIL_DOMAIN)
    found = await session.scalars(select(Notice).where(Notice.submission_id == submission.id))
    return found.one()


def _submission(ground: Ground, changes: dict[str, Any]) -> Submission:
    now = clock.now()
    mark = secrets.token_hex(8)
    values: dict[str, Any] = {
        "public_id": mark,
        "alert_id": ground.alert.id,
        "delivery": "sandbox",
        "person_key": secrets.token_hex(32),
        "name": "Mari Mägi",
        "email": f"mari-{mark}@example.org",
        "city": "Tartu",
        "country": "EE",
        "postal_address": "",
        "own_words": "My grandmother still remembers the mines.",
        "subject": "",
        "language": "en",
        "variant_seed": secrets.randbelow(2**31),
        "source": {},
        "consent_at": now,
        "created_at": now,
        "expires_at": now + timedelta(days=7),
        "confirmed_at": now,
    }
    return Submission(**(values | changes))


def _alert(slug: str, campaign_id: int, now: datetime) -> Alert:
    return Alert(
        campaign_id=campaign_id,
        slug=slug,
        kind="letters",
        state=AlertState.PUBLISHED,
        title="Keep the treaty",
        summary="",
        body="",
        timezone="Europe/Tallinn",
        opens_at=datetime(2025, 3, 20, tzinfo=UTC),
        closes_at=None,
        made_up=True,
        default_roles=["prime_minister"],
        prompts=[],
        resources=[],
        share=[],
        texts=[],
        created_at=now,
    )


def _country(alert: Alert) -> AlertCountry:
    return AlertCountry(
        alert_id=alert.id,
        country="EE",
        position=1,
        name="Estonia",
        added_on=date(2025, 3, 20),
        record="",
        postal_address="",
        language_note="",
        reply_note="",
    )


def _template(alert: Alert, now: datetime) -> LetterTemplate:
    return LetterTemplate(
        alert_id=alert.id,
        country="EE",
        language="en",
        revision=1,
        reviewed=True,
        source=SOURCE,
        created_at=now,
    )


def _target(slug: str, n: int) -> Target:
    return Target(
        country="EE",
        office=f"{slug} office {n}",
        role="prime_minister",
        institution="Government",
        institution_local="Valitsus",
    )


def _contact(slug: str, office: Target, n: int, checked: bool) -> Contact:
    return Contact(
        target_id=office.id,
        email=f"{slug}-{n}@example.org",
        languages=["en"],
        evidence="test",
        source_url="https://example.org/",
        checked_on=date(2025, 3, 20) if checked else None,
    )


def _letter(ground: Ground, submission: Submission, target: Target) -> tuple[dict[str, Any], str]:
    """A row for the outbox, and the seal of the text that its supporter confirmed."""
    text = render.of_submission(submission, target, ground.template, ground.country, stage=STAGE)
    row = {
        "submission_id": submission.id,
        "alert_id": ground.alert.id,
        "target_id": target.id,
        "person_key": submission.person_key,
        "delivery": submission.delivery,
        "template_id": ground.template.id,
        "stage": STAGE,
        "message_id": f"<{secrets.token_hex(14)}@{MAIL_DOMAIN}>",
    }
    return row, text.sha256
