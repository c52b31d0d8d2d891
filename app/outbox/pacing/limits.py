"""What limits a mailbox and its host: an organiser's own figures, else the settings'."""

from dataclasses import dataclass
from datetime import timedelta

from app.models import Mailbox, MailHost
from app.settings import Settings

ON_THE_WAY = 10 / 3600  # hours
# A turn is taken when it comes. One that lies further ahead was written by a clock that ran ahead,
# and holds nobody: else nothing would leave until that day. Workers' clocks differ by less.
NO_TURN_YET = timedelta(minutes=5)


@dataclass(frozen=True)
class Limits:
    """Letters an hour at peak, a day, and in all (None: no cap); on weekends and holidays too."""

    per_hour: int
    per_day: int
    in_all: int | None
    off_days: bool


def of(mailbox: Mailbox | None, settings: Settings) -> Limits:
    """The limits of a mailbox; `None` is one that nobody has written to yet."""
    given = mailbox or Mailbox()
    in_all = settings.per_mailbox_total if given.in_all is None else given.in_all
    return Limits(
        per_hour=given.per_hour or settings.per_mailbox_hour,
        per_day=given.per_day or settings.per_mailbox_day,
        in_all=in_all or None,
        off_days=settings.off_days if given.off_days is None else given.off_days,
    )


def of_host(host: MailHost | None, settings: Settings) -> int:
    """Letters an hour to all mailboxes behind a host."""
    return (host.per_hour if host else None) or settings.per_host_hour


def at_once(per_hour: float) -> int:
    """How many may leave together: one, or as many as the limit allows in a second."""
    return max(1, int(per_hour // 3600))


def spacing(per_hour: float) -> float:
    """Hours at peak from one turn to the next.

    A turn may be late by a quarter of it (jitter), `at_once` letters go together, and from its
    turn to the server a letter may take a little longer than another: counted so that even then
    no window of an hour holds more than the limit.
    """
    return (1 + ON_THE_WAY) / (per_hour + 1 - 1.25 * at_once(per_hour))
