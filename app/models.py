"""All tables, in the order a letter meets them."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from app.db import UTCDateTime, metadata, partial_index

BigId = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers only INTEGER keys itself


class Base(DeclarativeBase):
    metadata = metadata
    type_annotation_map = {
        datetime: UTCDateTime,
        date: Date,
        dict[str, Any]: JSON,
        list[str]: JSON,
        list[dict[str, Any]]: JSON,
    }


# ── WHO ─────────────────────────────────────────────────────────────────────────────────────


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
    password_hash: Mapped[str] = mapped_column(String(300))
    role: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


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


# ── WHOM ────────────────────────────────────────────────────────────────────────────────────


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


# ── WHY ─────────────────────────────────────────────────────────────────────────────────────


class Campaign(Base):
    """An aim over time. `stages`: the steps a country can reach, in order."""

    __tablename__ = "campaign"
    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    aim: Mapped[str] = mapped_column(Text)
    stages: Mapped[list[dict[str, Any]]]  # key, label, meaning, lead


class StageStep(Base):
    """A country reached a stage on a day, as a source says."""

    __tablename__ = "stage_step"
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    country: Mapped[str] = mapped_column(String(2))
    stage: Mapped[str] = mapped_column(String(40))
    on: Mapped[date]
    what: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(500))
    url: Mapped[str] = mapped_column(String(500), default="")
    __table_args__ = (UniqueConstraint("campaign_id", "country", "stage"),)


class AlertState(StrEnum):
    DRAFT = "draft"
    REHEARSAL = "rehearsal"
    PUBLISHED = "published"
    CLOSED = "closed"
    ARCHIVED = "archived"


class Alert(Base):
    """A call to write now: one public page."""

    __tablename__ = "alert"
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    slug: Mapped[str] = mapped_column(String(80), unique=True)
    kind: Mapped[str] = mapped_column(String(20))  # letters | guide (texts to copy, no form)
    state: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(200))
    summary: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)  # Markdown
    timezone: Mapped[str] = mapped_column(String(60))
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime | None]
    made_up: Mapped[bool]
    default_roles: Mapped[list[str]]
    prompts: Mapped[list[str]]
    resources: Mapped[list[dict[str, Any]]]
    share: Mapped[list[dict[str, Any]]]
    texts: Mapped[list[dict[str, Any]]]
    created_at: Mapped[datetime]
    campaign: Mapped[Campaign] = relationship(lazy="raise")
    countries: Mapped[list["AlertCountry"]] = relationship(
        lazy="raise", order_by="AlertCountry.position"
    )


class AlertCountry(Base):
    """A country an alert writes to, and what its government requires of a letter."""

    __tablename__ = "alert_country"
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), primary_key=True)
    country: Mapped[str] = mapped_column(String(2), primary_key=True)
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(80))
    added_on: Mapped[date]
    record: Mapped[str] = mapped_column(Text)
    postal_address: Mapped[str] = mapped_column(Text)  # the reason it is asked; empty: not asked
    language_note: Mapped[str] = mapped_column(Text)
    reply_note: Mapped[str] = mapped_column(Text)


class LetterTemplate(Base):
    """The organiser's text for one country and language. A change is a new revision."""

    __tablename__ = "letter_template"
    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"))
    country: Mapped[str] = mapped_column(String(2))
    language: Mapped[str] = mapped_column(String(8))
    revision: Mapped[int]
    reviewed: Mapped[bool]
    source: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("alert_id", "country", "language", "revision"),)


# ── WHAT ────────────────────────────────────────────────────────────────────────────────────


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
HOLDS_ITS_PLACE = "status NOT IN ({})".format(", ".join(f"'{one}'" for one in FREED))


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


class NoticeKind(StrEnum):
    CONFIRM = "confirm"  # please confirm
    DUPLICATE = "duplicate"  # you had already written; nothing went twice
    COPY = "copy"  # your letters, after the first of them left
    FAILED = "failed"  # a letter that will not arrive, and what its supporter can do
    HOST_REFUSES = "host_refuses"  # to organisers: a mail host turns our letters away
    NO_SUCH_ADDRESS = "no_such_address"  # to organisers: an office's address does not exist


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
    )


