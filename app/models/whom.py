"""WHOM: the offices, and where each can be reached."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import partial_index
from app.models.tables import Base


class Target(Base):
    """The office addressed; its role picks salutation and wording."""

    __tablename__ = "target"
    id: Mapped[int] = mapped_column(primary_key=True)
    country: Mapped[str] = mapped_column(String(2))
    office: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(20))
    institution: Mapped[str] = mapped_column(String(200))
    institution_local: Mapped[str] = mapped_column(String(200))
    __table_args__ = (UniqueConstraint("country", "office"),)


class Contact(Base):
    """One reachable address of a target. A target has one that is not retired."""

    __tablename__ = "contact"
    id: Mapped[int] = mapped_column(primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("target.id"))
    email: Mapped[str] = mapped_column(String(320))
    languages: Mapped[list[str]]
    evidence: Mapped[str] = mapped_column(String(40))
    source_url: Mapped[str] = mapped_column(String(500))
    checked_on: Mapped[date | None]
    checked_by: Mapped[str] = mapped_column(String(320), default="")
    check_source: Mapped[str] = mapped_column(String(500), default="")
    retired_at: Mapped[datetime | None]
    review_at: Mapped[datetime | None]  # since when a person should look at it, and why
    review_why: Mapped[str] = mapped_column(Text, default="")
    target: Mapped[Target] = relationship(lazy="raise")
    __table_args__ = (
        partial_index("uq_contact_current", "target_id", where="retired_at IS NULL", unique=True),
        Index("ix_contact_email", "email"),
    )


class AddressReport(Base):
    """A supporter says that an office's address is wrong; waits for an organiser."""

    __tablename__ = "address_report"
    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    at: Mapped[datetime]
    said: Mapped[str] = mapped_column(Text)
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str] = mapped_column(String(340), default="")
    contact: Mapped[Contact] = relationship(lazy="raise")
    __table_args__ = (partial_index("ix_address_report_waiting", "at", where="settled_at IS NULL"),)


class ContactImport(Base):
    """A file of contacts that was read and compared; nothing of it is written before an organiser
    has seen what would change."""

    __tablename__ = "contact_import"
    id: Mapped[int] = mapped_column(primary_key=True)
    organiser_id: Mapped[int] = mapped_column(ForeignKey("organiser.id"))
    file_name: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
    done: Mapped[int] = mapped_column(default=0)  # rows compared so far
    total: Mapped[int] = mapped_column(default=0)
    ready_at: Mapped[datetime | None]
    fault: Mapped[str] = mapped_column(Text, default="")  # why the file cannot be read at all
    rows: Mapped[list[dict[str, Any]]]  # those that can be taken
    refused: Mapped[list[dict[str, Any]]]  # line, reason, and what stood there
    written_at: Mapped[datetime | None]
