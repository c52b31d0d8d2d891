"""WHAT: submissions, letters, and the notices about them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import partial_index
from app.models.tables import NO_DICT, Base, BigId
from app.models.why import Alert


class Submission(Base):
    """One supporter's filled form for one alert. Nothing leaves before `confirmed_at`."""

    __tablename__ = "submission"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(22), unique=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"))
    delivery: Mapped[str] = mapped_column(String(10))
    person_key: Mapped[str] = mapped_column(String(64))  # keyed hash of the folded address
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(String(320))
    city: Mapped[str] = mapped_column(Text)
    country: Mapped[str] = mapped_column(String(2))
    postal_address: Mapped[str] = mapped_column(Text)
    own_words: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    # letters that their supporter wrote anew: target id → stage, subject, body
    edits: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=NO_DICT)
    language: Mapped[str] = mapped_column(String(8))
    variant_seed: Mapped[int]
    source: Mapped[dict[str, Any]]
    consent_at: Mapped[datetime]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    alert: Mapped[Alert] = relationship(lazy="raise")
    __table_args__ = (
        partial_index("ix_submission_unconfirmed", "expires_at", where="confirmed_at IS NULL"),
        partial_index("ix_submission_kept", "created_at", where="erased_at IS NULL"),
        Index("ix_submission_person_key", "person_key"),
    )


class LetterStatus(StrEnum):
    HELD = "held"  # waits for the supporter's confirmation
    QUEUED = "queued"  # due, or will be at not_before
    SENDING = "sending"  # a worker holds it until lease_until
    HANDED_OVER = "handed_over"  # our relay took it; the government's server may not have
    ACCEPTED = "accepted"  # a server that the target domain's MX names took it
    BOUNCED = "bounced"  # taken, then returned
    REJECTED = "rejected"  # 5xx while sending
    EXPIRED = "expired"  # deferred until patience ran out
    FAILED = "failed"  # our own fault; a person must look
    CANCELLED = "cancelled"  # withdrawn, called off, or a duplicate
    SUPPRESSED = "suppressed"  # the address must not be written to
    LAPSED = "lapsed"  # never confirmed


# these block no other letter of the same person to the same office
FREED = (
    LetterStatus.HELD,
    LetterStatus.CANCELLED,
    LetterStatus.LAPSED,
    LetterStatus.SUPPRESSED,
    LetterStatus.FAILED,
)
HOLDS_ITS_PLACE = "holds_place"


class Outgoing:
    """What the outbox knows of anything that leaves: letters, and notices in their own lane."""

    status: Mapped[str] = mapped_column(String(12))
    status_at: Mapped[datetime]
    delivery: Mapped[str] = mapped_column(String(10))
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    worker: Mapped[str] = mapped_column(String(80), default="")
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)  # counted when claimed
    first_attempt_at: Mapped[datetime | None]


class Letter(Outgoing, Base):
    """What one submission says to one target. The row in the outbox; one status."""

    __tablename__ = "letter"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submission.id"))
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"))
    target_id: Mapped[int] = mapped_column(ForeignKey("target.id"))
    person_key: Mapped[str] = mapped_column(String(64))
    template_id: Mapped[int] = mapped_column(ForeignKey("letter_template.id"))
    stage: Mapped[str] = mapped_column(String(40))
    text_sha256: Mapped[str] = mapped_column(String(64), default="")  # set when confirmed
    # its status is none of FREED: said apart, and written with the status, for an index over the
    # status itself would be written anew at every step of every letter
    holds_place: Mapped[bool | None]
    __table_args__ = (
        Index("ix_letter_submission_id", "submission_id"),
        Index("ix_letter_person_key", "person_key"),
        partial_index("ix_letter_held", "submission_id", where="status = 'held'"),
        # a lane: what waits of one alert for one office
        partial_index(
            "ix_letter_lane",
            "delivery",
            "target_id",
            "alert_id",
            "not_before",
            "id",
            where="status = 'queued'",
        ),
        # those in it that were tried before: they go first. All that is asked of them is in it, or
        # SQLite takes the index of all that wait for as good, and reads a whole lane
        partial_index(
            "ix_letter_again",
            "delivery",
            "target_id",
            "alert_id",
            "not_before",
            "id",
            "attempts",
            "status",
            where="status = 'queued' AND attempts > 0",
        ),
        partial_index("ix_letter_lease", "lease_until", where="status = 'sending'"),
        partial_index("ix_letter_failed", "id", where="status = 'failed'"),
        # one letter per person, target and alert, from confirmation on
        partial_index(
            "uq_letter_person",
            "alert_id",
            "target_id",
            "delivery",
            "person_key",
            where=HOLDS_ITS_PLACE,
            unique=True,
        ),
    )


class LetterPrint(Base):
    """What a letter is compared by with others to its office: the hashes of its windows, from
    which no text can be read. Gone when its supporter is forgotten."""

    __tablename__ = "letter_print"
    letter_id: Mapped[int] = mapped_column(ForeignKey("letter.id"), primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("target.id"))
    delivery: Mapped[str] = mapped_column(String(10))
    windows: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (Index("ix_letter_print_office", "target_id", "delivery", "letter_id"),)


class NoticeKind(StrEnum):
    CONFIRM = "confirm"  # please confirm
    REMINDER = "reminder"  # the letters still wait for it: once, a day later
    DUPLICATE = "duplicate"  # you had already written; nothing went twice
    COPY = "copy"  # your letters, after the first of them left
    FAILED = "failed"  # a letter that will not arrive, and what its supporter can do
    HOST_REFUSES = "host_refuses"  # to organisers: a mail host turns our letters away
    NO_SUCH_ADDRESS = "no_such_address"  # to organisers: an office's address does not exist
    STAGE_MOVED = "stage_moved"  # the country moved on, the letter was called off: a new one?
    INVITATION = "invitation"  # to somebody who is asked to join the organisers


class Notice(Outgoing, Base):
    """Mail to a supporter about a form, or to an organiser about a freeze: a lane of its own."""

    __tablename__ = "notice"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    submission_id: Mapped[int | None] = mapped_column(ForeignKey("submission.id"))
    organiser_id: Mapped[int | None] = mapped_column(ForeignKey("organiser.id"))
    freeze_id: Mapped[int | None] = mapped_column(ForeignKey("freeze.id"))
    person_key: Mapped[str] = mapped_column(String(64))  # a supporter's; else empty
    kind: Mapped[str] = mapped_column(String(20))
    __table_args__ = (
        Index("ix_notice_person_key", "person_key", "created_at"),
        partial_index("ix_notice_lease", "lease_until", where="status = 'sending'"),
        partial_index("ix_notice_due", "delivery", "not_before", "id", where="status = 'queued'"),
        partial_index("uq_notice_copy", "submission_id", where="kind = 'copy'", unique=True),
        partial_index(
            "uq_notice_reminder", "submission_id", where="kind = 'reminder'", unique=True
        ),
    )
