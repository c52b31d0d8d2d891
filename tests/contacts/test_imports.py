"""Contact files: taken whole or not at all, and a check that was made is kept."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.contacts import directory, imports
from app.contacts.imports import ContactRow, Summary
from app.db import Database
from app.errors import FileRefused
from app.models import Contact, Target

HEAD = ",".join(imports.COLUMNS)
PRIME = "XA,Prime Minister,prime_minister,The Office,,pm@xa.example,en fr,made-up,,"
DEFENCE = "XA,Minister of Defence,defence,The Ministry,Ministeerium,md@xa.example,en,made-up,,"
SHIPPED = sorted((Path(__file__).parents[2] / "contacts").glob("*.csv"))


def a_file(folder: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path = folder / "offices.csv"
    path.write_text("\n".join([HEAD, *lines, ""]), encoding=encoding)
    return path


def changed(line: str, **columns: str) -> str:
    cells = dict(zip(imports.COLUMNS, line.split(","), strict=True)) | columns
    return ",".join(cells.values())


def reasons(folder: Path, *lines: str) -> list[str]:
    with pytest.raises(FileRefused) as refusal:
        imports.read(a_file(folder, *lines))
    return [f"{row.line}: {row.reason}" for row in refusal.value.rows]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_every_shipped_file_can_be_taken(file: Path) -> None:
    assert len(imports.read(file)) >= 5


def test_a_spreadsheet_program_may_put_its_mark_first(tmp_path: Path) -> None:
    assert imports.read(a_file(tmp_path, PRIME, encoding="utf-8-sig"))[0].languages == ("en", "fr")


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("country", "Xa", "country: "),
        ("office", "", "office: "),
        ("office", "x" * 201, "office: "),
        ("role", "king", "role: not one of prime_minister"),
        ("email", "nobody", "email: An email address must have an @-sign"),
        ("email", "õun@xa.example", "email: an address outside ASCII"),
        ("languages", "", "languages: none is named"),
        ("languages", "English", "languages: "),
        ("evidence", "I saw it", "evidence: "),
        ("source_url", "www.example.org", "source_url: "),
        ("checked_on", "22.11.2026", "checked_on: a day is written as"),
        ("checked_on", "2026-11-22", "checked_on: a check needs its source_url"),
    ],
)
def test_a_cell_that_cannot_be_taken_is_named(
    tmp_path: Path, column: str, value: str, reason: str
) -> None:
    (found,) = reasons(tmp_path, PRIME, changed(DEFENCE, **{column: value}))
    assert found.startswith(f"3: {reason}")


def test_all_broken_lines_are_told_at_once(tmp_path: Path) -> None:
    found = reasons(tmp_path, changed(PRIME, role="king"), DEFENCE, changed(PRIME, email="x"))
    assert [one.split(":")[0] for one in found] == ["2", "4"]


def test_an_office_stands_in_a_file_once(tmp_path: Path) -> None:
    assert reasons(tmp_path, PRIME, DEFENCE, PRIME) == ["4: XA, Prime Minister stands in line 2"]


@pytest.mark.parametrize("text", ["", "country,email\nXA,pm@xa.example\n", '"', HEAD[:-1]])
def test_another_kind_of_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.csv"
    path.write_text(text)
    with pytest.raises(FileRefused):
        imports.read(path)


def test_too_many_cells_and_too_few_are_refused(tmp_path: Path) -> None:
    found = reasons(tmp_path, f"{PRIME},more", "XB,President")
    assert found[0] == "2: column 11: there is no such column"
    assert found[1].startswith("3: role: is missing; ")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_bytes(HEAD.encode() + b"\n\x81\x8d\x90\n")
    with pytest.raises(FileRefused, match="not UTF-8"):
        imports.read(path)
    with pytest.raises(FileRefused, match="No such file"):
        imports.read(tmp_path / "absent.csv")


@given(text=some.text(max_size=300))
def test_whatever_a_file_holds_it_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(f"{HEAD}\n{text}".encode("utf-8", "surrogatepass"))
    rows: list[ContactRow] = []
    with suppress(FileRefused):
        rows = imports.read(path)
    assert all(len(row.country) == 2 and "@" in row.email for row in rows)


async def _take(database: Database, folder: Path, *lines: str) -> Summary:
    async with database.transaction() as session:
        return await imports.write(session, imports.read(a_file(folder, *lines)))


async def _contacts(session: AsyncSession) -> list[Contact]:
    return list(await session.scalars(select(Contact).order_by(Contact.id)))


async def test_taking_a_file_twice_changes_nothing(database: Database, tmp_path: Path) -> None:
    assert await _take(database, tmp_path, PRIME, DEFENCE) == Summary(2, 0, 0)
    assert await _take(database, tmp_path, PRIME, DEFENCE) == Summary(0, 0, 2)
    async with database.reading() as session:
        assert len(await _contacts(session)) == 2


async def test_a_check_is_kept_while_the_address_stays(database: Database, tmp_path: Path) -> None:
    await _take(database, tmp_path, PRIME)
    async with database.transaction() as session:
        await directory.check(
            session, "pm@xa.example", source_url="https://xa.example/", by="anna@example.org"
        )
    better = changed(PRIME, evidence="official-page", institution="The New Office")
    assert await _take(database, tmp_path, better) == Summary(0, 1, 0)
    async with database.reading() as session:
        (contact,) = await _contacts(session)
    assert (contact.checked_by, contact.evidence) == ("anna@example.org", "official-page")


async def test_a_new_address_is_unchecked_and_the_old_one_is_retired(
    database: Database, tmp_path: Path
) -> None:
    await _take(database, tmp_path, PRIME)
    async with database.transaction() as session:
        await directory.check(
            session, "pm@xa.example", source_url="https://xa.example/", by="anna@example.org"
        )
    moment = datetime(2026, 11, 22, 12, tzinfo=UTC)
    with clock.held(moment):
        done = await _take(database, tmp_path, changed(PRIME, email="new@xa.example"))
    assert done == Summary(0, 1, 0)
    async with database.reading() as session:
        old, new = await _contacts(session)
    assert (old.retired_at, old.checked_by) == (moment, "anna@example.org")
    assert (new.email, new.checked_on, new.retired_at) == ("new@xa.example", None, None)


async def test_a_files_own_check_counts_for_nothing_until_an_organiser_says_so(
    database: Database, tmp_path: Path
) -> None:
    seen = {"checked_on": "2026-10-01", "source_url": "https://xa.example/"}
    await _take(database, tmp_path, PRIME, changed(DEFENCE, **seen))
    await _take(database, tmp_path, changed(PRIME, **seen))
    async with database.reading() as session:
        prime, defence = await _contacts(session)
    assert (prime.checked_on, defence.checked_on) == (None, None)


async def test_an_office_can_change_its_role(database: Database, tmp_path: Path) -> None:
    await _take(database, tmp_path, PRIME)
    assert await _take(database, tmp_path, changed(PRIME, role="president")) == Summary(0, 1, 0)
    async with database.reading() as session:
        assert (await session.scalars(select(Target.role))).all() == ["president"]


def test_a_summary_is_a_sentence() -> None:
    assert str(Summary(1, 2, 3)) == "1 added, 2 changed, 3 unchanged"
    assert ContactRow.model_fields.keys() == set(imports.COLUMNS)
