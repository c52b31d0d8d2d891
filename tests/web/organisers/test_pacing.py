"""Pacing on pages: an organiser sets limits, asks how long it takes; a supporter is told when."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app import clock
from app.db import Database
from app.models import Alert, AuditLine, Mailbox, MailHost, Organiser, Role
from app.outbox import freezes
from app.reporting.departures import Leaving
from app.settings import Settings, Switch
from app.tokens import letters_url
from app.web.looks import moments
from tests.grounds.alerts import confirmed, filled, mine_ban, submitted
from tests.grounds.databases import both
from tests.grounds.desk import enter, token_in
from tests.grounds.rows import all_of

TEN = datetime(2027, 11, 24, 8, tzinfo=UTC)  # a Wednesday, ten in Tallinn
PACING = "/organise/pacing"
MAILBOX = f"{PACING}/mailboxes/riigikantselei@riigikantselei.ee"
HOST = f"{PACING}/hosts/riigikantselei.ee"


@pytest.fixture
def held() -> Iterator[clock.HeldClock]:
    with clock.held(TEN) as time:
        yield time


@pytest.fixture
async def alert(database: Database, furnished: None) -> Alert:
    return await mine_ban(database)


@pytest.fixture
async def mari_in(
    held: clock.HeldClock,
    client: httpx.AsyncClient,
    mari: Organiser,
    alert: Alert,
    database: Database,
    settings: Settings,
) -> httpx.AsyncClient:
    """Her browser, signed in, where letters are paced."""
    settings.pacing = Switch.ON
    await enter(client, database, mari)
    return client


async def mailbox(database: Database) -> Mailbox | None:
    async with database.reading() as session:
        return await session.get(Mailbox, "riigikantselei@riigikantselei.ee")


@both
async def test_a_thousand_supporters_are_answered_with_a_day_and_drawn(
    mari_in: httpx.AsyncClient,
) -> None:
    page = (await mari_in.get(PACING)).text
    assert "1,000 supporters: the last letter leaves 3 December" in page
    assert "5,000 letters to 5 offices" in page
    assert '<path class="bar-handed_over"' in page
    assert '<td class="n">5,000</td>' in page
    few = (await mari_in.get(f"{PACING}?supporters=20&alert=send-one-email")).text
    assert "20 supporters: the last letter leaves today 1" in few


@pytest.mark.parametrize("typed", ["", "0", "many", "2000001", "-3", "<b>"])
async def test_a_number_of_supporters_that_is_none_is_told_at_its_field(
    mari_in: httpx.AsyncClient, typed: str
) -> None:
    page = await mari_in.get(PACING, params={"supporters": typed})
    assert "Please write a whole number from 1 to 1,000,000." in page.text
    assert "the last letter leaves" not in page.text
    assert "<b>" not in page.text


@both
async def test_limits_are_tried_without_being_set_and_set_with_a_line_on_record(
    mari_in: httpx.AsyncClient, database: Database
) -> None:
    page = (await mari_in.get(MAILBOX)).text
    assert "What comes of it" in page
    form = {"form_token": token_in(page), "per_hour": "7", "per_day": "", "off_days": "yes"}
    tried = await mari_in.post(MAILBOX, data=form | {"act": "try"})
    assert "With these limits, which are not set yet" in tried.text
    assert 'value="7"' in tried.text
    assert await all_of(database, AuditLine) == []
    answer = await mari_in.post(MAILBOX, data=form | {"act": "save"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PACING}?done=paced")
    kept = await mailbox(database)
    assert kept is not None
    assert (kept.per_hour, kept.per_day, kept.in_all, kept.off_days) == (7, None, None, True)
    (line,) = await all_of(database, AuditLine)
    assert line.by == "mari@example.org"
    assert "7 letters an hour at peak" in line.sentence
    shown = (await mari_in.get(answer.headers["location"])).text
    assert "The limits are set." in shown
    assert "<strong>7</strong>" in shown
    again = await mari_in.post(MAILBOX, data=form)
    assert again.headers["location"] == f"{PACING}?done=unchanged"


async def test_what_was_typed_stays_where_it_was_wrong(
    mari_in: httpx.AsyncClient, database: Database
) -> None:
    token = token_in((await mari_in.get(MAILBOX)).text)
    typed = {"form_token": token, "per_hour": "twenty", "per_day": "0", "in_all": "5,000"}
    for act in ("save", "try"):
        answer = await mari_in.post(MAILBOX, data=typed | {"act": act})
        assert answer.status_code == 422
        assert 'value="twenty"' in answer.text
        assert 'value="5,000"' in answer.text
        assert "Please write a whole number from 1 to 100,000" in answer.text
    assert await mailbox(database) is None


@both
async def test_a_host_is_paced_for_all_behind_it(
    mari_in: httpx.AsyncClient, database: Database
) -> None:
    token = token_in((await mari_in.get(HOST)).text)
    wrong = await mari_in.post(HOST, data={"form_token": token, "per_hour": "0"})
    assert wrong.status_code == 422
    assert 'value="0"' in wrong.text
    done = await mari_in.post(HOST, data={"form_token": token, "per_hour": "15"})
    assert done.headers["location"] == f"{PACING}?done=paced"
    (host,) = await all_of(database, MailHost)
    assert (host.name, host.per_hour) == ("riigikantselei.ee", 15)
    assert "15 an hour" in (await mari_in.get(PACING)).text


async def test_a_viewer_looks_and_does_not_touch(
    mari_in: httpx.AsyncClient, mari: Organiser, database: Database
) -> None:
    async with database.transaction() as session:
        (await session.get_one(Organiser, mari.id)).role = Role.VIEWER
    for path in (MAILBOX, HOST):
        page = await mari_in.get(path)
        assert page.status_code == 200
        assert 'name="per_hour"' not in page.text
        form = {"form_token": token_in(page.text), "per_hour": "3"}
        assert (await mari_in.post(path, data=form)).status_code == 403
    assert await mailbox(database) is None


async def test_there_is_no_page_for_an_address_nobody_has(mari_in: httpx.AsyncClient) -> None:
    for path in (f"{PACING}/mailboxes/nobody@example.org", f"{PACING}/hosts/example.org"):
        assert (await mari_in.get(path)).status_code == 404


async def test_where_nothing_is_paced_the_pages_say_so(
    mari_in: httpx.AsyncClient, settings: Settings
) -> None:
    said = "Here letters leave as soon as they can"
    assert said not in (await mari_in.get(PACING)).text
    settings.pacing = Switch.AUTO
    for path in (PACING, MAILBOX, HOST):
        assert said in (await mari_in.get(path)).text


@both
async def test_a_supporter_is_told_when_each_letter_leaves(
    mari_in: httpx.AsyncClient,
    alert: Alert,
    database: Database,
    settings: Settings,
    held: clock.HeldClock,
) -> None:
    held.at = datetime(2027, 11, 26, 17, tzinfo=UTC)  # Friday evening
    submission = await submitted(database, settings, alert, filled(countries=["EE"]))
    await confirmed(database, settings, submission.public_id)
    link = letters_url(settings, submission.public_id)
    # nine o'clock in Tallinn is eight by the alert's own time; offices open at eight
    assert "It leaves on Monday around 07:00." in (await mari_in.get(link)).text
    counts = (await mari_in.get("/organise/alerts/send-one-email/counts")).text
    assert "When what waits leaves" in counts
    assert "29 November 2027, 07:00" in counts
    settings.pacing = Switch.OFF
    assert "It leaves in a moment." in (await mari_in.get(link)).text


async def test_a_supporter_reads_why_a_letter_waits_for_its_mail_server(
    mari_in: httpx.AsyncClient, alert: Alert, database: Database, settings: Settings
) -> None:
    submission = await submitted(database, settings, alert, filled(countries=["EE"]))
    await confirmed(database, settings, submission.public_id)
    token = token_in((await mari_in.get(HOST)).text)
    await mari_in.post(HOST, data={"form_token": token, "per_hour": "15"})
    (host,) = await all_of(database, MailHost)
    async with database.transaction() as session:
        await freezes.freeze(session, scope="host", ref=host.id, why="5.7.1", by="worker")
    page = (await mari_in.get(letters_url(settings, submission.public_id))).text
    assert "turns letters like this one away at the moment" in page
    assert "The organisers hold it back" not in page


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (timedelta(minutes=3), "It leaves in the next minutes."),
        (timedelta(hours=5, minutes=38), "It leaves today around 15:40."),
        (timedelta(hours=23, minutes=58), "It leaves tomorrow around 10:00."),
        (timedelta(days=6), "It leaves on Tuesday around 10:00."),
        (timedelta(days=7), "It leaves on 1 December around 10:00."),
        (timedelta(days=70), "It leaves on 2 February 2028 around 10:00."),
    ],
)
def test_a_moment_is_said_as_people_say_it(ahead: timedelta, said: str) -> None:
    leaving = Leaving(TEN + ahead)
    assert said == moments.leaves(leaving, now=TEN, zone="Europe/Tallinn", language="en")


def test_what_cannot_be_foretold_is_said_too() -> None:
    told = moments.leaves(Leaving(None), now=TEN, zone="Europe/Tallinn", language="en")
    assert "cannot say yet" in told
