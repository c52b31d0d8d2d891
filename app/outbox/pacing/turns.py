"""Whose turn it is: which letters may leave now, within the limits of mailbox and host.

A mailbox has a turn every so often, reckoned from the turn before, so that a limit holds over
all alerts and workers and through a restart, and a changed one with the next look.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.models import Contact, LetterStatus, Mailbox, MailDomain, MailHost, SendCount
from app.outbox.pacing import calendars, hosts, lanes, limits
from app.outbox.pacing.calendars import Calendar
from app.outbox.pacing.lanes import Lane
from app.settings import Settings

HANDFUL = 100
IN_HAND = 3  # letters that workers may be busy with at one mail host
AN_HOUR = timedelta(hours=1)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
NOT_YET_TAKEN = (
    LetterStatus.HELD,
    LetterStatus.QUEUED,
    LetterStatus.CANCELLED,
    LetterStatus.LAPSED,
    LetterStatus.SUPPRESSED,
)


async def take(
    session: AsyncSession, found: Sequence[Lane], delivery: str, limit: int, settings: Settings
) -> list[int]:
    """Up to `limit` letters whose mailbox and host have their turn; the turns are taken."""
    unknown = {lane.email for lane in found if lane.mailbox is None}
    if unknown:
        await hosts.know(session, unknown)
    boxes = defaultdict(list)
    for lane in found:
        boxes[lane.email].append(lane)
    busy = await lanes.in_hand(session, delivery)
    chosen: list[int] = []
    for box in sorted(boxes.values(), key=_last_turn):
        if len(chosen) == limit:
            break
        if _too_early(box[0], settings) or _slow(box[0], busy, settings):
            continue
        chosen += await _turn(session, box, delivery, limit - len(chosen), settings)
    return chosen


async def share_out(
    session: AsyncSession, found: Sequence[Lane], delivery: str, limit: int
) -> list[int]:
    """Up to `limit` letters where nothing is paced: of every lane its share, a handful at least.

    Each lane that is asked costs a question; which ones are asked is drawn anew each time.
    """
    chosen: list[int] = []
    open_lanes = list(found)
    Random(clock.now().timestamp()).shuffle(open_lanes)  # noqa: S311
    for place, lane in enumerate(open_lanes):
        if len(chosen) == limit:
            break
        left = limit - len(chosen)
        share = min(left, max(HANDFUL, -(-left // (len(open_lanes) - place))))
        chosen += await lanes.first(session, delivery, [lane], share)
    return chosen


def due_at(mailbox: Mailbox, per_hour: int, calendar: Calendar) -> datetime:
    """When its next turn comes, if nothing else holds it; not before it is open there."""
    last_at = _believed(mailbox.last_at, calendar)
    if last_at is None:
        return calendar.next_open(clock.now())
    late = _jitter(mailbox.email, last_at) / 4
    return calendar.after(last_at, limits.spacing(per_hour) * (1 + late))


def host_due_at(host: MailHost, per_hour: int) -> datetime:
    """When a host's next turn comes: at any hour of any day."""
    last_at = _believed(host.last_at)
    if last_at is None:
        return clock.now()
    return last_at + timedelta(hours=limits.spacing(per_hour))


def calendar_of(country: str, own: limits.Limits) -> Calendar:
    return calendars.of_country(country, off_days=own.off_days)


# ── one mailbox ──


@dataclass(frozen=True)
class _Holder:
    """A mailbox and its host, which no other worker can take at this moment."""

    mailbox: Mailbox
    host: MailHost


