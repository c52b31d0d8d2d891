"""Where letters wait: a lane is what waits of one alert for one office.

The send counts know which lanes hold letters, so that finding them costs the same however many
letters wait, and however many of these are held back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Select, and_, bindparam, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.models import (
    Contact,
    Letter,
    LetterStatus,
    Mailbox,
    MailDomain,
    MailHost,
    SendCount,
    Suppression,
    Target,
)
from app.outbox import freezes
from app.settings import Delivery

Due = Select[*tuple[datetime, int]]

# written once: these are asked for every claim, and those of a lane for many of them
ADDRESS = func.lower(Contact.email)
# written out: what a partial index holds can then be told without reading the letters
IS_QUEUED = Letter.status == literal_column(f"'{LetterStatus.QUEUED}'")
TRIED_BEFORE = Letter.attempts > literal_column("0")
# whether a lane has such: with a limit, or PostgreSQL may read those of all lanes to tell
HAS_AGAIN = (
    select(Letter.id)
    .where(
        IS_QUEUED,
        TRIED_BEFORE,
        Letter.delivery == bindparam("delivery"),
        Letter.target_id == SendCount.target_id,
        Letter.alert_id == SendCount.alert_id,
        Letter.not_before <= bindparam("now", type_=Letter.not_before.type),
    )
    .limit(literal_column("1"))
    .correlate(SendCount)
    .scalar_subquery()
    .is_not(None)
)
WAITING = (
    select(
        SendCount.alert_id,
        SendCount.target_id,
        SendCount.n,
        Contact.id,
        ADDRESS,
        Target.country,
        Mailbox,
        MailHost,
        Suppression.why,
        HAS_AGAIN,
    )
    .join(Contact, and_(Contact.target_id == SendCount.target_id, Contact.retired_at.is_(None)))
    .join(Target, Target.id == SendCount.target_id)
    .outerjoin(Mailbox, Mailbox.email == ADDRESS)
    .outerjoin(MailDomain, MailDomain.name == Mailbox.domain)
    .outerjoin(MailHost, MailHost.id == MailDomain.host_id)
    .outerjoin(Suppression, Suppression.email == ADDRESS)
    .where(
        SendCount.delivery == bindparam("delivery"),
        SendCount.status == LetterStatus.QUEUED,
        SendCount.n > 0,
    )
    .order_by(SendCount.alert_id, SendCount.target_id)
    .execution_options(populate_existing=True)
)
WAITING_CHECKED = WAITING.where(Contact.checked_on.is_not(None))
DUE = (
    select(Letter.not_before, Letter.id)
    .where(
        IS_QUEUED,
        Letter.delivery == bindparam("delivery"),
        Letter.target_id == bindparam("target_id"),
        Letter.alert_id == bindparam("alert_id"),
        Letter.not_before <= bindparam("now"),
        ~freezes.letter_is_frozen(),
    )
    .order_by(Letter.not_before, Letter.id)
    .limit(bindparam("limit", type_=Integer))
    .with_for_update(skip_locked=True, of=Letter)
)
AGAIN = DUE.where(TRIED_BEFORE)  # few, and in an index of their own
IDS_OF = {asked: asked.with_only_columns(Letter.id) for asked in (DUE, AGAIN)}  # in the same order


@dataclass(frozen=True)
class Lane:
    """`n` letters wait; `mailbox` and `host` are None where nobody has written yet.

    `suppressed`: why its address must not be written to; `again`: letters are due in it that were
    tried before.
    """

    alert_id: int
    target_id: int
    n: int
    country: str
    email: str  # in lower case
    mailbox: Mailbox | None
    host: MailHost | None
    suppressed: str | None
    again: bool


async def of_delivery(session: AsyncSession, delivery: str) -> list[Lane]:
    """The lanes that hold letters and may send them: not frozen, and checked if it is live."""
    statement = WAITING_CHECKED if delivery == Delivery.LIVE else WAITING
    found = await session.execute(statement, {"delivery": delivery, "now": clock.now()})
    held = await freezes.frozen(session)
    return [
        Lane(alert_id, target_id, n, country, address, mailbox, host, why, again)
        for alert_id, target_id, n, contact_id, address, country, mailbox, host, why, again in found
        if alert_id not in held.alerts
        and contact_id not in held.contacts
        and (host is None or host.id not in held.hosts)
    ]


async def in_hand(session: AsyncSession, delivery: str) -> dict[int, int]:
    """How many letters to each mail host workers are busy with at this moment."""
    rows = await session.execute(
        select(MailDomain.host_id, func.sum(SendCount.n))
        .select_from(SendCount)
        .join(Contact, and_(Contact.target_id == SendCount.target_id, Contact.retired_at.is_(None)))
        .join(Mailbox, Mailbox.email == func.lower(Contact.email))
        .join(MailDomain, MailDomain.name == Mailbox.domain)
        .where(SendCount.delivery == delivery, SendCount.status == LetterStatus.SENDING)
        .group_by(MailDomain.host_id)
    )
    return {host_id: int(n) for host_id, n in rows}


async def first(
    session: AsyncSession, delivery: str, lanes: Sequence[Lane], limit: int
) -> list[int]:
    """The letters of these lanes that have been due for longest, and that nobody else takes.

    Those tried before come first: behind thousands that were not, their patience would run out,
    and a server that only wants to see them again would have forgotten them.
    """
    again = [lane for lane in lanes if lane.again]
    chosen = await _due(session, AGAIN, delivery, again, limit)
    if len(chosen) < limit:
        tried = set(chosen)
        due = await _due(session, DUE, delivery, lanes, limit)
        chosen += [letter_id for letter_id in due if letter_id not in tried]
    return chosen[:limit]


async def _due(
    session: AsyncSession, question: Due, delivery: str, lanes: Sequence[Lane], limit: int
) -> list[int]:
    if len(lanes) == 1:
        ids = await session.scalars(IDS_OF[question], _asked(delivery, lanes[0], limit))
        return list(ids)
    due = [
        (not_before, letter_id)
        for lane in lanes
        for not_before, letter_id in await session.execute(question, _asked(delivery, lane, limit))
    ]
    return [letter_id for _, letter_id in sorted(due)[:limit]]


def _asked(delivery: str, lane: Lane, limit: int) -> dict[str, Any]:
    return {
        "delivery": delivery,
        "target_id": lane.target_id,
        "alert_id": lane.alert_id,
        "now": clock.now(),
        "limit": min(limit, lane.n),
    }
