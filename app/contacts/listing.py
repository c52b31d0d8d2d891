"""The directory a page at a time: each address with all that is known of it; and whole, as rows."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.contacts import directory
from app.contacts.files.rows import ContactRow
from app.models import (
    AddressReport,
    Alert,
    Contact,
    Freeze,
    LetterStatus,
    MailDomain,
    SendCount,
    Suppression,
    Target,
)
from app.settings import Delivery

PER_PAGE = 50
CURRENT = and_(Contact.target_id == Target.id, Contact.retired_at.is_(None))
CAME_BACK = (LetterStatus.BOUNCED, LetterStatus.REJECTED)
WAITS = (LetterStatus.HELD, LetterStatus.QUEUED)

Show = Literal["all", "check", "without"]
Asking = Select[*tuple[Any, ...]]


@dataclass(frozen=True)
class Asked:
    """What an organiser wants to see. `show`: every address, those that need a check, or offices
    that have none; `words`: in the office's name, its institution or its address."""

    country: str = ""
    show: Show = "all"
    words: str = ""
    page: int = 1


@dataclass(frozen=True)
class Line:
    """An office with its current address. The moments are of letters that really left."""

    target: Target
    contact: Contact | None
    accepted_at: datetime | None = None
    came_back_at: datetime | None = None
    suppressed: str = ""  # why nothing may be sent there
    frozen: str = ""  # why nothing leaves for it now
    reports: int = 0

    @property
    def stale(self) -> bool:
        return self.contact is not None and directory.stale(self.contact)


@dataclass(frozen=True)
class Page:
    lines: list[Line]
    total: int
    page: int
    pages: int


@dataclass(frozen=True)
class _Facts:
    """What is known of the offices of one page, by target, contact or folded address."""

    moments: dict[tuple[int, str], datetime] = field(default_factory=dict)
    suppressed: dict[str, str] = field(default_factory=dict)
    frozen: dict[int, str] = field(default_factory=dict)
    hosts: dict[str, str] = field(default_factory=dict)
    reports: dict[int, int] = field(default_factory=dict)


