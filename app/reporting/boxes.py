"""Every mailbox that offices are reached at: its pace, its host, and what waits for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.models import (
    Contact,
    LetterStatus,
    Mailbox,
    MailDomain,
    MailHost,
    SendCount,
    Suppression,
    Target,
)
from app.outbox import freezes
from app.outbox.freezes import Frozen
from app.outbox.pacing import hosts, limits, turns
from app.outbox.pacing.calendars import Calendar
from app.outbox.pacing.forecast import Waiting
from app.outbox.pacing.limits import Limits
from app.settings import Delivery, Settings


@dataclass(frozen=True)
class Lane:
    """What waits of one alert for one office."""

    alert_id: int
    target_id: int
    n: int


@dataclass(frozen=True)
class Box:
    """One address in lower case, and the offices that are reached at it.

    `own`: what an organiser set (None: nothing). `held`: contact, host, unchecked or suppressed,
    when nothing leaves for it.
    """

    email: str
    targets: tuple[Target, ...]
    own: Mailbox | None
    limits: Limits
    host_name: str
    host_own: int | None
    host_hour: int
    calendar: Calendar
    held: str

    @property
    def refusing(self) -> bool:
        return self.held == "host"

    @property
    def capped(self) -> bool:
        return self.limits.in_all is not None


@dataclass(frozen=True)
class HostRow:
    """A mail host and the mailboxes behind it."""

    name: str
    own: int | None
    per_hour: int
    boxes: Sequence[Box]


@dataclass(frozen=True)
class Boxes:
    """All of them, as they stand at one moment. `taken`: letters that have left, by office."""

    by_email: Mapping[str, Box]
    of_target: Mapping[int, Box]
    targets: Mapping[int, Target]
    lanes: tuple[Lane, ...]
    taken: Mapping[int, int]
    frozen: Frozen

    def lanes_of(self, box: Box) -> list[Lane]:
        """Those that may leave."""
        targets = {target.id for target in box.targets}
        return [
            lane
            for lane in self.lanes
            if lane.target_id in targets and self.moves(lane.alert_id, box)
        ]

    def waiting_at(self, email: str) -> int:
        return sum(lane.n for lane in self.lanes_of(self.by_email[email]))

    def moves(self, alert_id: int, box: Box) -> bool:
        return not self.why_held(alert_id, box)

    def why_held(self, alert_id: int, box: Box) -> str:
        return "alert" if alert_id in self.frozen.alerts else box.held

    def by_host(self) -> list[HostRow]:
        """By the names of the hosts, then by address."""
        ordered = sorted(self.by_email.values(), key=lambda box: (box.host_name, box.email))
        groups = groupby(ordered, key=lambda box: box.host_name)
        return [_row(list(behind)) for _, behind in groups]

    def with_box(self, box: Box) -> "Boxes":
        """The same with another pace for one of them."""
        return replace(self, by_email={**self.by_email, box.email: box})

    def waiting(self, box: Box, to_come: int) -> Waiting:
        """What waits for it, and letters to come, for a forecast."""
        pace, own = box.limits, box.own
        left = None
        if pace.in_all is not None:
            left = pace.in_all - sum(self.taken.get(one.id, 0) for one in box.targets)
        now = clock.now()
        return Waiting(
            email=box.email,
            host=box.host_name,
            n=self.waiting_at(box.email) + to_come,
            next_at=turns.due_at(own, pace.per_hour, box.calendar) if own else now,
            per_hour=pace.per_hour,
            per_day=pace.per_day,
            left_in_all=left,
            today_n=own.today_n if own else 0,
            today=own.today if own else None,
            calendar=box.calendar,
            frozen=bool(box.held),
        )


async def load(session: AsyncSession, settings: Settings) -> Boxes:
    """Every mailbox with what waits for it under the delivery of the settings."""
    frozen = await freezes.frozen(session)
    hosts_of = await _hosts(session)
    email = func.lower(Contact.email)
    rows = await session.execute(
        select(Contact, Target, Mailbox, Suppression.why)
        .join(Target, Target.id == Contact.target_id)
        .outerjoin(Mailbox, Mailbox.email == email)
        .outerjoin(Suppression, Suppression.email == email)
        .where(Contact.retired_at.is_(None))
        .order_by(Target.country, Target.office)
    )
    boxes: dict[str, Box] = {}
    of_target: dict[int, str] = {}
    for contact, target, mailbox, suppressed in rows:
        address = contact.email.lower()
        host = hosts_of.get(hosts.domain_of(address))
        held = _held(contact, host, suppressed, frozen, settings)
        box = boxes.get(address) or _box(address, target, mailbox, host, settings)
        targets = tuple(dict.fromkeys((*box.targets, target)))
        boxes[address] = replace(box, targets=targets, held=box.held or held)
        of_target[target.id] = address
    lanes = await _lanes(session, settings.delivery)
    return Boxes(
        by_email=boxes,
        of_target={target_id: boxes[address] for target_id, address in of_target.items()},
        targets=await _targets(session, {lane.target_id for lane in lanes}),
        lanes=lanes,
        taken=await _taken(session, settings.delivery),
        frozen=frozen,
    )


def paced(box: Box, own: Mailbox, settings: Settings) -> Box:
    """The same mailbox under other limits."""
    pace = limits.of(own, settings)
    country = box.targets[0].country
    return replace(box, own=own, limits=pace, calendar=turns.calendar_of(country, pace))


def _row(behind: Sequence[Box]) -> HostRow:
    return HostRow(behind[0].host_name, behind[0].host_own, behind[0].host_hour, behind)


def _box(
    email: str, target: Target, mailbox: Mailbox | None, host: MailHost | None, settings: Settings
) -> Box:
    pace = limits.of(mailbox, settings)
    return Box(
        email=email,
        targets=(target,),
        own=mailbox,
        limits=pace,
        host_name=host.name if host else hosts.domain_of(email),
        host_own=host.per_hour if host else None,
        host_hour=limits.of_host(host, settings),
        calendar=turns.calendar_of(target.country, pace),
        held="",
    )


def _held(
    contact: Contact,
    host: MailHost | None,
    suppressed: str | None,
    frozen: Frozen,
    settings: Settings,
) -> str:
    if suppressed is not None:
        return "suppressed"
    if contact.id in frozen.contacts:
        return "contact"
    if host is not None and host.id in frozen.hosts:
        return "host"
    unchecked = settings.delivery == Delivery.LIVE and contact.checked_on is None
    return "unchecked" if unchecked else ""


async def _hosts(session: AsyncSession) -> dict[str, MailHost]:
    """The mail host of each domain that is known."""
    rows = await session.execute(
        select(MailDomain.name, MailHost).join(MailHost, MailHost.id == MailDomain.host_id)
    )
    return {row.name: row.MailHost for row in rows}


async def _lanes(session: AsyncSession, delivery: str) -> tuple[Lane, ...]:
    rows = await session.execute(
        select(SendCount.alert_id, SendCount.target_id, SendCount.n).where(
            SendCount.delivery == delivery, SendCount.status == LetterStatus.QUEUED, SendCount.n > 0
        )
    )
    return tuple(Lane(*row) for row in rows)


async def _taken(session: AsyncSession, delivery: str) -> dict[int, int]:
    """As `turns.taken_in_all`, of every office in one question."""
    rows = await session.execute(
        select(SendCount.target_id, func.sum(SendCount.n))
        .where(SendCount.delivery == delivery, SendCount.status.not_in(turns.NOT_YET_TAKEN))
        .group_by(SendCount.target_id)
    )
    return {target_id: int(n) for target_id, n in rows}


async def _targets(session: AsyncSession, ids: set[int]) -> dict[int, Target]:
    found = await session.scalars(select(Target).where(Target.id.in_(ids)))
    return {target.id: target for target in found}
