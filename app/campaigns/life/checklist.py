"""What should be so before an alert is published, as far as the draft and the directory can tell.

What the name system says and when the last letter would leave is added at the door (`web`).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.campaigns import alerts, stages
from app.campaigns.drafts.assembling import Fault
from app.campaigns.drafts.keeping import Draft
from app.campaigns.drafts.showing import Shown
from app.campaigns.offices import Office
from app.errors import TemplateBroken
from app.models import Alert
from app.wording.templates import parse

FRESH_FOR = timedelta(days=180)  # an address that somebody checked
LONGEST_ALERT = timedelta(days=366)


class State(StrEnum):
    """`BLOCKS` cannot be overruled; `LOOK` holds nothing up."""

    BLOCKS = "blocks"
    OPEN = "open"
    LOOK = "look"
    DONE = "done"
    NOT_HERE = "not here"  # does not apply


@dataclass(frozen=True)
class Point:
    """One line of the list. `items`: what exactly, names or words that the page knows."""

    key: str
    state: State
    items: tuple[str, ...] = ()


def opened(points: Iterable[Point]) -> list[str]:
    """The points for which somebody has to answer."""
    return [point.key for point in points if point.state is State.OPEN]


def blocked(points: Iterable[Point]) -> bool:
    return any(point.state is State.BLOCKS for point in points)


async def points(
    session: AsyncSession, draft: Draft, shown: Shown, faults: Sequence[Fault]
) -> list[Point]:
    """The list, in the order in which one mends it. `shown`: with offices nobody has checked."""
    found = [_unfinished(faults), _dates(shown.alert)]
    if draft.alert.kind == "letters":
        found += [
            await _stages(session, shown.alert),
            _contacts(shown),
            _translations(draft),
            _tested(draft),
        ]
    return [*found, _to_look_at(faults)]


def _unfinished(faults: Sequence[Fault]) -> Point:
    serious = any(one.serious for one in faults)
    return Point("finished", State.BLOCKS if serious else State.DONE)


def to_look_at(faults: Sequence[Fault]) -> list[Fault]:
    """What holds nothing up; a text that waits for its reader is a point of its own."""
    return [one for one in faults if not one.serious and one.field != "reviewed"]


def _to_look_at(faults: Sequence[Fault]) -> Point:
    to_see = to_look_at(faults)
    return Point("texts", State.LOOK if to_see else State.DONE)


def _dates(alert: Alert) -> Point:
    """An alert that ends before it has begun to be of use was typed in a hurry."""
    now, today = clock.now(), alerts.today(alert)
    ends = alert.closes_at
    wrong = {
        "over": bool(ends and ends <= now),
        "long": bool(ends and ends - alert.opens_at > LONGEST_ALERT),
        "far": alert.opens_at - now > LONGEST_ALERT,
        "before_today": bool(alert.write_before and alert.write_before < today),
        "before_opening": bool(alert.write_before and alert.write_before < alert.opens_at.date()),
        "after_closing": bool(alert.write_before and ends and alert.write_before > ends.date()),
    }
    items = tuple(what for what, is_so in wrong.items() if is_so)
    endless = () if ends else ("open_ended",)
    return Point("dates", State.OPEN if items else State.DONE, (*items, *endless))


async def _stages(session: AsyncSession, alert: Alert) -> Point:
    """On the day it opens: a step that is dated later says nothing yet."""
    day = max(alerts.today(alert), alert.opens_at.date())
    standing = await stages.standings(session, alert.campaign, day)
    without = tuple(
        one.name
        for one in alert.countries
        if one.country not in standing or not standing[one.country].current
    )
    return Point("stages", State.OPEN if without else State.DONE, without)


def _contacts(shown: Shown) -> Point:
    """Every office that the form offers by default, and a default office in every country."""
    default = [one for one in shown.offices if one.standard]
    reached = Counter(one.target.country for one in default)
    nobody = tuple(one.name for one in shown.alert.countries if not reached[one.country])
    stale = tuple(f"{one.country.name}: {one.target.office}" for one in default if _is_stale(one))
    return Point("contacts", State.OPEN if nobody or stale else State.DONE, (*nobody, *stale))


def _is_stale(office: Office) -> bool:
    checked = office.contact.checked_on
    return checked is None or clock.now().date() - checked > FRESH_FOR


def _translations(draft: Draft) -> Point:
    waiting = []
    for name, source in draft.letters.items():
        try:
            reviewed = parse(source, name).front.reviewed
        except TemplateBroken:
            continue  # a fault of its own
        if not reviewed:
            waiting.append(name)
    return Point("translations", State.OPEN if waiting else State.DONE, tuple(waiting))


def _tested(draft: Draft) -> Point:
    same = draft.alert.tested_seal == draft.letters_seal
    return Point("test letter", State.DONE if same else State.OPEN)
