"""The shipped alerts and contacts, put into a test's database, and forms that fit them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.campaigns import alerts, packs
from app.contacts import imports
from app.db import Database
from app.letters import confirmation, submission
from app.letters.form import Form
from app.models import Alert, Submission
from app.settings import Settings

ROOT = Path(__file__).parents[2]
MINE_BAN = "send-one-email"
COUNTRIES = ("estonia", "latvia", "lithuania", "poland", "finland")


async def put_mine_ban(database: Database) -> None:
    """The first alert as it ships, with the contacts of its five countries."""
    async with database.transaction() as session:
        for country in COUNTRIES:
            await imports.write(session, imports.read(ROOT / "contacts" / f"{country}.csv"))
        pack = packs.load_folder(ROOT / "templates" / "letters" / MINE_BAN)
        await packs.put(session, pack, organisation_id=1)


async def mine_ban(database: Database) -> Alert:
    """The first alert, in a test that asks for `furnished`."""
    async with database.reading() as session:
        return await alerts.by_slug(session, MINE_BAN)


def filled(**changes: Any) -> Form:
    """A form that can be taken as it is."""
    values: dict[str, Any] = {
        "name": "Mari Mägi",
        "email": "mari@example.org",
        "city": "Tartu",
        "country": "EE",
        "consent": True,
    }
    return Form(**(values | changes))


async def submitted(
    database: Database, settings: Settings, alert: Alert, form: Form | None = None
) -> Submission:
    async with database.transaction() as session:
        taken = await submission.submit(session, settings, alert, form or filled())
        return taken.submission


async def confirmed(
    database: Database, settings: Settings, public_id: str
) -> confirmation.Confirmed:
    """Press the button below the letters as they stand."""
    async with database.transaction() as session:
        found = await confirmation.load(session, public_id)
        letters = await confirmation.waiting(session, found)
        return await confirmation.confirm(
            session, settings, found, shown=confirmation.seal(letters)
        )


def words_of(texts: Sequence[str]) -> str:
    return " ".join(" ".join(texts).split())