async def _turn(
    session: AsyncSession, box: list[Lane], delivery: str, room: int, settings: Settings
) -> list[int]:
    """The letters first, then the turn: a mailbox with nothing due spends none."""
    holder = await _lock(session, box[0].email)
    if holder is None:
        return []
    n = min(room, await _allowed(session, holder, box[0].country, delivery, settings))
    if n <= 0:
        return []
    chosen: list[int] = []
    alerts = _from_next(box, holder.mailbox.last_alert_id)
    for place, of_alert in enumerate(alerts):
        share = -(-(n - len(chosen)) // (len(alerts) - place))
        taken = await lanes.first(session, delivery, of_alert, share)
        if taken:
            chosen += taken
            holder.mailbox.last_alert_id = of_alert[0].alert_id
        if len(chosen) == n:
            break
    if chosen:
        _spend(holder, box[0].country, len(chosen), settings)
        await session.flush()
    return chosen


async def _lock(session: AsyncSession, email: str) -> _Holder | None:
    """None when another worker has them: it takes their turn, not we."""
    statement = (
        select(Mailbox, MailHost)
        .join(MailDomain, MailDomain.name == Mailbox.domain)
        .join(MailHost, MailHost.id == MailDomain.host_id)
        .where(Mailbox.email == email)
        .with_for_update(skip_locked=True, of=(Mailbox, MailHost))
        .execution_options(populate_existing=True)
    )
    found = (await session.execute(statement)).one_or_none()
    return None if found is None else _Holder(*found)


async def _allowed(
    session: AsyncSession, holder: _Holder, country: str, delivery: str, settings: Settings
) -> int:
    """How many letters may leave for this mailbox at this moment."""
    mailbox, host, now = holder.mailbox, holder.host, clock.now()
    own, host_hour = limits.of(mailbox, settings), limits.of_host(host, settings)
    calendar = calendar_of(country, own)
    if not calendar.is_open(now):
        return 0
    # a mailbox never written to is due at once: by a clock that runs, a moment after `now`
    last_at = _believed(mailbox.last_at, calendar)
    if last_at and due_at(mailbox, own.per_hour, calendar) > now:
        return 0
    n = min(limits.at_once(own.per_hour), _turns_of_host(host, host_hour))
    if mailbox.today == calendar.day(now):
        n = min(n, own.per_day - mailbox.today_n)
    if own.in_all is not None:
        n = min(n, own.in_all - await taken_in_all(session, mailbox.email, delivery))
    return n


def _spend(holder: _Holder, country: str, n: int, settings: Settings) -> None:
    mailbox, host, now = holder.mailbox, holder.host, clock.now()
    own, host_hour = limits.of(mailbox, settings), limits.of_host(host, settings)
    calendar = calendar_of(country, own)
    today = calendar.day(now)
    mailbox.today_n = n + (mailbox.today_n if mailbox.today == today else 0)
    mailbox.today = today
    mailbox.last_at = _had(mailbox.last_at, limits.spacing(own.per_hour), n, calendar)
    host.last_at = _had_by_host(host, host_hour, n)


async def taken_in_all(session: AsyncSession, email: str, delivery: str) -> int:
    """How many letters have left, or tried to, for an address, over all alerts."""
    of_mailbox = select(Contact.target_id).where(
        func.lower(Contact.email) == email, Contact.retired_at.is_(None)
    )
    total = select(func.coalesce(func.sum(SendCount.n), 0)).where(
        SendCount.target_id.in_(of_mailbox),
        SendCount.delivery == delivery,
        SendCount.status.not_in(NOT_YET_TAKEN),
    )
    return int(await session.scalar(total) or 0)


def _had(last_at: datetime | None, spacing: float, n: int, calendar: Calendar) -> datetime:
    """The turn just taken: the moment it was due, or now where it comes later than jitter makes
    it; for n letters together the last of their turns."""
    now = clock.now()
    had, last_at = now, _believed(last_at, calendar)
    if last_at is not None and now <= calendar.after(last_at, spacing * 1.25):
        had = calendar.after(last_at, spacing)
    return calendar.after(had, spacing * (n - 1)) if n > 1 else had


def _turns_of_host(host: MailHost, per_hour: int) -> int:
    """How many turns a host has at this moment: those that came since, as many as go at once."""
    together = limits.at_once(per_hour)
    if _believed(host.last_at) is None:
        return together
    late = clock.now() - host_due_at(host, per_hour)
    if late < timedelta():
        return 0
    return min(together, 1 + int(late / timedelta(hours=limits.spacing(per_hour))))


def _had_by_host(host: MailHost, per_hour: int, n: int) -> datetime:
    """The last of the `n` turns that were just taken."""
    turn, now = timedelta(hours=limits.spacing(per_hour)), clock.now()
    first = now - (limits.at_once(per_hour) - 1) * turn
    if _believed(host.last_at) and host_due_at(host, per_hour) >= first - turn / 4:
        first = host_due_at(host, per_hour)
    return first + (n - 1) * turn


def _too_early(lane: Lane, settings: Settings) -> bool:
    """A look without a calendar: at its peak a mailbox has its next turn no sooner than this."""
    last_at = _believed(lane.mailbox.last_at if lane.mailbox else None)
    if last_at is None:
        return False
    hours = limits.spacing(limits.of(lane.mailbox, settings).per_hour)
    return (clock.now() - last_at).total_seconds() < hours * 3600


def _slow(lane: Lane, busy: Mapping[int, int], settings: Settings) -> bool:
    """A host that takes its time over what it has gets no more: it would hold every sender."""
    if lane.host is None:
        return False
    together = limits.at_once(limits.of_host(lane.host, settings))
    return busy.get(lane.host.id, 0) >= max(IN_HAND, 2 * together)


def _last_turn(box: list[Lane]) -> datetime:
    return _believed(box[0].mailbox.last_at if box[0].mailbox else None) or LONG_AGO


def _believed(last_at: datetime | None, calendar: Calendar = calendars.ALWAYS) -> datetime | None:
    """When the last turn was; None for one that has not come, as for one that never was.

    Of those that go together the last may have its turn when the office opens again.
    """
    now = clock.now()
    if last_at is None or last_at <= now + limits.NO_TURN_YET:
        return last_at
    return last_at if last_at <= calendar.after(now, limits.NO_TURN_YET / AN_HOUR) else None


def _from_next(box: Iterable[Lane], last_alert_id: int | None) -> list[list[Lane]]:
    """Its lanes by alert, beginning with the alert after the one whose turn came last."""
    alerts = defaultdict(list)
    for lane in box:
        alerts[lane.alert_id].append(lane)
    last = last_alert_id or 0
    return [alerts[one] for one in sorted(alerts, key=lambda one: (one <= last, one))]


def _jitter(email: str, last_at: datetime) -> float:
    """From 0 to 1; the same at every look, or each look would be another chance."""
    seed = hashlib.sha256(f"{email} {last_at.timestamp()}".encode()).digest()
    return int.from_bytes(seed[:4]) / 2**32
