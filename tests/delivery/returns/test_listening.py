"""A mail server hands over what comes back: 250 after the commit, 451 while it cannot be kept."""

import asyncio
import smtplib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from app.db import Database
from app.delivery.messages.message import bounce_address
from app.delivery.returns import listening
from app.errors import SettingsRefused
from app.models import Returned, SandboxMessage, Submission
from app.settings import Delivery, Settings
from tests.delivery.returns import sample
from tests.grounds.databases import once
from tests.grounds.rows import all_of, statuses

Answer = tuple[int, str]


@asynccontextmanager
async def door(settings: Settings, database: Database, place: str) -> AsyncIterator[int]:
    """The port on which returns are taken in."""
    ours = settings.model_copy(update={"returns_lmtp": place})
    async with await listening.listen(ours, database) as server:
        yield server.sockets[0].getsockname()[1]


async def hand_over(
    port: int,
    raw: bytes,
    *recipients: str,
    protocol: Callable[..., smtplib.SMTP] = smtplib.LMTP,
    sender: str = "",
) -> list[Answer]:
    """The answers: one for each recipient refused at RCPT, then those to the data."""
    return await asyncio.to_thread(_hand_over, port, raw, recipients, protocol, sender)


def _hand_over(
    port: int, raw: bytes, recipients: tuple[str, ...], protocol: Any, sender: str
) -> list[Answer]:
    answers = []
    with protocol("127.0.0.1", port, local_hostname="relay.example.net") as client:
        client.ehlo_or_helo_if_needed()
        assert client.mail(sender)[0] == 250
        told = [client.rcpt(one) for one in recipients]
        answers += [answer for answer in told if answer[0] != 250]
        taken = len(told) - len(answers)
        if taken:
            answers.append(client.data(raw))
            answers += [client.getreply() for _ in range(taken - 1)]
    return [(code, text.decode()) for code, text in answers]


