"""Action alerts: which may be seen, which take letters, and what day it is where they live."""

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app import clock
from app.errors import AlertClosed, AlertFrozen, AlertNotOpen, Missing
from app.models import Alert, AlertState, Campaign
from app.outbox import freezes

PUBLIC = (AlertState.PUBLISHED, AlertState.CLOSED)


async def by_slug(session: AsyncSession, slug: str) -> Alert:
    """A public alert with its campaign and countries. Raises Missing."""
    statement = _with_parts().where(Alert.slug == slug, Alert.state.in_(PUBLIC))
    alert = await session.scalar(statement)
    if alert is None:
        raise Missing("alert", slug)
    return alert


async def public(session: AsyncSession) -> Sequence[Alert]:
    """The alerts a visitor may see: newest first, made-up ones last."""
    found = await session.scalars(
        _with_parts()
        .where(Alert.state.in_(PUBLIC), Alert.opens_at <= clock.now())
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


async def campaign_by_slug(session: AsyncSession, slug: str) -> Campaign:
    """Raises Missing."""
    campaign = await session.scalar(select(Campaign).where(Campaign.slug == slug))
    if campaign is None:
        raise Missing("campaign", slug)
    return campaign


async def check_open(session: AsyncSession, alert: Alert) -> None:
    """Raises AlertNotOpen, AlertClosed or AlertFrozen when the form takes nothing now."""
    now = clock.now()
    if alert.opens_at > now:
        raise AlertNotOpen(alert.opens_at)
    if alert.state != AlertState.PUBLISHED or (alert.closes_at and alert.closes_at <= now):
        raise AlertClosed(alert.closes_at)
    if await freezes.standing(session, "alert", alert.id):
        raise AlertFrozen()


def today(alert: Alert) -> date:
    """The day it is where the alert lives."""
    return clock.now().astimezone(ZoneInfo(alert.timezone)).date()


def _with_parts() -> Select[Alert]:
    return select(Alert).options(selectinload(Alert.campaign), selectinload(Alert.countries))
