"""A worker that is killed, at whichever step, loses no letter, and few go twice."""

import signal
from collections import Counter
from datetime import timedelta
from itertools import cycle, islice
from typing import get_args

import pytest
from sqlalchemy import func, select

from app.db import Database
from app.models import Attempt, Letter, LetterStatus, SandboxMessage
from app.reporting import recount
from app.settings import Delivery, Settings, Switch
from tests.grounds.letters import MAIL_DOMAIN, make_alert, make_queued_letters
from tests.grounds.rows import all_of, counted, statuses
from tests.grounds.smtp import Point, SmtpServer
from tests.grounds.worker_process import KILLED, Step, processes, start
from tests.grounds.working import running_clock, until, working

LETTERS = 200
WORKERS = 4
CONNECTIONS = 4
LEASE = 4.0
KILLS = 20
FRESH = 14  # more than a worker takes before it is killed, most times
# what is said of a letter: its commit before and after, the server's side of its dialogue
BESIDE_A_COMMIT: tuple[Step, ...] = ("claim before", "claim after", "settle before", "settle after")
IN_A_DIALOGUE: tuple[Point, ...] = get_args(Point)
A_WHILE = timedelta(hours=2)  # leases are out by then, and what was put an hour ahead is due


async def test_a_worker_killed_in_the_middle_loses_nothing(
    database: Database, settings: Settings
) -> None:
    async with database.transaction() as session:
        letters = await make_queued_letters(session, LETTERS)
    four = settings.model_copy(update={"connections": CONNECTIONS})
    with processes() as running:
        running += [start(four, f"worker-{n}", lease=LEASE) for n in range(WORKERS)]

        async def in_the_middle() -> bool:
            return await kept(database) > LETTERS / 5 and bool(await held(database, "worker-0"))

        await until(in_the_middle)
        running[0].kill()
        running[0].join(10)
        begun = await held(database, "worker-0")

        async def all_sent() -> bool:
            return await counted(database) == {LetterStatus.HANDED_OVER: LETTERS}

        await until(all_sent)
        for process in running[1:]:
            process.terminate()
        for process in running:
            process.join(10)
        assert [process.exitcode for process in running] == [-signal.SIGKILL, 0, 0, 0]

    arrived = [one.message_id for one in await all_of(database, SandboxMessage)]
    assert set(arrived) == {letter.message_id for letter in letters}
    twice = Counter(arrived) - Counter({letter.message_id for letter in letters})
    assert set(twice) <= begun
    assert set(twice.values()) <= {1}
    assert await statuses(database) == {LetterStatus.HANDED_OVER: LETTERS}
    attempts = await all_of(database, Attempt)
    assert {one.letter_id for one in attempts} == {letter.id for letter in letters}


@pytest.fixture
def live(settings: Settings, smtp_server: SmtpServer) -> Settings:
    return settings.model_copy(
        update={
            "delivery": Delivery.LIVE,
            "smtp_url": smtp_server.url,
            "mail_domain": MAIL_DOMAIN,
            "pacing": Switch.OFF,
            "connections": 2,
        }
    )


@pytest.mark.thorough
async def test_killed_at_every_step_twenty_times_nothing_is_lost_and_few_go_twice(
    database: Database, live: Settings, smtp_server: SmtpServer
) -> None:
    async with database.transaction() as session:
        made = await make_alert(session)
        letters = await make_queued_letters(session, 3 * FRESH, ground=made, delivery="live")
    for number, step in enumerate(islice(cycle([*BESIDE_A_COMMIT, *IN_A_DIALOGUE]), KILLS)):
        async with database.transaction() as session:
            letters += await make_queued_letters(session, FRESH, ground=made, delivery="live")
        before = await unsettled(database, smtp_server)
        smtp_server.unanswered.clear()
        await killed(live, f"worker-{number}", step, smtp_server)
        may_go_twice = await unsettled(database, smtp_server) - before
        assert set(may_go_twice) <= await held(database, f"worker-{number}"), step
        if step == "DATA":
            assert len(smtp_server.unanswered) <= live.connections
        elif not step.startswith("settle"):
            assert (may_go_twice.total(), smtp_server.unanswered) == (0, []), "nobody had begun"
    assert 0 < (await statuses(database))["sending"] < len(letters)

    expected = (await unsettled(database, smtp_server)).total()
    with running_clock(A_WHILE):
        async with working(live, database):

            async def all_sent() -> bool:
                return await counted(database) == {LetterStatus.HANDED_OVER: len(letters)}

            await until(all_sent)
    arrived = of_letters(smtp_server)
    assert set(arrived) == {letter.message_id for letter in letters}, "nothing is lost"
    assert arrived.total() - len(letters) == expected, "twice: begun, and not settled"
    assert expected > 0, "or no kill fell between an answer and its commit"
    assert await statuses(database) == {LetterStatus.HANDED_OVER: len(letters)}
    async with database.reading() as session:
        of_people = "supporters"  # these letters came past the form that counts them
        found = await recount.differences(session, made.alert.id)
    assert [line for line in found if not line.startswith(of_people)] == []


async def killed(settings: Settings, name: str, step: str, server: SmtpServer) -> None:
    """A worker begins and is killed there."""
    with processes() as running:
        if step in BESIDE_A_COMMIT:
            running.append(start(settings, name, dies=step))  # type: ignore[arg-type]
        else:
            server.met.clear()
            server.hangs(at=step)  # type: ignore[arg-type]
            running.append(start(settings, name))

            async def is_there() -> bool:
                return bool(server.met)

            await until(is_there)
            running[0].kill()
        running[0].join(20)
        assert running[0].exitcode == KILLED, step
    server.agrees()


async def unsettled(database: Database, server: SmtpServer) -> Counter[str]:
    """Letters that the server took and that we have no record of having sent."""
    async with database.reading() as session:
        recorded = await session.scalars(
            select(Letter.message_id)
            .join(Attempt, Attempt.letter_id == Letter.id)
            .where(Attempt.outcome == "taken")
        )
        return of_letters(server) - Counter(recorded)


def of_letters(server: SmtpServer) -> Counter[str]:
    """How often the server took each letter; notices go to supporters."""
    return Counter(
        line.split(b": ", 1)[1].decode()
        for one in server.received
        if one.rcpt_to[0].startswith("keep-the-treaty-")
        for line in one.raw.split(b"\r\n")
        if line.startswith(b"Message-ID: ")
    )


async def kept(database: Database) -> int:
    async with database.reading() as session:
        return await session.scalar(select(func.count(SandboxMessage.id))) or 0


async def held(database: Database, worker: str) -> set[str]:
    """The letters that a worker has claimed and not settled."""
    mine = (Letter.worker == worker, Letter.status == LetterStatus.SENDING)
    async with database.reading() as session:
        return set(await session.scalars(select(Letter.message_id).where(*mine)))
