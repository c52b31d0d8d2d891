"""`contacts import` and `contacts export`: every kind of file, and every line that is refused."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from app.db import Database
from app.models import AuditLine
from app.settings import Settings
from tests.grounds.databases import apart
from tests.grounds.rows import all_of

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


def test_what_is_no_address_is_not_suppressed_and_a_reason_has_to_be_given(
    contacts: Command, command: Command
) -> None:
    command("organiser", "add", "mari@example.org")
    because = ("--why", "they phoned", "--by", "mari@example.org")
    for act in ("suppress", "unsuppress"):
        code, _, err = contacts(act, "rubbish", *because)
        assert (code, err) == (1, "rubbish: this is no email address\n")
        code, _, err = contacts(act, "pm@xa.example", "--why", " ", "--by", "mari@example.org")
        assert (code, err) == (1, "--why is empty: say it as organisers will read it\n")
    assert contacts("suppressions") == (0, "", "")


def test_an_address_goes_on_the_list_and_off_it_and_it_is_said_whose_it_is(
    contacts: Command, command: Command
) -> None:
    command("organiser", "add", "mari@example.org")
    contacts("import", EXAMPLE)
    because = ("--why", "they phoned", "--by", "mari@example.org")
    code, out, _ = contacts("suppress", "PM@xa.example", *because)
    assert (code, out) == (
        0,
        "PM@xa.example: nothing is sent there from now on; it is the address of Prime Minister"
        " (XA); letters that wait for it and end: 0.\n",
    )
    assert contacts("suppress", "nobody@xa.example", *because)[1] == (
        "nobody@xa.example: nothing is sent there from now on; no contact has this address (yet).\n"
    )
    again = contacts("suppress", "pm@xa.example", *because)[1]
    assert again == "pm@xa.example: it is on the list already: they phoned.\n"
    listed = contacts("suppressions")[1].splitlines()
    assert len(listed) == 2
    assert all(one.endswith("  mari@example.org  they phoned") for one in listed)
    code, out, _ = contacts("unsuppress", "pm@xa.example", *because)
    assert (code, "may be written to again" in out) == (0, True)
    code, _, err = contacts("unsuppress", "pm@xa.example", *because)
    assert (code, err) == (1, "pm@xa.example: is not on the list\n")
    assert len(contacts("suppressions")[1].splitlines()) == 1


def test_of_the_addresses_on_the_list_only_an_offices_stays_on_record(
    contacts: Command, command: Command, settings: Settings
) -> None:
    command("organiser", "add", "mari@example.org")
    contacts("import", EXAMPLE)
    for email in ("pm@xa.example", "juhan@example.org"):
        for act in ("suppress", "unsuppress"):
            contacts(act, email, "--why", "they asked", "--by", "mari@example.org")
    said = apart(_on_record(settings.database_url))
    assert len([one for one in said if "they asked" in one]) == 4
    assert len([one for one in said if "pm@xa.example" in one]) == 2
    assert not [one for one in said if "juhan" in one]


async def _on_record(url: str) -> list[str]:
    database = Database(url)
    found = [one.sentence for one in await all_of(database, AuditLine)]
    await database.close()
    return found


def test_what_is_typed_with_spaces_or_a_tag_is_put_on_the_list_as_letters_go_to_it(
    contacts: Command, command: Command
) -> None:
    """A claim compares whole addresses: one with a tag is not yet barred by the one without."""
    command("organiser", "add", "mari@example.org")
    because = ("--why", "they phoned", "--by", "mari@example.org")
    assert contacts("suppress", " pm@xa.example ", *because)[0] == 0
    assert "on the list already" in contacts("suppress", "pm@xa.example", *because)[1]
    assert "on the list already" not in contacts("suppress", "pm+a@xa.example", *because)[1]
    listed = [line.split("  ")[0] for line in contacts("suppressions")[1].splitlines()]
    assert sorted(listed) == ["pm+a@xa.example", "pm@xa.example"]
    assert contacts("unsuppress", " PM@xa.example", *because)[0] == 0
