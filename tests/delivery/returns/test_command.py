"""`returns`: a message on standard input becomes one line of JSON; what waits can be read."""

import io
import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from app.accounts import organisers
from app.cli import program
from app.db import Database
from app.delivery.messages.message import bounce_address
from app.models import Returned, Submission
from app.settings import Settings
from tests.delivery.returns import sample
from tests.grounds.databases import once
from tests.grounds.rows import all_of, statuses

pytestmark = once


@dataclass(frozen=True)
class Ended:
    code: int
    out: bytes
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Ended]


@pytest.fixture
def surroundings(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> pytest.MonkeyPatch:
    monkeypatch.setenv("ONE_EMAIL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ONE_EMAIL_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("ONE_EMAIL_SECRET_KEY", settings.secret_key)
    monkeypatch.delenv("ORIGINAL_RECIPIENT", raising=False)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


@pytest.fixture
def command(surroundings: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Command:
    """Run `returns …` as from a shell, with these bytes on standard input."""

    def run(*arguments: object, raw: bytes = b"") -> Ended:
        surroundings.setattr(sys, "argv", ["app", "returns", *map(str, arguments)])
        surroundings.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw)))
        with ThreadPoolExecutor(1) as pool:  # a loop runs in this thread already
            code = pool.submit(_exit_code).result()
        out, err = capfdbinary.readouterr()
        return Ended(code, out, err.decode())

    return run


def _exit_code() -> int:
    with pytest.raises(SystemExit) as ended:
        program.main()
    return int(ended.value.code or 0)


async def test_a_bounce_on_standard_input_moves_its_letter(
    command: Command, database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    to = bounce_address("b", letter.id, settings)
    ended = command("read", "--to", to, raw=sample.raw("office365"))
    assert ended.code == 0
    assert ended.json == {
        "kind": "report",
        "letter": letter.id,
        "action": "failed",
        "status": "5.1.10",
        "hard": True,
        "changed": "bounced",
    }
    assert await statuses(database) == {"bounced": 1}


async def test_whom_it_came_to_may_stand_in_the_surroundings_or_in_its_headers(
    command: Command, surroundings: pytest.MonkeyPatch, database: Database, settings: Settings
) -> None:
    letter, other = await sample.make_letters(database, 2)
    raw = sample.raw("qmail", to=bounce_address("b", letter.id, settings))
    assert command("read", raw=raw).json["letter"] == letter.id
    surroundings.setenv("ORIGINAL_RECIPIENT", bounce_address("b", other.id, settings))
    ended = command("read", raw=raw)
    assert (ended.json["letter"], ended.json["hard"]) == (other.id, True)


async def test_whatever_stands_in_the_way_for_a_while_ends_with_75(
    command: Command, surroundings: pytest.MonkeyPatch, settings: Settings, tmp_path: Path
) -> None:
    surroundings.setenv("ONE_EMAIL_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/none.sqlite")
    ended = command("read", raw=sample.raw("gmail"))
    assert (ended.code, ended.out) == (75, b"")
    assert ended.err.endswith("run “python -m app migrate”: not now, bring it again\n")
    surroundings.setenv("ONE_EMAIL_DELIVERY", "no such thing")
    assert command("read", raw=sample.raw("gmail")).code == 75


async def test_an_answer_to_somebody_forgotten_ends_with_67(
    command: Command, database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    async with database.transaction() as session:
        await session.execute(update(Submission).values(erased_at=letter.created_at))
    to = bounce_address("b", letter.id, settings)
    ended = command("read", "--to", to, raw=sample.raw("reply"))
    assert (ended.code, ended.err) == (67, "the person no longer takes answers\n")


async def test_what_waits_is_listed_shown_and_settled(
    command: Command, database: Database, settings: Settings
) -> None:
    letter = await sample.make_letter(database)
    raw = sample.raw("reply", message_id="<none@x.example>")
    assert command("read", raw=raw).json["kind"] == "unmatched"
    forged = sample.raw("gmail", message_id=letter.message_id)
    command("read", raw=forged)
    first, second = command("list").out.decode().splitlines()
    assert first.startswith("1  ")
    assert first.endswith("unmatched  no letter")
    assert "550-5.1.1" in second
    assert command("show", 2).out == forged
    by = ("--by", "anna@example.org")
    stranger = command("settle", 2, *by)
    assert (stranger.code, stranger.err) == (1, "no such organiser: anna@example.org\n")
    async with database.transaction() as session:
        await organisers.add(
            session, email="anna@example.org", name="Anna", password="a long password", role="owner"
        )
    assert command("settle", 2, *by).out == b"2: settled.\n"
    assert command("settle", 2, *by).code == 1
    assert len(command("list").out.splitlines()) == 1
    assert [one.raw is None for one in await all_of(database, Returned)] == [False, True]
    assert b"550-5.1.1" in command("show", 2).out  # what was learned stays
    assert command("show", 3).err == "no such returned message: 3\n"
