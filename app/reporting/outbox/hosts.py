"""How things stand at each mail host: what waits, what left, what its server said last."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.models import (
    AlertCountry,
    Attempt,
    Contact,
    Freeze,
    LetterStatus,
    Mailbox,
    MailDomain,
    MailHost,
    SendCount,
    Target,
)
from app.outbox import freezes
from app.outbox.pacing import limits, turns
from app.settings import Settings

LOOKED_AT = 5_000  # the newest attempts: there is no index by time, and none is needed
AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Hold:
    """Why it is frozen, by whom and since when."""

    why: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Reply:
    """How the last attempt ended, in the server's own words."""

    at: datetime
    outcome: str
    server: str
    code: int | None
    enhanced: str
    words: str


class Place(NamedTuple):
    """An office. `named`: what alerts call its country, for a code that no country has."""

    country: str
    named: str
    office: str


@dataclass(frozen=True)
class MailboxLine:
    """One address, and the offices that have it.

    `next_at`: when its next turn comes; None where nothing waits, is frozen or is not paced.
    `review_at`: since when a person should look at the address, and `review_why`.
    """

    contact_id: int
    email: str
    offices: list[Place]
    checked: bool
    waiting: int
    failed: int
    sent_hour: int
    next_at: datetime | None
    hold: Hold | None
    review_at: datetime | None
    review_why: str
    last: Reply | None


@dataclass(frozen=True)
class HostLine:
    """One mail host and the mailboxes behind it. `host_id`: None where nobody has written yet."""

    host_id: int | None
    name: str
    hold: Hold | None
    next_at: datetime | None
    waiting: int
    sent_hour: int
    last: Reply | None
    mailboxes: list[MailboxLine]


@dataclass(frozen=True)
class _Kept:
    """What the mailboxes are told from."""

    settings: Settings
    counts: Mapping[tuple[int, str], int]
    sent: Mapping[str, int]
    last: Mapping[str, Reply]
    holds: Mapping[int, Hold]
    names: Mapping[str, str]

    def place(self, target: Target) -> Place:
        return Place(target.country, self.names.get(target.country, ""), target.office)


async def of_delivery(session: AsyncSession, settings: Settings) -> list[HostLine]:
    """The hosts that something waits for or that were written to: those that need a person first.

    Then by how much waits. Costs the same however many letters there are.
    """
    sent, last = await _lately(session)
    kept = _Kept(
        settings=settings,
        counts=await _counts(session, settings.delivery),
        sent=sent,
        last=last,
        holds=await holds(session, "contact"),
        names=await _names(session),
    )
    addresses: dict[tuple[int | None, str], dict[str, list[Any]]] = defaultdict(dict)
    for row in await session.execute(_contacts()):
        name = row.MailHost.name if row.MailHost else row.email.rpartition("@")[2]
        host = addresses[row.MailHost.id if row.MailHost else None, name]
        host.setdefault(row.email, []).append(row)
    held = await holds(session, "host")
    lines = [
        _host(host_id, name, found, kept, held) for (host_id, name), found in addresses.items()
    ]
    shown = [line for line in lines if line.mailboxes or line.hold]
    return sorted(shown, key=lambda line: (line.hold is None, -line.waiting, line.name))


async def holds(session: AsyncSession, scope: freezes.Scope) -> dict[int, Hold]:
    """The holds in force on things of this kind, by the number of the thing."""
    return {one.ref: hold_of(one) for one in await freezes.standing_all(session, scope)}


def hold_of(freeze: Freeze) -> Hold:
    return Hold(freeze.why, freeze.by, freeze.at)


def newest_attempts() -> Any:
    """The last attempts for letters and notices, as a table to ask."""
    columns = (Attempt.id, Attempt.letter_id, Attempt.ended_at, Attempt.outcome)
    address = func.lower(Attempt.address).label("address")
    newest = select(*columns, address).order_by(Attempt.id.desc()).limit(LOOKED_AT)
    return newest.subquery()


def _contacts() -> Any:
    email = func.lower(Contact.email).label("email")
    return (
        select(Contact, Target, Mailbox, MailHost, email)
        .join(Target, Target.id == Contact.target_id)
        .outerjoin(Mailbox, Mailbox.email == email)
        .outerjoin(MailDomain, MailDomain.name == Mailbox.domain)
        .outerjoin(MailHost, MailHost.id == MailDomain.host_id)
        .where(Contact.retired_at.is_(None))
        .order_by(Target.country, Target.office)
    )


