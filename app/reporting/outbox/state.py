"""How the outbox stands, and what of it needs a person. Costs the same at five million letters."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    and_,
    case,
    exists,
    func,
    literal_column,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.models import (
    Alert,
    Freeze,
    Letter,
    LetterStatus,
    Notice,
    RelayState,
    Returned,
    SendCount,
)
from app.outbox import freezes, places
from app.outbox.pacing import lanes
from app.reporting.outbox import hosts
from app.reporting.outbox.hosts import Hold, HostLine, MailboxLine
from app.settings import Settings

UNSETTLED = (LetterStatus.HELD, LetterStatus.QUEUED, LetterStatus.SENDING)
A_MINUTE = timedelta(minutes=1)
LOOKED_AT = 2_000  # letters of a lane: behind as many frozen ones nothing is looked for
# written out, so that both databases see that the partial index serves
IS_QUEUED = Letter.status == literal_column("'queued'")


@dataclass(frozen=True)
class Rate:
    """Letters that left lately. `at_least`: so many in the hour that nobody counted all."""

    minute: int
    ten_minutes: int
    hour: int
    at_least: bool


@dataclass(frozen=True)
class HeldAlert:
    slug: str
    title: str
    timezone: str
    hold: Hold


@dataclass(frozen=True)
class Relay:
    """A relay of ours. `failures`: how often in a row it did not let us in, and its own words."""

    name: str
    failures: int
    why: str
    retry_at: datetime | None


@dataclass(frozen=True)
class Outbox:
    """Everything that is on its way under one delivery, and what stands in the way.

    `oldest_due`: since when the first letter waits that nothing holds back. `returns`: mail that
    came back and that a person must read, and since when.
    """

    delivery: str
    as_of: datetime
    depth: dict[str, int]
    oldest_due: datetime | None
    rate: Rate
    failed: int
    frozen_letters: int
    returns: int
    oldest_return: datetime | None
    notices: int
    oldest_notice: datetime | None
    alerts: list[HeldAlert]
    hosts: list[HostLine]
    relays: list[Relay]

    @property
    def mailboxes(self) -> list[MailboxLine]:
        return [mailbox for host in self.hosts for mailbox in host.mailboxes]

    @property
    def needs_a_person(self) -> bool:
        """Whether anything stands still until somebody acts."""
        return bool(
            self.alerts
            or self.failed
            or self.returns
            or self.frozen_letters
            or any(host.hold for host in self.hosts)
            or any(mailbox.hold or mailbox.review_at for mailbox in self.mailboxes)
            or any(relay.failures for relay in self.relays)
        )


async def now(
    session: AsyncSession, settings: Settings, *, organisation_id: int | None = None
) -> Outbox:
    """The outbox now; of what is frozen or failed only an organisation's own, if it is given."""
    delivery = settings.delivery
    alerts = select(Alert.id) if organisation_id is None else places.alerts_of(organisation_id)
    counts = await _counts(session, SendCount.delivery == delivery)
    waiting_returns = (func.count(Returned.id), func.min(Returned.received_at))
    returns, oldest_return = (
        await session.execute(select(*waiting_returns).where(Returned.settled_at.is_(None)))
    ).one()
    waiting_notices = (func.count(Notice.id), func.min(Notice.not_before))
    due = and_(Notice.status == LetterStatus.QUEUED, Notice.delivery == delivery)
    notices, oldest_notice = (await session.execute(select(*waiting_notices).where(due))).one()
    return Outbox(
        delivery=delivery,
        as_of=clock.now(),
        depth={status.value: counts.get(status, 0) for status in UNSETTLED},
        oldest_due=await _oldest_due(session, delivery),
        rate=await _rate(session),
        failed=await _failed(session, delivery, alerts),
        frozen_letters=await _frozen_letters(session, alerts),
        returns=returns,
        oldest_return=oldest_return,
        notices=notices,
        oldest_notice=oldest_notice,
        alerts=await _alerts(session, alerts),
        hosts=await hosts.of_delivery(session, settings),
        relays=[
            Relay(one.name, one.failures, one.why, one.retry_at)
            for one in await session.scalars(select(RelayState).order_by(RelayState.name))
        ],
    )


