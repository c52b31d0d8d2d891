"""Action alerts: which may be seen, which take letters, and what day it is where they live."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo

from sqlalchemy import Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload, selectinload

from app import clock
from app.errors import AlertClosed, AlertFrozen, AlertNotOpen, Missing
from app.models import Alert, AlertState, Campaign
from app.outbox import freezes
from app.settings import Delivery, Settings

LISTED = (AlertState.PUBLISHED, AlertState.CLOSED)
PUBLIC = (*LISTED, AlertState.ARCHIVED)


async def by_slug(session: AsyncSession, slug: str) -> Alert:
    """A public alert with its campaign and countries. Raises Missing."""
    alert = await session.scalar(_public(), {"slug": slug})
    if alert is None:
        raise Missing("alert", slug)
    return alert


async def in_rehearsal(session: AsyncSession, slug: str) -> Alert:
    """An alert that only those who try it out may see, with campaign and countries.

    Raises Missing.
    """
    statement = _with_parts().where(Alert.slug == slug, Alert.state == AlertState.REHEARSAL)
    alert = await session.scalar(statement)
    if alert is None:
        raise Missing("alert", slug)
    return alert


async def public(session: AsyncSession) -> Sequence[Alert]:
    """The alerts a visitor is shown: newest first, made-up ones last."""
    found = await session.scalars(
        _with_parts()
        .where(Alert.state.in_(LISTED), Alert.opens_at <= clock.now())
        .order_by(Alert.made_up, Alert.opens_at.desc())
    )
    return found.all()


async def letters_of_campaign(session: AsyncSession, guide: Alert) -> Alert | None:
    """The newest alert with letters in a guide's campaign: where its texts send people."""
    return await session.scalar(
        select(Alert)
        .where(
            Alert.campaign_id == guide.campaign_id,
            Alert.kind == "letters",
            Alert.state == AlertState.PUBLISHED,
            Alert.opens_at <= clock.now(),
        )
        .order_by(Alert.opens_at.desc())
        .limit(1)
    )


async def guide_of_campaign(session: AsyncSession, alert: Alert) -> Alert | None:
    """The newest guide in an alert's campaign: texts for those who want to do more."""
    return await session.scalar(
        select(Alert)
        .where(
            Alert.campaign_id == alert.campaign_id,
            Alert.kind == "guide",
            Alert.state == AlertState.PUBLISHED,
            Alert.opens_at <= clock.now(),
        )
        .order_by(Alert.opens_at.desc())
        .limit(1)
    )


async def campaign_by_slug(session: AsyncSession, slug: str) -> Campaign:
    """Raises Missing."""
    campaign = await session.scalar(select(Campaign).where(Campaign.slug == slug))
    if campaign is None:
        raise Missing("campaign", slug)
    return campaign


async def check_open(session: AsyncSession, alert: Alert) -> None:
    """Raises AlertNotOpen, AlertClosed or AlertFrozen when the form takes nothing now.

    A rehearsal takes forms at any time.
    """
    now = clock.now()
    if alert.state != AlertState.REHEARSAL:
        if alert.opens_at > now:
            raise AlertNotOpen(alert.opens_at)
        ended = ended_at(alert)
        if ended or alert.state != AlertState.PUBLISHED:
            raise AlertClosed(ended)
    if await freezes.standing(session, "alert", alert.id):
        raise AlertFrozen()


def ended_at(alert: Alert) -> datetime | None:
    """When it ended by its own closing time; None when that is still to come, or there is none."""
    return alert.closes_at if alert.closes_at and alert.closes_at <= clock.now() else None


def delivery_for(alert: Alert, settings: Settings, email: str = "") -> Delivery:
    """Where the letters of a form go that is filled in now, by whoever has this address.

    In a rehearsal the letters of the test people go back to them, all others to the mailbox on
    this machine; else it is as the installation is set.
    """
    if alert.state != AlertState.REHEARSAL:
        return settings.delivery
    return Delivery.TRIAL if _folded(email) in test_people(alert) else Delivery.REHEARSAL


def test_people(alert: Alert) -> frozenset[str]:
    """The addresses, in lower case, whose rehearsal letters go back to them."""
    return frozenset(map(_folded, (alert.test_people or "").split()))


def today(alert: Alert) -> date:
    """The day it is where the alert lives; in a rehearsal before its opening, the day it opens."""
    now = clock.now()
    if alert.state == AlertState.REHEARSAL:
        now = max(now, alert.opens_at)
    return now.astimezone(ZoneInfo(alert.timezone)).date()


def _folded(email: str) -> str:
    return email.strip().casefold()


@cache  # written once: every page of a supporter begins with it
def _public() -> Select[Alert]:
    return _with_parts().where(Alert.slug == bindparam("slug"), Alert.state.in_(PUBLIC))


@cache
def _with_parts() -> Select[Alert]:
    return select(Alert).options(
        joinedload(Alert.campaign, innerjoin=True), selectinload(Alert.countries)
    )