def _host(
    host_id: int | None,
    name: str,
    found: Mapping[str, Sequence[Row[Any]]],
    kept: _Kept,
    held: Mapping[int, Hold],
) -> HostLine:
    hold = held.get(host_id) if host_id else None
    lines = [_mailbox(email, rows, kept, held=hold is not None) for email, rows in found.items()]
    shown = [line for line in lines if _tells_something(line)]
    turns_to_come = [line.next_at for line in shown if line.next_at]
    return HostLine(
        host_id=host_id,
        name=name,
        hold=hold,
        next_at=min(turns_to_come, default=None),
        waiting=sum(line.waiting for line in shown),
        sent_hour=sum(line.sent_hour for line in shown),
        last=_latest(line.last for line in shown),
        mailboxes=sorted(shown, key=lambda line: (-line.waiting, line.email)),
    )


def _mailbox(email: str, rows: Sequence[Row[Any]], kept: _Kept, *, held: bool) -> MailboxLine:
    contacts: list[Contact] = [row.Contact for row in rows]
    marked = [one for one in contacts if one.review_at]
    own = [kept.holds[one.id] for one in contacts if one.id in kept.holds]
    waiting = sum(kept.counts.get((one.target_id, LetterStatus.QUEUED), 0) for one in contacts)
    return MailboxLine(
        contact_id=contacts[0].id,
        email=email,
        offices=[kept.place(row.Target) for row in rows],
        checked=all(one.checked_on for one in contacts),
        waiting=waiting,
        failed=sum(kept.counts.get((one.target_id, LetterStatus.FAILED), 0) for one in contacts),
        sent_hour=kept.sent.get(email, 0),
        next_at=_next_turn(rows[0], kept.settings) if waiting and not (held or own) else None,
        hold=own[0] if own else None,
        review_at=marked[0].review_at if marked else None,
        review_why=marked[0].review_why if marked else "",
        last=kept.last.get(email),
    )


def _tells_something(line: MailboxLine) -> bool:
    return bool(line.waiting or line.failed or line.last or line.hold or line.review_at)


def _next_turn(row: Row[Any], settings: Settings) -> datetime | None:
    """As the claim reckons it, but for the cap in all."""
    mailbox: Mailbox | None = row.Mailbox
    if not settings.paced or mailbox is None:
        return None
    own = limits.of(mailbox, settings)
    calendar = turns.calendar_of(row.Target.country, own)
    of_host = turns.host_due_at(row.MailHost, limits.of_host(row.MailHost, settings))
    at = max(turns.due_at(mailbox, own.per_hour, calendar), of_host, clock.now())
    if mailbox.today == calendar.day(at) and mailbox.today_n >= own.per_day:
        at = calendar.tomorrow(at)
    return calendar.next_open(at)


def _latest(replies: Iterable[Reply | None]) -> Reply | None:
    return max((one for one in replies if one), key=lambda one: one.at, default=None)


async def _names(session: AsyncSession) -> dict[str, str]:
    """What alerts call each country, by its code."""
    rows = await session.execute(select(AlertCountry.country, AlertCountry.name).distinct())
    return {row.country: row.name for row in rows}


async def _counts(session: AsyncSession, delivery: str) -> dict[tuple[int, str], int]:
    rows = await session.execute(
        select(SendCount.target_id, SendCount.status, func.sum(SendCount.n).label("n"))
        .where(SendCount.delivery == delivery)
        .where(SendCount.status.in_([LetterStatus.QUEUED, LetterStatus.FAILED]))
        .group_by(SendCount.target_id, SendCount.status)
    )
    return {(row.target_id, row.status): int(row.n) for row in rows}


async def _lately(session: AsyncSession) -> tuple[dict[str, int], dict[str, Reply]]:
    """By address, among the newest attempts: letters that left within the hour; the last reply."""
    newest = newest_attempts()
    left = and_(newest.c.outcome == "taken", newest.c.ended_at > clock.now() - AN_HOUR)
    rows = (
        await session.execute(
            select(
                newest.c.address,
                func.sum(case((left, 1), else_=0)).label("n"),
                func.max(newest.c.id).label("last"),
            )
            .where(newest.c.letter_id.is_not(None))
            .group_by(newest.c.address)
        )
    ).all()
    found = await session.scalars(select(Attempt).where(Attempt.id.in_([row.last for row in rows])))
    return (
        {row.address: int(row.n) for row in rows},
        {one.address.lower(): reply_of(one) for one in found},
    )


def reply_of(one: Attempt) -> Reply:
    return Reply(one.ended_at, one.outcome, one.host, one.code, one.enhanced, one.reply)
