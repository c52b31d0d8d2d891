"""WHY: campaigns, the stage of each country, the alerts and their letter templates."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import partial_index
from app.models.tables import EMPTY, NO_LIST, Base


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


class StageMove(Base):
    """A country moved on while letters waited that ask for what was asked before: their holds
    stand until an organiser decides."""

    __tablename__ = "stage_move"
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    country: Mapped[str] = mapped_column(String(2))
    from_stage: Mapped[str] = mapped_column(String(40))
    to_stage: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(340))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(String(340), default="")
    decision: Mapped[str] = mapped_column(String(20), default="")  # sent | cancelled
    __table_args__ = (
        partial_index("ix_stage_move_open", "campaign_id", where="decided_at IS NULL"),
    )


class AlertState(StrEnum):
    DRAFT = "draft"
    REHEARSAL = "rehearsal"
    PUBLISHED = "published"
    CLOSED = "closed"
    ARCHIVED = "archived"


class OwnMailbox(StrEnum):
    """What an alert says of sending from one's own mail program."""

    OFFERED = "offered"  # beside "send for me"
    PREFERRED = "preferred"  # before it
    ONLY = "only"  # nothing is sent from here


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
    write_before: Mapped[date | None]  # what the page asks for; the form stays open until closes_at
    expected: Mapped[int] = mapped_column(
        default=0, server_default="0"
    )  # supporters planned for; 0: nobody said
    ending: Mapped[str] = mapped_column(
        String(10), default="", server_default=EMPTY
    )  # won, or nothing
    ending_words: Mapped[str] = mapped_column(
        Text, default="", server_default=EMPTY
    )  # what was reached, for supporters
    # rehearsal letters of these go back to them; all others land in the sandbox mailbox
    test_people: Mapped[str] = mapped_column(Text, default="", server_default=EMPTY)  # one a line
    tested_seal: Mapped[str] = mapped_column(
        String(64), default="", server_default=EMPTY
    )  # of the texts last tried
    draft_base: Mapped[str] = mapped_column(
        String(64), default="", server_default=EMPTY
    )  # what a draft began from
    own_mailbox: Mapped[str] = mapped_column(
        String(10), default=OwnMailbox.OFFERED, server_default=text("'offered'")
    )
    editable: Mapped[bool] = mapped_column(
        default=False, server_default=text("false")
    )  # supporters may write the whole letter anew
    refused_words: Mapped[list[str]] = mapped_column(
        default=list, server_default=NO_LIST
    )  # insults: kindly refused in what supporters write
    campaign: Mapped[Campaign] = relationship(lazy="raise")
    translations: Mapped[list["AlertTranslation"]] = relationship(
        lazy="selectin", order_by="AlertTranslation.language"
    )  # asked for with every alert: a page needs them wherever it names one
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
    # the roles of the offices that each of the two is true of; empty: all of them
    postal_address_roles: Mapped[list[str]] = mapped_column(default=list, server_default=NO_LIST)
    language_note_roles: Mapped[list[str]] = mapped_column(default=list, server_default=NO_LIST)


class AlertTranslation(Base):
    """What an alert's page says in another language than its own; what is missing stays as it is.

    `content`: as `alert.<language>.toml` of a pack has it.
    """

    __tablename__ = "alert_translation"
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), primary_key=True)
    language: Mapped[str] = mapped_column(String(8), primary_key=True)
    reviewed: Mapped[bool]
    content: Mapped[dict[str, Any]]


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


class DraftSection(Base):
    """A part of an alert that is being written, as it was last saved: nothing that was typed is
    lost, and nothing of it counts before it is published."""

    __tablename__ = "draft_section"
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    content: Mapped[dict[str, Any]]
    version: Mapped[int]  # grows with each save, so that two who write at once are told
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(String(340))


class Approval(Base):
    """An organiser wants to publish although a point of the check-list is open: a second one
    agrees, or a reason is written down."""

    __tablename__ = "approval"
    id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"))
    seal: Mapped[str] = mapped_column(String(64))  # of the draft that was looked at
    points: Mapped[list[str]]  # those that were open
    reason: Mapped[str] = mapped_column(Text)
    asked_by: Mapped[str] = mapped_column(String(340))
    asked_at: Mapped[datetime]
    settled_by: Mapped[str] = mapped_column(String(340), default="")
    settled_at: Mapped[datetime | None]
    agreed: Mapped[bool | None]
    __table_args__ = (Index("ix_approval_alert_id", "alert_id"),)
