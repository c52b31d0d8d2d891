"""How fast letters leave for a mailbox, a mail host and a relay, over all workers."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.tables import Base


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
