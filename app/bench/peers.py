"""The programs ours is compared with: each sets itself up the first time, then sends.

Their scripts stand in `tests/benchmarks`; what is downloaded for them stays in the bench folder.
"""

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import make_url

from app.bench.ground import downloads
from app.bench.ground.postfix import Postfix
from app.bench.ground.processes import ROOT, CannotMeasure, program, run

SCRIPTS = ROOT / "tests" / "benchmarks"
# processes and threads of each; five threads are its default, and ten connections are ours
WAYS = ((1, 5), (1, 10), (2, 5), (4, 3))

Way = tuple[int, int]


class Peer(Protocol):
    """A program beside ours."""

    goal: tuple[float, float]  # ours at least so many times as fast, and what is aimed at

    @property
    def name(self) -> str:
        """As its measure is called, with how it was tuned."""

    def set_up(self) -> None:
        """Download what it needs, the first time. Raises CannotMeasure."""

    def speed(self, postfix: Postfix, letters: Path, n: int) -> float:
        """Letters a second to a sink of its own. Raises CannotMeasure.

        `letters`: a file of letters like ours; it takes them in turns until it has sent `n`.
        """


@dataclass
class Nodemailer:
    """Sends over a pool of ten connections, and keeps nothing."""

    folder: Path
    name: str = "nodemailer, a pool of 10, sending only"
    goal: tuple[float, float] = (4, 6)

    def set_up(self) -> None:
        files = [SCRIPTS / "nodemailer" / one for one in ("package.json", "package-lock.json")]
        program("node")
        install = [program("npm"), "ci", "--no-audit", "--no-fund", "--loglevel=error"]
        if downloads.is_new(self._home, files):
            for file in files:
                shutil.copy(file, self._home)
            run(install, cwd=self._home)
            downloads.note(self._home, files)
        # beside its modules: a script finds none elsewhere
        shutil.copy(SCRIPTS / "nodemailer" / "send.mjs", self._home)

    def speed(self, postfix: Postfix, letters: Path, n: int) -> float:
        with postfix.sink() as sink:
            script = self._home / "send.mjs"
            said = run([program("node"), script, letters, str(n), str(sink.port)])
            return _speed(said, n, sink.taken)

    @property
    def _home(self) -> Path:
        return self.folder / "nodemailer"


@dataclass
class DjangoPostOffice:
    """Sends from a database of the same kind, in the way that was fastest the first time."""

    folder: Path
    database_url: str
    ways: tuple[Way, ...] = WAYS
    goal: tuple[float, float] = (6, 8)

    @property
    def name(self) -> str:
        processes, threads = self.ways[0]
        many = "process" if processes == 1 else "processes"
        return f"django-post_office, {processes} {many} × {threads} threads"

    def set_up(self) -> None:
        wanted = SCRIPTS / "django_post_office" / "requirements.txt"
        if downloads.is_new(self._home, [wanted]):
            run([sys.executable, "-m", "venv", self._home / "venv"])
            install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            run([self._python, *install, "-r", wanted])
            downloads.note(self._home, [wanted])

    def speed(self, postfix: Postfix, letters: Path, n: int) -> float:
        speeds = {way: self._once(postfix, letters, n, way) for way in self.ways}
        fastest = max(speeds, key=lambda way: speeds[way])
        self.ways = (fastest,)
        return speeds[fastest]

    def _once(self, postfix: Postfix, letters: Path, n: int, way: Way) -> float:
        script = SCRIPTS / "django_post_office" / "queue_and_send.py"
        database = json.dumps(_as_django_says(self.database_url))
        with postfix.sink() as sink:
            tuned = map(str, way)
            said = run([self._python, script, letters, str(n), str(sink.port), database, *tuned])
            return _speed(said, n, sink.taken)

    @property
    def _home(self) -> Path:
        return self.folder / "django-post-office"

    @property
    def _python(self) -> Path:
        return self._home / "venv" / "bin" / "python"


def _as_django_says(database_url: str) -> dict[str, Any]:
    """A database of the same kind with the same promises, in a place of its own."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        pragmas = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        options = {"init_command": pragmas, "transaction_mode": "IMMEDIATE", "timeout": 60}
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": url.database, "OPTIONS": options}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.database,
        "USER": url.username,
        "HOST": url.query["host"],
    }


def _speed(said: str, n: int, taken: int) -> float:
    found = json.loads(said.strip().splitlines()[-1])
    if not found["sent"] == n == taken:
        raise CannotMeasure(f"{n} letters, {found['sent']} sent, {taken} at the sink")
    return n / float(found["seconds"])
