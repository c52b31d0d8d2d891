"""Who can be written to, in which order, and who looked."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from app import clock
from app.contacts import directory, imports
from app.contacts.imports import ContactRow
from app.db import Database
from app.errors import FormRefused, Missing
from app.models import Contact


def row(country: str, office: str, role: str, email: str) -> ContactRow:
    return ContactRow.model_validate(
        {
            "country": country,
            "office": office,
            "role": role,
            "institution": "An institution",
            "institution_local": "",
            "email": email,
            "languages": "en",
            "evidence": "made-up",
            "source_url": "",
            "checked_on": "",
        }
    )


async def _fill(database: Database, *rows: ContactRow) -> None:
    async with database.transaction() as session:
        await imports.write(session, rows)


async def test_the_head_of_government_comes_first_in_each_country(database: Database) -> None:
    await _fill(
        database,
        row("XB", "President", "president", "p@xb.example"),
        row("XA", "Chair of B", "committee", "b@xa.example"),
        row("XA", "Chair of A", "committee", "a@xa.example"),
        row("XA", "Foreign Minister", "foreign", "f@xa.example"),
        row("XA", "Prime Minister", "prime_minister", "pm@xa.example"),
        row("XC", "Prime Minister", "prime_minister", "pm@xc.example"),
    )
    async with database.reading() as session:
        found = await directory.for_countries(session, ["XB", "XA"])
    assert [target.office for target, _ in found] == [
        *("Prime Minister", "Foreign Minister", "Chair of A", "Chair of B", "President")
    ]


async def test_a_check_says_who_looked_where_and_when(database: Database) -> None:
    await _fill(
        database,
        row("XA", "Prime Minister", "prime_minister", "Office@xa.example"),
        row("XA", "President", "president", "office@xa.example"),
        row("XA", "Speaker", "speaker", "speaker@xa.example"),
    )
    late = datetime(2026, 11, 22, 23, 59, tzinfo=UTC)
    async with database.transaction() as session:
        with clock.held(late):
            found = await directory.check(
                session, "OFFICE@xa.example", source_url="https://xa.example/", by="anna@x.org"
            )
        assert len(found) == 2
    async with database.reading() as session:
        assert await directory.unchecked(session) == 1
        checks = select(Contact.checked_on, Contact.checked_by, Contact.check_source)
        rows = (await session.execute(checks.order_by(Contact.id))).all()
    assert tuple(rows[0]) == (date(2026, 11, 22), "anna@x.org", "https://xa.example/")
    assert tuple(rows[2]) == (None, "", "")


async def test_an_address_that_nobody_has_cannot_be_checked(database: Database) -> None:
    await _fill(database, row("XA", "President", "president", "old@xa.example"))
    await _fill(database, row("XA", "President", "president", "new@xa.example"))
    async with database.transaction() as session:
        with pytest.raises(Missing):
            await directory.check(
                session, "old@xa.example", source_url="https://xa.example/", by="anna@x.org"
            )


@pytest.mark.parametrize(
    "source", ["", "the internet", "ftp://x.org", "https://", "http://[", "https://x.org/ y"]
)
async def test_a_source_is_a_web_address(database: Database, source: str) -> None:
    await _fill(database, row("XA", "President", "president", "p@xa.example"))
    async with database.transaction() as session:
        with pytest.raises(FormRefused):
            await directory.check(session, "p@xa.example", source_url=source, by="anna@x.org")
