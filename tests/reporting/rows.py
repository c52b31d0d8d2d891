"""An alert with two offices, and letters that go where a test sends them."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.letters import participation
from app.models import (
    Alert,
    Campaign,
    Contact,
    Letter,
    LetterStatus,
    LetterTemplate,
    Organisation,
    Submission,
    Target,
)
from app.outbox import queue

LONG_AGO = datetime(2025, 3, 20, 12, tzinfo=UTC)
# how a letter gets there from `held`
ROADS: dict[LetterStatus, tuple[LetterStatus, ...]] = {
    queue.HELD: (),
    queue.LAPSED: (queue.LAPSED,),
    queue.CANCELLED: (queue.CANCELLED,),
    queue.QUEUED: (queue.QUEUED,),
    queue.SENDING: (queue.QUEUED, queue.SENDING),
    queue.HANDED_OVER: (queue.QUEUED, queue.SENDING, queue.HANDED_OVER),
    queue.ACCEPTED: (queue.QUEUED, queue.SENDING, queue.HANDED_OVER, queue.ACCEPTED),
    queue.BOUNCED: (queue.QUEUED, queue.SENDING, queue.HANDED_OVER, queue.BOUNCED),
    queue.REJECTED: (queue.QUEUED, queue.SENDING, queue.REJECTED),
    queue.FAILED: (queue.QUEUED, queue.SENDING, queue.FAILED),
}


@dataclass
class Grounds:
    """What stands in the database, to be referred to."""

    campaign: Campaign
    alert: Alert
    targets: list[Target]
    contacts: list[Contact]
    template: LetterTemplate
    submissions: list[Submission] = field(default_factory=list)


async def an_alert(
    session: AsyncSession,
    slug: str = "stop",
    *,
    zone: str = "Europe/Tallinn",
    made_up: bool = False,
) -> Grounds:
    """A published alert to two offices of Estonia, in a campaign and organisation of its own."""
    organisation = Organisation(slug=f"{slug}-people", name="People", created_at=LONG_AGO)
    session.add(organisation)
    await session.flush()
    campaign = Campaign(
        organisation_id=organisation.id, slug=f"{slug}-aim", title="Aim", aim="", stages=[]
    )
    session.add(campaign)
    await session.flush()
    return await another_alert(session, campaign, slug, zone=zone, made_up=made_up)


async def another_alert(
    session: AsyncSession,
    campaign: Campaign,
    slug: str,
    *,
    zone: str = "Europe/Tallinn",
    made_up: bool = False,
) -> Grounds:
    """One more alert of the same campaign, with two offices of its own."""
    alert = _alert(campaign, slug, zone=zone, made_up=made_up)
    targets = [
        _target(f"{office} ({slug})") for office in ("Prime Minister", "Minister of Defence")
    ]
    session.add_all([alert, *targets])
    await session.flush()
    template = LetterTemplate(
        alert_id=alert.id,
        country="EE",
        language="en",
        revision=1,
        reviewed=True,
        source="",
        created_at=LONG_AGO,
    )
    contacts = [_contact(target) for target in targets]
    session.add_all([template, *contacts])
    await session.flush()
    return Grounds(campaign, alert, targets, contacts, template)


def _alert(campaign: Campaign, slug: str, *, zone: str, made_up: bool) -> Alert:
    return Alert(
        campaign_id=campaign.id,
        slug=slug,
        kind="letters",
        state="published",
        title=f"Alert {slug}",
        summary="",
        body="",
        timezone=zone,
        opens_at=LONG_AGO,
        made_up=made_up,
        default_roles=[],
        prompts=[],
        resources=[],
        share=[],
        texts=[],
        created_at=LONG_AGO,
    )


def _target(office: str) -> Target:
    return Target(
        country="EE",
        office=office,
        role="defence",
        institution="An Institution",
        institution_local="Asutus",
    )


def _contact(target: Target) -> Contact:
    return Contact(
        target_id=target.id,
        email=f"{target.role}.{target.id}@example.org",
        languages=["en"],
        evidence="",
        source_url="",
    )


async def a_submission(
    session: AsyncSession, grounds: Grounds, person: str, *, delivery: str = "sandbox"
) -> Submission:
    now = clock.now()
    submission = Submission(
        public_id=secrets.token_hex(8),
        alert_id=grounds.alert.id,
        delivery=delivery,
        person_key=person,
        name="Mari Mägi",
        email="mari@example.org",
        city="Tartu",
        country="EE",
        postal_address="",
        own_words="",
        subject="",
        language="en",
        variant_seed=1,
        source={},
        consent_at=now,
        created_at=now,
        expires_at=now + timedelta(days=7),
        confirmed_at=now,  # counted only where a letter of it was queued
    )
    submission.alert = grounds.alert
    session.add(submission)
    await session.flush()
    grounds.submissions.append(submission)
    return submission


async def write(
    session: AsyncSession,
    grounds: Grounds,
    person: str,
    *ends: LetterStatus,
    delivery: str = "sandbox",
) -> list[int]:
    """A person's form with one letter to each office in turn, each brought to its end."""
    submission = await a_submission(session, grounds, person, delivery=delivery)
    ids = await queue.hold(
        session,
        [
            {
                "submission_id": submission.id,
                "alert_id": grounds.alert.id,
                "target_id": target.id,
                "person_key": person,
                "delivery": delivery,
                "template_id": grounds.template.id,
                "stage": "in_effect",
                "message_id": f"<{secrets.token_hex(8)}@letters.example>",
            }
            for target, _ in zip(grounds.targets, ends, strict=False)
        ],
        by="supporter",
    )
    for letter_id, end in zip(ids, ends, strict=True):
        await walk(session, letter_id, *ROADS[end])
    if any(queue.QUEUED in ROADS[end] for end in ends):
        await participation.count(session, submission)
    return ids


async def walk(session: AsyncSession, letter_id: int, *road: LetterStatus) -> None:
    """Move a letter step by step from where it stands."""
    for to in road:
        letter = await session.get_one(Letter, letter_id, populate_existing=True)
        frm = LetterStatus(letter.status)
        assert await queue.move(session, [Letter.id == letter_id], frm=frm, to=to, by="a test")
