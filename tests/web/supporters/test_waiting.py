"""Look in your mail: the code instead of the link, and the message once more."""

import re
from datetime import timedelta
from email import message_from_bytes, policy
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio

from app import clock
from app.chores import do_all
from app.db import Database
from app.models import Alert, Notice, SandboxMessage, Submission
from app.settings import Settings
from app.tokens import LOOK, confirm_code, link_token
from tests.grounds.alerts import confirmed, filled, mine_ban, submitted
from tests.grounds.databases import both
from tests.grounds.rows import all_of
from tests.grounds.working import running_clock, until, working

PAGE = "/alerts/send-one-email"
LOOKING = f"{PAGE}/look-in-your-mail"
FORM: dict[str, Any] = {
    "name": "Mari Mägi",
    "email": "mari@example.org",
    "city": "Tartu",
    "country": "EE",
    "consent": "on",
}


@pytest_asyncio.fixture(autouse=True)
async def alert(database: Database, furnished: None) -> Alert:
    return await mine_ban(database)


def words(answer: httpx.Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def address(settings: Settings, submission: Submission) -> str:
    return f"{LOOKING}?for={link_token(settings, LOOK, submission.public_id)}"


@both
async def test_from_the_form_by_the_code_to_the_letters(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    looking = (await client.post(PAGE, data=FORM)).headers["location"]
    page = await client.get(looking)
    assert "The form names m…i@example.org." in words(page)
    assert 'inputmode="numeric" autocomplete="one-time-code"' in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    (kept,) = await all_of(database, Submission)
    code = confirm_code(settings, kept.public_id)
    found = await client.post(looking, data={"code": f"{code[:3]} {code[3:]}"})
    assert found.status_code == 303
    shown = await client.get(found.headers["location"])
    assert "Send my 5 letters" in words(shown)
    (seal,) = re.findall(r'name="shown" value="(\w+)"', shown.text)
    sent = await client.post(found.headers["location"], data={"shown": seal})
    assert sent.headers["location"].startswith("/letters/")


async def test_a_wrong_code_is_said_at_the_field_and_stays_there(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert)
    looking = address(settings, kept)
    wrong = "111111" if confirm_code(settings, kept.public_id) != "111111" else "222222"
    for typed, said in (
        (wrong, "This code does not fit these letters"),
        ('12"', "A code has six digits"),
        ("", "Please type the six digits"),
    ):
        answer = await client.post(looking, data={"code": typed})
        assert answer.status_code == 422
        assert said in words(answer)
        assert re.search(r'id="code"[^>]*aria-describedby="code-hint code-error"', answer.text)
        assert f'name="code" value="{typed.replace(chr(34), "&#34;")}"' in answer.text
    for _ in range(4):
        await client.post(looking, data={"code": wrong})
    answer = await client.post(looking, data={"code": confirm_code(settings, kept.public_id)})
    assert answer.status_code == 429
    assert "again in 12 minutes" in words(answer)


async def test_the_page_is_the_same_for_a_sent_form_and_never_opens_it(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert)
    looking = address(settings, kept)
    before = await client.get(looking)
    await confirmed(database, settings, kept.public_id)
    assert (await client.get(looking)).text == before.text
    for untrue in ("wait for you", "We have sent you", "nothing is sent until"):
        assert untrue not in words(before)
    assert "If you have pressed the button already, the same link shows" in words(before)
    asked = words(await client.post(looking.replace("?", "/again?"), follow_redirects=True))
    assert "If these letters still wait for the button" in asked
    token = urlsplit(looking).query.removeprefix("for=")
    for place in ("letters", "confirm"):
        assert (await client.get(f"/{place}/{token}")).status_code == 404


async def test_a_token_for_nothing_or_for_another_alert_opens_nothing(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    caught = await client.post(PAGE, data=FORM | {"website": "http://spam.example"})
    looking = caught.headers["location"]
    assert "The code from the message" in words(await client.get(looking))
    assert (await client.post(looking, data={"code": "123456"})).status_code == 422
    assert (await client.post(looking.replace("?", "/again?"))).status_code == 303
    assert await all_of(database, Notice) == []
    for plain in (LOOKING, f"{LOOKING}?for=rubbish", f"{LOOKING}?for={'x' * 5000}"):
        page = await client.get(plain)
        assert page.status_code == 200
        assert "Look in your mail" in page.text
        assert 'name="code"' not in page.text
        assert f'<a class="button" href="{PAGE}">To the form</a>' in page.text
        assert "Please confirm" not in page.text
    framed = await client.get(f"{PAGE}/embed/look-in-your-mail?for=rubbish")
    assert f'href="{PAGE}/embed?lang=en">To the form</a>' in framed.text


@both
async def test_the_message_goes_again_three_times_a_day_with_one_answer(
    client: httpx.AsyncClient, database: Database, settings: Settings, alert: Alert
) -> None:
    kept = await submitted(database, settings, alert)
    again = address(settings, kept).replace("?", "/again?")
    with clock.held(clock.now() + timedelta(minutes=1)):
        answers = []
        for _ in range(4):
            async with working(settings, database):
                await until(_none_waits(database))
            answers.append((await client.post(again)).headers["location"])
    assert len(set(answers)) == 1
    assert "on its way once more" in words(await client.get(answers[0]))
    assert len(await all_of(database, Notice)) == 3


def _none_waits(database: Database) -> Any:
    async def check() -> bool:
        return not await all_of(database, Notice, Notice.status.in_(("queued", "sending")))

    return check


def read(message: SandboxMessage) -> tuple[str, str]:
    parsed = message_from_bytes(message.raw, policy=policy.default)
    return str(parsed["Subject"]), " ".join(parsed.get_content().split())


@both
async def test_the_mails_say_what_for_to_whom_and_with_which_code(
    database: Database, settings: Settings, alert: Alert
) -> None:
    """The request at once, the reminder a day later: once, whatever the worker does."""
    kept = await submitted(database, settings, alert, filled(countries=["LV", "LT"]))
    code = confirm_code(settings, kept.public_id)
    async with working(settings, database):
        await until(_none_waits(database))
    with running_clock(timedelta(hours=25)):
        for _ in range(2):
            await do_all(settings, database)
        async with working(settings, database):
            await until(_none_waits(database))
    request, reminder = [read(one) for one in await all_of(database, SandboxMessage)]
    first = "2 letters of yours wait to be confirmed, to offices in: Latvia, Lithuania. Hello, "
    assert request[0].startswith("Please confirm: your letters for “Send One Email")
    assert reminder[0].startswith("Still to confirm: your letters for “Send One Email")
    for _, body in (request, reminder):
        assert body.startswith(first)
        assert "/confirm/" in body
        assert f" {code[:3]} {code[3:]} " in body
        assert "This is practice: nothing leaves this machine." in body
    assert "This is the last time we write about it." in reminder[1]
    assert "do nothing" in reminder[1]


@pytest.mark.parametrize(
    ("email", "shown"),
    [
        ("wanda.kowalska@gmial.com", "wa…ka@gmial.com"),
        ("mari@example.org", "m…i@example.org"),
        ("mm@example.org", "m…@example.org"),
        ("m@example.org", "m…@example.org"),
    ],
)
async def test_a_slip_of_the_finger_can_be_seen_and_no_address_read(
    client: httpx.AsyncClient,
    database: Database,
    settings: Settings,
    alert: Alert,
    email: str,
    shown: str,
) -> None:
    kept = await submitted(database, settings, alert, filled(email=email))
    assert f"The form names {shown}." in words(await client.get(address(settings, kept)))


async def test_an_address_that_looks_mistyped_is_asked_about_once(
    client: httpx.AsyncClient, database: Database
) -> None:
    slipped = FORM | {"email": "wanda@gmial.com"}
    asked = await client.post(PAGE, data=slipped | {"city": ""})
    assert asked.status_code == 422
    assert "Did you mean gmail.com?" in words(asked)
    assert "Please write your city" in words(asked)
    assert 'id="email" name="email" required' in asked.text
    assert 'value="wanda@gmial.com"' in asked.text
    again = slipped | dict(re.findall(r'name="(email_as_is)" value="([^"]*)"', asked.text))
    still = await client.post(PAGE, data=again | {"city": ""})
    assert still.status_code == 422
    assert "Did you mean" not in words(still)
    kept = dict(re.findall(r'name="(email_as_is)" value="([^"]*)"', still.text))
    other = await client.post(PAGE, data=slipped | kept | {"email": "wanda@gmai.com"})
    assert "Did you mean gmail.com?" in words(other)
    assert await all_of(database, Submission) == []
    assert (await client.post(PAGE, data=slipped | kept)).status_code == 303
    (taken,) = await all_of(database, Submission)
    assert taken.email == "wanda@gmial.com"


async def test_an_address_that_no_mail_can_carry_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(PAGE, data=FORM | {"email": f"{'m' * 65}@example.org"})
    assert answer.status_code == 422
    assert "This does not look like an email address" in words(answer)
