"""the organisers' desk: drafts, approvals, imports, reports, second factors, tokens, stage moves."""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_22_desk"
down_revision = "2026_11_22_pacing"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
POINTS_TO = {  # table → column, the table it refers to
    "audit_line": ("organisation_id", "organisation"),
    "sandbox_message": ("organisation_id", "organisation"),
    "freeze": ("stage_move_id", "stage_move"),
}


def upgrade() -> None:
    # wait a moment for a lock, never for ever: the service is running
    if op.get_bind().dialect.name == "postgresql":
        op.execute("SET LOCAL lock_timeout = '5s'")
    _people()
    _contacts()
    _alerts()
    for table, columns in _added().items():
        for column in columns:
            op.add_column(table, column)
    for table, (column, other) in POINTS_TO.items():
        key = sa.ForeignKey(f"{other}.id", name=op.f(f"fk_{table}_{column}"))
        op.add_column(table, sa.Column(column, sa.Integer(), key), inline_references=True)
    op.create_index("ix_audit_line_organisation_id", "audit_line", ["organisation_id", "id"])
    only = sa.text("stage_move_id IS NOT NULL")
    op.create_index(
        "ix_freeze_stage_move",
        "freeze",
        ["stage_move_id"],
        sqlite_where=only,
        postgresql_where=only,
    )
    # one organisation was all there could be
    op.execute("UPDATE audit_line SET organisation_id = (SELECT MIN(id) FROM organisation)")
    op.execute("UPDATE sandbox_message SET organisation_id = (SELECT MIN(id) FROM organisation)")


def downgrade() -> None:
    for table, index in (
        ("freeze", "ix_freeze_stage_move"),
        ("audit_line", "ix_audit_line_organisation_id"),
    ):
        op.drop_index(index, table_name=table)
    for table, (column, _) in POINTS_TO.items():
        with op.batch_alter_table(table) as batch:
            batch.drop_column(column)
    for table, columns in _added().items():
        for column in columns:
            op.drop_column(table, column.name)
    for table in (
        "approval",
        "draft_section",
        "stage_move",
        "contact_import",
        "address_report",
        "api_token",
        "recovery_code",
    ):
        op.drop_table(table)


def _added() -> dict[str, tuple[sa.Column, ...]]:
    """Made anew for each use: a column belongs to one table."""
    return {
        "organiser": (
            sa.Column("invited_by", sa.String(340), nullable=False, server_default=""),
            sa.Column("totp_secret", sa.String(64), nullable=False, server_default=""),
            sa.Column("totp_since", MOMENT, nullable=True),
            sa.Column("totp_step", sa.BigInteger(), nullable=False, server_default="0"),
        ),
        "alert": (
            sa.Column("write_before", sa.Date(), nullable=True),
            sa.Column("expected", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("ending", sa.String(10), nullable=False, server_default=""),
            sa.Column("ending_words", sa.Text(), nullable=False, server_default=""),
            sa.Column("test_people", sa.Text(), nullable=False, server_default=""),
            sa.Column("tested_seal", sa.String(64), nullable=False, server_default=""),
            sa.Column("draft_base", sa.String(64), nullable=False, server_default=""),
        ),
        "send_count": (sa.Column("at", MOMENT, nullable=True),),
    }


def _people() -> None:
    op.create_table(
        "recovery_code",
        sa.Column("code_hash", sa.String(64), primary_key=True),
        sa.Column("organiser_id", sa.Integer(), sa.ForeignKey("organiser.id"), nullable=False),
        sa.Column("used_at", MOMENT),
    )
    op.create_index("ix_recovery_code_organiser_id", "recovery_code", ["organiser_id"])
    op.create_table(
        "api_token",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("organiser_id", sa.Integer(), sa.ForeignKey("organiser.id"), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("key_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT),
        sa.Column("used_at", MOMENT),
        sa.Column("revoked_at", MOMENT),
    )


def _contacts() -> None:
    op.create_table(
        "address_report",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("contact_id", sa.Integer(), sa.ForeignKey("contact.id"), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("settled_at", MOMENT),
        sa.Column("settled_by", sa.String(340), nullable=False),
    )
    waiting = sa.text("settled_at IS NULL")
    op.create_index(
        "ix_address_report_waiting",
        "address_report",
        ["at"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_table(
        "contact_import",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("organiser_id", sa.Integer(), sa.ForeignKey("organiser.id"), nullable=False),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("ready_at", MOMENT),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("rows", sa.JSON(), nullable=False),
        sa.Column("refused", sa.JSON(), nullable=False),
        sa.Column("written_at", MOMENT),
    )


def _alerts() -> None:
    op.create_table(
        "stage_move",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("campaign_id", sa.Integer(), sa.ForeignKey("campaign.id"), nullable=False),
        sa.Column("country", sa.String(2), nullable=False),
        sa.Column("from_stage", sa.String(40), nullable=False),
        sa.Column("to_stage", sa.String(40), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by", sa.String(340), nullable=False),
        sa.Column("decided_at", MOMENT),
        sa.Column("decided_by", sa.String(340), nullable=False),
        sa.Column("decision", sa.String(20), nullable=False),
    )
    undecided = sa.text("decided_at IS NULL")
    op.create_index(
        "ix_stage_move_open",
        "stage_move",
        ["campaign_id"],
        sqlite_where=undecided,
        postgresql_where=undecided,
    )
    op.create_table(
        "draft_section",
        sa.Column("alert_id", sa.Integer(), sa.ForeignKey("alert.id"), primary_key=True),
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("changed_by", sa.String(340), nullable=False),
    )
    op.create_table(
        "approval",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("alert_id", sa.Integer(), sa.ForeignKey("alert.id"), nullable=False),
        sa.Column("seal", sa.String(64), nullable=False),
        sa.Column("points", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.String(340), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("settled_by", sa.String(340), nullable=False),
        sa.Column("settled_at", MOMENT),
        sa.Column("agreed", sa.Boolean()),
    )
    op.create_index("ix_approval_alert_id", "approval", ["alert_id"])