async def counts_of(session: AsyncSession, place: places.Place) -> dict[str, int]:
    """How many letters of a contact, host or alert wait, leave or have failed."""
    found = await _counts(session, place.counts)
    return {status.value: found.get(status, 0) for status in (*UNSETTLED, LetterStatus.FAILED)}


async def _counts(session: AsyncSession, where: ColumnElement[bool]) -> dict[str, int]:
    rows = await session.execute(
        select(SendCount.status, func.sum(SendCount.n).label("n"))
        .where(where)
        .group_by(SendCount.status)
    )
    return {row.status: int(row.n) for row in rows}


async def _oldest_due(session: AsyncSession, delivery: str) -> datetime | None:
    """A step into the index for each lane; of one that begins with frozen letters, a few more."""
    leaving = {
        (lane.alert_id, lane.target_id)
        for lane in await lanes.of_delivery(session, delivery)
        if not lane.suppressed
    }
    first = func.coalesce(_first_of_lane(delivery, 1), _first_of_lane(delivery, LOOKED_AT))
    rows = await session.execute(
        select(SendCount.alert_id, SendCount.target_id, first.label("first")).where(
            SendCount.delivery == delivery,
            SendCount.status == LetterStatus.QUEUED,
            SendCount.n > 0,
        )
    )
    now = clock.now()
    due = [row.first for row in rows if (row.alert_id, row.target_id) in leaving and row.first]
    return min((one for one in due if one <= now), default=None)


def _first_of_lane(delivery: str, looked_at: int) -> ScalarSelect[datetime]:
    """When the first letter was due that is not frozen, among the first so many of a lane."""
    begins = (
        select(Letter.id, Letter.not_before)
        .where(
            IS_QUEUED,
            Letter.delivery == delivery,
            Letter.target_id == SendCount.target_id,
            Letter.alert_id == SendCount.alert_id,
        )
        .order_by(Letter.not_before)
        .limit(looked_at)
        .correlate(SendCount)
        .subquery()
    )
    held = exists().where(freezes.STANDING, Freeze.scope == "letter", Freeze.ref == begins.c.id)
    return select(func.min(begins.c.not_before)).where(~held).scalar_subquery()


async def _rate(session: AsyncSession) -> Rate:
    newest = hosts.newest_attempts()
    now = clock.now()

    def left_within(minutes: int) -> ColumnElement[int]:
        left = and_(
            newest.c.letter_id.is_not(None),
            newest.c.outcome == "taken",
            newest.c.ended_at > now - minutes * A_MINUTE,
        )
        return func.coalesce(func.sum(case((left, 1), else_=0)), 0)

    row = (
        await session.execute(
            select(
                left_within(1),
                left_within(10),
                left_within(60),
                func.count(newest.c.id),
                func.min(newest.c.ended_at),
            )
        )
    ).one()
    minute, ten, hour, looked_at, first = row
    full = looked_at == hosts.LOOKED_AT and first > now - 60 * A_MINUTE
    return Rate(int(minute), int(ten), int(hour), at_least=full)


async def _failed(session: AsyncSession, delivery: str, alerts: Select[int]) -> int:
    theirs = (SendCount.delivery == delivery) & SendCount.alert_id.in_(alerts)
    return (await _counts(session, theirs)).get(LetterStatus.FAILED, 0)


async def _frozen_letters(session: AsyncSession, alerts: Select[int]) -> int:
    """Those that a person froze: a country that moved on has a line and a page of its own."""
    by_hand = freezes.STANDING, Freeze.scope == "letter", Freeze.stage_move_id.is_(None)
    held = select(func.count(Freeze.id)).join(Letter, Letter.id == Freeze.ref)
    return await session.scalar(held.where(*by_hand, Letter.alert_id.in_(alerts))) or 0


async def _alerts(session: AsyncSession, alerts: Select[int]) -> list[HeldAlert]:
    frozen = await hosts.holds(session, "alert")
    found = select(Alert).where(Alert.id.in_(frozen), Alert.id.in_(alerts)).order_by(Alert.id)
    return [
        HeldAlert(one.slug, one.title, one.timezone, frozen[one.id])
        for one in await session.scalars(found)
    ]
