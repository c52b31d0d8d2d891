"""What cannot be done is said in one line that names the setting, the option or the file."""

from collections.abc import Callable
from pathlib import Path

import pytest

Ended = tuple[int, str, str]
Command = Callable[..., Ended]
EXAMPLE = Path(__file__).parents[2] / "contacts" / "example.csv"


@pytest.fixture
def database_kind() -> str:
    """Nothing here comes as far as a database."""
    return "sqlite"


@pytest.mark.parametrize("act", ["serve", "demo"])
@pytest.mark.parametrize("port", ["99999", "-5", "0"])
def test_a_port_is_a_number_that_there_is(command: Command, act: str, port: str) -> None:
    code, _, err = command(act, f"--port={port}")
    assert (code, "Traceback" in err) == (2, False)
    assert "Invalid value for '--port'" in err


def test_a_host_that_is_not_found_is_said_in_words(command: Command) -> None:
    code, _, err = command("serve", "--host", "nohost.invalid")
    assert code == 1
    assert err.startswith("cannot listen on nohost.invalid, port 8000: ")
    assert "Unknown error" not in err
    assert "while attempting" not in err


def test_an_address_that_is_none_of_the_web_names_its_setting(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONE_EMAIL_PUBLIC_URL", "foo")
    code, _, err = command("alerts", "list")
    assert (code, err) == (
        1,
        "ONE_EMAIL_PUBLIC_URL: write it with its scheme and host, such as https://example.org\n",
    )


def test_a_data_folder_that_is_a_file_is_said_to_be_one(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "taken").touch()
    monkeypatch.setenv("ONE_EMAIL_DATA_DIR", str(tmp_path / "taken"))
    for act in (["alerts", "list"], ["migrate"], ["doctor"]):
        code, _, err = command(*act)
        assert (code, err) == (
            1,
            f"ONE_EMAIL_DATA_DIR: {tmp_path / 'taken'} is a file, not a folder\n",
        )


@pytest.mark.parametrize("act", [["alerts", "list"], ["migrate"]])
def test_a_database_that_does_not_answer_is_named_with_its_setting(
    command: Command, monkeypatch: pytest.MonkeyPatch, act: list[str]
) -> None:
    monkeypatch.setenv(
        "ONE_EMAIL_DATABASE_URL", "postgresql+asyncpg://mari:secret@127.0.0.1:1/none"
    )
    code, _, err = command(*act)
    assert code == 1
    assert err.startswith("ONE_EMAIL_DATABASE_URL: no database answers at 127.0.0.1, port 1: ")
    assert ("secret" in err, err.count("\n")) == (False, 1)


def test_only_an_address_is_forgotten(command: Command) -> None:
    assert command("erase", "rubbish") == (1, "", "rubbish: this is no email address\n")


def test_a_file_of_contacts_is_not_emptied_for_a_country_that_nobody_knows(
    command: Command, tmp_path: Path
) -> None:
    command("contacts", "import", EXAMPLE)
    (tmp_path / "kept.csv").write_text("kept")
    code, out, err = command("contacts", "export", "kept.csv", "--country", "rubbish")
    assert (code, out) == (1, "")
    assert err == "no office of “rubbish” has an address here: kept.csv is not written\n"
    assert (tmp_path / "kept.csv").read_text() == "kept"


@pytest.mark.parametrize("content", [b"PK\x03\x04rubbish", b"\x00\xff\x81rubbish", b"rubbish"])
def test_a_damaged_workbook_is_said_to_be_none(
    command: Command, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "bad.xlsx").write_bytes(content)
    code, _, err = command("contacts", "import", "bad.xlsx")
    assert (code, err) == (1, "bad.xlsx, line 1: it is not a workbook that can be read\n")