@once
async def test_a_bounce_is_answered_with_250_once_it_is_kept(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    to = bounce_address("b", letter.id, settings)
    async with door(settings, database, "127.0.0.1:0") as port:
        answers = await hand_over(port, sample.raw("qmail", to=to), to)
    assert answers == [(250, "2.0.0 taken in")]
    assert await statuses(database) == {"bounced": 1}


@once
async def test_the_empty_sender_is_seen_although_no_header_tells_it(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    to = bounce_address("b", letter.id, settings)
    raw = sample.raw("responder-without-words", to=to).split(b"\r\n", 1)[1]
    async with door(settings, database, "lmtp://127.0.0.1:0") as port:
        await hand_over(port, raw, to)
        await hand_over(port, raw, to, sender="registry@government.example")
    assert [one.kind for one in await all_of(database, Returned)] == ["automatic", "reply"]


@once
async def test_lmtp_answers_for_each_recipient_and_refuses_strangers(
    database: Database, settings: Settings
) -> None:
    letter, other = await sample.make_letters(database, 2)
    names = [bounce_address("b", one.id, settings) for one in (letter, other)]
    strangers = ["mari@letters.example", "letters@elsewhere.example", "lettersx@letters.example"]
    async with door(settings, database, "127.0.0.1:0") as port:
        answers = await hand_over(port, sample.raw("gmail"), *strangers, *names)
    assert [code for code, _ in answers] == [550, 550, 550, 250, 250]
    assert await statuses(database) == {"bounced": 2}


@once
async def test_everything_under_our_own_names_is_taken_in(
    database: Database, settings: Settings
) -> None:
    names = [
        "letters@LETTERS.example",
        "Postmaster@letters.example",
        "letters+b-1-x@letters.example",
    ]
    async with door(settings, database, "127.0.0.1:0") as port:
        answers = await hand_over(port, sample.raw("gmail", to="x@x.example"), *names)
    assert [code for code, _ in answers] == [250, 250, 250]
    assert {one.kind for one in await all_of(database, Returned)} == {"unmatched"}


@once
async def test_plain_smtp_takes_one_recipient_at_a_time(
    database: Database, settings: Settings
) -> None:
    letter, other = await sample.make_letters(database, 2)
    names = [bounce_address("b", one.id, settings) for one in (letter, other)]
    async with door(settings, database, "smtp://127.0.0.1:0") as port:
        answers = await hand_over(port, sample.raw("gmail"), *names, protocol=smtplib.SMTP)
    assert [code for code, _ in answers] == [452, 250]
    assert await statuses(database) == {"bounced": 1, "handed_over": 1}


@once
async def test_while_the_database_is_away_the_mail_server_keeps_it(
    settings: Settings, tmp_path: Path
) -> None:
    away = Database(f"sqlite+aiosqlite:///{tmp_path / 'nowhere' / 'one.sqlite'}")
    async with door(settings, away, "127.0.0.1:0") as port:
        answers = await hand_over(port, sample.raw("gmail"), "letters@letters.example")
    assert answers == [(451, "4.3.0 not now, please come again")]
    await away.close()


@once
async def test_while_the_relay_is_away_an_answer_stays_with_its_sender(
    database: Database, settings: Settings
) -> None:
    live = settings.model_copy(update={"delivery": Delivery.LIVE, "smtp_url": ""})
    letter = await sample.make_letter(database, delivery="live")
    to = bounce_address("b", letter.id, live)
    async with door(live, database, "127.0.0.1:0") as port:
        answers = await hand_over(port, sample.raw("reply", to=to), to, sender="kadri@x.example")
    assert [code for code, _ in answers] == [451]
    assert await all_of(database, Returned) == []


@once
async def test_an_answer_to_somebody_forgotten_is_refused_and_not_kept(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    async with database.transaction() as session:
        await session.execute(update(Submission).values(erased_at=letter.created_at))
    to = bounce_address("b", letter.id, settings)
    async with door(settings, database, "127.0.0.1:0") as port:
        answers = await hand_over(port, sample.raw("reply", to=to), to, sender="kadri@x.example")
    assert answers == [(550, "5.1.1 the person no longer takes answers")]
    assert await all_of(database, Returned) == []
    assert await all_of(database, SandboxMessage) == []


@once
async def test_an_overlong_line_is_no_reason_to_refuse(
    database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    to = bounce_address("b", letter.id, settings)
    raw = sample.raw("gmail", to=to).replace(b"Dear Speaker", b"Dear Speaker" * 5_000)
    async with door(settings, database, "127.0.0.1:0") as port:
        assert [code for code, _ in await hand_over(port, raw, to)] == [250]
    assert await statuses(database) == {"bounced": 1}


@once
async def test_two_workers_of_one_machine_share_the_door(
    database: Database, settings: Settings
) -> None:
    async with (
        door(settings, database, "127.0.0.1:0") as port,
        door(settings, database, f"127.0.0.1:{port}") as same,
    ):
        assert port == same


@once
async def test_it_listens_until_told_to_stop_and_not_at_all_unless_asked(
    database: Database, settings: Settings
) -> None:
    stop = asyncio.Event()
    await asyncio.wait_for(listening.run(settings, database, stop), 5)
    ours = settings.model_copy(update={"returns_lmtp": "127.0.0.1:0"})
    running = asyncio.create_task(listening.run(ours, database, stop))
    await asyncio.sleep(0.1)
    assert not running.done()
    stop.set()
    await asyncio.wait_for(running, 5)


@once
@pytest.mark.parametrize(
    "place", ["8024", "http://127.0.0.1:8024", "127.0.0.1:port", "lmtp://[::1"]
)
async def test_a_place_that_is_none_is_refused(
    database: Database, settings: Settings, place: str
) -> None:
    with pytest.raises(SettingsRefused, match="host:port"):
        async with door(settings, database, place):
            pass
