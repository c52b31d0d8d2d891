"""When letters leave: one supporter's, those of an alert, and those of supporters to come."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.campaigns import offices
from app.models import Alert, Letter, LetterStatus, Submission
from app.outbox import freezes
from app.outbox.pacing import forecast
from app.outbox.pacing.forecast import Departure
from app.outbox.pacing.lanes import IS_QUEUED, TRIED_BEFORE
from app.reporting import curves
from app.reporting.boxes import Box, Boxes, Lane, load
from app.settings import Settings

MOST_COUNTED = 20_000  # letters ahead of one: a place further back is weeks away anyway


@dataclass(frozen=True)
class Leaving:
    """When a waiting letter leaves; `at` is None when that is not within half a year.

    `soon`: nothing is paced here. `refusing`: its mail host is frozen.
    """

    at: datetime | None
    soon: bool = False
    refusing: bool = False


@dataclass(frozen=True)
class OfficeOutlook:
    """What waits for an office, and when the last of it leaves.

    `held`: why what waits does not leave, in a word: alert, contact, host, unchecked, suppressed,
    cap, long; empty when it does. `late`: after its alert closes.
    """

    country: str
    office: str
    n: int
    out_at: datetime | None
    held: str
    late: bool


@dataclass(frozen=True)
class Plan:
    """What becomes of so many supporters of an alert.

    `last_at`: when the last letter leaves; None when some leave not within half a year.
    `last`: the office that it goes to. `before`: letters that wait already.
    """

    supporters: int
    n_offices: int
    letters: int
    before: int
    last_at: datetime | None
    last: offices.Office | None
    late: bool
    curve: curves.Curve | None


async def of_submission(
    session: AsyncSession, submission: Submission, settings: Settings
) -> dict[int, Leaving]:
    """When the waiting letters of one submission leave, by letter; those held back are not in it.

    A hold on the mail host is: there it is the server that does not let letters in.
    """
    letters = await _that_wait(session, submission)
    if submission.delivery != settings.delivery or not letters:
        return {}
    boxes = await load(session, settings)
    ours = {one: box for one in letters if (box := boxes.of_target.get(one.target_id))}
    found = {one.id: Leaving(None, refusing=True) for one, box in ours.items() if box.refusing}
    moving = {one: box for one, box in ours.items() if boxes.moves(one.alert_id, box)}
    if not settings.paced:
        return found | {one.id: Leaving(clock.now(), soon=True) for one in moving}
    departures = _departures(boxes, {box.email for box in moving.values()})
    for one, box in moving.items():
        place = _place(boxes.lanes_of(box), one, await _ahead(session, one))
        at = departures[box.email].nth(place)
        found[one.id] = Leaving(at and max(at, box.calendar.next_open(one.not_before)))
    return found


async def of_alerts(
    session: AsyncSession, alerts: Sequence[Alert], settings: Settings
) -> list[OfficeOutlook]:
    """What waits for each office of these alerts, and when it is out."""
    boxes = await load(session, settings)
    by_id = {alert.id: alert for alert in alerts}
    ours = [lane for lane in boxes.lanes if lane.alert_id in by_id]
    emails = {box.email for lane in ours if (box := boxes.of_target.get(lane.target_id))}
    departures = _departures(boxes, emails) if settings.paced else {}
    rows = [_outlook(boxes, lane, by_id[lane.alert_id], departures) for lane in ours]
    return sorted(_together(rows), key=lambda row: (row.country, row.office))


async def of_supporters(
    session: AsyncSession,
    alert: Alert,
    supporters: int,
    settings: Settings,
    *,
    available: Sequence[offices.Office] | None = None,
    boxes: Boxes | None = None,
) -> Plan:
    """When the last letter leaves if so many confirm at once, each to the alert's usual offices.

    `available`: the offices of an alert that is still a draft. `boxes`: as they were just loaded.
    """
    boxes = boxes or await load(session, settings)
    found = available
    if found is None:
        found = await offices.of_alert(session, alert, settings.delivery)
    chosen = [one for one in found if one.standard] or found
    to_come: dict[str, int] = defaultdict(int)
    for office in chosen:
        to_come[office.contact.email.lower()] += supporters
    start = max(clock.now(), alert.opens_at)
    departures = _departures(boxes, set(to_come), to_come, start)
    ours = {email: departures[email] for email in to_come}
    last = max(chosen, key=lambda one: _end(ours[one.contact.email.lower()], start), default=None)
    ends = [one.last_at for one in ours.values()]
    last_at = None if None in ends else max((at for at in ends if at), default=None)
    return Plan(
        supporters=supporters,
        n_offices=len(chosen),
        letters=supporters * len(chosen),
        before=sum(boxes.waiting_at(email) for email in to_come),
        last_at=last_at,
        last=last,
        late=bool(alert.closes_at and last_at and last_at > alert.closes_at),
        curve=curves.together(list(ours.values()), start=start, zone=ZoneInfo(alert.timezone)),
    )


async def of_mailbox(
    session: AsyncSession, box: Box, supporters: int, settings: Settings
) -> Departure:
    """When so many more letters would have left for one mailbox, as `box` says it is paced."""
    boxes = (await load(session, settings)).with_box(box)
    return _departures(boxes, {box.email}, {box.email: supporters})[box.email]


# ── reckoning ──


def _departures(
    boxes: Boxes,
    emails: Collection[str],
    to_come: Mapping[str, int] | None = None,
    start: datetime | None = None,
) -> dict[str, Departure]:
    """Of these mailboxes, among all that lie behind the same hosts."""
    behind = {boxes.by_email[email].host_name for email in emails}
    rows = [
        boxes.waiting(box, (to_come or {}).get(box.email, 0))
        for box in boxes.by_email.values()
        if box.host_name in behind
    ]
    host_hours = {box.host_name: box.host_hour for box in boxes.by_email.values()}
    return forecast.departures(rows, host_hours=host_hours, now=start or clock.now())


def _outlook(
    boxes: Boxes, lane: Lane, alert: Alert, departures: Mapping[str, Departure]
) -> OfficeOutlook:
    target, box = boxes.targets[lane.target_id], boxes.of_target.get(lane.target_id)
    out_at, held = None, "contact" if box is None else boxes.why_held(alert.id, box)
    if box and not held and departures:
        departure = departures[box.email]
        out_at = departure.nth(_last_place(boxes.lanes_of(box), lane))
        held = "" if out_at else ("cap" if box.capped else "long")
    late = bool(out_at and alert.closes_at and out_at > alert.closes_at)
    return OfficeOutlook(target.country, target.office, lane.n, out_at, held, late)


def _together(rows: Iterable[OfficeOutlook]) -> list[OfficeOutlook]:
    """One line for each office, over several alerts."""
    offices_of: dict[tuple[str, str], list[OfficeOutlook]] = defaultdict(list)
    for row in rows:
        offices_of[row.country, row.office].append(row)
    return [
        OfficeOutlook(
            country,
            office,
            sum(one.n for one in same),
            max((one.out_at for one in same if one.out_at), default=None),
            next((one.held for one in same if one.held), ""),
            any(one.late for one in same),
        )
        for (country, office), same in offices_of.items()
    ]


def _place(lanes: Sequence[Lane], letter: Letter, ahead: int) -> int:
    """A letter's place, from 1, among all that wait for its mailbox: alerts take turns."""
    mine = ahead + 1 + _of_others(lanes, letter.alert_id, letter.target_id, ahead)
    return mine + _of_other_alerts(lanes, letter.alert_id, mine)


