"""Where an operator can lay a hand on: a letter, a contact, a mail host, an alert."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Missing
from app.models import Alert, Campaign, Contact, Letter, Mailbox, MailDomain, MailHost, SendCount
from app.outbox.freezes import Scope

NAMES: dict[Scope, str] = {
    "letter": "letter {}",
    "contact": "the contact {}",
    "host": "the mail host {}",
    "alert": "the alert “{}”",
}


@dataclass(frozen=True)
class Found:
    """What a place is called, what a freeze there holds, and how its letters are told."""

    name: str
    refs: tuple[int, ...]
    alert_id: int | None = None
    target_ids: Select[int] | None = None


@dataclass(frozen=True)
class Place:
    """`refs`: what a freeze holds there. `letters`: which are there. `counts`: their send counts;
    those of a single letter are not kept."""

    scope: Scope
    name: str
    refs: tuple[int, ...]
    letters: ColumnElement[bool]
    counts: ColumnElement[bool]

    @property
    def named(self) -> str:
        """As a sentence on record names it."""
        return NAMES[self.scope].format(self.name)


async def find(
    session: AsyncSession,
    scope: Scope,
    ref: str,
    *,
    delivery: str,
    organisation_id: int | None = None,
) -> Place:
    """A letter by number, a contact by address, a mail host by name, an alert by slug.

    Contacts and mail hosts also by number. A place holds letters of this delivery; those of one
    organisation, if it is given. Raises Missing.
    """
    found = await FINDERS[scope](session, ref.strip())
    ours = alerts_of(organisation_id) if organisation_id is not None else None
    if scope == "letter":
        letters = Letter.id == found.refs[0]
        letters = letters if ours is None else letters & Letter.alert_id.in_(ours)
        counts: ColumnElement[bool] = false()
    else:
        letters = _there(Letter, found, delivery, ours)
        counts = _there(SendCount, found, delivery, ours)
    place = Place(scope, found.name, found.refs, letters, counts)
    if ours is not None and not await _is_theirs(session, place, ours):
        raise Missing(scope, ref)
    return place


def _there(
    table: type[Letter | SendCount], found: Found, delivery: str, ours: Select[int] | None
) -> ColumnElement[bool]:
    """The rows of a table that belong to a place."""
    clauses = [table.delivery == delivery]
    if found.alert_id is not None:
        clauses.append(table.alert_id == found.alert_id)
    if found.target_ids is not None:
        clauses.append(table.target_id.in_(found.target_ids))
    if ours is not None:
        clauses.append(table.alert_id.in_(ours))
    return and_(*clauses)


def alerts_of(organisation_id: int) -> Select[int]:
    """The ids of an organisation's alerts."""
    return (
        select(Alert.id)
        .join(Campaign, Campaign.id == Alert.campaign_id)
        .where(Campaign.organisation_id == organisation_id)
    )


def targets_of_host(host_id: int) -> Select[int]:
    """The offices whose current address lies behind a mail host."""
    return (
        select(Contact.target_id)
        .join(Mailbox, Mailbox.email == func.lower(Contact.email))
        .join(MailDomain, MailDomain.name == Mailbox.domain)
        .where(MailDomain.host_id == host_id, Contact.retired_at.is_(None))
    )


async def _letter(session: AsyncSession, ref: str) -> Found:
    found = await session.scalar(select(Letter.id).where(Letter.id == _number(ref, digits=18)))
    if found is None:
        raise Missing("letter", ref)
    return Found(str(found), (found,))


async def _contact(session: AsyncSession, ref: str) -> Found:
    """One address may serve several offices: they are held together."""
    email = ref
    if "@" not in ref:
        numbered = select(Contact.email).where(Contact.id == _number(ref))
        email = await session.scalar(numbered) or ""
    current = Contact.retired_at.is_(None) & (func.lower(Contact.email) == email.lower())
    found = (await session.scalars(select(Contact).where(current).order_by(Contact.id))).all()
    if not found:
        raise Missing("contact", ref)
    return Found(
        found[0].email,
        tuple(one.id for one in found),
        target_ids=select(Contact.target_id).where(current),
    )


async def _host(session: AsyncSession, ref: str) -> Found:
    by: Any = MailHost.id == _number(ref) if ref.isdecimal() else MailHost.name == ref.lower()
    found = await session.scalar(select(MailHost).where(by))
    if found is None:
        raise Missing("mail host", ref)
    return Found(found.name, (found.id,), target_ids=targets_of_host(found.id))


async def _alert(session: AsyncSession, ref: str) -> Found:
    found = await session.scalar(select(Alert.id).where(Alert.slug == ref))
    if found is None:
        raise Missing("alert", ref)
    return Found(ref, (found,), alert_id=found)


FINDERS: dict[Scope, Callable[[AsyncSession, str], Awaitable[Found]]] = {
    "letter": _letter,
    "contact": _contact,
    "host": _host,
    "alert": _alert,
}


async def _is_theirs(session: AsyncSession, place: Place, ours: Select[int]) -> bool:
    """Contacts and mail hosts are shared by all; a letter and an alert are one organisation's."""
    if place.scope == "alert":
        return await session.scalar(ours.where(Alert.id == place.refs[0])) is not None
    if place.scope == "letter":
        return await session.scalar(select(Letter.id).where(place.letters)) is not None
    return True


def _number(ref: str, *, digits: int = 9) -> int:
    """A row's number; 0, which no row has, for what is none or does not fit."""
    return int(ref) if ref.isascii() and ref.isdecimal() and len(ref) <= digits else 0
