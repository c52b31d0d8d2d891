"""Contact files: one row per address, with its source. A file is taken whole or not at all."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Self

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationError,
    model_validator,
)
from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.errors import FileRefused, RowRefused
from app.models import Contact, Target
from app.wording.templates import TargetRole


def _an_address(email: str) -> str:
    try:
        found = validate_email(email, check_deliverability=False)
    except EmailNotValidError as fault:
        raise ValueError(str(fault).rstrip(".")) from None
    if not found.ascii_email:
        raise ValueError("an address outside ASCII cannot be written to yet")
    return found.ascii_email


def _a_day(text: Any) -> Any:
    if text == "":
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("a day is written as 2026-11-22") from None


PLAIN = r"^[^\x00-\x1f\x7f]*$"
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=PLAIN)]
Language = Annotated[str, StringConstraints(max_length=8, pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$")]


class ContactRow(BaseModel):
    """One line of a contact file, checked; the columns in their order."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    office: Line
    role: TargetRole
    institution: Line
    institution_local: Annotated[str, StringConstraints(max_length=200, pattern=PLAIN)]
    email: Annotated[str, StringConstraints(max_length=320), AfterValidator(_an_address)]
    languages: Annotated[tuple[Language, ...], BeforeValidator(lambda text: tuple(text.split()))]
    evidence: Annotated[str, StringConstraints(max_length=40, pattern=r"^[a-z]+(-[a-z]+)*$")]
    source_url: Annotated[
        str, StringConstraints(max_length=500, pattern=r"^(https?://[^\s\x00]+)?$")
    ]
    checked_on: Annotated[date | None, BeforeValidator(_a_day)]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not self.languages:
            raise ValueError("languages: none is named")
        if self.checked_on and not self.source_url:
            raise ValueError("checked_on: a check needs its source_url")
        return self


COLUMNS = tuple(ContactRow.model_fields)


@dataclass(frozen=True)
class Summary:
    """What an import did: offices that are new, that changed, that were so already."""

    added: int
    changed: int
    unchanged: int

    def __str__(self) -> str:
        return f"{self.added} added, {self.changed} changed, {self.unchanged} unchanged"


def read(path: Path) -> list[ContactRow]:
    """The rows of a file. Raises FileRefused with every row that cannot be taken."""
    rows: list[ContactRow] = []
    faults: list[RowRefused] = []
    offices: dict[tuple[str, str], int] = {}
    for line, cells in _lines(path):
        try:
            row = _row(cells)
            first = offices.setdefault((row.country, row.office), line)
            if first != line:
                raise ValueError(f"{row.country}, {row.office} stands in line {first}")
            rows.append(row)
        except ValueError as fault:
            faults.append(RowRefused(str(path), line, str(fault)))
    if faults:
        raise FileRefused(faults)
    return rows


async def write(session: AsyncSession, rows: Sequence[ContactRow]) -> Summary:
    """Bring the offices and their addresses to what the rows say; a check already made is kept
    as long as the address stays the same."""
    known = await _known(session, {row.country for row in rows})
    done = Counter([await _write_row(session, row, known) for row in rows])
    await session.flush()
    return Summary(done["added"], done["changed"], done["unchanged"])


def _lines(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row's line number and cells. Raises FileRefused when it is not such a file at all."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        reader = csv.reader(StringIO(text, newline=""), strict=True)
        _check_columns(path, next(reader, []))
        for cells in reader:
            if cells:
                yield reader.line_num, _named(cells)
    except UnicodeDecodeError:
        raise FileRefused([RowRefused(str(path), 1, "not UTF-8")]) from None
    except csv.Error as fault:
        raise FileRefused([RowRefused(str(path), reader.line_num, str(fault))]) from None
    except OSError as fault:
        raise FileRefused([RowRefused(str(path), 1, fault.strerror or str(fault))]) from None


def _check_columns(path: Path, found: list[str]) -> None:
    if tuple(found) != COLUMNS:
        reason = f"the columns are not {','.join(COLUMNS)}"
        raise FileRefused([RowRefused(str(path), 1, reason)])


def _named(cells: list[str]) -> dict[str, str]:
    """By column; cells too many get names of their own, so that the row is refused."""
    names = [*COLUMNS, *(f"column {n + 1}" for n in range(len(COLUMNS), len(cells)))]
    return dict(zip(names, (cell.strip() for cell in cells), strict=False))


def _row(cells: dict[str, str]) -> ContactRow:
    """Raises ValueError with every reason, each after its column."""
    try:
        return ContactRow.model_validate(cells)
    except ValidationError as fault:
        raise ValueError("; ".join(_reason(one) for one in fault.errors())) from None


def _reason(fault: Any) -> str:
    column = str(fault["loc"][0]) + ": " if fault["loc"] else ""
    if fault["type"] == "missing":
        return f"{column}is missing"
    if fault["type"] == "extra_forbidden":
        return f"{column}there is no such column"
    return column + str(fault["msg"]).removeprefix("Value error, ")


Known = dict[tuple[str, str], tuple[Target, Contact | None]]


async def _known(session: AsyncSession, countries: set[str]) -> Known:
    rows = await session.execute(
        select(Target, Contact)
        .outerjoin(Contact, and_(Contact.target_id == Target.id, Contact.retired_at.is_(None)))
        .where(Target.country.in_(countries))
    )
    return {(target.country, target.office): (target, contact) for target, contact in rows}


async def _write_row(session: AsyncSession, row: ContactRow, known: Known) -> str:
    target, contact = known.get((row.country, row.office), (None, None))
    new = target is None
    if target is None:
        target = Target(country=row.country, office=row.office)
        session.add(target)
    changed = _set(target, row, ("role", "institution", "institution_local"))
    await session.flush()
    if contact and contact.email.lower() == row.email.lower():
        changed |= _set(contact, row, ("languages", "evidence", "source_url"))
    else:
        await _replace(session, target, contact, row)
        changed = True
    if new:
        return "added"
    return "changed" if changed else "unchanged"


async def _replace(
    session: AsyncSession, target: Target, old: Contact | None, row: ContactRow
) -> None:
    """A new address is a new contact: the old one's check says nothing about it."""
    if old:
        old.retired_at = clock.now()
        await session.flush()
    contact = Contact(
        target_id=target.id,
        email=row.email,
        checked_on=None,  # a file cannot check: an organiser does, and is named
        checked_by="",
        check_source="",
    )
    _set(contact, row, ("languages", "evidence", "source_url"))
    session.add(contact)


def _set(kept: Target | Contact, row: ContactRow, names: Sequence[str]) -> bool:
    """Make these the row's; tells whether any was otherwise."""
    changed = False
    for name in names:
        value = getattr(row, name)
        value = list(value) if isinstance(value, tuple) else value
        if getattr(kept, name) != value:
            setattr(kept, name, value)
            changed = True
    return changed
