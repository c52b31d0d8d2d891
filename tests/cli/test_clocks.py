"""Workers on several machines reckon by one clock, or do not begin."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from app.cli import opening
from app.cli.doctor import here
from app.db import Database
from app.delivery.domain.findings import Mark
from app.errors import ClockApart
from app.settings import Settings
from tests.grounds.working import running_clock

Command = Callable[..., tuple[int, str, str]]
AHEAD, BEHIND = timedelta(seconds=40), timedelta(hours=-1)
on_postgresql = pytest.mark.parametrize("database_kind", ["postgresql"])
once = pytest.mark.parametrize("database_kind", ["sqlite"])
told = pytest.mark.parametrize(
    ("later", "how"),
    [(AHEAD, "40 seconds ahead of the database's"), (BEHIND, "3600 seconds behind the database's")],
)


@on_postgresql
@told
def test_a_worker_whose_clock_is_apart_says_so_and_does_not_begin(
    command: Command, later: timedelta, how: str
) -> None:
    with running_clock(later):
        code, out, err = command("worker")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"this machine's clock is {how}: ")


@on_postgresql
@told
async def test_the_doctor_names_a_clock_that_is_apart(
    settings: Settings, later: timedelta, how: str
) -> None:
    with running_clock(later):
        findings = await here.examine(settings)
    (found,) = [one for one in findings if "clock" in one.sentence]
    assert found.mark is Mark.NOT_WELL
    assert how in found.sentence


@on_postgresql
async def test_clocks_that_differ_by_seconds_will_do(
    settings: Settings, database: Database
) -> None:
    for later in (timedelta(), timedelta(seconds=20), timedelta(seconds=-20)):
        with running_clock(later):
            await opening.check_clock(database)
    findings = await here.examine(settings)
    (found,) = [one for one in findings if "clock" in one.sentence]
    assert found.mark is Mark.WELL
    with running_clock(AHEAD), pytest.raises(ClockApart):
        await opening.check_clock(database)


@once
async def test_a_file_has_no_clock_but_that_of_its_machine(
    settings: Settings, database: Database
) -> None:
    with running_clock(BEHIND):
        await opening.check_clock(database)
        assert not [one for one in await here.examine(settings) if "clock" in one.sentence]
