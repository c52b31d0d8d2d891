"""tried before: the letters that were tried and wait again are found by themselves."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_tried_before"
down_revision = "2026_11_22_supporters"
branch_labels = None
depends_on = None

LANE = ["delivery", "target_id", "alert_id", "not_before", "id", "attempts", "status"]
ONLY = sa.text("status = 'queued' AND attempts > 0")


def upgrade() -> None:
    _wait_a_moment_for_a_lock()
    op.create_index("ix_letter_again", "letter", LANE, sqlite_where=ONLY, postgresql_where=ONLY)


def downgrade() -> None:
    _wait_a_moment_for_a_lock()
    op.drop_index("ix_letter_again", table_name="letter")


def _wait_a_moment_for_a_lock() -> None:
    """Never for ever: the service is running."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")
