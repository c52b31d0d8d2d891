"""pacing and returns."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_pacing"
down_revision = "2026_11_22_first"
branch_labels = None
depends_on = None


@contextmanager
def nothing_points_to_notices() -> Iterator[None]:
    """SQLite makes a table anew to change a column, and drops none that rows refer to."""
    if op.get_bind().dialect.name != "sqlite":
        yield
        return
    op.execute("CREATE TEMPORARY TABLE kept (id INTEGER PRIMARY KEY, notice_id INTEGER)")
    op.execute("INSERT INTO kept SELECT id, notice_id FROM attempt WHERE notice_id IS NOT NULL")
    op.execute("UPDATE attempt SET notice_id = NULL WHERE notice_id IS NOT NULL")
    yield
    op.execute(
        "UPDATE attempt SET notice_id = (SELECT notice_id FROM kept WHERE kept.id = attempt.id)"
        " WHERE id IN (SELECT id FROM kept)"
    )
    op.execute("DROP TABLE kept")


def upgrade() -> None:
    # wait a moment for a lock, never for ever: the service is running
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "mail_host",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("per_hour", sa.Integer(), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_host")),
        sa.UniqueConstraint("name", name=op.f("uq_mail_host_name")),
    )
    op.create_table(
        "relay",
        sa.Column("name", sa.String(length=260), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_relay")),
    )
    op.create_table(
        "relay_share",
        sa.Column("relay", sa.String(length=260), nullable=False),
        sa.Column("worker", sa.String(length=80), nullable=False),
        sa.Column("connections", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("relay", "worker", name=op.f("pk_relay_share")),
    )
    op.create_table(
        "mail_domain",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("host_id", sa.Integer(), nullable=False),
        sa.Column("exchanges", sa.JSON(), nullable=False),
        sa.Column("looked_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["host_id"], ["mail_host.id"], name=op.f("fk_mail_domain_host_id")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_mail_domain")),
    )
    op.create_table(
        "mailbox",
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("per_hour", sa.Integer(), nullable=True),
        sa.Column("per_day", sa.Integer(), nullable=True),
        sa.Column("in_all", sa.Integer(), nullable=True),
        sa.Column("off_days", sa.Boolean(), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("today", sa.Date(), nullable=True),
        sa.Column("today_n", sa.Integer(), nullable=False),
        sa.Column("last_alert_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["domain"], ["mail_domain.name"], name=op.f("fk_mailbox_domain")),
        sa.PrimaryKeyConstraint("email", name=op.f("pk_mailbox")),
    )
    op.create_table(
        "returned",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("letter_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("notice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("enhanced", sa.String(length=12), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("remote_mta", sa.String(length=255), nullable=False),
        sa.Column("reporting_mta", sa.String(length=255), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.String(length=340), nullable=False),
        sa.ForeignKeyConstraint(["letter_id"], ["letter.id"], name=op.f("fk_returned_letter_id")),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_returned_notice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_returned")),
    )
    with op.batch_alter_table("returned", schema=None) as batch_op:
        batch_op.create_index("ix_returned_letter_id", ["letter_id"], unique=False)
        batch_op.create_index(
            "ix_returned_waiting",
            ["received_at"],
            unique=False,
            sqlite_where=sa.text("settled_at IS NULL"),
            postgresql_where=sa.text("settled_at IS NULL"),
        )

    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("queue_id", sa.String(length=100), nullable=False, server_default="")
        )
        batch_op.add_column(
            sa.Column("began_data", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.create_index(
            "ix_attempt_policy",
            ["ended_at"],
            unique=False,
            sqlite_where=sa.text("enhanced LIKE '5.7.%'"),
            postgresql_where=sa.text("enhanced LIKE '5.7.%'"),
        )

    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.add_column(sa.Column("review_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("review_why", sa.Text(), nullable=False, server_default=""))

    with op.batch_alter_table("send_count", schema=None) as batch_op:
        batch_op.create_index(
            "ix_send_count_queued",
            ["delivery"],
            unique=False,
            sqlite_where=sa.text("status = 'queued' AND n > 0"),
            postgresql_where=sa.text("status = 'queued' AND n > 0"),
        )
    # the rows that were there have them now; the program gives its own to new ones
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.alter_column("queue_id", server_default=None)
        batch_op.alter_column("began_data", server_default=None)
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.alter_column("review_why", server_default=None)

    with op.batch_alter_table("letter", schema=None) as batch_op:
        batch_op.drop_index("ix_letter_due")
        batch_op.drop_index("ix_letter_due_at_target")
        batch_op.create_index(
            "ix_letter_lane",
            ["delivery", "target_id", "alert_id", "not_before", "id"],
            unique=False,
            sqlite_where=sa.text("status = 'queued'"),
            postgresql_where=sa.text("status = 'queued'"),
        )

    op.create_index(
        "ix_letter_failed",
        "letter",
        ["id"],
        sqlite_where=sa.text("status = 'failed'"),
        postgresql_where=sa.text("status = 'failed'"),
    )

    with nothing_points_to_notices(), op.batch_alter_table("notice", schema=None) as batch_op:
        # a notice to an organiser is about no form
        batch_op.alter_column("submission_id", existing_type=sa.BigInteger(), nullable=True)
        batch_op.add_column(sa.Column("organiser_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("freeze_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_notice_organiser_id"), "organiser", ["organiser_id"], ["id"]
        )
        batch_op.create_foreign_key(op.f("fk_notice_freeze_id"), "freeze", ["freeze_id"], ["id"])
        batch_op.create_index(
            "uq_notice_copy",
            ["submission_id"],
            unique=True,
            sqlite_where=sa.text("kind = 'copy'"),
            postgresql_where=sa.text("kind = 'copy'"),
        )


def downgrade() -> None:
    op.drop_index("ix_send_count_queued", table_name="send_count")
    op.drop_index("ix_letter_failed", table_name="letter")
    with op.batch_alter_table("letter", schema=None) as batch_op:
        batch_op.drop_index("ix_letter_lane")
        batch_op.create_index(
            "ix_letter_due_at_target",
            ["target_id", "not_before", "id"],
            unique=False,
            sqlite_where=sa.text("status = 'queued'"),
            postgresql_where=sa.text("status = 'queued'"),
        )
        batch_op.create_index(
            "ix_letter_due",
            ["delivery", "not_before", "id"],
            unique=False,
            sqlite_where=sa.text("status = 'queued'"),
            postgresql_where=sa.text("status = 'queued'"),
        )

    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.drop_column("review_why")
        batch_op.drop_column("review_at")

    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.drop_index("ix_attempt_policy")
        batch_op.drop_column("began_data")
        batch_op.drop_column("queue_id")

    with op.batch_alter_table("returned", schema=None) as batch_op:
        batch_op.drop_index("ix_returned_waiting")
        batch_op.drop_index("ix_returned_letter_id")

    op.drop_table("returned")
    op.execute(
        "DELETE FROM attempt WHERE notice_id IN (SELECT id FROM notice WHERE submission_id IS NULL)"
    )
    op.execute("DELETE FROM notice WHERE submission_id IS NULL")
    with nothing_points_to_notices(), op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_index("uq_notice_copy")
        batch_op.drop_constraint(op.f("fk_notice_freeze_id"), type_="foreignkey")
        batch_op.drop_constraint(op.f("fk_notice_organiser_id"), type_="foreignkey")
        batch_op.drop_column("freeze_id")
        batch_op.drop_column("organiser_id")
        batch_op.alter_column("submission_id", existing_type=sa.BigInteger(), nullable=False)

    op.drop_table("mailbox")
    op.drop_table("mail_domain")
    op.drop_table("relay_share")
    op.drop_table("relay")
    op.drop_table("mail_host")
