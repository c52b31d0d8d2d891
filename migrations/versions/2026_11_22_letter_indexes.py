"""letter indexes: what holds a place is said apart, and notices' attempts are few."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_letter_indexes"
down_revision = "2026_11_22_desk"
branch_labels = None
depends_on = None

FREED = "('held', 'cancelled', 'lapsed', 'suppressed', 'failed')"
PLACE = ["alert_id", "target_id", "delivery", "person_key"]


def upgrade() -> None:
    _wait_a_moment_for_a_lock()
    op.add_column("letter", sa.Column("holds_place", sa.Boolean(), nullable=True))
    # the names are our own
    op.execute(f"UPDATE letter SET holds_place = (status NOT IN {FREED})")  # noqa: S608
    op.drop_index("uq_letter_person", table_name="letter")
    _index("uq_letter_person", "letter", PLACE, "holds_place", unique=True)
    op.drop_index("ix_attempt_notice_id", table_name="attempt")
    _index("ix_attempt_notice_id", "attempt", ["notice_id"], "notice_id IS NOT NULL")


def downgrade() -> None:
    _wait_a_moment_for_a_lock()
    op.drop_index("ix_attempt_notice_id", table_name="attempt")
    op.create_index("ix_attempt_notice_id", "attempt", ["notice_id"])
    op.drop_index("uq_letter_person", table_name="letter")
    _index("uq_letter_person", "letter", PLACE, f"status NOT IN {FREED}", unique=True)
    op.drop_column("letter", "holds_place")


def _wait_a_moment_for_a_lock() -> None:
    """Never for ever: the service is running."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")


def _index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    only = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=only, postgresql_where=only)
