"""Zips on the command line: out of one installation and into another."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.campaigns import packs
from app.campaigns.zips import reading, writing
from app.campaigns.zips.reading import Bundle
from app.cli import by_hand
from app.contacts.files.rows import row_of
from app.db import Database
from app.errors import PackBroken
from app.models import Alert, Contact
from tests.campaigns.small_pack import a_pack
from tests.campaigns.test_pack_zip import ROW
from tests.grounds.rows import all_of


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture(autouse=True)
def ours(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands open the test's database."""
    monkeypatch.setenv("ONE_EMAIL_DATABASE_URL", database_url)
    monkeypatch.setenv("ONE_EMAIL_DATA_DIR", str(tmp_path))


def run(*arguments: str) -> str:
    done = CliRunner().invoke(by_hand.app, ["alerts", *arguments])
    if done.exception is not None:
        raise done.exception
    return done.output


def test_a_zip_goes_in_with_its_addresses_and_comes_out_the_same(
    tmp_path: Path, database_url: str
) -> None:
    pack = packs.load_folder(a_pack(tmp_path / "folder"))
    given, first, second = (tmp_path / f"{name}.zip" for name in ("given", "first", "second"))
    given.write_bytes(writing.write(Bundle(pack, {"XA": (row_of(ROW),)})))
    said = run("load", str(given), "--state", "draft")
    assert said == (
        "riverbank: 2 letter templates, draft.\n"
        "One address of an office was added: look each up before you publish.\n"
    )
    assert "riverbank: written to" in run("export", "riverbank", str(first))
    run("export", "riverbank", str(second))
    assert first.read_bytes() == second.read_bytes() == given.read_bytes()
    run("export", "riverbank", str(tmp_path / "again"))
    assert packs.load_folder(tmp_path / "again") == pack


async def test_what_is_no_zip_changes_nothing(tmp_path: Path, database: Database) -> None:
    file = tmp_path / "theirs.zip"
    file.write_bytes(b"<html>")
    with pytest.raises(PackBroken, match=r"theirs\.zip: this is not a zip file"):
        reading.read(file.read_bytes(), file.name)
    assert await all_of(database, Alert) == []
    assert await all_of(database, Contact) == []
