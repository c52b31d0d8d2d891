"""Migrations lead from nothing to the models, and back, on both databases."""

import re
from collections.abc import AsyncIterator

import pytest_asyncio
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection

from app import migrating
from app.db import Database
from app.models import Base
from tests.grounds.databases import Ground


@pytest_asyncio.fixture
async def empty(ground: Ground) -> AsyncIterator[Database]:
    """A database without a single table."""
    url = ground.empty()
    database = Database(url)
    yield database
    await database.close()
    ground.drop(url)


async def downgrade(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda sync: command.downgrade(migrating.config(sync), "base"))


async def tables(database: Database) -> set[str]:
    async with database.engine.connect() as connection:
        return set(await connection.run_sync(lambda sync: inspect(sync).get_table_names()))


async def test_up_down_and_up_again(empty: Database) -> None:
    assert not await migrating.is_current(empty)
    await migrating.upgrade(empty)
    assert await migrating.is_current(empty)
    first = await tables(empty)

    await downgrade(empty)
    assert await tables(empty) <= {"alembic_version"}
    assert not await migrating.is_current(empty)

    await migrating.upgrade(empty)
    assert await migrating.is_current(empty)
    assert await tables(empty) == first


async def test_migrating_twice_changes_nothing(database: Database) -> None:
    before = await tables(database)
    await migrating.upgrade(database)
    assert await tables(database) == before


async def test_the_migrated_database_is_the_one_the_models_describe(database: Database) -> None:
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


def differences(connection: Connection) -> list[object]:
    options = {"compare_type": True, "compare_server_default": True}
    context = MigrationContext.configure(connection, opts=options)
    return list(compare_metadata(context, Base.metadata))


async def test_the_indexes_that_hold_a_promise_are_partial(database: Database) -> None:
    """The comparison above does not look at an index's WHERE."""
    async with database.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        else:
            query = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        partial = {name for name, sql in await connection.execute(text(query)) if " WHERE " in sql}
    wanted = {
        index.name
        for table in Base.metadata.sorted_tables
        for index in table.indexes
        if index.dialect_options["sqlite"]["where"] is not None
    }
    assert partial == wanted


def test_there_is_exactly_one_newest_migration() -> None:
    assert len(scripts().get_heads()) == 1


def test_migrations_are_named_by_date() -> None:
    names = [path.name for path in (migrating.SCRIPTS / "versions").glob("*.py")]
    assert names
    unnamed = [name for name in names if not re.fullmatch(r"\d{4}_\d\d_\d\d_[a-z0-9_]+\.py", name)]
    assert unnamed == []


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(migrating.SCRIPTS))
    return ScriptDirectory.from_config(config)
