"""Other programs beside the measure: started on this machine, and ended whatever happens."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import IO, Any

from app.errors import Refusal

ROOT = Path(__file__).parents[3]
GRACE = 20.0  # seconds for a program to end by itself
LOOPBACK = "127.0.0.1"
# a worker as in production, but for its limits: what is measured is the way, not the waiting.
# The offices are at example.org and the relay is on this machine, so nothing can leave it.
UNHURRIED = {
    "ONE_EMAIL_DELIVERY": "live",
    "ONE_EMAIL_PACING": "off",
    "ONE_EMAIL_MAIL_DOMAIN": "letters.example.org",
    "ONE_EMAIL_SECRET_KEY": "a secret for measuring only",
    "ONE_EMAIL_NAMESERVER": LOOPBACK,
    "ONE_EMAIL_PER_MAILBOX_HOUR": "1000000000",
    "ONE_EMAIL_PER_MAILBOX_DAY": "1000000000",
    "ONE_EMAIL_PER_HOST_HOUR": "1000000000",
    "ONE_EMAIL_PER_RELAY_SECOND": "1000000",
    "ONE_EMAIL_PER_RELAY_CONNECTIONS": "100",
}

Process = subprocess.Popen[bytes]


class CannotMeasure(Refusal):
    """What is needed for a measure is not there, or did not work: the reason."""


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 900.0,
) -> str:
    """What the program says. Raises CannotMeasure with its last words when it fails."""
    try:
        ended = subprocess.run(  # noqa: S603  programs and arguments of our own
            command, cwd=cwd, env=env, capture_output=True, timeout=timeout, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise CannotMeasure(f"{Path(command[0]).name}: {fault}") from None
    if ended.returncode:
        said = (ended.stderr or ended.stdout).decode(errors="replace").strip().splitlines()
        raise CannotMeasure(f"{Path(command[0]).name}: {said[-1] if said else 'failed'}")
    return ended.stdout.decode(errors="replace")


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    out: IO[bytes] | int | None = None,
) -> Iterator[Process]:
    """The program beside the block; told to end with it, and ended if it does not."""
    where: Any = subprocess.DEVNULL if out is None else out
    process = subprocess.Popen(  # noqa: S603  programs and arguments of our own
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=where, stderr=where
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def ours(
    *arguments: str, folder: Path, database_url: str, env: Mapping[str, str], times: int = 1
) -> Iterator[list[Process]]:
    """Our own command in processes of its own, in a folder without an `.env`; logs go there."""
    around = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | UNHURRIED | dict(env)
    around |= {"ONE_EMAIL_DATABASE_URL": database_url, "ONE_EMAIL_DATA_DIR": str(folder)}
    command = [sys.executable, "-m", "app", *arguments]
    with ExitStack() as stack:
        log = stack.enter_context((folder / f"{arguments[0]}.log").open("wb"))
        yield [
            stack.enter_context(running(command, cwd=folder, env=around, out=log))
            for _ in range(times)
        ]


def last_words(folder: Path, command: str) -> str:
    """The end of the log that `ours` wrote."""
    lines = (folder / f"{command}.log").read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind((LOOPBACK, 0))
        return int(found.getsockname()[1])


def wait_until_it_listens(port: int, process: Process, *, patience: float = 30.0) -> None:
    """Until the program answers at its port. Raises CannotMeasure."""
    until = time.monotonic() + patience
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection((LOOPBACK, port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise CannotMeasure(f"{Path(str(process.args[0])).name} does not listen")  # type: ignore[index]


def peak_memory(process: Process) -> float:
    """The most memory a running process has had resident, in MB."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise CannotMeasure("this system does not say how much memory a process has")


def program(name: str) -> str:
    """Where a program of this machine is. Raises CannotMeasure."""
    found = shutil.which(name)
    if not found:
        raise CannotMeasure(f"{name} is not installed")
    return found


def processor_time(process: Process) -> float:
    """Seconds of processor time that a running process has had."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
