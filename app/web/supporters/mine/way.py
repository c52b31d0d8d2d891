"""How somebody's letters stand, all together: a sentence, and the stations of their way."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.languages import marked, translations
from app.models import Answer, LetterStatus
from app.reporting.departures import Leaving
from app.reporting.receipts import LetterLine
from app.settings import STAYS_HERE, Delivery
from app.web.looks import moments

WAITS = (LetterStatus.HELD, LetterStatus.QUEUED, LetterStatus.SENDING)
LEFT = (LetterStatus.HANDED_OVER, LetterStatus.ACCEPTED, LetterStatus.BOUNCED)
LOST = (
    LetterStatus.BOUNCED,
    LetterStatus.REJECTED,
    LetterStatus.EXPIRED,
    LetterStatus.FAILED,
)
GOING = frozenset((*WAITS, *LEFT, *LOST))
OVER = (LetterStatus.CANCELLED, LetterStatus.SUPPRESSED, LetterStatus.LAPSED)
# after that long a server's report is rare, and a page that asks for it wakes a phone for nothing
MAY_STILL_BE_REPORTED = timedelta(days=1)

WAITING = marked("Waiting here")
HANDED_OVER = marked("With our mail server, on their way")
ACCEPTED = marked("Taken by the office's own server")
ANSWERED = marked("Answered, as you told us")
NOT_THROUGH = marked("Did not get through")
CALLED_OFF = marked("Called off, or not sent")
IN_THE_SANDBOX = marked("In the practice mailbox")
BACK_TO_THE_WRITER = marked("Sent back to you, for practice")


@dataclass(frozen=True)
class Station:
    """`mood`: as a status has it in the pages: waits, well, ill, over."""

    name: str
    n: int
    mood: str


@dataclass(frozen=True)
class Way:
    """`written`: letters that go or went, `left`: those that have. `settled`: nothing will change
    by itself any more, so nobody need look again."""

    sentences: list[str]
    stations: list[Station]
    settled: bool
    written: int
    left: int


def of_letters(
    lines: Sequence[LetterLine],
    leaving: Mapping[int, Leaving],
    answers: Mapping[int, Answer],
    *,
    delivery: str,
    now: datetime,
    zone: str,
    language: str,
) -> Way:
    """All that stands above the single letters."""
    first = _first(leaving.values())
    sentences = [_how_many_left(lines, delivery, language)]
    if first:
        several = len(lines) > 1
        sentences.append(
            moments.leaves(first, now=now, zone=zone, language=language, of_several=several)
        )
    return Way(
        [one for one in sentences if one],
        _stations(lines, answers, delivery, language),
        settled=not any(_moves(line, delivery, now) for line in lines),
        written=_count(lines, GOING),
        left=_count(lines, LEFT),
    )


def _how_many_left(lines: Sequence[LetterLine], delivery: str, language: str) -> str:
    """Letters that were called off are no part of it. Empty for a single one: it says so itself."""
    going = _count(lines, GOING)
    if going < 2:
        return ""
    said = translations(language)
    left = _count(lines, LEFT)
    if left and delivery in STAYS_HERE:
        text = said.gettext("In the practice mailbox: %(left)s of %(num)s.")
    elif left == going:
        text = said.ngettext("%(num)s letter has left.", "All %(num)s letters have left.", going)
    elif not left:
        text = said.ngettext(
            "%(num)s letter has not left yet.", "None of %(num)s letters has left yet.", going
        )
    else:
        text = said.ngettext(
            "%(left)s of %(num)s letter has left.", "%(left)s of %(num)s letters have left.", going
        )
    return text % {"left": left, "num": going}


def _stations(
    lines: Sequence[LetterLine], answers: Mapping[int, Answer], delivery: str, language: str
) -> list[Station]:
    """The three of every way, and those that some letter came to."""
    said = translations(language).gettext
    handed_over = {
        Delivery.SANDBOX: IN_THE_SANDBOX,
        Delivery.REHEARSAL: IN_THE_SANDBOX,
        Delivery.REFLECT: BACK_TO_THE_WRITER,
        Delivery.TRIAL: BACK_TO_THE_WRITER,
    }.get(Delivery(delivery), HANDED_OVER)
    told = sum(one.answered for one in answers.values())
    accepted = _count(lines, (LetterStatus.ACCEPTED,))
    ends_with_us = handed_over != HANDED_OVER
    found = [
        (WAITING, _count(lines, WAITS), "waits", True),
        (handed_over, _count(lines, (LetterStatus.HANDED_OVER,)), "well", True),
        (ACCEPTED, accepted, "well", not ends_with_us),
        (ANSWERED, told, "well", False),
        (NOT_THROUGH, _count(lines, LOST), "ill", False),
        (CALLED_OFF, _count(lines, OVER), "over", False),
    ]
    return [Station(said(name), n, mood) for name, n, mood, always in found if always or n]


def _first(leaving: Collection[Leaving]) -> Leaving | None:
    """What leaves first, where that is known."""
    if soon := [one for one in leaving if one.soon]:
        return soon[0]
    return min((one for one in leaving if one.at), key=lambda one: one.at or 0, default=None)


def _moves(line: LetterLine, delivery: str, now: datetime) -> bool:
    if line.status == LetterStatus.HANDED_OVER and delivery == Delivery.LIVE:
        return now - line.status_at < MAY_STILL_BE_REPORTED
    return line.status in WAITS


def _count(lines: Sequence[LetterLine], statuses: Collection[LetterStatus]) -> int:
    return sum(line.status in statuses for line in lines)
