"""Millions of letters in an outbox, written by the database itself in one statement.

Each is a copy of one of forty that were written in the ordinary way, so that it could really be
sent; only its Message-ID and its person are its own.
"""

from sqlalchemy import Connection, Table, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.bench.ground import filling
from app.bench.ground.offices import OFFICES
from app.db import Database
from app.models import Contact, Letter
from app.outbox import freezes
from app.settings import Settings

COPIED = ", ".join(
    column.name
    for column in Letter.__table__.columns
    if column.name not in {"id", "message_id", "person_key"}
)
# the first of the forty offices is written to by eight of ten, the others by as many each
PLACE = "CASE WHEN i % 10 < 8 THEN 0 ELSE 1 + (i / 10) % 39 END"
# what is lost in a power cut while filling is made again; the letters copied name real rows
QUICKLY = {
    "sqlite": (
        "COMMIT",  # the transaction that ours begins: pragmas want none
        "PRAGMA synchronous=OFF",
        "PRAGMA cache_size=-1000000",
        "PRAGMA foreign_keys=OFF",
    ),
    "postgresql": ("SET synchronous_commit=off", "SET session_replication_role=replica"),
}
SERIES = {
    "sqlite": "(WITH RECURSIVE series(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series"
    " WHERE i < :n) SELECT i FROM series)",
    "postgresql": "(SELECT generate_series(1, :n) AS i)",
}
# as long as real ones
IDENTITY = {"sqlite": "printf('%028x', i)", "postgresql": "lpad(to_hex(i), 28, '0')"}
PERSON = {"sqlite": "printf('%064x', i)", "postgresql": "lpad(to_hex(i), 64, '0')"}
SEED = f"""
    CREATE TEMP TABLE seed AS
    SELECT row_number() OVER (ORDER BY id) - 1 AS place, {COPIED} FROM letter
"""  # noqa: S608  the names are our own
COPIES = f"""
    INSERT INTO letter ({COPIED}, message_id, person_key)
    SELECT {COPIED}, '<' || {{identity}} || '@letters.example.org>', {{person}}
    FROM {{series}} AS numbered JOIN seed ON place = {PLACE}
"""  # noqa: S608
# PostgreSQL does it by itself after a while; SQLite knows of no such thing in production either
AFTERWARDS = {"sqlite": "PRAGMA wal_checkpoint(TRUNCATE)", "postgresql": "VACUUM ANALYZE letter"}


async def fill(url: str, settings: Settings, letters: int) -> None:
    """So many letters in an empty outbox, and the counts to go with them; events are left out.

    The office with most of them is frozen.
    """
    database = Database(url)
    try:
        async with database.transaction() as session:
            await filling.fill(session, settings, OFFICES)
            first = select(Contact.id).join(Letter, Letter.target_id == Contact.target_id)
            contact_id = (await session.scalars(first.order_by(Letter.id).limit(1))).one()
            await freezes.freeze(
                session, scope="contact", ref=contact_id, why="holds most", by="bench"
            )
        engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await _deepen(connection, letters)
    finally:
        # and with it the connections that were told to hurry
        await database.close()


async def _deepen(connection: AsyncConnection, depth: int) -> None:
    kind = connection.dialect.name
    for statement in QUICKLY[kind]:
        await connection.execute(text(statement))
    await connection.execute(text(SEED))
    await connection.run_sync(_drop_indexes)
    for statement in ("DELETE FROM event", "DELETE FROM letter", "DELETE FROM send_count"):
        await connection.execute(text(statement))
    copies = COPIES.format(identity=IDENTITY[kind], person=PERSON[kind], series=SERIES[kind])
    await connection.execute(text(copies), {"n": depth})
    await connection.run_sync(_create_indexes)
    await connection.execute(
        text(
            "INSERT INTO send_count (alert_id, target_id, delivery, status, n)"
            " SELECT alert_id, target_id, delivery, status, count(*) FROM letter"
            " GROUP BY alert_id, target_id, delivery, status"
        )
    )
    await connection.execute(text(AFTERWARDS[kind]))


def _drop_indexes(connection: Connection) -> None:
    """To fill a table first and index it then takes a third of the time."""
    for index in _letters().indexes:
        index.drop(connection)


def _create_indexes(connection: Connection) -> None:
    for index in _letters().indexes:
        index.create(connection)


def _letters() -> Table:
    table = Letter.__table__
    assert isinstance(table, Table)
    return table
