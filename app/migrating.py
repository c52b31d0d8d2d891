"""Brings the database to the newest migration, or says how far it is."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from app.db import Database

SCRIPTS = Path(__file__).parent.parent / "migrations"


def config(connection: Connection) -> Config:
    found = Config()
    found.set_main_option("script_location", str(SCRIPTS))
    found.set_main_option("file_template", "%%(year)d_%%(month).2d_%%(day).2d_%%(slug)s")
    found.attributes["connection"] = connection
    return found


async def upgrade(database: Database) -> None:
    """Run every migration that has not run yet."""
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda sync: command.upgrade(config(sync), "head"))


async def is_current(database: Database) -> bool:
    """Whether the tables are those of this version of the program."""
    async with database.engine.connect() as connection:
        return await connection.run_sync(_at_head)


def _at_head(connection: Connection) -> bool:
    head = ScriptDirectory.from_config(config(connection)).get_current_head()
    return MigrationContext.configure(connection).get_current_revision() == head
