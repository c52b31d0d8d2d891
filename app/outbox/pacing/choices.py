"""What an organiser chose for a mailbox or a mail host; the next claim goes by it."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import audit
from app.errors import FormRefused
from app.models import Mailbox, MailHost
from app.outbox.pacing import hosts

MOST = 100_000  # of anything; more is a slip of the finger


@dataclass(frozen=True)
class Choice:
    """The limits of one mailbox; None is as the settings say, and `in_all` 0 no cap."""

    per_hour: int | None = None
    per_day: int | None = None
    in_all: int | None = None
    off_days: bool | None = None

    def check(self) -> None:
        """Raises FormRefused."""
        numbers = {"per_hour": self.per_hour, "per_day": self.per_day}
        wrong = [name for name, n in numbers.items() if n is not None and not 1 <= n <= MOST]
        if self.in_all is not None and not 0 <= self.in_all <= MOST:
            wrong.append("in_all")
        if wrong:
            raise FormRefused(dict.fromkeys(wrong, "not_a_limit"))


def of(mailbox: Mailbox | None) -> Choice:
    """What was chosen so far."""
    if mailbox is None:
        return Choice()
    return Choice(mailbox.per_hour, mailbox.per_day, mailbox.in_all, mailbox.off_days)


async def pace_mailbox(session: AsyncSession, email: str, choice: Choice, *, by: str) -> bool:
    """Pace a mailbox so; False when it was paced so already. Raises FormRefused."""
    choice.check()
    await hosts.know(session, [email])
    mailbox = await session.get_one(Mailbox, email.lower())
    if of(mailbox) == choice:
        return False
    mailbox.per_hour, mailbox.per_day = choice.per_hour, choice.per_day
    mailbox.in_all, mailbox.off_days = choice.in_all, choice.off_days
    await audit.note(session, by, f"Paced the mailbox “{mailbox.email}”: {_sentence(choice)}")
    return True


async def pace_host(
    session: AsyncSession, name: str, emails: Iterable[str], per_hour: int | None, *, by: str
) -> bool:
    """Pace all mailboxes behind a host so, of which some are named; False when nothing changes.

    Raises FormRefused.
    """
    Choice(per_hour=per_hour).check()
    await hosts.know(session, emails)
    found = await session.scalars(select(MailHost).where(MailHost.name == name))
    host = found.one()
    if host.per_hour == per_hour:
        return False
    host.per_hour = per_hour
    await audit.note(session, by, f"Paced the mail host “{name}”: {_an_hour(per_hour)}")
    return True


def _sentence(choice: Choice) -> str:
    days = {None: "days off as set for all", True: "days off too", False: "working days only"}
    return ", ".join(
        [
            f"{_an_hour(choice.per_hour)} at peak",
            "a day as set for all" if choice.per_day is None else f"{choice.per_day} a day",
            _in_all(choice.in_all),
            days[choice.off_days],
        ]
    )


def _an_hour(n: int | None) -> str:
    return "letters an hour as set for all" if n is None else f"{n} letters an hour"


def _in_all(n: int | None) -> str:
    if n is None:
        return "in all as set for all"
    return f"{n} in all" if n else "no cap in all"
