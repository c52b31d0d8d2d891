"""Where supporters came from: each confirmed form once, and never too many names."""

import httpx
import pytest
from sqlalchemy import insert

from app.db import Database
from app.letters import confirmation, participation
from app.models import Alert, Organiser, SourceCount
from app.reporting import recount
from app.reporting.desk import sources
from app.settings import Settings
from tests.grounds.alerts import confirmed, filled, mine_ban, submitted
from tests.grounds.databases import both
from tests.grounds.desk import enter


async def write(
    database: Database, settings: Settings, alert: Alert, email: str, **source: str
) -> str:
    """A confirmed form that came from somewhere; gives its public id."""
    form = filled(email=email, countries=["EE"], source=source)
    kept = await submitted(database, settings, alert, form)
    await confirmed(database, settings, kept.public_id)
    return kept.public_id


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(participation, "MOST_SOURCES", 3)
    return 3


@both
async def test_a_confirmed_form_is_counted_once_by_its_partner_else_its_utm_source(
    database: Database, settings: Settings, furnished: None, names: int
) -> None:
    alert = await mine_ban(database)
    one = await write(
        database, settings, alert, "a@example.org", partner="Peace", utm_source="news"
    )
    await write(database, settings, alert, "b@example.org", utm_source="news", utm_medium="mail")
    await write(database, settings, alert, "c@example.org")
    await write(database, settings, alert, "d@example.org", partner="one too many")
    await write(database, settings, alert, "e@example.org", partner="Peace")
    await submitted(database, settings, alert, filled(email="f@example.org"))  # never confirmed
    async with database.transaction() as session:
        again = await confirmation.load(session, one)
        await confirmation.confirm(session, settings, again, shown="")
    # the same person once more: nothing new leaves, and nothing is counted
    await write(database, settings, alert, "b@example.org", partner="Peace")
    async with database.reading() as session:
        found = await sources.of_alert(session, alert.id, settings.delivery)
        assert [(one.name, one.n) for one in found] == [
            ("Peace", 2),
            ("", 1),
            ("news", 1),
            ("other", 1),
        ]
        assert found[0].share == 40.0
        assert await recount.differences(session, alert.id) == []


async def test_a_source_that_was_counted_twice_is_found_out(
    database: Database, settings: Settings, furnished: None
) -> None:
    alert = await mine_ban(database)
    await write(database, settings, alert, "a@example.org", partner="Peace")
    async with database.transaction() as session:
        values = {"alert_id": alert.id, "delivery": settings.delivery, "source": "", "n": 4}
        await session.execute(insert(SourceCount).values(values))
    async with database.reading() as session:
        assert await recount.differences(session, alert.id) == [
            "supporters by source (sandbox): 5 kept, 1 confirmed forms"
        ]


async def test_organisers_see_where_supporters_came_from_and_make_lines_for_partners(
    client: httpx.AsyncClient,
    database: Database,
    settings: Settings,
    furnished: None,
    mari: Organiser,
) -> None:
    alert = await mine_ban(database)
    await write(database, settings, alert, "a@example.org", partner="<Peace>")
    await enter(client, database, mari)
    here = f"/organise/alerts/{alert.slug}"
    counts = (await client.get(f"{here}/counts")).text
    assert "Where supporters came from" in counts
    assert '<th scope="row">&lt;Peace&gt;</th>' in counts
    assert f'href="{here}/share"' in (await client.get(here)).text
    page = await client.get(f"{here}/share", params={"partner": "Peace Now", "countries": "EE"})
    assert page.status_code == 200
    frame = f"{settings.public_url}/alerts/{alert.slug}/embed?partner=Peace+Now"
    assert f"&lt;iframe src=&#34;{frame}&#34;" in page.text
    assert f"/alerts/{alert.slug}?partner=Peace%20Now&amp;countries=EE" in page.text
