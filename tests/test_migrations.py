"""Migrations lead from nothing to the models, and back, on both databases."""

import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, Column, DefaultClause, inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from app import migrating
from app.db import Database
from app.models import FREED, Base, LetterStatus
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
    await migrate(database, command.downgrade, "base")


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


async def test_what_points_to_a_notice_is_kept_while_its_table_is_made_anew(
    empty: Database,
) -> None:
    await migrate(empty, command.upgrade, "2026_11_22_first")
    async with empty.engine.begin() as connection:
        for statement in A_SENT_NOTICE:
            await connection.execute(text(statement))
    await migrate(empty, command.upgrade, "head")
    async with empty.engine.begin() as connection:
        await connection.execute(text(TO_AN_ORGANISER))
    assert await notices_attempted(empty) == [(7, 3), (8, None)]
    await migrate(empty, command.downgrade, "2026_11_22_first")
    assert await notices_attempted(empty) == [(7, 3)]


async def test_letters_of_before_hold_their_places_as_those_that_are_written_now(
    empty: Database,
) -> None:
    await migrate(empty, command.upgrade, "2026_11_22_desk")
    async with empty.engine.begin() as connection:
        for statement in (*A_SENT_NOTICE[:3], *AN_OFFICE_AND_A_TEMPLATE):
            await connection.execute(text(statement))
        for status in LetterStatus:
            await connection.execute(text(A_LETTER), {"status": status, "id": f"<{status}>"})
    await migrate(empty, command.upgrade, "head")
    async with empty.engine.connect() as connection:
        rows = await connection.execute(text("SELECT status FROM letter WHERE holds_place"))
        assert set(rows.scalars()) == set(LetterStatus) - set(FREED)
    same = {"status": "queued", "id": "<again>"}
    with pytest.raises(IntegrityError):
        async with empty.engine.begin() as connection:
            await connection.execute(text(A_LETTER), same)
            again = text("UPDATE letter SET holds_place = true WHERE message_id = '<again>'")
            await connection.execute(again)
    await migrate(empty, command.downgrade, "2026_11_22_desk")
    with pytest.raises(IntegrityError):
        async with empty.engine.begin() as connection:
            await connection.execute(text(A_LETTER), same)


A_MOMENT = "'2026-11-22 12:00:00+00:00'"
A_SENT_NOTICE = (
    "INSERT INTO campaign (id, organisation_id, slug, title, aim, stages)"
    " VALUES (1, 1, 'c', '', '', '[]')",
    "INSERT INTO alert (id, campaign_id, slug, kind, state, title, summary, body, timezone,"
    " opens_at, made_up, default_roles, prompts, resources, share, texts, created_at)"
    f" VALUES (1, 1, 'a', '', '', '', '', '', 'UTC', {A_MOMENT}, true, '[]', '[]', '[]', '[]',"
    f" '[]', {A_MOMENT})",
    "INSERT INTO submission (id, public_id, alert_id, delivery, person_key, name, email, city,"
    " country, postal_address, own_words, subject, language, variant_seed, source, consent_at,"
    " created_at, expires_at) VALUES (1, 'x', 1, 'live', 'k', '', '', '', 'EE', '', '', '', 'en',"
    f" 1, '{{}}', {A_MOMENT}, {A_MOMENT}, {A_MOMENT})",
    "INSERT INTO notice (id, submission_id, person_key, kind, status, status_at, delivery,"
    " message_id, created_at, not_before, worker, attempts)"
    f" VALUES (7, 1, 'k', 'confirm', 'handed_over', {A_MOMENT}, 'live', '<n>', {A_MOMENT},"
    f" {A_MOMENT}, '', 1)",
    "INSERT INTO attempt (id, notice_id, number, worker, started_at, ended_at, outcome, address,"
    f" host, tls, enhanced, reply) VALUES (3, 7, 1, 'w', {A_MOMENT}, {A_MOMENT}, 'taken', '', '',"
    " '', '', '')",
)
AN_OFFICE_AND_A_TEMPLATE = (
    "INSERT INTO target (id, country, office, role, institution, institution_local)"
    " VALUES (1, 'EE', 'PM', 'prime_minister', '', '')",
    "INSERT INTO letter_template (id, alert_id, country, language, revision, reviewed, source,"
    f" created_at) VALUES (1, 1, 'EE', 'en', 1, true, '', {A_MOMENT})",
)
# each of a person of its own: named by its status
A_LETTER = (
    "INSERT INTO letter (submission_id, alert_id, target_id, person_key, template_id, stage,"
    " text_sha256, status, status_at, delivery, message_id, created_at, not_before, worker,"
    f" attempts) VALUES (1, 1, 1, :status, 1, '', '', :status, {A_MOMENT}, 'live', :id,"
    f" {A_MOMENT}, {A_MOMENT}, '', 0)"
)
TO_AN_ORGANISER = (
    "INSERT INTO notice (id, person_key, kind, status, status_at, delivery, message_id,"
    " created_at, not_before, worker, attempts)"
    f" VALUES (8, '', 'host_refuses', 'queued', {A_MOMENT}, 'live', '<o>', {A_MOMENT},"
    f" {A_MOMENT}, '', 0)"
)


async def migrate(database: Database, act: Callable[[Config, str], None], to: str) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda sync: act(migrating.config(sync), to))


async def notices_attempted(database: Database) -> list[tuple[int, int | None]]:
    asked = "SELECT notice.id, attempt.id FROM notice LEFT JOIN attempt ON notice_id = notice.id"
    async with database.engine.connect() as connection:
        rows = await connection.execute(text(f"{asked} ORDER BY 1"))
        return [(notice, attempt) for notice, attempt in rows]


async def test_migrating_twice_changes_nothing(database: Database) -> None:
    before = await tables(database)
    await migrating.upgrade(database)
    assert await tables(database) == before


async def test_the_migrated_database_is_the_one_the_models_describe(database: Database) -> None:
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


def differences(connection: Connection) -> list[object]:
    options = {"compare_type": True, "compare_server_default": _differ}
    context = MigrationContext.configure(connection, opts=options)
    return list(compare_metadata(context, Base.metadata))


def _differ(
    _: MigrationContext, __: object, described: Column[Any], said: str | None, *___: object
) -> bool | None:
    """PostgreSQL cannot compare two values of the type JSON; their texts can be."""
    if not isinstance(described.type, JSON):
        return None  # as Alembic itself does
    default = described.server_default
    meant = default.arg.text if isinstance(default, DefaultClause) else None
    return (said and said.removesuffix("::json")) != meant


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