# ── BETWEEN DECIDED AND SENT ────────────────────────────────────────────────────────────────


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
        Index("ix_attempt_notice_id", "notice_id"),
        partial_index("ix_attempt_policy", "ended_at", where="enhanced LIKE '5.7.%'"),
    )


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
    __table_args__ = (
        partial_index(
            "uq_freeze_standing", "scope", "ref", where="released_at IS NULL", unique=True
        ),
    )


class MailHost(Base):
    """The server behind which mailboxes lie: how fast all of them together are written to."""

    __tablename__ = "mail_host"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(255), unique=True)  # its MX, or the domain unlooked
    per_hour: Mapped[int | None]  # None: as the settings say
    last_at: Mapped[datetime | None]  # the turn it last had, from which the next is reckoned


class MailDomain(Base):
    """What follows the @ of an address, and the servers that its MX names."""

    __tablename__ = "mail_domain"
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    host_id: Mapped[int] = mapped_column(ForeignKey("mail_host.id"))
    exchanges: Mapped[list[str]]  # in order of preference; empty: not looked up
    looked_up_at: Mapped[datetime | None]


class Mailbox(Base):
    """One address in lower case: how fast it is written to, over all alerts and workers."""

    __tablename__ = "mailbox"
    email: Mapped[str] = mapped_column(String(320), primary_key=True)
    domain: Mapped[str] = mapped_column(ForeignKey("mail_domain.name"))
    per_hour: Mapped[int | None]  # at peak; None, here and below: as the settings say
    per_day: Mapped[int | None]
    in_all: Mapped[int | None]
    off_days: Mapped[bool | None]  # also on weekends and holidays
    last_at: Mapped[datetime | None]  # the turn it last had, from which the next is reckoned
    today: Mapped[date | None]  # in the office's time zone
    today_n: Mapped[int] = mapped_column(default=0)
    last_alert_id: Mapped[int | None]  # whose turn it was


class RelayState(Base):
    """A relay as all workers see it: its pace, and since when it does not let us in."""

    __tablename__ = "relay"
    name: Mapped[str] = mapped_column(String(260), primary_key=True)  # host:port
    last_at: Mapped[datetime | None]  # the turn it last had
    failures: Mapped[int] = mapped_column(default=0)  # in a row
    retry_at: Mapped[datetime | None]
    why: Mapped[str] = mapped_column(Text, default="")


class RelayShare(Base):
    """How many connections to a relay one worker may keep open, for a limited time."""

    __tablename__ = "relay_share"
    relay: Mapped[str] = mapped_column(String(260), primary_key=True)
    worker: Mapped[str] = mapped_column(String(80), primary_key=True)
    connections: Mapped[int]
    until: Mapped[datetime]


class Bucket(Base):
    """So many per so long, for one visitor (throttle): a GCRA row."""

    __tablename__ = "bucket"
    key: Mapped[str] = mapped_column(String(340), primary_key=True)  # visitor:…
    next_at: Mapped[datetime]


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
    received_at: Mapped[datetime]
    mail_from: Mapped[str] = mapped_column(String(320))
    rcpt_to: Mapped[str] = mapped_column(String(320))
    subject: Mapped[str] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(String(200))
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (Index("ix_sandbox_message_rcpt_to", "rcpt_to"),)


# ── HOW MANY ────────────────────────────────────────────────────────────────────────────────


class SendCount(Base):
    """Letters by current status, written in the transaction that changes the status."""

    __tablename__ = "send_count"
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), primary_key=True)
    target_id: Mapped[int] = mapped_column(ForeignKey("target.id"), primary_key=True)
    delivery: Mapped[str] = mapped_column(String(10), primary_key=True)
    status: Mapped[str] = mapped_column(String(12), primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)
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


# ── WHO DID WHAT ────────────────────────────────────────────────────────────────────────────


class AuditLine(Base):
    """Who did what, as a sentence."""

    __tablename__ = "audit_line"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(340))
    sentence: Mapped[str] = mapped_column(Text)
