"""A supporter says that an address is wrong: from the alert, from a receipt, without an account."""

import httpx
import pytest

from app.contacts import reports
from app.db import Database
from app.models import AddressReport, Letter
from app.settings import Settings, Switch
from app.tokens import letters_url
from tests.grounds.alerts import MINE_BAN, confirmed, filled, mine_ban, submitted
from tests.grounds.rows import all_of

PAGE = f"/alerts/{MINE_BAN}/offices/1/wrong-address"


async def test_a_report_is_kept_and_thanked_for(
    client: httpx.AsyncClient, database: Database, furnished: None
) -> None:
    assert f'href="{PAGE}"' in (await client.get(f"/alerts/{MINE_BAN}")).text
    assert "riigikantselei@riigikantselei.ee" in (await client.get(PAGE)).text
    answer = await client.post(PAGE, data={"said": " They moved:\r\n<pm@example.org> "})
    assert answer.headers["location"] == f"{PAGE}?done=thanks"
    assert "Thank you. A person will look at it" in (await client.get(f"{PAGE}?done=thanks")).text
    (report,) = await all_of(database, AddressReport)
    assert report.said == "They moved:\n<pm@example.org>"


@pytest.mark.parametrize(("said", "why"), [("  ", "in a few words"), ("x" * 2001, "too long")])
async def test_what_is_too_little_or_too_much_is_told_and_stays(
    client: httpx.AsyncClient, database: Database, furnished: None, said: str, why: str
) -> None:
    answer = await client.post(PAGE, data={"said": said})
    assert answer.status_code == 422
    assert why in answer.text
    assert said in answer.text
    assert await all_of(database, AddressReport) == []


async def test_machines_and_floods_are_thanked_and_not_kept(
    client: httpx.AsyncClient, database: Database, settings: Settings, furnished: None
) -> None:
    caught = await client.post(PAGE, data={"said": "buy", "website": "http://x.example"})
    assert caught.headers["location"].endswith("done=thanks")
    assert await all_of(database, AddressReport) == []
    settings.pacing, settings.forms_per_hour = Switch.ON, 2
    statuses = [(await client.post(PAGE, data={"said": "no"})).status_code for _ in range(3)]
    assert statuses == [303, 303, 429]
    assert len(await all_of(database, AddressReport)) == 2
    assert len(await all_of(database, AddressReport)) < reports.ENOUGH


async def test_only_an_alerts_own_offices_can_be_reported(
    client: httpx.AsyncClient, furnished: None
) -> None:
    for path in (
        f"/alerts/{MINE_BAN}/offices/9999/wrong-address",
        "/alerts/none/offices/1/wrong-address",
    ):
        assert (await client.get(path)).status_code == 404
        assert (await client.post(path, data={"said": "x"})).status_code == 404


async def test_a_receipt_leads_to_its_offices_page(
    client: httpx.AsyncClient, database: Database, settings: Settings, furnished: None
) -> None:
    alert = await mine_ban(database)
    kept = await submitted(database, settings, alert, filled(countries=["EE"]))
    await confirmed(database, settings, kept.public_id)
    (letter,) = await all_of(database, Letter)
    link = f"{letters_url(settings, kept.public_id)}/receipts/{letter.id}"
    assert f"/receipts/{letter.id}/wrong-address" in (await client.get(link)).text
    answer = await client.get(f"{link}/wrong-address")
    assert answer.headers["location"] == (
        f"/alerts/{MINE_BAN}/offices/{letter.target_id}/wrong-address"
    )
    other = await client.get(f"{letters_url(settings, kept.public_id)}/receipts/99/wrong-address")
    assert other.status_code == 404
