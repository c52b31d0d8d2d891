"""A file's rows against the directory: what would be added, changed and retired; then written."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from sqlalchemy import Executable, Table, Update, and_, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.contacts import reports
from app.contacts.files.rows import ContactRow
from app.models import Base, Contact, Target

OF_OFFICE = ("role", "institution", "institution_local")
OF_ADDRESS = ("languages", "evidence", "source_url")
TARGET, CONTACT = Base.metadata.tables["target"], Base.metadata.tables["contact"]
CHUNK = 500  # ids in one statement

Difference = tuple[str, str, str]  # field, as it is, as it would be


@dataclass(frozen=True)
class Known:
    """An office of the directory with its current address, if it has one."""

    target_id: int
    country: str
    office: str
    role: str
    institution: str
    institution_local: str
    contact_id: int | None
    email: str
    languages: tuple[str, ...]
    evidence: str
    source_url: str

    @property
    def key(self) -> tuple[str, str]:
        return self.country, self.office


@dataclass(frozen=True)
class Change:
    """An office that a file has otherwise; `row` is as it would be then."""

    known: Known
    row: ContactRow
    differences: tuple[Difference, ...]

    @property
    def new_address(self) -> bool:
        return any(name == "email" for name, *_ in self.differences)


@dataclass(frozen=True)
class Comparison:
    """`retired`: offices of the file's countries that it does not have. Nothing is written yet."""

    added: tuple[ContactRow, ...]
    changed: tuple[Change, ...]
    retired: tuple[Known, ...]
    unchanged: int

    def gone(self, *, retire: bool) -> list[int]:
        """The contacts that would no longer be used."""
        known = [change.known for change in self.changed if change.new_address]
        known += self.retired if retire else ()
        return [one.contact_id for one in known if one.contact_id is not None]

    @cached_property
    def seal(self) -> str:
        """Another one means that somebody would see something else than was shown."""
        said = sha256()
        for row in self.added:
            said.update(repr(("+", row.country, row.office, row.email)).encode())
        for change in self.changed:
            ids = (change.known.target_id, change.known.contact_id)
            said.update(repr(("~", ids, change.differences)).encode())
        for one in self.retired:
            said.update(repr(("-", one.target_id, one.contact_id)).encode())
        return said.hexdigest()[:32]


@dataclass(frozen=True)
class Summary:
    """What an import did: offices that are new, that changed, that were so already."""

    added: int
    changed: int
    unchanged: int
    retired: int = 0

    def __str__(self) -> str:
        told = f"{self.added} added, {self.changed} changed, {self.unchanged} unchanged"
        return f"{told}, {self.retired} retired" if self.retired else told


async def compare(session: AsyncSession, rows: Sequence[ContactRow]) -> Comparison:
    """Reads the offices of the file's countries, and writes nothing."""
    known: list[Known] = []
    for country in sorted({row.country for row in rows}):
        known += await _known(session, country)
    # a second for twenty thousand, in which nobody else would be served
    return await asyncio.to_thread(_compared, {one.key: one for one in known}, rows)


def _compared(known: dict[tuple[str, str], Known], rows: Sequence[ContactRow]) -> Comparison:
    added: list[ContactRow] = []
    changed: list[Change] = []
    unchanged = 0
    for row in rows:
        there = known.pop((row.country, row.office), None)
        if there is None:
            added.append(row)
        elif differences := _differences(there, row):
            changed.append(Change(there, _filled(there, row), differences))
        else:
            unchanged += 1
    retired = tuple(one for one in known.values() if one.contact_id is not None)
    return Comparison(tuple(added), tuple(changed), retired, unchanged)


async def take(
    session: AsyncSession, found: Comparison, *, retire: bool = False, by: str = ""
) -> Summary:
    """Bring the directory to what the file says; a check already made is kept while the address
    stays the same. `retire`: also take out the offices that the file does not have."""
    fresh = [change for change in found.changed if change.new_address]
    await retire_contacts(session, found.gone(retire=retire), by=by)
    await _write_offices(session, found)
    await _write_addresses(session, found, fresh)
    done = Summary(len(found.added), len(found.changed), found.unchanged)
    return Summary(done.added, done.changed, done.unchanged, len(found.retired) if retire else 0)


async def retire_contacts(session: AsyncSession, ids: Sequence[int], *, by: str) -> None:
    """Nothing is sent there from now on; what was reported of these addresses is settled."""
    now = clock.now()
    for chunk in _chunks(ids):
        await session.execute(
            update(Contact)
            .where(Contact.id.in_(chunk))
            .values(retired_at=now)
            .execution_options(synchronize_session=False)
        )
        await reports.settle_all(session, chunk, by=by)


