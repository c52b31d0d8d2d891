"""The ways we say no, in the words of the domain. `web/problems.py` gives each a status and a page.

Nothing here knows HTTP, and nothing here is a sentence for a reader: a refusal carries what is
needed to write one in the reader's language.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any


class Refusal(Exception):
    """Something was asked that we do not do, and nothing was changed."""


class Missing(Refusal):
    """There is no such thing here."""

    def __init__(self, what: str, name: str = "") -> None:
        super().__init__(f"no such {what}: {name}" if name else f"no such {what}")
        self.what = what
        self.name = name


class LinkDamaged(Missing):
    """A link from a mail of ours that is not whole, or is none of ours: nobody can tell."""


class Forgotten(Missing):
    """It was here, and was erased: its person asked for it, or its time was over."""


class AlertClosed(Refusal):
    """The form has ended; letters submitted before can still be confirmed."""

    def __init__(self, closes_at: datetime | None) -> None:
        super().__init__("the alert is closed")
        self.closes_at = closes_at


class AlertNotOpen(Refusal):
    """The alert opens later."""

    def __init__(self, opens_at: datetime) -> None:
        super().__init__("the alert is not open yet")
        self.opens_at = opens_at


class AlertFrozen(Refusal):
    """An organiser holds the alert; the form takes nothing until it is released."""


class OwnMailboxOnly(Refusal):
    """Nothing of this alert is sent from here: its supporters send from their own mailboxes."""


class FormRefused(Refusal):
    """Fields that cannot be taken as they are: field name → reason, a word `web/forms.py` knows."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {reason}" for field, reason in fields.items()))
        self.fields = fields


class LinkExpired(Refusal):
    """A confirm link older than its letters wait: they have lapsed."""


class TextChanged(Refusal):
    """The letters no longer read as they did when they were shown: show them again first."""


class TooLate(Refusal):
    """The letter has already left, or is leaving at this moment."""


class TooEarly(Refusal):
    """The letter has not left, so nobody can have answered it."""


class TooMany(Refusal):
    """A visitor asks more often than the throttle allows."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"too many requests; again in {retry_after:.0f} s")
        self.retry_after = retry_after


class SignInRefused(Refusal):
    """Address and password do not belong together, or nobody by that address may sign in."""


class NotSignedIn(Refusal):
    """Only an organiser may see or do this."""


class NotAllowed(Refusal):
    """This organiser's role does not cover it, or the form did not come from our own page."""


class FormOutdated(NotAllowed):
    """The form was made for another sign-in of the same browser, an earlier one perhaps."""


class LastOwner(Refusal):
    """Without this owner nobody of the organisation could invite or change people."""


class InvitationOver(Refusal):
    """The invitation is too old, was taken already, or was taken back."""


class TokenRefused(Refusal):
    """No API token was brought, or one that works no more."""


class ScopeMissing(Refusal):
    """The API token was not made for this, or its maker's role does not cover it."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"this needs an API token for {scope}")
        self.scope = scope


class NotPractice(Refusal):
    """The sandbox mailbox is only open where mail is practice."""


class ComeAgain(Refusal):
    """It cannot be taken in at this moment; whoever brings it keeps it, and asks again later."""


class TakesNoAnswers(Refusal):
    """An answer to a letter that cannot be passed on, for good: its person was forgotten."""

    def __init__(self, why: str = "the person no longer takes answers") -> None:
        super().__init__(why)


class TemplateBroken(Refusal):
    """A letter template that would not render: the line and the reason."""

    def __init__(self, name: str, line: int, reason: str) -> None:
        super().__init__(f"{name}, line {line}: {reason}")
        self.name, self.line, self.reason = name, line, reason


class MessageRefused(Refusal):
    """A letter or notice that cannot be written as a message without harm; the reason."""


class PackBroken(Refusal):
    """A pack that cannot be loaded: the file and the reason."""


class RowRefused(Refusal):
    """A line of a contact file that cannot be taken: the line and the reason."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        super().__init__(f"{file}, line {line}: {reason}")
        self.line, self.reason = line, reason


class FileRefused(RowRefused):
    """A contact file with lines that cannot be taken: each of them, a line of its own."""

    def __init__(self, rows: Sequence[RowRefused]) -> None:
        first = rows[0]
        super().__init__("", first.line, first.reason)
        self.rows = tuple(rows)

    def __str__(self) -> str:
        return "\n".join(str(row) for row in self.rows)


class NotMigrated(Refusal):
    """The tables are not those of this version of the program."""

    def __str__(self) -> str:
        return "the database is not up to date: run “python -m app migrate”"


class ClockApart(Refusal):
    """This machine's clock is not the database's, by which other workers go as well."""

    def __init__(self, ahead: timedelta) -> None:
        seconds = round(abs(ahead).total_seconds())
        where = "ahead of" if ahead > timedelta() else "behind"
        super().__init__(
            f"this machine's clock is {seconds} seconds {where} the database's: letters would go"
            " twice, or too fast; set both by the same time server"
        )


class SettingsRefused(Refusal):
    """A setting, or two together, that would not be safe to run with."""


class Overtaken(Refusal):
    """Somebody saved the same part meanwhile: `theirs` is what stands, `yours` what was typed."""

    def __init__(self, theirs: Any, yours: dict[str, Any]) -> None:
        super().__init__("somebody else saved this part meanwhile")
        self.theirs, self.yours = theirs, yours


class DraftUnfinished(Refusal):
    """A draft that cannot be published as it is: every fault with its place."""

    def __init__(self, faults: Sequence[Any]) -> None:
        super().__init__("; ".join(f"{one.section}: {one.sentence}" for one in faults))
        self.faults = tuple(faults)


class StepRefused(Refusal):
    """An alert does not go from where it stands to there; `why`: what else stands in the way."""

    def __init__(self, frm: str, to: str, why: str = "") -> None:
        super().__init__(f"an alert that is {frm} does not become {to}{why and f': {why}'}")
        self.frm, self.to, self.why = frm, to, why


class DraftMoved(Refusal):
    """The draft is no longer the one that was looked at: look again first."""


class PointsOpen(Refusal):
    """Points of the check-list are open, and nobody has agreed or said why."""

    def __init__(self, points: Sequence[str]) -> None:
        super().__init__(f"open points: {', '.join(points)}")
        self.points = tuple(points)
