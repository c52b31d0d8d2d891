"""TOLD: what only supporters know and tell us: letters they opened themselves, and answers."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.tables import Base


class OwnMailboxOpening(Base):
    """A letter that somebody opened in their own mail program; whether they sent it, nobody here
    can know. `key`: of the page it was opened from, so that a second touch counts nothing."""

    __tablename__ = "own_mailbox_opening"
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("target.id"), primary_key=True)
    delivery: Mapped[str] = mapped_column(String(10), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]


class Answer(Base):
    """Whether an office answered a letter, as its supporter says: yes or no, and no text."""

    __tablename__ = "answer"
    letter_id: Mapped[int] = mapped_column(ForeignKey("letter.id"), primary_key=True)
    answered: Mapped[bool]
    on: Mapped[date | None]  # the day of the answer, where they know it
    at: Mapped[datetime]