async def page(session: AsyncSession, asked: Asked) -> Page:
    """So many offices, however many there are: by country, then role, then name."""
    by_country = _asked(select(Target.country, func.count()), asked).group_by(Target.country)
    counts = sorted(_pairs(await session.execute(by_country)).items())
    total = sum(n for _, n in counts)
    pages = max(1, -(-total // PER_PAGE))
    number = min(max(1, asked.page), pages)
    countries, before = _on_page(counts, (number - 1) * PER_PAGE)
    found = (
        _asked(select(Target.id), asked)
        .where(Target.country.in_(countries))
        .order_by(Target.country, directory.RANK, Target.office)
        .offset((number - 1) * PER_PAGE - before)
        .limit(PER_PAGE)
    )
    ids = (await session.scalars(found)).all()
    return Page(await lines(session, ids), total, number, pages)


def _on_page(counts: Sequence[tuple[str, int]], first: int) -> tuple[list[str], int]:
    """The countries that a page shows, and how many offices stand before them: only theirs need
    to be put in order."""
    shown: list[str] = []
    before = passed = 0
    for country, n in counts:
        if passed + n > first and passed < first + PER_PAGE:
            before = before if shown else passed
            shown.append(country)
        passed += n
    return shown, before


async def lines(session: AsyncSession, target_ids: Sequence[int]) -> list[Line]:
    """These offices, in this order, with what is known of each."""
    rows = await session.execute(
        select(Target, Contact).outerjoin(Contact, CURRENT).where(Target.id.in_(target_ids))
    )
    found: dict[int, tuple[Target, Contact | None]] = {one.id: (one, two) for one, two in rows}
    contacts = [contact for _, contact in found.values() if contact]
    facts = await _facts(session, target_ids, contacts)
    return [_line(*found[one], facts) for one in target_ids if one in found]


async def countries(session: AsyncSession) -> list[tuple[str, int]]:
    """Every country that has offices, and how many."""
    rows = await session.execute(
        select(Target.country, func.count()).group_by(Target.country).order_by(Target.country)
    )
    return [(code, n) for code, n in rows]


async def rows(session: AsyncSession, country: str = "") -> list[ContactRow]:
    """Every address as a row of a contact file, in an order that does not change."""
    found = (
        select(
            *(Target.country, Target.office, Target.role),
            *(Target.institution, Target.institution_local),
            *(Contact.email, Contact.languages, Contact.evidence),
            *(Contact.source_url, Contact.checked_on),
        )
        .join(Contact, CURRENT)
        .order_by(Target.country, directory.RANK, Target.office)
    )
    if country:
        found = found.where(Target.country == country)
    cells = (await session.execute(found)).mappings().all()
    # half a second for twenty thousand, in which nobody else would be served
    return await asyncio.to_thread(lambda: [_row(dict(one)) for one in cells])


async def waiting_letters(session: AsyncSession, target_id: int, delivery: str) -> int:
    """How many letters have still to leave for an office."""
    n = await session.scalar(
        select(func.sum(SendCount.n)).where(
            SendCount.target_id == target_id,
            SendCount.delivery == delivery,
            SendCount.status.in_(WAITS),
        )
    )
    return int(n or 0)


def _asked(found: Asking, asked: Asked) -> Asking:
    found = found.select_from(Target).outerjoin(Contact, CURRENT)
    without = Contact.id.is_(None)
    found = found.where(without if asked.show == "without" else Contact.id.is_not(None))
    if asked.show == "check":
        found = found.where(directory.needs_a_check())
    if asked.country:
        found = found.where(Target.country == asked.country)
    if asked.words:
        found = found.where(_has(asked.words))
    return found


def _has(words: str) -> ColumnElement[bool]:
    """In any case; SQLite knows no capitals beyond ASCII, so Žemaitija is asked for as it may
    be written."""
    space = literal(" ")
    places = Target.office + space + Target.institution + space + Target.institution_local
    all_of_it = places + space + func.coalesce(Contact.email, "")
    if words.isascii():
        return func.lower(all_of_it).contains(words.lower(), autoescape=True)
    written = {words, words.lower(), words.capitalize(), words.title()}
    return or_(*(all_of_it.contains(one, autoescape=True) for one in sorted(written)))


def _line(target: Target, contact: Contact | None, facts: _Facts) -> Line:
    if contact is None:
        return Line(target, None)
    email = contact.email.lower()
    return Line(
        target,
        contact,
        accepted_at=facts.moments.get((target.id, "accepted")),
        came_back_at=facts.moments.get((target.id, "came back")),
        suppressed=facts.suppressed.get(email, ""),
        frozen=facts.frozen.get(contact.id) or facts.hosts.get(email.rpartition("@")[2], ""),
        reports=facts.reports.get(contact.id, 0),
    )


async def _facts(
    session: AsyncSession, target_ids: Sequence[int], contacts: Sequence[Contact]
) -> _Facts:
    ids = [contact.id for contact in contacts]
    emails = {contact.email.lower() for contact in contacts}
    suppressed = await session.execute(
        select(Suppression.email, Suppression.why).where(Suppression.email.in_(emails))
    )
    standing = (Freeze.released_at.is_(None), Freeze.scope == "contact", Freeze.ref.in_(ids))
    frozen = await session.execute(select(Freeze.ref, Freeze.why).where(*standing))
    reported = await session.execute(
        select(AddressReport.contact_id, func.count())
        .where(AddressReport.contact_id.in_(ids), AddressReport.settled_at.is_(None))
        .group_by(AddressReport.contact_id)
    )
    return _Facts(
        await _moments(session, target_ids),
        _pairs(suppressed),
        _pairs(frozen),
        await _frozen_hosts(session),
        _pairs(reported),
    )


async def _moments(
    session: AsyncSession, target_ids: Sequence[int]
) -> dict[tuple[int, str], datetime]:
    """When a letter to each office was last accepted, and when one last came back."""
    what = case((SendCount.status == LetterStatus.ACCEPTED, "accepted"), else_="came back")
    rows = await session.execute(
        select(SendCount.target_id, what, func.max(SendCount.at))
        .where(
            SendCount.alert_id.in_(select(Alert.id)),  # its index begins with the alert
            SendCount.target_id.in_(target_ids),
            SendCount.delivery == Delivery.LIVE,
            SendCount.status.in_((LetterStatus.ACCEPTED, *CAME_BACK)),
        )
        .group_by(SendCount.target_id, what)
    )
    return {(target_id, named): at for target_id, named, at in rows if at}


async def _frozen_hosts(session: AsyncSession) -> dict[str, str]:
    """The domains behind a mail host that is held, each with the reason."""
    rows = await session.execute(
        select(MailDomain.name, Freeze.why)
        .join(Freeze, and_(Freeze.scope == "host", Freeze.ref == MailDomain.host_id))
        .where(Freeze.released_at.is_(None))
    )
    return _pairs(rows)


def _pairs(rows: Iterable[Any]) -> dict[Any, Any]:
    return {one[0]: one[1] for one in rows}


def _row(cells: dict[str, Any]) -> ContactRow:
    """As a file has it: a check counts there only beside its source."""
    day = cells["checked_on"] if cells["source_url"] else None
    return ContactRow.model_construct(
        **cells | {"languages": tuple(cells["languages"]), "checked_on": day}
    )
