"""supporters: the page in their language, letters of their own, and what they tell us."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_supporters"
down_revision = "2026_11_22_letter_indexes"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
# forms confirmed before: nobody counted where their supporters came from
KNOWN_SOURCES = """
INSERT INTO source_count (alert_id, delivery, source, n)
SELECT submission.alert_id, submission.delivery, '', count(*)
FROM submission
WHERE submission.confirmed_at IS NOT NULL AND EXISTS (
    SELECT 1 FROM letter JOIN event ON event.letter_id = letter.id
    WHERE letter.submission_id = submission.id AND event.what = 'queued'
)
GROUP BY submission.alert_id, submission.delivery
"""
NO_LIST = sa.text("'[]'")


def upgrade() -> None:
    _wait_a_moment_for_a_lock()
    for table, columns in _added().items():
        for column in columns:
            op.add_column(table, column)
    only = sa.text("kind = 'reminder'")
    op.create_index(
        "uq_notice_reminder",
        "notice",
        ["submission_id"],
        unique=True,
        sqlite_where=only,
        postgresql_where=only,
    )
    _texts()
    _told()
    op.execute(KNOWN_SOURCES)


def downgrade() -> None:
    _wait_a_moment_for_a_lock()
    for table in (
        "source_count",
        "told_count",
        "answer",
        "own_mailbox_opening",
        "letter_print",
        "alert_translation",
    ):
        op.drop_table(table)
    op.drop_index("uq_notice_reminder", table_name="notice")
    for table, columns in _added().items():
        for column in columns:
            op.drop_column(table, column.name)


def _added() -> dict[str, tuple[sa.Column[object], ...]]:
    """Made anew each time: a column belongs to the one table it was added to."""
    return {
        "alert": (
            sa.Column("own_mailbox", sa.String(10), nullable=False, server_default="offered"),
            sa.Column("editable", sa.Boolean(), nullable=False, server_default=sa.text("false")),
            sa.Column("refused_words", sa.JSON(), nullable=False, server_default=NO_LIST),
        ),
        "alert_country": (
            sa.Column("postal_address_roles", sa.JSON(), nullable=False, server_default=NO_LIST),
            sa.Column("language_note_roles", sa.JSON(), nullable=False, server_default=NO_LIST),
        ),
        "submission": (
            sa.Column("edits", sa.JSON(), nullable=False, server_default=sa.text("'{}'")),
        ),
    }


def _texts() -> None:
    op.create_table(
        "alert_translation",
        _points_to("alert"),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("reviewed", sa.Boolean(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name="fk_alert_translation_alert_id"),
        sa.PrimaryKeyConstraint("alert_id", "language", name="pk_alert_translation"),
    )
    op.create_table(
        "letter_print",
        _points_to("letter", big=True),
        _points_to("target"),
        sa.Column("delivery", sa.String(10), nullable=False),
        sa.Column("windows", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["letter_id"], ["letter.id"], name="fk_letter_print_letter_id"),
        sa.ForeignKeyConstraint(["target_id"], ["target.id"], name="fk_letter_print_target_id"),
        sa.PrimaryKeyConstraint("letter_id", name="pk_letter_print"),
    )
    op.create_index(
        "ix_letter_print_office", "letter_print", ["target_id", "delivery", "letter_id"]
    )


def _told() -> None:
    of_an_office = {"own_mailbox_opening": "key", "told_count": "what"}
    for table, last in of_an_office.items():
        op.create_table(
            table,
            _points_to("alert"),
            _points_to("target"),
            sa.Column("delivery", sa.String(10), nullable=False),
            sa.Column(last, sa.String(64 if last == "key" else 12), nullable=False),
            sa.Column("at", MOMENT, nullable=False)
            if last == "key"
            else sa.Column("n", sa.BigInteger(), nullable=False),
            sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=f"fk_{table}_alert_id"),
            sa.ForeignKeyConstraint(["target_id"], ["target.id"], name=f"fk_{table}_target_id"),
            sa.PrimaryKeyConstraint("alert_id", "target_id", "delivery", last, name=f"pk_{table}"),
        )
    op.create_table(
        "answer",
        _points_to("letter", big=True),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.Column("on", sa.Date(), nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["letter_id"], ["letter.id"], name="fk_answer_letter_id"),
        sa.PrimaryKeyConstraint("letter_id", name="pk_answer"),
    )
    op.create_table(
        "source_count",
        _points_to("alert"),
        sa.Column("delivery", sa.String(10), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name="fk_source_count_alert_id"),
        sa.PrimaryKeyConstraint("alert_id", "delivery", "source", name="pk_source_count"),
    )


def _points_to(table: str, *, big: bool = False) -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite") if big else sa.Integer()
    return sa.Column(f"{table}_id", kind, nullable=False)


def _wait_a_moment_for_a_lock() -> None:
    """Never for ever: the service is running."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")
