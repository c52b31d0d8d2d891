"""Workers claim letters for a limited time, and what a lost worker held comes back.

The claim is durable before anybody dials. A letter whose lease ran out may have been sent by
the worker that died: it goes again under the same Message-ID (at least once, and we say so).
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from sqlalchemy import Select, Table, Text, bindparam, case, func, select, update
from sqlalchemy import cast as cast_to
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.models import (
    AlertCountry,
    Attempt,
    Contact,
    Letter,
    LetterStatus,
    LetterTemplate,
    Mailbox,
    Notice,
    Submission,
    Target,
)
from app.outbox import queue, rows
from app.outbox.pacing import lanes, turns
from app.outbox.pacing.lanes import Lane
from app.outbox.rows import among
from app.settings import Delivery, Settings

CRASHES = 3  # claims without an attempt on record, after which a person must look
AN_HOUR = timedelta(hours=1)
SUPPRESSED_AT_ONCE = 500


# What sending reads, as rows: nobody changes them in a worker's hands, and objects would cost
# more than everything else that happens to a letter.
SUBMISSION = cast(Table, Submission.__table__)
TARGET, CONTACT = cast(Table, Target.__table__), cast(Table, Contact.__table__)
TEMPLATE = cast(Table, LetterTemplate.__table__)
COUNTRY = cast(Table, AlertCountry.__table__)
SUBMISSIONS = select(
    SUBMISSION.c.id,
    SUBMISSION.c.name,
    SUBMISSION.c.email,
    SUBMISSION.c.city,
    SUBMISSION.c.country,
    SUBMISSION.c.postal_address,
    SUBMISSION.c.own_words,
    SUBMISSION.c.subject,
    # most have none, and to read that there are none would cost more than reading the row
    case((cast_to(SUBMISSION.c.edits, Text) != "{}", SUBMISSION.c.edits)).label("edits"),
    SUBMISSION.c.variant_seed,
).where(among(SUBMISSION.c.id))
TARGETS = select(TARGET).where(among(TARGET.c.id))
CONTACTS = select(CONTACT).where(among(CONTACT.c.target_id), CONTACT.c.retired_at.is_(None))
TEMPLATES = select(TEMPLATE).where(among(TEMPLATE.c.id))
MAILBOX = cast(Table, Mailbox.__table__)
NOT_HAD_TODAY = (
    update(MAILBOX)
    .where(
        MAILBOX.c.email.in_(
            select(func.lower(CONTACT.c.email)).where(
                CONTACT.c.target_id == bindparam("target"), CONTACT.c.retired_at.is_(None)
            )
        ),
        MAILBOX.c.today_n >= bindparam("back"),
    )
    .values(today_n=MAILBOX.c.today_n - bindparam("back"))
)
COUNTRIES = select(COUNTRY).where(among(COUNTRY.c.alert_id))


class Claim(NamedTuple):
    """A letter that this worker holds, with all that is needed to write and send it.

    Its parts are rows of what sending reads, not to be changed.
    """

    letter: Letter
    submission: Submission
    target: Target
    contact: Contact
    template: LetterTemplate
    country: AlertCountry


async def claim(
    session: AsyncSession,
    *,
    worker: str,
    delivery: str,
    limit: int,
    lease: timedelta,
    settings: Settings,
) -> list[Claim]:
    """Take up to `limit` letters that are due and within pacing.

    Wants a session that has not read these letters before: it would give them as they were.
    """
    waiting = await lanes.of_delivery(session, delivery)
    await _suppress(session, [lane for lane in waiting if lane.suppressed], delivery, worker)
    waiting = [lane for lane in waiting if not lane.suppressed]
    if settings.paced:
        chosen = await turns.take(session, waiting, delivery, limit, settings)
    else:
        chosen = await turns.share_out(session, waiting, delivery, limit)
    if not chosen:
        return []
    letters = await queue.take(session, chosen, worker=worker, lease_until=clock.now() + lease)
    claims = await _load(session, letters)
    await _fail_rest(session, worker, {one.id for one in letters}, claims)
    if delivery != Delivery.LIVE:
        return claims
    return await _checked(session, worker, claims, paced=settings.paced)


async def renew(
    session: AsyncSession,
    table: type[Letter | Notice],
    worker: str,
    ids: Sequence[int],
    lease: timedelta,
) -> set[tuple[int, int]]:
    """Hold on to these letters or notices; gives those that are this worker's still, each with
    the number of its attempt."""
    if not ids:
        return set()
    ours = (table.id.in_(ids), table.status == LetterStatus.SENDING, table.worker == worker)
    # none that is being settled at this moment: two transactions would wait for each other
    free = select(table.id).where(*ours).with_for_update(skip_locked=True)
    await session.execute(
        update(table)
        .where(table.id.in_(free))
        .values(lease_until=clock.now() + lease)
        .execution_options(synchronize_session=False)
    )
    found = await session.execute(select(table.id, table.attempts).where(*ours))
    return {(row.id, row.attempts) for row in found}


async def give_back(
    session: AsyncSession,
    worker: str,
    letter_ids: Sequence[int],
    *,
    paced: bool = False,
    wait: timedelta | None = None,
    note: str = "not begun; given back",
) -> None:
    """Return letters that were claimed and never begun, as if they had not been touched.

    `paced`: they had taken a place in what their mailboxes may have that day. The turn itself
    stays taken: another letter may have had the next one already. `wait`: others go first.
    """
    if not letter_ids:
        return
    later = {} if wait is None else {"not_before": clock.now() + wait}
    back = await queue.move(
        session,
        [Letter.id.in_(letter_ids), Letter.worker == worker],
        frm=LetterStatus.SENDING,
        to=LetterStatus.QUEUED,
        by=worker,
        note=note,
        values=later
        | {
            "worker": "",
            "lease_until": None,
            "attempts": Letter.attempts - 1,
            # or patience would run from an attempt that never was
            "first_attempt_at": case((Letter.attempts > 1, Letter.first_attempt_at)),
        },
    )
    if paced:
        for target_id, n in sorted(Counter(row.target_id for row in back).items()):
            await session.execute(NOT_HAD_TODAY, {"target": target_id, "back": n})


async def recover(session: AsyncSession, *, by: str) -> int:
    """Queue again what lost workers held; gives how many.

    A letter that lost its worker before goes an hour ahead first: if it is what kills workers,
    it would otherwise be first in line after every restart. The third time a person must look.
    """
    lost = [Letter.lease_until < clock.now()]
    unrecorded = Letter.attempts - _attempts_on_record()
    free = {"worker": "", "lease_until": None}
    steps: list[tuple[Any, LetterStatus, datetime]] = [
        (unrecorded >= CRASHES, LetterStatus.FAILED, clock.now()),
        (unrecorded > 1, LetterStatus.QUEUED, clock.now() + AN_HOUR),
        (unrecorded <= 1, LetterStatus.QUEUED, clock.now()),
    ]
    n = 0
    for condition, to, not_before in steps:
        moved = await queue.move(
            session,
            [*lost, condition],
            frm=LetterStatus.SENDING,
            to=to,
            by=by,
            note="its worker was lost; it may have been sent",
            values=free | {"not_before": not_before},
        )
        n += len(moved)
    return n


def _attempts_on_record() -> Any:
    return (
        select(func.count(Attempt.id))
        .where(Attempt.letter_id == Letter.id)
        .correlate(Letter)
        .scalar_subquery()
    )


async def _fail_rest(
    session: AsyncSession, worker: str, letter_ids: set[int], claims: list[Claim]
) -> None:
    """Else they would be claimed over and over, and hold back whoever is claimed with them."""
    rest = letter_ids - {one.letter.id for one in claims}
    if not rest:
        return
    await queue.move(
        session,
        [Letter.id.in_(rest)],
        frm=LetterStatus.SENDING,
        to=LetterStatus.FAILED,
        by=worker,
        note="its alert no longer writes to that country, or its office has no address",
        values={"worker": "", "lease_until": None},
    )


async def _checked(
    session: AsyncSession, worker: str, claims: list[Claim], *, paced: bool
) -> list[Claim]:
    """Give back what goes to an address that was replaced since the choice: nobody checked it."""
    unchecked = [one.letter.id for one in claims if one.contact.checked_on is None]
    await give_back(session, worker, unchecked, paced=paced)
    return [one for one in claims if one.contact.checked_on]


async def _load(session: AsyncSession, letters: Sequence[Letter]) -> list[Claim]:
    """The letters with what they need; what many share is read once."""
    submissions = await _rows(session, SUBMISSIONS, {one.submission_id for one in letters})
    targets = await _rows(session, TARGETS, {one.target_id for one in letters})
    contacts = await _rows(session, CONTACTS, targets, key="target_id")
    templates = await _rows(session, TEMPLATES, {one.template_id for one in letters})
    alerts = {one.alert_id for one in letters}
    found = rows.plain(await session.execute(COUNTRIES, {"ids": alerts}))
    countries = {(one.alert_id, one.country): one for one in found}
    claims = []
    for letter in letters:
        target, contact = targets[letter.target_id], contacts.get(letter.target_id)
        country = countries.get((letter.alert_id, target.country))
        if contact and country:
            submission, template = submissions[letter.submission_id], templates[letter.template_id]
            claims.append(Claim(letter, submission, target, contact, template, country))
    return claims


async def _rows(
    session: AsyncSession,
    statement: Select[*tuple[Any, ...]],
    ids: Collection[int],
    key: str = "id",
) -> dict[int, Any]:
    """What the statement finds among these numbers, by one of its columns."""
    found = rows.plain(await session.execute(statement, {"ids": ids}))
    return {getattr(row, key): row for row in found}


async def _suppress(session: AsyncSession, barred: list[Lane], delivery: str, worker: str) -> None:
    """End the letters to addresses that must not be written to, a share at a time."""
    for lane in barred:
        await queue.move(
            session,
            [Letter.id.in_(await lanes.first(session, delivery, [lane], SUPPRESSED_AT_ONCE))],
            frm=LetterStatus.QUEUED,
            to=LetterStatus.SUPPRESSED,
            by=worker,
            note=lane.suppressed or "",
        )
