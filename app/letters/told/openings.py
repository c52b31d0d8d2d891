"""Letters that people opened in their own mail programs. Whether they sent them, nobody here can
know: this is never part of what was sent."""

import hashlib
import hmac
import re
from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import add_up, insert_for
from app.models import Alert, OwnMailboxOpening, Told, ToldCount
from app.settings import Settings

A_PAGE = re.compile(r"[\w-]{16,64}", re.ASCII)  # as the page made it: random, and no one's


async def count(
    session: AsyncSession,
    settings: Settings,
    alert: Alert,
    target_id: int,
    delivery: str,
    page: str,
) -> bool:
    """Count one letter of one page, once; False for what is no page of ours or was counted.

    `target_id` must be an office of the alert. No person is kept with it: the page's id is drawn
    at random, and only a keyed hash of it stays.
    """
    if not A_PAGE.fullmatch(page):
        return False
    office = {"alert_id": alert.id, "target_id": target_id, "delivery": delivery}
    new = await session.scalar(
        insert_for(session)(OwnMailboxOpening)
        .values(**office, key=_key(settings, page), at=clock.now())
        .on_conflict_do_nothing()
        .returning(OwnMailboxOpening.target_id)
    )
    if new is None:
        return False
    told = office | {"what": Told.OWN_MAILBOX, "n": 1}
    add_up(session, ToldCount.__table__, [told])  # type: ignore[arg-type]
    return True


async def of_page(
    session: AsyncSession,
    settings: Settings,
    alert: Alert,
    target_ids: Collection[int],
    delivery: str,
    page: str,
) -> frozenset[int]:
    """Those of the offices whose letters were opened from that page."""
    found = await session.scalars(
        select(OwnMailboxOpening.target_id).where(
            OwnMailboxOpening.alert_id == alert.id,
            OwnMailboxOpening.target_id.in_(target_ids),
            OwnMailboxOpening.delivery == delivery,
            OwnMailboxOpening.key == _key(settings, page),
        )
    )
    return frozenset(found)


def _key(settings: Settings, page: str) -> str:
    return hmac.new(settings.secret, f"own mailbox {page}".encode(), hashlib.sha256).hexdigest()
