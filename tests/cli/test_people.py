"""Organisations and organisers by hand."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from app import clock
from app.accounts import api_tokens, organisers
from app.db import Database
from app.models import AuditLine, Organiser
from app.settings import Settings
from tests.grounds.databases import apart
from tests.grounds.rows import all_of

Ended = tuple[int, str, str]
Command = Callable[..., Ended]


@pytest.fixture
def database_kind() -> str:
    """What the commands do is tested on both elsewhere."""
    return "sqlite"


def test_another_organisation_comes_with_its_owner_and_its_people(
    command: Command, settings: Settings
) -> None:
    code, out, _ = command("organisation", "add", "Žalioji šalis", "--owner", "olga@example.org")
    assert (code, out.splitlines()[0]) == (
        0,
        "zalioji-salis: olga@example.org may sign in as owner.",
    )
    assert out.splitlines()[1].startswith("Password, shown this once: ")
    there = ("--organisation", "zalioji-salis")
    assert "sign in as organiser" in command("organiser", "add", "kai@example.org", *there)[1]
    assert "sign in as owner" in command("organiser", "add", "anna@example.org")[1]
    assert command("organisation", "list")[1].splitlines() == [
        "first  1  0  First organisation",
        "zalioji-salis  2  0  Žalioji šalis",
    ]
    taken = command("organisation", "add", "Žalioji  šalis", "--owner", "x@example.org")
    assert (taken[0], taken[2]) == (1, "name: taken\n")
    missing = command("organiser", "add", "x@example.org", "--organisation", "nowhere")
    assert (missing[0], missing[2]) == (1, "no such organisation: nowhere\n")
    lines = asked(settings)
    assert [(one.organisation_id, one.sentence) for one in lines] == [
        (2, "Žalioji šalis was added, with olga@example.org as its owner."),
        (2, "kai@example.org may sign in as organiser."),
        (1, "anna@example.org may sign in as owner."),
    ]


def test_a_lost_second_factor_is_turned_off_by_hand_and_on_record(
    command: Command, settings: Settings
) -> None:
    command("organiser", "add", "anna@example.org")
    nothing = command("organiser", "reset-second-factor", "anna@example.org")
    assert nothing[1] == "anna@example.org has no second factor.\n"
    apart(_turn_on(settings))
    code, out, _ = command("organiser", "reset-second-factor", "Anna@example.org")
    assert (code, "the password is enough now" in out) == (0, True)
    last = asked(settings)[-1]
    assert (last.by, last.organisation_id, last.sentence) == (
        "organiser reset-second-factor",
        1,
        "Turned the second factor of anna@example.org off",
    )
    stranger = command("organiser", "reset-second-factor", "x@example.org")
    assert (stranger[0], stranger[2]) == (1, "no such organiser: x@example.org\n")


def test_a_forgotten_password_is_set_anew(command: Command, settings: Settings) -> None:
    first = command("organiser", "add", "anna@example.org")[1].split()[-1]
    secret = apart(_a_token(settings))
    _, out, _ = command("organiser", "reset-password", "anna@example.org")
    assert "every sign-in and API token has ended" in out
    assert not apart(_works(settings, secret))
    second = out.split()[-1]
    assert second != first
    (anna,) = asked(settings, Organiser)
    assert [asyncio.run(organisers.fits(one, anna.password_hash)) for one in (first, second)] == [
        False,
        True,
    ]
    said = "Set a new password for anna@example.org, which ended the API tokens “Nightly”"
    assert asked(settings)[-1].sentence == said
    command("organiser", "reset-password", "anna@example.org")
    assert asked(settings)[-1].sentence == "Set a new password for anna@example.org"


async def _a_token(settings: Settings) -> str:
    database = Database(settings.database)
    async with database.transaction() as session:
        anna = (await session.scalars(select(Organiser))).one()
        secret, _ = await api_tokens.make(session, anna, name="Nightly", scopes=["counts:read"])
    await database.close()
    return secret


async def _works(settings: Settings, secret: str) -> bool:
    database = Database(settings.database)
    async with database.reading() as session:
        found = await api_tokens.recognise(session, secret)
    await database.close()
    return found is not None


async def _turn_on(settings: Settings) -> None:
    database = Database(settings.database)
    async with database.transaction() as session:
        await session.execute(update(Organiser).values(totp_secret="A", totp_since=clock.now()))
    await database.close()


def asked(settings: Settings, table: Any = AuditLine) -> list[Any]:
    async def read() -> list[Any]:
        database = Database(settings.database)
        try:
            return await all_of(database, table)
        finally:
            await database.close()

    return asyncio.run(read())
