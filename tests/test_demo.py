"""`make demo`: a made-up month that adds up, and the whole service, started and ended."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import httpx
import pytest
from sqlalchemy import func, select

from app import clock
from app.campaigns import alerts, packs
from app.contacts import imports
from app.db import Database
from app.demo import history
from app.demo.people import people
from app.models import Letter, Notice, Submission
from app.reporting import counts, recount
from app.settings import Settings

ROOT = Path(__file__).parent.parent
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PATIENCE = 120  # seconds, for a machine that does other things as well


async def _put_example(database: Database) -> None:
    async with database.transaction() as session:
        await imports.write(session, imports.read(ROOT / "contacts" / "example.csv"))
        pack = packs.load_folder(ROOT / "templates" / "letters" / "example")
        await packs.put(session, pack, organisation_id=1)


async def _seed(database: Database, settings: Settings) -> int:
    async with database.transaction() as session:
        return await history.seed(session, settings)


# what it writes is the same on both; the shorter history below is written on each
@pytest.mark.thorough
@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_the_made_up_month_adds_up_and_leaves_nothing_to_send(
    database: Database, settings: Settings
) -> None:
    await _put_example(database)
    with clock.held(NOON):
        forms = await _seed(database, settings)
        assert await _seed(database, settings) == 0
    async with database.reading() as session:
        alert = await alerts.by_slug(session, "example")
        found = await counts.of_alert(session, alert.id, "sandbox")
        assert await recount.differences(session, alert.id) == []
        last = await session.scalar(select(func.max(Letter.status_at)))
        notices = await session.scalar(select(func.count(Notice.id)))
    assert found.supporters > 200
    assert forms > found.supporters
    assert {status for status, n in found.letters.items() if not n} == {
        *("queued", "sending", "failed")
    }
    assert [day.date for day in found.days] == [
        NOON.date() - timedelta(days=n) for n in range(30, 0, -1)
    ]
    assert (notices, last is not None and last < NOON) == (0, True)


async def test_a_young_alert_has_a_short_history(database: Database, settings: Settings) -> None:
    await _put_example(database)
    with clock.held(datetime(2026, 9, 4, 12, tzinfo=UTC)):
        await _seed(database, settings)
    async with database.reading() as session:
        alert = await alerts.by_slug(session, "example")
        found = await counts.of_alert(session, alert.id, "sandbox")
        assert await recount.differences(session, alert.id) == []
        first = await session.scalar(select(func.min(Submission.created_at)))
    assert len(found.days) == 3
    assert first is not None
    assert first > alert.opens_at
    assert found.letters["queued"] == 0


async def test_before_the_alert_opens_there_is_no_history(
    database: Database, settings: Settings
) -> None:
    await _put_example(database)
    with clock.held(datetime(2026, 8, 1, tzinfo=UTC)):
        assert await _seed(database, settings) == 0


def test_no_two_made_up_people_share_an_address() -> None:
    crowd = people(Random(1))
    some = [next(crowd) for _ in range(500)]
    assert len({person.email for person in some}) == 500
    assert all(person.email.endswith("@example.org") for person in some)
    assert len({person.country for person in some}) == 16


@contextmanager
def demo(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """`python -m app demo`, started until its pages answer; nothing of it stays behind."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ours = {name: v for name, v in os.environ.items() if not name.startswith("ONE_EMAIL_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "demo", "--port", str(port)],
        cwd=ROOT,
        env=ours | {"ONE_EMAIL_DATA_DIR": str(folder), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        for child in [process.pid, *children(process)]:
            _end(child)
        process.wait(timeout=PATIENCE)
        if process.stdout:
            process.stdout.close()


def _end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def children(process: "subprocess.Popen[str]") -> dict[int, str]:
    """The processes that the demo started, each with its command."""
    task = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    found = {}
    for pid in task.read_text().split() if task.exists() else []:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        found[int(pid)] = line[3]
    return found


def block(process: "subprocess.Popen[str]") -> str:
    """What it prints when all is ready."""
    assert process.stdout is not None
    said = ""
    while "Ctrl-C" not in said:
        line = process.stdout.readline()
        assert line, f"it ended before it was ready: {said}"
        said += line
    return said


def test_the_demo_serves_sends_and_ends(tmp_path: Path) -> None:
    with demo(tmp_path / "data") as (process, address):
        said = block(process)
        assert "Practice: nothing leaves this machine." in said
        password = (tmp_path / "data" / "demo-password").read_text().strip()
        for part in (address, "/alerts/", "/sandbox", "organiser@example.org", password):
            assert part in said
        with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
            assert client.get("/").is_success
            form = {"name": "Mari Mägi", "email": "mari@example.org", "city": "Tartu"}
            sent = client.post(
                "/api/v1/alerts/example/submissions",
                json=form | {"country": "EE", "postal_address": "Street 1", "consent": True},
            )
            assert sent.status_code == 201
            assert _mail(client) == ["mari@example.org"]
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=PATIENCE)
        assert (process.returncode, rest.strip()) == (0, "")


@pytest.mark.thorough
def test_begun_again_it_keeps_its_password_and_ends_with_its_worker(tmp_path: Path) -> None:
    with demo(tmp_path / "data") as (process, _):
        block(process)
        password = (tmp_path / "data" / "demo-password").read_text().strip()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
    with demo(tmp_path / "data") as (process, address):
        assert password in block(process)
        (worker,) = [pid for pid, what in children(process).items() if what == "worker"]
        os.kill(worker, signal.SIGKILL)
        rest, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 1
        assert "worker ended (exit code -9)" in rest
        with pytest.raises(httpx.ConnectError):
            httpx.get(address, trust_env=False)


def _mail(client: httpx.Client) -> list[str]:
    """To whom the sandbox mailbox has mail, once there is some."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        messages = json.loads(client.get("/api/v1/sandbox/messages").text)
        if messages:
            return [one["rcpt_to"] for one in messages]
        time.sleep(0.1)
    return []
