"""Postfix's own pair for measuring: smtp-sink takes mail and forgets it, smtp-source sends it.

Debian's package is unpacked beside our own files; nothing of it is installed or started as a
service.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from app.bench.ground.processes import (
    LOOPBACK,
    free_port,
    program,
    run,
    running,
    wait_until_it_listens,
)

SESSIONS = 10
# the header lines that smtp-source writes itself; they are not in the size it is told
SOURCE_HEADERS = 130


@dataclass(frozen=True)
class Sink:
    """A running smtp-sink, and the file in memory where it keeps its count."""

    port: int
    counter: int

    @property
    def taken(self) -> int:
        """Messages it has answered with 250 so far."""
        size = os.fstat(self.counter).st_size
        tail = os.pread(self.counter, 200, max(0, size - 200)).decode()
        # the last count may be half written
        found = re.findall(r"mesg=(\d+)(?=[\rs])", f"{tail}\r")
        return int(found[-1]) if found else 0


@dataclass(frozen=True)
class Postfix:
    """The two programs and the libraries they need."""

    folder: Path

    @contextmanager
    def sink(self) -> Iterator[Sink]:
        """A server on this machine that takes everything and keeps nothing but the count."""
        port = free_port()
        # a count written to a disk would slow everybody who sends
        counter = os.memfd_create("sink")
        command = [self._program("smtp-sink"), "-c", f"{LOOPBACK}:{port}", "1024"]
        if os.geteuid() == 0:
            command[1:1] = ["-u", "nobody"]
        try:
            with running(command, cwd=self.folder, env=self._around, out=counter) as process:
                wait_until_it_listens(port, process)
                yield Sink(port, counter)
        finally:
            os.close(counter)

    def source(self, sink: Sink, messages: int, size: int) -> float:
        """Seconds that smtp-source needs for so many messages of that size, headers included."""
        options = ["-d", "-s", str(SESSIONS), "-m", str(messages)]
        options += ["-l", str(max(1, size - SOURCE_HEADERS))]
        options += ["-f", "letters@example.org", "-t", "office@example.org"]
        command = [self._program("smtp-source"), *options, f"{LOOPBACK}:{sink.port}"]
        began = perf_counter()
        run(command, env=self._around)
        return perf_counter() - began

    def _program(self, name: str) -> str:
        return str(self.folder / "usr" / "sbin" / name)

    @property
    def _around(self) -> dict[str, str]:
        libraries = [self.folder / "usr/lib/postfix", *self.folder.glob("usr/lib/*-linux-gnu*")]
        return {"LD_LIBRARY_PATH": ":".join(map(str, libraries))}


def set_up(folder: Path) -> Postfix:
    """Postfix in `folder`, downloaded the first time. Raises CannotMeasure."""
    unpacked = folder / "postfix"
    if not (unpacked / "usr/sbin/smtp-sink").exists():
        half = folder / "postfix.half"
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        _unpack("postfix", half)
        for package in _libraries_missing(half):
            _unpack(package, half)
        half.rename(unpacked)
    return Postfix(unpacked)


def _unpack(package: str, into: Path) -> None:
    downloads = into / "packages"
    downloads.mkdir(exist_ok=True)
    run([program("apt-get"), "download", package], cwd=downloads)
    for file in downloads.glob(f"{package}_*.deb"):
        run([program("dpkg"), "-x", file, into])


def _libraries_missing(unpacked: Path) -> list[str]:
    """The packages of libraries that the two programs need and this machine does not have."""
    around = Postfix(unpacked)._around
    wanted = run(["/usr/bin/ldd", unpacked / "usr/sbin/smtp-sink"], env=around)
    if "not found" not in wanted:
        return []
    (package,) = (unpacked / "packages").glob("postfix_*.deb")
    depends = run([program("dpkg-deb"), "-f", package, "Depends"])
    return [one for one in re.findall(r"lib[a-z0-9.+-]+", depends) if one not in {"libc6"}]
