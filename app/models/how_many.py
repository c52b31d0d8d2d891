"""HOW MANY: counts, written in the transaction that changes what they count."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import partial_index
from app.models.tables import Base


class SendCount(Base):
    """Letters by current status, written in the transaction that changes the status."""

    __tablename__ = "send_count"
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("target.id"), primary_key=True)
    delivery: Mapped[str] = mapped_column(String(10), primary_key=True)
    status: Mapped[str] = mapped_column(String(12), primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime | None]  # when it last grew
    __table_args__ = (
        partial_index("ix_send_count_queued", "delivery", where="status = 'queued' AND n > 0"),
    )


class DayCount(Base):
    """Letters by the day they first reached a status, in the alert's time zone; never reduced."""

    __tablename__ = "day_count"
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), primary_key=True)
    delivery: Mapped[str] = mapped_column(String(10), primary_key=True)
    status: Mapped[str] = mapped_column(String(12), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)


class Participation(Base):
    """A person has a confirmed letter in an alert, and so in its campaign: each counted once."""

    __tablename__ = "participation"
    scope: Mapped[str] = mapped_column(String(10), primary_key=True)  # alert | campaign
    ref: Mapped[int] = mapped_column(primary_key=True)
    delivery: Mapped[str] = mapped_column(String(10), primary_key=True)
    person_key: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]
    __table_args__ = (Index("ix_participation_person_key", "person_key"),)


class SupporterCount(Base):
    """Distinct people with a confirmed letter, per alert and per campaign."""

    __tablename__ = "supporter_count"
    scope: Mapped[str] = mapped_column(String(10), primary_key=True)  # alert | campaign
    ref: Mapped[int] = mapped_column(primary_key=True)
    delivery: Mapped[str] = mapped_column(String(10), primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)


class Told(StrEnum):
    OWN_MAILBOX = "own_mailbox"  # letters opened in supporters' own mail programs
    ANSWERED = "answered"  # letters that the office answered
    UNANSWERED = "unanswered"  # letters that it did not answer, so far


class ToldCount(Base):
    """What supporters told us of an office, written in the transaction that takes their word."""

    __tablename__ = "told_count"
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("target.id"), primary_key=True)
    delivery: Mapped[str] = mapped_column(String(10), primary_key=True)
    what: Mapped[str] = mapped_column(String(12), primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)


class SourceCount(Base):
    """Confirmed forms by the partner or page that brought their supporters."""

    __tablename__ = "source_count"
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), primary_key=True)
    delivery: Mapped[str] = mapped_column(String(10), primary_key=True)
    source: Mapped[str] = mapped_column(String(200), primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)
