"""How unlike the letters that were sent to an office a new one is.

A letter is kept as the hashes of its windows of three words, keyed with this installation's
secret, so that nobody who gets hold of them can try texts against them; and without the words that
name its writer, so that nobody can try people against the page.
"""

from array import array
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.letters.form import Form
from app.models import Letter, LetterPrint, LetterStatus, Submission, Target
from app.settings import Settings
from app.wording.examining import likeness
from app.wording.render import LetterText

# Per cent of Dice, from which on two letters count as alike. Measured with a shipped letter, names
# left out: one without own words is unlike 45 to 60 % of those that were sent, with one sentence of
# its own 50 to 65 %, with two 70 to 80 %, with three 85 to 95 %.
ALIKE = 81
KEPT = 600  # sent letters to an office: those and what still waits are kept
AT_ONCE = 20  # offices looked through in one round
NEWEST = 300  # letters to an office that a new one is compared with
FEW = 10  # with fewer nothing is said
FRESH = timedelta(minutes=5)
OFFICES = 24  # whose letters are kept in memory
SENT = (LetterStatus.HANDED_OVER, LetterStatus.ACCEPTED, LetterStatus.BOUNCED)


class Confirmed(NamedTuple):
    """A letter that was confirmed. `text`: as `unnamed` leaves it."""

    letter_id: int
    target_id: int
    delivery: str
    text: LetterText


class _Sent(NamedTuple):
    """Letters to an office that left. `sizes`: how many windows each has; `where`: window → the
    letters it stands in, one bit each."""

    read_at: datetime
    sizes: list[int]
    where: dict[int, int]


_kept: WeakKeyDictionary[Any, OrderedDict[tuple[int, str], _Sent]] = WeakKeyDictionary()


async def keep(session: AsyncSession, settings: Settings, letters: Sequence[Confirmed]) -> None:
    """Remember what these letters are compared by."""
    if not letters:
        return
    rows = [
        {
            "letter_id": one.letter_id,
            "target_id": one.target_id,
            "delivery": one.delivery,
            "windows": array("Q", sorted(of(settings, one.text))).tobytes(),
        }
        for one in letters
    ]
    await session.execute(insert(LetterPrint), rows)


async def forget(session: AsyncSession, delivery: str) -> int:
    """Drop what no letter is compared with any more, of some offices in turn; gives how many."""
    ids = (await session.scalars(select(Target.id).order_by(Target.id))).all()
    rounds = -(-len(ids) // AT_ONCE)
    turn = int(clock.now().timestamp()) // 60 % max(1, rounds)
    dropped = 0
    for target_id in ids[turn * AT_ONCE : (turn + 1) * AT_ONCE]:
        office = (LetterPrint.target_id == target_id, LetterPrint.delivery == delivery)
        oldest = await session.scalar(
            select(LetterPrint.letter_id)
            .join(Letter, Letter.id == LetterPrint.letter_id)
            .where(*office, Letter.status.in_(SENT))
            .order_by(LetterPrint.letter_id.desc())
            .offset(KEPT - 1)
            .limit(1)
        )
        if oldest is not None:
            gone = await session.execute(
                delete(LetterPrint).where(*office, LetterPrint.letter_id < oldest)
            )
            dropped += int(gone.rowcount)  # type: ignore[attr-defined]
    return dropped


def of(settings: Settings, text: LetterText) -> frozenset[int]:
    """The hashes of a letter's windows, 64 bits each."""
    key = blake2b(settings.secret, digest_size=32, person=b"letter print").digest()
    return likeness.windows(f"{text.subject}\n{text.body}", key)


def unnamed(text: LetterText, writer: Submission | Form) -> LetterText:
    """A letter without its writer's name, city and postal address, as it is compared.

    With them, whoever typed somebody's name and looked often enough at how unlike that letter was
    could tell whether they had written.
    """
    names = set(likeness.folded(f"{writer.name} {writer.city} {writer.postal_address}"))
    subject, body = (
        " ".join(one for one in likeness.folded(part) if one not in names)
        for part in (text.subject, text.body)
    )
    return LetterText(subject, body)


async def unlike(
    session: AsyncSession,
    settings: Settings,
    letters: Iterable[tuple[int, LetterText]],
    *,
    alert_id: int,
    delivery: str,
) -> dict[int, int]:
    """Target id → how many in a hundred of the newest letters that really left for the office are
    unlike this one; an office that got fewer than ten is left out. `letters`: as `unnamed` leaves
    them."""
    found = {}
    for target_id, text in letters:
        sent = await _sent(session, target_id, alert_id, delivery)
        if len(sent.sizes) >= FEW:
            found[target_id] = 100 * _apart(of(settings, text), sent) // len(sent.sizes)
    return found


def _apart(mine: frozenset[int], sent: _Sent) -> int:
    """How many of the letters are unlike this one (Dice).

    The windows in common are added up for all letters at once: each number of `sums` holds one
    binary place of all their sums. Letter by letter it took eight times as long.
    """
    sums: list[int] = []
    for window in mine:
        carry = sent.where.get(window, 0)
        for place, bits in enumerate(sums):
            sums[place], carry = bits ^ carry, bits & carry
            if not carry:
                break
        if carry:
            sums.append(carry)
    apart = 0
    for letter, size in enumerate(sent.sizes):
        both = sum((bits >> letter & 1) << place for place, bits in enumerate(sums))
        apart += 200 * both // (len(mine) + size) < ALIKE
    return apart


async def _sent(session: AsyncSession, target_id: int, alert_id: int, delivery: str) -> _Sent:
    """From memory for a while: whoever types asks three times a second."""
    offices = _kept.setdefault(session.get_bind().engine.pool, OrderedDict())
    key, now = (target_id, delivery), clock.now()
    known = offices.pop(key, None)
    if known is None or not timedelta() <= now - known.read_at < FRESH:
        known = _put_together(await _read(session, target_id, alert_id, delivery))
    offices[key] = known
    while len(offices) > OFFICES:
        offices.popitem(last=False)
    return known


def _put_together(letters: Sequence[bytes]) -> _Sent:
    sizes, where = [], dict[int, int]()
    for letter, packed in enumerate(letters):
        windows = array("Q", packed)
        sizes.append(len(windows))
        for window in windows:
            where[window] = where.get(window, 0) | 1 << letter
    return _Sent(clock.now(), sizes, where)


async def _read(
    session: AsyncSession, target_id: int, alert_id: int, delivery: str
) -> Sequence[bytes]:
    """Behind the letter that leaves next nearly all have left; before it nearly none has."""
    lane = (Letter.target_id == target_id, Letter.delivery == delivery)
    next_to_leave = await session.scalar(
        select(Letter.id)
        .where(*lane, Letter.alert_id == alert_id, Letter.status == LetterStatus.QUEUED)
        .order_by(Letter.not_before, Letter.id)
        .limit(1)
    )
    near = select(LetterPrint.letter_id, LetterPrint.windows).where(
        LetterPrint.target_id == target_id, LetterPrint.delivery == delivery
    )
    if next_to_leave is not None:
        near = near.where(LetterPrint.letter_id < next_to_leave)
    newest = near.order_by(LetterPrint.letter_id.desc()).limit(2 * NEWEST).subquery()
    rows = await session.scalars(
        select(newest.c.windows)
        .join(Letter, Letter.id == newest.c.letter_id)
        .where(Letter.status.in_(SENT))
        .order_by(newest.c.letter_id.desc())
        .limit(NEWEST)
    )
    return rows.all()
