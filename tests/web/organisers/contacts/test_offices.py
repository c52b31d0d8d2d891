"""The directory in the browser: offices added, checked, changed, taken out; and what is told."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app import clock
from app.contacts import directory, reports
from app.db import Database
from app.models import AddressReport, AuditLine, Contact, Freeze, Organiser, Role, SendCount
from app.outbox import freezes, suppressions
from app.settings import Delivery
from tests.grounds.alerts import mine_ban
from tests.grounds.desk import enter, token_in
from tests.grounds.rows import all_of

CONTACTS = "/organise/contacts"
NEW = f"{CONTACTS}/offices/new"
TYPED = {
    "country": "EE",
    "office": "Minister of Health",
    "role": "committee",
    "institution": "Ministry of Social Affairs",
    "institution_local": "Sotsiaalministeerium",
    "email": "info@example.org",
    "languages": "et, EN",
    "evidence": "official-page",
    "source_url": "https://example.org/contact",
}


@pytest.fixture
async def desk(client: httpx.AsyncClient, database: Database, mari: Organiser) -> httpx.AsyncClient:
    """Mari's browser, signed in."""
    await enter(client, database, mari)
    return client


async def _post(desk: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    token = token_in((await desk.get(CONTACTS)).text)
    return await desk.post(path, data=fields | {"form_token": token})


async def _contact(database: Database, email: str) -> Contact:
    (found,) = await all_of(database, Contact, Contact.email == email)
    assert isinstance(found, Contact)
    return found


async def test_an_empty_directory_gets_its_first_office_by_hand(
    desk: httpx.AsyncClient, database: Database
) -> None:
    assert "There is no office yet" in (await desk.get(CONTACTS)).text
    assert 'value="et en"' in (await desk.get(f"{NEW}?country=EE")).text
    answer = await _post(desk, NEW, **TYPED)
    assert answer.headers["location"] == f"{CONTACTS}/offices/1?done=added"
    contact = await _contact(database, "info@example.org")
    assert (contact.languages, contact.checked_on) == (["et", "en"], None)
    page = (await desk.get(answer.headers["location"])).text
    assert "Its address waits for a check" in page
    assert "Added “Minister of Health” (EE) with info@example.org, seen at https://" in page
    listed = (await desk.get(CONTACTS)).text
    assert "Minister of Health" in listed
    assert "Not checked" in listed


async def test_what_was_typed_stays_and_every_wrong_field_says_what_is_right(
    desk: httpx.AsyncClient, database: Database
) -> None:
    wrong = {"email": "nobody@", "languages": "Estonian", "source_url": "a friend", "role": "king"}
    answer = await _post(desk, NEW, **TYPED | wrong)
    assert answer.status_code == 422
    for name in wrong:
        assert f'id="{name}-error"' in answer.text
    for typed in ("nobody@", "Estonian", "a friend", "Sotsiaalministeerium"):
        assert f'value="{typed}"' in answer.text
    assert await all_of(database, Contact) == []
    await _post(desk, NEW, **TYPED)
    again = await _post(desk, NEW, **TYPED)
    assert "This country has an office of this name already." in again.text


async def test_a_check_asks_where_it_was_seen_and_lets_go_what_the_program_held(
    desk: httpx.AsyncClient, database: Database, furnished: None
) -> None:
    contact = await _contact(database, "riigikantselei@riigikantselei.ee")
    async with database.transaction() as session:
        kept = await session.get_one(Contact, contact.id)
        kept.review_at, kept.review_why = clock.now(), "5.1.1 no such user"
        await freezes.freeze(session, scope="contact", ref=contact.id, why="5.1.1", by="worker")
        await reports.report(session, contact.id, "It <b>bounced</b>.")
    office = f"{CONTACTS}/offices/{contact.target_id}"
    page = (await desk.get(office)).text
    for said in ("5.1.1 no such user", "Under review", "Frozen", "It &lt;b&gt;bounced&lt;/b&gt;."):
        assert said in page
    assert "A supporter reports a wrong address" in (await desk.get(CONTACTS)).text
    refused = await _post(desk, f"{office}/check", source="my neighbour")
    assert refused.status_code == 422
    assert 'value="my neighbour"' in refused.text
    assert "Please give the web page that shows the address" in refused.text
    done = await _post(desk, f"{office}/check", source=" https://riigikantselei.ee/kontakt ")
    assert done.headers["location"] == f"{office}?done=checked"
    page = (await desk.get(done.headers["location"])).text
    for said in ("Under review", "Frozen", "bounced"):
        assert said not in page
    assert "mari@example.org" in page
    checked = await _contact(database, contact.email)
    assert checked.check_source == "https://riigikantselei.ee/kontakt"


async def test_another_address_replaces_the_one_before_and_waits_for_its_check(
    desk: httpx.AsyncClient, database: Database
) -> None:
    await _post(desk, NEW, **TYPED)
    async with database.transaction() as session:
        page = "https://example.org/"
        await directory.check(session, "info@example.org", source_url=page, by="m@x.org")
    office = f"{CONTACTS}/offices/1"
    better = TYPED | {"institution": "Ministry of Health", "country": "LV"}
    assert (await _post(desk, office, **better)).headers["location"].endswith("done=changed")
    assert (await _contact(database, "info@example.org")).checked_by == "m@x.org"
    assert (await _post(desk, office, **better)).headers["location"].endswith("done=unchanged")
    async with database.transaction() as session:
        await freezes.freeze(session, scope="contact", ref=1, why="5.1.1", by="worker")
    await _post(desk, office, **better | {"email": "new@example.org"})
    (hold,) = await all_of(database, Freeze)
    assert hold.released_by == "mari@example.org"
    assert (await _contact(database, "info@example.org")).retired_at is not None
    assert (await _contact(database, "new@example.org")).checked_on is None
    page = (await desk.get(office)).text
    assert "Earlier addresses" in page
    assert "Minister of Health, Estonia" in page  # an office does not change its country
    assert "email from “info@example.org” to “new@example.org”" in page
    (await _post(desk, f"{office}/retire"))
    assert (await _contact(database, "new@example.org")).retired_at is not None
    assert "Minister of Health" not in (await desk.get(CONTACTS)).text
    assert "Minister of Health" in (await desk.get(f"{CONTACTS}?show=without")).text
    sentences = [line.sentence for line in await all_of(database, AuditLine)]
    assert sentences[-1] == "Took new@example.org of “Minister of Health” (EE) out"


async def test_the_same_address_in_other_letters_is_written_so_and_keeps_its_check(
    desk: httpx.AsyncClient, database: Database
) -> None:
    await _post(desk, NEW, **TYPED)
    async with database.transaction() as session:
        page = "https://example.org/"
        await directory.check(session, "info@example.org", source_url=page, by="m@x.org")
    await _post(desk, f"{CONTACTS}/offices/1", **TYPED | {"email": "Info@example.org"})
    (contact,) = await all_of(database, Contact)
    assert (contact.email, contact.checked_by) == ("Info@example.org", "m@x.org")


async def test_the_list_tells_how_each_address_stands(
    desk: httpx.AsyncClient, database: Database, furnished: None
) -> None:
    alert = await mine_ban(database)
    contact = await _contact(database, "riigikantselei@riigikantselei.ee")
    moment = datetime(2026, 11, 20, 9, tzinfo=UTC)
    async with database.transaction() as session:
        for status, at in (("accepted", moment), ("bounced", moment + timedelta(days=1))):
            for delivery, day in ((Delivery.LIVE, at), (Delivery.SANDBOX, at + timedelta(days=3))):
                session.add(
                    SendCount(
                        alert_id=alert.id,
                        target_id=contact.target_id,
                        delivery=delivery,
                        status=status,
                        n=1,
                        at=day,
                    )
                )
        await suppressions.suppress(session, contact.email, why="They ask.", by="m@x.org")
        long_ago = clock.now() - timedelta(days=200)
        with clock.held(long_ago):
            page = "https://kaitseministeerium.ee/"
            await directory.check(
                session, "info@kaitseministeerium.ee", source_url=page, by="m@x.org"
            )
    listed = (await desk.get(f"{CONTACTS}?country=EE&show=check&words=minister")).text
    for said in ("20 November 2026", "21 November 2026", "Suppressed", "Checked over 180 days ago"):
        assert said in listed
    assert "23 November 2026" not in listed
    assert "President of the Republic" not in listed
    assert (await desk.get(f"{CONTACTS}?words=%00&page=99")).status_code == 200


async def test_reports_are_settled_one_by_one(desk: httpx.AsyncClient, database: Database) -> None:
    await _post(desk, NEW, **TYPED)
    async with database.transaction() as session:
        await reports.report(session, 1, "Wrong, I think.")
    path = f"{CONTACTS}/offices/1/reports/1/settle"
    assert (await _post(desk, path)).headers["location"].endswith("done=settled")
    assert (await _post(desk, path)).headers["location"].endswith("done=unchanged")
    elsewhere = f"{CONTACTS}/offices/2/reports/1/settle"
    assert (await _post(desk, elsewhere)).status_code == 404
    (settled,) = await all_of(database, AddressReport)
    assert settled.settled_by == "mari@example.org"


async def test_a_viewer_looks_and_does_not_touch(
    desk: httpx.AsyncClient, database: Database, mari: Organiser
) -> None:
    await _post(desk, NEW, **TYPED)
    async with database.transaction() as session:
        (await session.get_one(Organiser, mari.id)).role = Role.VIEWER
    page = (await desk.get(f"{CONTACTS}/offices/1")).text
    assert 'name="email"' not in page
    for path in (
        NEW,
        f"{CONTACTS}/offices/1",
        f"{CONTACTS}/offices/1/check",
        f"{CONTACTS}/imports",
    ):
        assert (await _post(desk, path, **TYPED)).status_code == 403
    assert (await desk.get(NEW)).status_code == 403


async def test_the_directory_leaves_as_a_file_of_each_kind(
    desk: httpx.AsyncClient, furnished: None, stranger: httpx.AsyncClient
) -> None:
    for kind, begins in (("csv", "country,office"), ("vcf", "BEGIN:VCARD"), ("json", "{\n")):
        answer = await desk.get(f"{CONTACTS}/export.{kind}")
        assert answer.text.startswith(begins)
        assert f'filename="contacts.{kind}"' in answer.headers["content-disposition"]
    of_one = (await desk.get(f"{CONTACTS}/export.csv?country=EE")).text
    assert {line[:2] for line in of_one.splitlines()[1:]} == {"EE"}
    assert (await desk.get(f"{CONTACTS}/export.xls")).status_code == 404
    for path in (CONTACTS, f"{CONTACTS}/export.csv", f"{CONTACTS}/imports/1"):
        assert (await stranger.get(path)).status_code == 303
