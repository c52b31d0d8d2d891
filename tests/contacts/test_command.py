"""`contacts import` and `contacts export`: every kind of file, and every line that is refused."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

Ended = tuple[int, str, str]
Command = Callable[..., Ended]
EXAMPLE = Path(__file__).parents[2] / "contacts" / "example.csv"
SHORT = "office;country;email"


@pytest.fixture
def database_kind() -> str:
    """What the commands do is tested on both elsewhere."""
    return "sqlite"


@pytest.fixture
def contacts(command: Command) -> Command:
    """Run `contacts …` as if typed."""
    return partial(command, "contacts")


def test_the_directory_goes_out_and_in_again(contacts: Command, tmp_path: Path) -> None:
    assert contacts("import", EXAMPLE) == (0, "example.csv: 8 added, 0 changed, 0 unchanged.\n", "")
    for kind in ("csv", "vcf", "json"):
        assert contacts("export", f"all.{kind}") == (0, f"all.{kind}: 8 addresses.\n", "")
        assert contacts("import", f"all.{kind}")[1] == (
            f"all.{kind}: 0 added, 0 changed, 8 unchanged.\n"
        )
    assert (tmp_path / "all.csv").read_bytes() == EXAMPLE.read_bytes()
    assert contacts("export", "one.csv", "--country", "xa")[1] == "one.csv: 4 addresses.\n"
    code, _, err = contacts("export", "all.doc")
    assert (code, err) == (1, "all.doc: a file of contacts ends in .csv, .xlsx, .vcf or .json\n")


def test_refused_lines_are_told_and_the_others_taken_if_asked(
    contacts: Command, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(
        f"{SHORT}\nPresident;EE;p@xa.example\nJanitor;EE;j@xa.example\nPremjärminister;EE;x\n",
        encoding="windows-1257",
    )
    code, out, err = contacts("import", "a.csv")
    assert (code, out) == (1, "")
    assert err.splitlines()[0] == (
        "a.csv, line 3: role: is missing, and the office's name does not say it"
    )
    assert err.splitlines()[1].startswith("a.csv, line 4: ")
    code, out, err = contacts("import", "a.csv", "--leave-refused")
    assert (code, out) == (0, "a.csv: 1 added, 0 changed, 0 unchanged.\n")
    assert "text in windows-1257 (Baltic); cells parted by semicolons" in err
    (tmp_path / "b.csv").write_text(f"{SHORT}\nPrime Minister;EE;pm@xa.example\n")
    assert contacts("import", "b.csv", "--retire")[1] == (
        "b.csv: 1 added, 0 changed, 0 unchanged, 1 retired.\n"
    )
