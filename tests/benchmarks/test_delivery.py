"""The benchmark measures what it says, at fifty letters; how fast they went is for `make bench`."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.bench import sending, table, watching
from app.bench.delivery import Beside, Plan, _lines
from app.bench.ground.databases import room
from app.bench.ground.postfix import Sink
from app.bench.ground.processes import CannotMeasure
from app.bench.peers import Nodemailer
from app.bench.sending import Prepared, Round
from app.bench.table import Line
from app.db import Database
from app.models import Letter
from tests.grounds import smtp

LETTERS = 50
PLAN = Plan(kind="sqlite", letters=LETTERS, workers=1, rounds=3, peers=False)


@dataclass
class Counting:
    """A test's own server in the place of smtp-sink."""

    server: smtp.SmtpServer

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def taken(self) -> int:
        return len(self.server.received)

    @contextmanager
    def sink(self) -> Iterator["Counting"]:
        yield self


@pytest.fixture
def counter() -> Iterator[int]:
    opened = os.memfd_create("sink")
    yield opened
    os.close(opened)


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("", 0),
        ("sess=0 quit=0 mesg=1", 1),
        ("sess=0 quit=0 mesg=9\rsess=0 quit=0 mesg=10", 10),
        ("sess=0 quit=0 mesg=9\rsess=0 quit=0 me", 9),
        ("sess=0 quit=0 mesg=20000\rsess=1 quit=0 mesg=20000\r", 20000),
    ],
)
def test_the_sink_has_taken_what_its_last_count_says(
    counter: int, written: str, taken: int
) -> None:
    os.write(counter, written.encode())
    assert Sink(port=1, counter=counter).taken == taken


def test_a_round_is_compared_with_what_came_before_and_after_it() -> None:
    assert Round(speed=300, cost=0.001, before=500, after=1000).ratio == 0.4


def test_one_busy_round_of_three_does_not_count(tmp_path: Path) -> None:
    found = [Round(speed, 0.001, 1000, 1000) for speed in (450, 20, 500)]
    ours, source, _ = _lines(PLAN, Prepared(None, "", LETTERS, tmp_path, 2500), found)
    assert (ours.ratio, ours.met, source.measured) == (0.45, True, 1000)


def test_a_peer_is_compared_round_by_round(tmp_path: Path) -> None:
    beside = Beside(Nodemailer(tmp_path), speeds=[100, 50, 100], ratios=[3.0, 9.0, 3.5])
    assert (beside.line.ratio, beside.line.measured, beside.line.met) == (3.5, 100, False)


def test_what_was_found_can_be_read_by_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    table.show("delivery", [Line("ours", 12.5, "letters/s", 0.5, "≥ 0.40", True)], as_json=True)
    (line,) = json.loads(capsys.readouterr().out)["lines"]
    assert (line["ratio"], line["measured"], line["met"]) == (0.5, 12.5, True)


@pytest.mark.thorough
async def test_fifty_letters_go_through_the_real_worker_and_are_counted(
    tmp_path: Path, smtp_server: smtp.SmtpServer
) -> None:
    with room("sqlite", tmp_path) as place:
        prepared = await sending.prepare(place, LETTERS)
        speed, cost = await sending.run(prepared, Counting(smtp_server), 1)
        assert await _waiting(prepared) == LETTERS  # a run has a copy of its own
    assert os.listdir(tmp_path) == []
    assert speed > 0
    assert cost > 0
    written = [message_from_bytes(one.raw) for one in smtp_server.received]
    assert len({one["Message-ID"] for one in written}) == LETTERS
    assert all(one.rcpt_to[0].endswith("@example.org") for one in smtp_server.received)
    assert any("=?utf-8?" in one["From"] for one in written)
    assert 2000 < prepared.size < 3000


async def test_a_run_that_did_not_send_every_letter_is_no_measure(
    tmp_path: Path, smtp_server: smtp.SmtpServer
) -> None:
    with room("sqlite", tmp_path) as place:
        prepared = await sending.prepare(place, LETTERS)
        samples = json.loads(prepared.samples.read_text("utf-8"))
        database = Database(prepared.url)
        with pytest.raises(CannotMeasure, match="50 letters, 0 attempts, 0 at the sink"):
            await watching.check(database, Counting(smtp_server), LETTERS)
        await database.close()
    assert {"from", "to", "reply_to", "subject", "body"} == set(samples[0])
    assert any("Mägi" in one["from"] for one in samples)


async def _waiting(prepared: Prepared) -> int:
    database = Database(prepared.url)
    async with database.reading() as session:
        n = await session.scalar(select(func.count(Letter.id)).where(Letter.status == "queued"))
    await database.close()
    return n or 0
