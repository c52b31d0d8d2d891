"""What the desk's pages tell: figures, what is left to do, where one is, and what is what."""

import re
from html import unescape

import httpx
import pytest
from sqlalchemy import select, update

from app import clock
from app.db import Database
from app.models import (
    Alert,
    AlertCountry,
    Letter,
    LetterTemplate,
    Notice,
    NoticeKind,
    Organiser,
    SandboxMessage,
)
from app.settings import Settings
from tests.grounds.alerts import MINE_BAN, confirmed, mine_ban, submitted
from tests.grounds.desk import enter
from tests.grounds.rows import all_of

HERE = f"/organise/alerts/{MINE_BAN}"
CAMPAIGN = "/organise/campaigns/keep-the-mine-ban-treaty"


@pytest.fixture
def database_kind() -> str:
    """What is done below the pages is tested on both."""
    return "sqlite"


@pytest.fixture
async def desk(
    client: httpx.AsyncClient, mari: Organiser, furnished: None, database: Database
) -> httpx.AsyncClient:
    await enter(client, database, mari)
    return client


async def read(desk: httpx.AsyncClient, path: str) -> str:
    answer = await desk.get(path)
    assert answer.status_code == 200
    return answer.text


def words(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.partition("<main")[2])).split())


async def test_an_alerts_own_page_says_what_it_has_come_to(
    desk: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    alert = await mine_ban(database)
    kept = await submitted(database, settings, alert)
    await confirmed(database, settings, kept.public_id)
    page = await read(desk, HERE)
    assert page.count('<dl class="figures">') == 1
    told = words(page)
    assert re.search(r"Supporters 1 Sent 0 Waiting [1-9]\d* Did not get through 0", told)
    assert "Practice: nothing left this machine." in told
    assert f'<a href="{HERE}/counts">0</a>' in page


async def test_a_draft_has_no_figures_and_a_rehearsal_says_whose_they_are(
    desk: httpx.AsyncClient, database: Database
) -> None:
    await _becomes(database, "draft")
    assert 'class="figures"' not in await read(desk, HERE)
    await _becomes(database, "rehearsal")
    page = await read(desk, HERE)
    assert "Of the rehearsal alone" in words(page)
    assert f'<a href="{HERE}/counts">0</a>' not in page


async def test_the_check_list_begins_with_how_much_is_to_do(
    desk: httpx.AsyncClient, database: Database
) -> None:
    await _becomes(database, "draft")
    page = await read(desk, f"{HERE}/publish")
    to_do = len(re.findall(r'<span class="status ill">', page))
    of_all = page.count('<li class="point ')
    assert to_do > 1
    assert f"{to_do} of {of_all} points are to do." in words(page)
    assert page.count(">To do<") == to_do
    assert ">Open<" not in page.partition("<main")[2]


async def test_an_alert_without_an_end_is_not_said_to_close(
    desk: httpx.AsyncClient, database: Database
) -> None:
    async with database.transaction() as session:
        await session.execute(update(Alert).where(Alert.slug == MINE_BAN).values(closes_at=None))
    told = words(await read(desk, f"{HERE}/publish"))
    assert "It has no closing date: it stays open until somebody closes it." in told
    assert "It closes after today" not in told


async def test_counts_are_under_the_page_they_belong_to(desk: httpx.AsyncClient) -> None:
    page = await read(desk, f"{HERE}/counts")
    assert re.search(rf'<p><a href="{HERE}">[^<]*Mine Ban[^<]*</a></p>\s*<h1>Counts</h1>', page)
    page = await read(desk, f"{CAMPAIGN}/counts")
    assert re.search(rf'<p><a href="{CAMPAIGN}/stages">[^<]+</a></p>\s*<h1>Counts of the', page)


@pytest.mark.parametrize(
    ("path", "at"),
    [
        ("/organise/campaigns", '"/organise/campaigns" aria-current="page"'),
        (f"{CAMPAIGN}/stages", '"/organise/campaigns" aria-current="true"'),
        ("/organise/people/audit", '"/organise/people" aria-current="true"'),
    ],
)
async def test_the_pages_of_a_part_name_the_part(
    desk: httpx.AsyncClient, path: str, at: str
) -> None:
    page = await read(desk, path)
    assert at in page
    assert page.partition("<main")[0].count("aria-current") == 1


async def test_the_list_of_the_sandbox_says_what_is_a_letter_and_what_a_notice(
    desk: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    alert = await mine_ban(database)
    await submitted(database, settings, alert)
    (notice,) = await all_of(database, Notice, Notice.kind == NoticeKind.CONFIRM)
    letter = (await _letters(database))[0]
    for name, message_id in [("a", notice.message_id), ("b", letter), ("c", "<by-hand@here>")]:
        await _landed(database, name, message_id)
    page = await read(desk, "/sandbox")
    rows = [words(f"<main{row}") for row in page.split("<tr>")[2:]]
    assert [row.split()[:2] for row in rows] == [
        ["c", "by@hand.example"],
        ["b", "Letter"],
        ["a", "Notice"],
    ]


async def test_a_made_up_country_is_called_by_its_name(
    desk: httpx.AsyncClient, database: Database
) -> None:
    async with database.transaction() as session:
        await session.execute(
            update(AlertCountry)
            .where(AlertCountry.country == "EE")
            .values(country="XA", name="Nowhere")
        )
        await session.execute(
            update(LetterTemplate).where(LetterTemplate.country == "EE").values(country="XA")
        )
    page = await read(desk, f"{HERE}/letters")
    assert "Nowhere, " in page
    assert "XA, " not in page


async def test_the_outbox_calls_countries_by_name(
    desk: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    alert = await mine_ban(database)
    kept = await submitted(database, settings, alert)
    await confirmed(database, settings, kept.public_id)
    told = words(await read(desk, "/organise/outbox"))
    assert "Estonia, Prime Minister" in told
    assert "EE, " not in told


async def test_the_calls_stand_in_a_list_that_leads_to_each(client: httpx.AsyncClient) -> None:
    page = await read(client, "/docs")
    to = re.findall(r'href="#([^"]+)"', page)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(to) > 20
    assert set(to) - {"main"} <= set(ids)
    assert len(ids) == len(set(ids))
    assert "get-api-v1-alerts-slug-counts" in to


async def _becomes(database: Database, state: str) -> None:
    async with database.transaction() as session:
        await session.execute(update(Alert).where(Alert.slug == MINE_BAN).values(state=state))


async def _letters(database: Database) -> list[str]:
    async with database.reading() as session:
        return list(await session.scalars(select(Letter.message_id)))


async def _landed(database: Database, name: str, message_id: str) -> None:
    async with database.transaction() as session:
        session.add(
            SandboxMessage(
                organisation_id=1,
                received_at=clock.now(),
                mail_from="letters@letters.example",
                rcpt_to="by@hand.example",
                subject=name,
                message_id=message_id,
                raw=b"",
            )
        )
