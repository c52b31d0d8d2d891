"""The one command: what it says, and that every refusal is one line and an exit code."""

import asyncio
import io
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from app.cli import program
from app.db import Database
from app.settings import Settings
from tests.campaigns.small_pack import a_pack

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "templates" / "letters" / "example"
CONTACTS = ROOT / "contacts" / "example.csv"


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


Command = Callable[..., Ended]
# what never reaches the tables is the same on both
once = pytest.mark.parametrize("database_kind", ["sqlite"])


@pytest.fixture
def surroundings(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> pytest.MonkeyPatch:
    """The environment that a person at the machine would have set."""
    monkeypatch.setenv("ONE_EMAIL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ONE_EMAIL_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("ONE_EMAIL_SECRET_KEY", settings.secret_key)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


@pytest.fixture
def command(surroundings: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process, as if typed, with nobody at the keyboard."""

    def run(*arguments: object) -> Ended:
        surroundings.setattr(sys, "argv", ["app", *map(str, arguments)])
        surroundings.setattr(sys, "stdin", io.StringIO())
        with pytest.raises(SystemExit) as ended:
            program.main()
        return Ended(int(ended.value.code or 0), *capsys.readouterr())

    return run


def test_an_alert_is_loaded_listed_exported_and_counted(command: Command, tmp_path: Path) -> None:
    assert command("alerts", "load", EXAMPLE).out == "example: 2 letter templates, published.\n"
    listed = command("alerts", "list").out
    assert listed == "example  published  2026-09-01  Example: keep the Riverbank Treaty\n"
    assert command("alerts", "export", "example", tmp_path / "out").code == 0
    assert (tmp_path / "out" / "alert.toml").read_text().startswith('slug = "example"')
    counted = json.loads(command("counts", "example", "--json").out)
    assert (counted["alert"], counted["sent"], counted["delivery"]) == ("example", 0, "sandbox")
    proved = command("counts", "example", "--recount")
    assert (proved.code, proved.err) == (0, "The kept counts agree with the letters.\n")


def test_a_wrong_count_is_named_and_is_no_success(command: Command, database_url: str) -> None:
    command("alerts", "load", EXAMPLE)
    command("contacts", "import", CONTACTS)

    async def spoil() -> None:
        database = Database(database_url)
        async with database.transaction() as session:
            await session.execute(
                text(
                    "INSERT INTO send_count (alert_id, target_id, delivery, status, n)"
                    " VALUES (1, 1, 'live', 'queued', 3)"
                )
            )
        await database.close()

    asyncio.run(spoil())
    found = command("counts", "example", "--recount")
    assert found.code == 1
    assert "queued: 3 kept, 0 letters" in found.err


def test_contacts_are_imported_checked_and_suppressed(command: Command) -> None:
    assert command("contacts", "import", CONTACTS).out == (
        "example.csv: 8 added, 0 changed, 0 unchanged.\n"
    )
    made = command("organiser", "add", "anna@example.org", "--name", "Anna")
    assert "Password, shown this once: " in made.out
    by = ("--by", "anna@example.org")
    page = ("--source", "https://xa.example/")
    checked = command("contacts", "check", "pm@xa.example", *page, *by)
    assert checked.out == "pm@xa.example: checked (offices: 1).\n"
    nonsense = command("contacts", "check", "pm@xa.example", "--source", "a friend", *by)
    assert (nonsense.code, nonsense.err) == (1, "source: not a web address\n")
    stranger = command("contacts", "check", "pm@xa.example", *page, "--by", "x@example.org")
    assert (stranger.code, stranger.err) == (1, "no such organiser: x@example.org\n")
    assert command("contacts", "suppress", "pm@xa.example", "--why", "They ask.", *by).code == 0
    off = ("contacts", "unsuppress", "PM+x@xa.example", "--why", "They changed their mind.", *by)
    assert command(*off).out == "PM+x@xa.example: may be written to again.\n"
    again = command(*off)
    assert (again.code, again.err) == (1, "PM+x@xa.example: is not on the list\n")


def test_a_viewer_may_look_and_not_act(command: Command) -> None:
    command("organiser", "add", "vic@example.org", "--role", "viewer")
    refused = command(
        *("contacts", "suppress", "pm@xa.example"), "--why", "So.", "--by", "vic@example.org"
    )
    assert (refused.code, refused.err) == (1, "vic@example.org may look, not act\n")
    again = command("organiser", "add", "vic@example.org")
    assert (again.code, again.err) == (1, "email: taken\n")


@once
def test_every_broken_line_of_a_contact_file_is_a_line(command: Command, tmp_path: Path) -> None:
    broken = (
        CONTACTS.read_text().replace("pm@xa.example", "nobody").replace(",president,", ",king,")
    )
    (tmp_path / "broken.csv").write_text(broken)
    refused = command("contacts", "import", tmp_path / "broken.csv")
    assert refused.code == 1
    assert [line.split(": ")[0].split(", ")[1] for line in refused.err.splitlines()] == [
        *("line 2", "line 4", "line 8")
    ]


@once
def test_a_broken_pack_is_one_line(command: Command, tmp_path: Path) -> None:
    refused = command("alerts", "load", a_pack(tmp_path / "pack", {"title": None}))
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "title: is missing" in refused.err
    absent = command("alerts", "export", "absent", tmp_path / "out")
    assert (absent.code, absent.err) == (1, "no such alert: absent\n")


def test_forgetting_somebody_unknown_empties_nothing(command: Command) -> None:
    assert command("erase", "nobody@example.org").out == "Forms emptied: 0.\n"


@once
def test_wrong_settings_are_told_together(
    command: Command, surroundings: pytest.MonkeyPatch
) -> None:
    surroundings.setenv("ONE_EMAIL_DELIVERY", "carrier pigeon")
    surroundings.setenv("ONE_EMAIL_CONNECTIONS", "0")
    refused = command("alerts", "list")
    assert refused.code == 1
    assert "ONE_EMAIL_DELIVERY: " in refused.err
    assert "ONE_EMAIL_CONNECTIONS: " in refused.err


@once
def test_without_tables_every_command_says_what_to_run(
    command: Command, surroundings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    surroundings.setenv("ONE_EMAIL_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/new.sqlite")
    for arguments in (["serve", "--port", "1"], ["worker"], ["alerts", "list"], ["doctor"]):
        ended = command(*arguments)
        assert ended.code == 1
        assert "run “python -m app migrate”" in ended.err + ended.out
    assert not (tmp_path / "new.sqlite").exists()
    assert command("migrate").code == 0
    assert command("alerts", "list").code == 0


@once
def test_a_database_that_does_not_answer_is_one_line(
    command: Command, surroundings: pytest.MonkeyPatch
) -> None:
    surroundings.setenv("ONE_EMAIL_DATABASE_URL", "postgresql+asyncpg://nobody@127.0.0.1:1/none")
    refused = command("alerts", "list")
    assert (refused.code, refused.err.count("\n")) == (1, 1)


def test_a_backup_can_be_opened_and_replaces_nothing(
    command: Command, tmp_path: Path, database_kind: str
) -> None:
    command("alerts", "load", EXAMPLE)
    copy = tmp_path / "copy.sqlite"
    ended = command("backup", copy)
    if database_kind == "postgresql":
        assert (ended.code, copy.exists()) == (1, False)
        assert "pg_dump" in ended.err
        return
    opened = sqlite3.connect(copy)
    assert opened.execute("SELECT slug FROM alert").fetchall() == [("example",)]
    opened.close()
    assert copy.stat().st_mode & 0o077 == 0
    assert command("backup", copy).err == f"{copy}: File exists\n"


@once
def test_a_taken_port_is_one_line(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        served = command("serve", "--port", port)
        assert served.err == f"cannot listen on 127.0.0.1, port {port}: Address already in use\n"
        shown = command("demo", "--port", port)
        assert shown.err == f"port {port}: it is taken; set PORT to another\n"
    assert (served.code, shown.code) == (1, 1)


@once
def test_the_demo_does_not_run_live(command: Command, surroundings: pytest.MonkeyPatch) -> None:
    surroundings.setenv("ONE_EMAIL_DELIVERY", "live")
    refused = command("demo")
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "ONE_EMAIL_DELIVERY=live" in refused.err


@once
def test_a_worker_ends_when_it_is_told_to(surroundings: pytest.MonkeyPatch) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-m", "app", "worker", "--name", "told"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        text=True,
    )
    assert worker.stdout is not None
    assert "worker begins" in worker.stdout.readline()
    worker.send_signal(signal.SIGTERM)
    said, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0, said


@pytest.fixture
def on_a_file(surroundings: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data folder that was there before, and that everybody on the machine may look into."""
    folder = tmp_path / "before"
    folder.mkdir(mode=0o755)
    surroundings.setenv("ONE_EMAIL_DATA_DIR", str(folder))
    surroundings.delenv("ONE_EMAIL_DATABASE_URL")
    surroundings.delenv("ONE_EMAIL_SECRET_KEY")
    return folder


def open_to_others(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir() if file.stat().st_mode & 0o077}


@once
def test_nobody_else_on_the_machine_reads_what_is_written(
    command: Command, on_a_file: Path, tmp_path: Path
) -> None:
    assert command("migrate").code == 0
    assert command("alerts", "load", EXAMPLE).code == 0
    assert command("alerts", "export", "example", tmp_path / "out").code == 0
    assert (on_a_file / "one-email.sqlite").exists()
    assert open_to_others(on_a_file) == set()
    assert open_to_others(tmp_path / "out") == set()


@once
def test_a_database_that_others_could_read_is_closed_to_them_if_it_is_ours(
    command: Command, on_a_file: Path, surroundings: pytest.MonkeyPatch
) -> None:
    command("migrate")
    file = on_a_file / "one-email.sqlite"
    for name in ("one-email.sqlite", "one-email.sqlite-wal", "notes.txt"):
        (on_a_file / name).touch()
        (on_a_file / name).chmod(0o664)
    with surroundings.context() as somebody_else:
        somebody_else.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)
        assert command("alerts", "list").code == 0
        assert file.stat().st_mode & 0o777 == 0o664
    assert command("alerts", "list").code == 0
    assert open_to_others(on_a_file) == {"notes.txt"}
    assert file.stat().st_mode & 0o777 == 0o600