async def _known(session: AsyncSession, country: str) -> list[Known]:
    current = and_(Contact.target_id == Target.id, Contact.retired_at.is_(None))
    rows = await session.execute(
        select(
            *(Target.id, Target.country, Target.office),
            *(Target.role, Target.institution, Target.institution_local),
            *(Contact.id, Contact.email),
            *(Contact.languages, Contact.evidence, Contact.source_url),
        )
        .outerjoin(Contact, current)
        .where(Target.country == country)
        .order_by(Target.office)
    )
    return [_an_office(row) for row in rows]


def _an_office(row: Any) -> Known:
    *office, email, languages, evidence, source_url = row
    return Known(*[*office, email or "", tuple(languages or ()), evidence or "", source_url or ""])


def _differences(known: Known, row: ContactRow) -> tuple[Difference, ...]:
    """Field by field; a letter's case says nothing in an address."""
    found = []
    if known.email.lower() != row.email.lower():
        found.append(("email", known.email, row.email))
    for name in (*OF_OFFICE, *OF_ADDRESS):
        if name not in row.model_fields_set:
            continue  # its file has no such column
        now, then = getattr(known, name), getattr(row, name)
        if now != then:
            found.append((name, _shown(now), _shown(then)))
    return tuple(found)


def _filled(known: Known, row: ContactRow) -> ContactRow:
    """The row with what is known where its file says nothing."""
    silent = {*OF_OFFICE, *OF_ADDRESS} - row.model_fields_set
    if not silent:
        return row
    stands = {name: getattr(known, name) for name in silent}
    if not known.contact_id:  # of an address that is no more
        stands = {name: value for name, value in stands.items() if name in OF_OFFICE}
    return row.model_copy(update=stands)


def _shown(value: str | tuple[str, ...]) -> str:
    return " ".join(value) if isinstance(value, tuple) else value


async def _write_offices(session: AsyncSession, found: Comparison) -> None:
    new = [_of(row, ("country", "office", *OF_OFFICE)) for row in found.added]
    await _many(session, insert(TARGET), new)
    await _many(session, _update_by_id(TARGET, OF_OFFICE), [
        {"row_id": one.known.target_id} | _of(one.row, OF_OFFICE)
        for one in found.changed
        if {name for name, *_ in one.differences} & set(OF_OFFICE)
    ])  # fmt: skip


async def _write_addresses(
    session: AsyncSession, found: Comparison, fresh: Sequence[Change]
) -> None:
    """A new address is a new contact: the old one's check says nothing about it."""
    ids = await _ids(session, {row.country for row in found.added})
    homes = [(ids[row.country, row.office], row) for row in found.added]
    homes += [(change.known.target_id, change.row) for change in fresh]
    # a file cannot check: an organiser does, and is named
    blank = {"checked_by": "", "check_source": "", "review_why": ""}
    await _many(session, insert(CONTACT), [
        blank | {"target_id": target_id, "email": row.email} | _of(row, OF_ADDRESS)
        for target_id, row in homes
    ])  # fmt: skip
    await _many(session, _update_by_id(CONTACT, OF_ADDRESS), [
        {"row_id": one.known.contact_id} | _of(one.row, OF_ADDRESS)
        for one in found.changed
        if not one.new_address and {name for name, *_ in one.differences} & set(OF_ADDRESS)
    ])  # fmt: skip


async def _ids(session: AsyncSession, countries: set[str]) -> dict[tuple[str, str], int]:
    rows = await session.execute(
        select(Target.country, Target.office, Target.id).where(Target.country.in_(countries))
    )
    return {(country, office): target_id for country, office, target_id in rows}


def _update_by_id(table: Table, names: Sequence[str]) -> Update:
    values: dict[str, Any] = {name: bindparam(name) for name in names}
    return update(table).where(table.c.id == bindparam("row_id")).values(values)


async def _many(session: AsyncSession, statement: Executable, rows: list[dict[str, Any]]) -> None:
    """One statement for all rows, past the ORM, which takes seconds for twenty thousand."""
    if rows:
        connection = await session.connection()
        await connection.execute(statement, rows)


def _of(row: ContactRow, names: Sequence[str]) -> dict[str, Any]:
    found = {name: getattr(row, name) for name in names}
    return found | ({"languages": list(row.languages)} if "languages" in found else {})


def _chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[at : at + CHUNK] for at in range(0, len(ids), CHUNK))
