"""WHO: organisations, their organisers and sign-ins, and who did what."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.tables import EMPTY, Base, BigId


class Role(StrEnum):
    """What an organiser may do; each may do all that the one before may."""

    VIEWER = "viewer"
    ORGANISER = "organiser"
    OWNER = "owner"


class Organisation(Base):
    """Owns campaigns, organisers and its supporters; one exists from the first migration."""

    __tablename__ = "organisation"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]


class Organiser(Base):
    """A person who signs in and runs alerts."""

    __tablename__ = "organiser"
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    email: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str] = mapped_column(String(300))  # empty until an invitation is taken
    role: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    invited_by: Mapped[str] = mapped_column(String(340), default="", server_default=EMPTY)
    totp_secret: Mapped[str] = mapped_column(
        String(64), default="", server_default=EMPTY
    )  # base32, RFC 6238
    totp_since: Mapped[datetime | None]  # None: a secret that was not proved yet counts for nothing
    totp_step: Mapped[int] = mapped_column(
        BigInteger, default=0, server_default="0"
    )  # the last used: once is enough


class RecoveryCode(Base):
    """A way in for an organiser whose second factor is lost; used up by signing in."""

    __tablename__ = "recovery_code"
    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    organiser_id: Mapped[int] = mapped_column(ForeignKey("organiser.id"))
    used_at: Mapped[datetime | None]
    __table_args__ = (Index("ix_recovery_code_organiser_id", "organiser_id"),)


class SignIn(Base):
    """A server-side session: the browser holds the secret, we hold only its hash."""

    __tablename__ = "sign_in"
    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    organiser_id: Mapped[int] = mapped_column(ForeignKey("organiser.id"))
    form_token: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    organiser: Mapped[Organiser] = relationship(lazy="raise")


class ApiToken(Base):
    """A program's way in for an organiser's organisation: we hold only the hash of its secret."""

    __tablename__ = "api_token"
    id: Mapped[int] = mapped_column(primary_key=True)
    organiser_id: Mapped[int] = mapped_column(ForeignKey("organiser.id"))  # who made it, and may it
    name: Mapped[str] = mapped_column(String(80))
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    organiser: Mapped[Organiser] = relationship(lazy="raise")


class AuditLine(Base):
    """Who did what, as a sentence; without an organisation it concerns the whole installation."""

    __tablename__ = "audit_line"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(340))
    sentence: Mapped[str] = mapped_column(Text)
    __table_args__ = (Index("ix_audit_line_organisation_id", "organisation_id", "id"),)
