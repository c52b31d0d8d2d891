"""Alembic's entry: runs on the connection that `python -m app migrate` hands over."""

from typing import Any

from alembic import context

from app.db import UTCDateTime
from app.models import Base


def plain(kind: str, item: Any, autogen_context: Any) -> str | bool:
    """A migration names plain types only: it must run when the program's own have changed."""
    return "sa.DateTime(timezone=True)" if isinstance(item, UTCDateTime) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
    render_item=plain,
)
with context.begin_transaction():
    context.run_migrations()
