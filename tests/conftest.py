"""The ground that every test stands on: a database, settings, servers with moods, no internet."""

# before all others: from here on nobody looks for rubbish until the tests are collected
from tests.grounds.speed.rubbish import pytest_collection_finish

# isort: split

import io
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
import pytest_asyncio

from app import db
from app.accounts import organisers
from app.db import Database
from app.settings import Delivery, Settings
from tests.grounds import desk, network, smtp
from tests.grounds.browser import serving
from tests.grounds.databases import Ground, PostgresqlGround, SqliteGround
from tests.grounds.speed import warm
from tests.grounds.speed.spreading import (
    pytest_collection_modifyitems,
    pytest_xdist_make_scheduler,
)

__all__ = [
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_xdist_make_scheduler",
]

# how long one example takes says how busy the machine is, and nothing about the program
hypothesis.settings.register_profile("unhurried", deadline=None, max_examples=50)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(scope="session", autouse=True)
def on_this_machine() -> Iterator[None]:
    """No test reaches beyond loopback, whatever it tries."""
    with pytest.MonkeyPatch.context() as patch:
        network.stay_on_this_machine(patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def warmed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test compiles SQL or a page that another has, or waits for a password's full cost."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "_engine", warm.making(db._engine))
        patch.setattr(organisers, "_argon2", desk.QUICK)
        if "app.web.pages" in sys.modules:  # a test that shows no page does not wait for them
            from tests.grounds.speed import pages

            pages.share(patch, tmp_path_factory.getbasetemp())
            pages.describe_once(patch)
        yield


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """The command keeps its files to itself, in this process too: the next test begins anew."""
    kept = os.umask(0o022)
    yield
    os.umask(kept)


@pytest.fixture(scope="session")
def sqlite() -> Iterator[Ground]:
    ground = SqliteGround()
    yield ground
    ground.stop()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Ground]:
    ground = PostgresqlGround()
    yield ground
    ground.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Both, for every test that asks for a database; a folder's conftest may choose one."""
    return str(request.param)


@pytest.fixture
def ground(request: pytest.FixtureRequest, database_kind: str) -> Ground:
    """Where this test's databases are made."""
    found: Ground = request.getfixturevalue(database_kind)
    return found


@pytest.fixture
def furnished() -> None:
    """Asked for by a test whose database holds the first alert and its contacts."""


@pytest.fixture
def database_url(ground: Ground, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a migrated database of this test's own; other processes may use it."""
    url = ground.furnished() if "furnished" in request.fixturenames else ground.migrated()
    yield url
    ground.drop(url)


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated database of this test's own."""
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def door() -> Iterator[socket.socket]:
    """The port that `served` listens on and `settings.public_url` names."""
    with serving.door() as opened:
        yield opened


@pytest.fixture(scope="session")
def plain_settings() -> Settings:
    """As they are where nothing is set: looking for each in the environment takes time."""
    with pytest.MonkeyPatch.context() as patch:
        _unset_all(patch)
        return Settings(
            _env_file=None, secret_key="a secret for tests only", delivery=Delivery.SANDBOX
        )


@pytest.fixture
def settings(
    plain_settings: Settings,
    database_url: str,
    door: socket.socket,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Settings:
    """Settings for the test's database, in sandbox delivery, untouched by the environment."""
    _unset_all(monkeypatch)
    own = {
        "data_dir": tmp_path,
        "database_url": database_url,
        "public_url": f"http://127.0.0.1:{door.getsockname()[1]}",
    }
    return plain_settings.model_copy(update=own)


def _unset_all(patch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("ONE_EMAIL_")]:
        patch.delenv(name)


@pytest.fixture
def served(settings: Settings, door: socket.socket) -> Iterator[str]:
    """The address of the program's web server, running on the test's database."""
    from app.main import create_app

    with serving.serving(create_app(settings), door) as address:
        yield address


@pytest.fixture
def smtp_server() -> Iterator[smtp.SmtpServer]:
    """A mail server that agrees with everything until the test changes its mood."""
    with smtp.running() as server:
        yield server


@pytest.fixture
def command(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Callable[..., tuple[int, str, str]]:
    """Runs the one command in this process, as if typed, with nobody at the keyboard; gives its
    exit code and what it said on either stream."""
    from app.cli import program

    monkeypatch.setenv("ONE_EMAIL_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ONE_EMAIL_DATABASE_URL", settings.database_url)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["app", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        with pytest.raises(SystemExit) as ended:
            program.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run