def _last_place(lanes: Sequence[Lane], lane: Lane) -> int:
    mine = lane.n + _of_others(lanes, lane.alert_id, lane.target_id, lane.n)
    return mine + _of_other_alerts(lanes, lane.alert_id, mine)


def _of_others(lanes: Sequence[Lane], alert_id: int, target_id: int, at_most: int) -> int:
    """Of the same alert to other offices at the same address: in the order they came."""
    same = [one for one in lanes if one.alert_id == alert_id and one.target_id != target_id]
    return sum(min(one.n, at_most) for one in same)


def _of_other_alerts(lanes: Sequence[Lane], alert_id: int, at_most: int) -> int:
    of_alert: dict[int, int] = defaultdict(int)
    for lane in lanes:
        of_alert[lane.alert_id] += lane.n
    return sum(min(n, at_most) for other, n in of_alert.items() if other != alert_id)


def _end(departure: Departure, start: datetime) -> datetime:
    return departure.last_at or start + timedelta(days=366 * 9)


# ── asking ──


async def _that_wait(session: AsyncSession, submission: Submission) -> Sequence[Letter]:
    found = select(Letter).where(
        Letter.submission_id == submission.id,
        Letter.status == LetterStatus.QUEUED,
        ~freezes.letter_is_frozen(),
    )
    return (await session.scalars(found)).all()


async def _ahead(session: AsyncSession, letter: Letter) -> int:
    """How many letters of its lane leave before it: those tried before go first."""
    its_lane = and_(
        IS_QUEUED,
        Letter.delivery == letter.delivery,
        Letter.target_id == letter.target_id,
        Letter.alert_id == letter.alert_id,
    )
    earlier = or_(
        Letter.not_before < letter.not_before,
        and_(Letter.not_before == letter.not_before, Letter.id < letter.id),
    )
    if letter.attempts:
        return await _n(session, its_lane, TRIED_BEFORE, earlier)
    # none that a move of its country put out of the way
    soon = Letter.not_before <= clock.now() + freezes.LONGER_THAN_A_SERVER_ASKS
    return await _n(session, its_lane, earlier) + await _n(
        session, its_lane, TRIED_BEFORE, ~earlier, soon
    )


async def _n(session: AsyncSession, *which: ColumnElement[bool]) -> int:
    """How many letters these are, as far as it matters."""
    found = select(Letter.id).where(*which).limit(MOST_COUNTED).subquery()
    return await session.scalar(select(func.count()).select_from(found)) or 0
