"""A file against the directory: seen first, then taken whole, and only as it was seen."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from app import clock
from app.contacts import comparing, directory, listing, reports, uploads
from app.contacts.comparing import Summary
from app.contacts.files import writing
from app.contacts.files.reading import read_file
from app.contacts.files.rows import ContactRow
from app.db import Database
from app.errors import Missing
from app.models import AddressReport, Contact, Organisation, Organiser, Role, Target
from tests.grounds.rows import all_of

HEAD = "country,office,role,institution,institution_local,email,languages,evidence,source_url"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def rows(*lines: str, head: str = HEAD) -> Sequence[ContactRow]:
    reading = read_file("offices.csv", "\n".join([head, *lines]).encode())
    assert reading.refused == ()
    return reading.rows


FIRST = (
    "XA,Prime Minister,prime_minister,The Office,,pm@xa.example,en,made-up,",
    "XA,Speaker,speaker,The House,,sp@xa.example,en,made-up,",
    "XA,President,president,The Palace,,p@xa.example,en,made-up,",
    "XB,President,president,The Palace,,p@xb.example,en,made-up,",
)
SECOND = (
    "XA,Prime Minister,prime_minister,The Office,,new@xa.example,en,made-up,",
    "XA,Speaker,speaker,The New House,,SP@xa.example,en fr,made-up,",
    "XA,Minister of Defence,defence,The Ministry,,md@xa.example,en,made-up,",
)


async def _take(database: Database, *lines: str, retire: bool = False) -> Summary:
    async with database.transaction() as session:
        found = await comparing.compare(session, rows(*lines))
        return await comparing.take(session, found, retire=retire, by="anna@x.org")


async def test_a_comparison_says_field_by_field_what_would_change_and_writes_nothing(
    database: Database,
) -> None:
    await _take(database, *FIRST)
    async with database.reading() as session:
        found = await comparing.compare(session, rows(*SECOND, FIRST[3]))
        before = await listing.rows(session)
    assert [row.office for row in found.added] == ["Minister of Defence"]
    assert [change.differences for change in found.changed] == [
        (("email", "pm@xa.example", "new@xa.example"),),
        (("institution", "The House", "The New House"), ("languages", "en", "en fr")),
    ]
    assert [known.office for known in found.retired] == ["President"]
    assert found.unchanged == 1
    assert writing.as_csv(before).count(b"\n") == 5


async def test_offices_that_a_file_has_no_more_are_retired_only_on_demand(
    database: Database,
) -> None:
    await _take(database, *FIRST)
    assert await _take(database, *SECOND) == Summary(1, 2, 0)
    async with database.reading() as session:
        assert len(await directory.for_countries(session, ["XA"])) == 4
    with clock.held(NOON):
        assert str(await _take(database, *SECOND, retire=True)) == (
            "0 added, 0 changed, 3 unchanged, 1 retired"
        )
    async with database.reading() as session:
        left = await directory.for_countries(session, ["XA", "XB"])
        gone = await session.scalar(select(Contact).where(Contact.email == "p@xa.example"))
    assert [target.country for target, _ in left] == ["XA", "XA", "XA", "XB"]
    assert gone is not None
    assert gone.retired_at == NOON
    assert await _take(database, FIRST[2]) == Summary(0, 1, 0)  # it has an address again


async def test_what_a_file_has_no_column_for_stays_as_it_is_known(database: Database) -> None:
    await _take(database, FIRST[0])
    short = rows("Prime Minister,XA,new@xa.example", head="office,country,email")
    async with database.transaction() as session:
        found = await comparing.compare(session, short)
        assert found.changed[0].differences == (("email", "pm@xa.example", "new@xa.example"),)
        await comparing.take(session, found)
    async with database.reading() as session:
        (row,) = await listing.rows(session)
    assert (row.institution, row.evidence, row.email) == ("The Office", "made-up", "new@xa.example")


async def test_an_export_taken_in_again_changes_nothing(database: Database) -> None:
    await _take(database, *FIRST)
    async with database.transaction() as session:
        source = "https://xa.example/"
        await directory.check(session, "pm@xa.example", source_url=source, by="anna@x.org")
        for kind, (write, _) in writing.KINDS.items():
            data = write(await listing.rows(session))
            found = await comparing.compare(session, read_file(f"all.{kind}", data).rows)
            assert await comparing.take(session, found, retire=True) == Summary(0, 0, 4)
            assert write(await listing.rows(session)) == data


async def test_a_report_is_settled_when_the_address_is_checked_or_replaced(
    database: Database,
) -> None:
    await _take(database, *FIRST)
    contacts = {contact.email: contact for contact in await all_of(database, Contact)}
    async with database.transaction() as session:
        for email in ("pm@xa.example", "sp@xa.example"):
            assert await reports.report(session, contacts[email].id, "It came\r\nback.\x00")
        needing = await directory.needing_a_check(session, ["XB"])
        assert [contact.email for _, contact in needing] == ["p@xb.example"]
        assert await directory.count_needing_a_check(session) == 4
    with clock.held(NOON):
        await _take(database, *SECOND)
        async with database.transaction() as session:
            assert [one.said for one in await reports.waiting(session)] == ["It came\nback."]
            page = "https://xa.example/"
            await directory.check(session, "sp@xa.example", source_url=page, by="anna@x.org")
            assert await reports.count_waiting(session) == 0
    settled = await all_of(database, AddressReport)
    assert {(one.settled_at, one.settled_by) for one in settled} == {(NOON, "anna@x.org")}


async def test_enough_reports_are_enough(database: Database) -> None:
    await _take(database, FIRST[0])
    async with database.transaction() as session:
        kept = [await reports.report(session, 1, f"{n}") for n in range(reports.ENOUGH + 2)]
    assert kept.count(True) == reports.ENOUGH


async def test_a_check_goes_stale_after_half_a_year(database: Database) -> None:
    await _take(database, FIRST[0])
    for days, is_stale in ((0, False), (180, False), (181, True)):
        with clock.held(NOON):
            async with database.transaction() as session:
                (contact,) = await directory.check(
                    session, "pm@xa.example", source_url="https://xa.example/", by="anna@x.org"
                )
        with clock.held(NOON + days * (datetime(2026, 1, 2) - datetime(2026, 1, 1))):
            assert directory.stale(contact) is is_stale
            async with database.reading() as session:
                assert await directory.count_needing_a_check(session) == is_stale


async def test_an_import_is_found_by_its_own_organisation_alone(database: Database) -> None:
    async with database.transaction() as session:
        session.add(Organisation(id=2, slug="other", name="Other", created_at=NOON))
        await session.flush()
        for n in (1, 2):
            session.add(
                Organiser(
                    organisation_id=n,
                    email=f"o{n}@example.org",
                    name="O",
                    password_hash="",
                    role=Role.ORGANISER,
                    created_at=NOON,
                )
            )
        await session.flush()
        ours = await session.scalar(select(Organiser).where(Organiser.organisation_id == 1))
        assert ours is not None
        kept = await uploads.begin(session, ours, "a/\x00b.csv")
        await uploads.finish(
            session, kept.id, read_file("x", f"{HEAD}\n{FIRST[0]}\nXA,".encode()), ["a note"]
        )
    async with database.reading() as session:
        found = await uploads.find(session, kept.id, organisation_id=1)
        assert (found.file_name, found.total) == ("a/ b.csv", 2)
        assert await uploads.rows_of(session, kept.id) == list(rows(FIRST[0]))
        assert uploads.notes_of(found) == ["a note"]
        assert [one["line"] for one in uploads.refused_of(found)] == [3]
        with pytest.raises(Missing):
            await uploads.find(session, kept.id, organisation_id=2)
        assert await uploads.recent(session, organisation_id=2) == []


async def test_offices_are_listed_a_page_at_a_time_with_what_is_known_of_each(
    database: Database,
) -> None:
    many = [
        f"XA,Chair of Žemaitija {n:03},committee,House,,c{n}@xa.example,en,made-up,"
        for n in range(listing.PER_PAGE + 3)
    ]
    await _take(database, *many, FIRST[0], FIRST[3])
    async with database.reading() as session:
        first = await listing.page(session, listing.Asked())
        last = await listing.page(session, listing.Asked(country="XA", page=99))
        named = await listing.page(session, listing.Asked(words="žemaitija 007"))
        by_address = await listing.page(session, listing.Asked(words="C52@XA.example"))
        none = await listing.page(session, listing.Asked(words="100%"))
        without = await listing.page(session, listing.Asked(show="without"))
    assert (first.total, first.pages, len(first.lines)) == (55, 2, listing.PER_PAGE)
    assert first.lines[0].target.office == "Prime Minister"
    assert (last.page, len(last.lines)) == (2, 4)
    assert [line.target.office for line in named.lines] == ["Chair of Žemaitija 007"]
    assert [line.target.office for line in by_address.lines] == ["Chair of Žemaitija 052"]
    assert (none.total, without.total) == (0, 0)
    assert len(await all_of(database, Target)) == 55
