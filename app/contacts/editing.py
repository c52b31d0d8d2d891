"""An office and its address as an organiser types them: added, changed, replaced, taken out."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.contacts import comparing
from app.contacts.comparing import OF_ADDRESS, OF_OFFICE, Difference
from app.contacts.files import rows as files
from app.contacts.files.rows import ContactRow
from app.errors import FormRefused, Missing
from app.models import Contact, Target

FIELDS = files.COLUMNS[:-1]  # who checked it is noted apart


def row_of(typed: dict[str, str]) -> ContactRow:
    """Raises FormRefused with every field that cannot be taken."""
    cells = {name: " ".join(typed.get(name, "").split()) for name in FIELDS} | {"checked_on": ""}
    cells["languages"] = " ".join(cells["languages"].replace(",", " ").lower().split())
    if faults := files.faults_of(cells):
        raise FormRefused({name: "not_taken" for name in FIELDS if name in faults})
    return files.row_of(cells)


async def find(session: AsyncSession, target_id: int) -> tuple[Target, Contact | None]:
    """An office and its current address. Raises Missing."""
    target = await session.get(Target, target_id)
    if target is None:
        raise Missing("office", str(target_id))
    current = (Contact.target_id == target_id, Contact.retired_at.is_(None))
    return target, await session.scalar(select(Contact).where(*current))


async def earlier(session: AsyncSession, target_id: int) -> Sequence[Contact]:
    """The addresses it had before, the latest first."""
    found = select(Contact).where(Contact.target_id == target_id, Contact.retired_at.is_not(None))
    return (await session.scalars(found.order_by(Contact.retired_at.desc()))).all()


async def add(session: AsyncSession, row: ContactRow) -> Target:
    """A new office with its address. Raises FormRefused when the country has one of this name."""
    await _check_free(session, row, but=None)
    target = Target(country=row.country, office=row.office)
    session.add(target)
    _set_office(target, row)
    await session.flush()
    session.add(_contact(target, row))
    await session.flush()
    return target


async def change(
    session: AsyncSession, target_id: int, row: ContactRow, *, by: str
) -> list[Difference]:
    """Make the office what the row says; gives what is different now, field by field.

    Another address is a new contact that nobody has checked; the old one is retired, and the
    letters that wait go to the new one. Raises Missing, FormRefused.
    """
    target, contact = await find(session, target_id)
    await _check_free(session, row, but=target_id)
    done = _differences(target, contact, row)
    _set_office(target, row)
    target.office = row.office
    if contact and contact.email.lower() == row.email.lower():
        contact.email = row.email  # the same mailbox, written otherwise
        contact.languages = list(row.languages)
        contact.evidence, contact.source_url = row.evidence, row.source_url
    else:
        if contact:
            await comparing.retire_contacts(session, [contact.id], by=by)
        session.add(_contact(target, row))
    await session.flush()
    return done


async def retire(session: AsyncSession, target_id: int, *, by: str) -> str:
    """Nothing is sent to the office until it has an address again; gives the one it had."""
    _, contact = await find(session, target_id)
    if contact is None:
        return ""
    await comparing.retire_contacts(session, [contact.id], by=by)
    return contact.email


async def _check_free(session: AsyncSession, row: ContactRow, *, but: int | None) -> None:
    taken = await session.scalar(
        select(Target.id).where(Target.country == row.country, Target.office == row.office)
    )
    if taken not in {None, but}:
        raise FormRefused({"office": "office_taken"})


def _differences(target: Target, contact: Contact | None, row: ContactRow) -> list[Difference]:
    before = {name: getattr(target, name) for name in ("office", *OF_OFFICE)}
    before |= {name: getattr(contact, name) if contact else "" for name in ("email", *OF_ADDRESS)}
    found = [(name, _text(was), _text(getattr(row, name))) for name, was in before.items()]
    return [(name, was, now) for name, was, now in found if was != now]


def _text(value: str | Sequence[str]) -> str:
    return value if isinstance(value, str) else " ".join(value)


def _set_office(target: Target, row: ContactRow) -> None:
    target.role = row.role
    target.institution, target.institution_local = row.institution, row.institution_local


def _contact(target: Target, row: ContactRow) -> Contact:
    return Contact(
        target_id=target.id,
        email=row.email,
        languages=list(row.languages),
        evidence=row.evidence,
        source_url=row.source_url,
        checked_on=None,
    )
