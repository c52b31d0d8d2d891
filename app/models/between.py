"""Between decided and sent: attempts, events, what came back, and the holds."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import partial_index
from app.models.tables import Base, BigId


class Event(Base):
    """One line of a letter's history; never changed."""

    __tablename__ = "event"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    letter_id: Mapped[int] = mapped_column(ForeignKey("letter.id"))
    at: Mapped[datetime]
    what: Mapped[str] = mapped_column(String(40))  # the status reached, or what else happened
    by: Mapped[str] = mapped_column(String(340))
    note: Mapped[str] = mapped_column(Text, default="")
    __table_args__ = (Index("ix_event_letter_id", "letter_id"),)


class Attempt(Base):
    """One SMTP dialogue, for a letter or a notice, and the server's own words at its end."""

    __tablename__ = "attempt"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    letter_id: Mapped[int | None] = mapped_column(ForeignKey("letter.id"))
    notice_id: Mapped[int | None] = mapped_column(ForeignKey("notice.id"))
    number: Mapped[int]
    worker: Mapped[str] = mapped_column(String(80))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(12))  # taken | deferred | rejected | failed
    address: Mapped[str] = mapped_column(String(320))  # the address used
    host: Mapped[str] = mapped_column(String(255))
    tls: Mapped[str] = mapped_column(String(20))
    code: Mapped[int | None]
    enhanced: Mapped[str] = mapped_column(String(12))
    reply: Mapped[str] = mapped_column(Text)
    queue_id: Mapped[str] = mapped_column(String(100), default="")  # as the server calls it
    began_data: Mapped[bool] = mapped_column(default=False)  # may be there
    __table_args__ = (
        Index("ix_attempt_letter_id", "letter_id"),
        partial_index("ix_attempt_notice_id", "notice_id", where="notice_id IS NOT NULL"),
        partial_index("ix_attempt_policy", "ended_at", where="enhanced LIKE '5.7.%'"),
    )


# what is noted of a return that seems to be about a letter or a notice, with its number
GUESSED_LETTER = "it may be about letter "
GUESSED_NOTICE = "it may be about notice "


class Returned(Base):
    """Mail that came back, and what was made of it; never a supporter's own reply."""

    __tablename__ = "returned"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    received_at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(20))  # report, bounce, automatic, complaint, …
    letter_id: Mapped[int | None] = mapped_column(ForeignKey("letter.id"))
    notice_id: Mapped[int | None] = mapped_column(ForeignKey("notice.id"))
    action: Mapped[str] = mapped_column(String(20), default="")  # of a report, RFC 3464 2.3.3
    enhanced: Mapped[str] = mapped_column(String(12), default="")
    reply: Mapped[str] = mapped_column(Text, default="")  # the server's own words
    remote_mta: Mapped[str] = mapped_column(String(255), default="")
    reporting_mta: Mapped[str] = mapped_column(String(255), default="")
    raw: Mapped[bytes | None] = mapped_column(LargeBinary)  # kept only while a person must read it
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str] = mapped_column(String(340), default="")
    __table_args__ = (
        Index("ix_returned_letter_id", "letter_id"),
        partial_index("ix_returned_waiting", "received_at", where="settled_at IS NULL"),
    )


class Freeze(Base):
    """A hold on an alert, contact, mail host or letter: who, why, when. The claim skips it."""

    __tablename__ = "freeze"
    id: Mapped[int] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(String(10))  # alert | contact | host | letter
    ref: Mapped[int] = mapped_column(BigInteger)
    why: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(340))
    at: Mapped[datetime]
    released_at: Mapped[datetime | None]
    released_by: Mapped[str] = mapped_column(String(340), default="")
    stage_move_id: Mapped[int | None] = mapped_column(ForeignKey("stage_move.id"))
    __table_args__ = (
        partial_index(
            "uq_freeze_standing", "scope", "ref", where="released_at IS NULL", unique=True
        ),
        partial_index("ix_freeze_stage_move", "stage_move_id", where="stage_move_id IS NOT NULL"),
    )


class Suppression(Base):
    """An address we must not write to, and why."""

    __tablename__ = "suppression"
    email: Mapped[str] = mapped_column(String(320), primary_key=True)
    why: Mapped[str] = mapped_column(Text)
    by: Mapped[str] = mapped_column(String(340))
    at: Mapped[datetime]


class SandboxMessage(Base):
    """A message that landed in the sandbox mailbox instead of leaving this machine."""

    __tablename__ = "sandbox_message"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    received_at: Mapped[datetime]
    mail_from: Mapped[str] = mapped_column(String(320))
    rcpt_to: Mapped[str] = mapped_column(String(320))
    subject: Mapped[str] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(String(200))
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (Index("ix_sandbox_message_rcpt_to", "rcpt_to"),)
