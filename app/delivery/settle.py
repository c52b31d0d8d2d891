"""Writes down how attempts ended: a gathered group in one transaction."""

import asyncio
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, cast

import structlog
from sqlalchemy import Table, func, select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app import clock
from app.db import Database
from app.delivery import sparing
from app.delivery.outcome import (
    Answer,
    Deferred,
    Failed,
    Finished,
    Rejected,
    Taken,
    Work,
    name_of,
)
from app.delivery.retry import NO_WAIT, is_deferred, next_step
from app.models import Attempt, Letter, LetterStatus, Notice
from app.outbox import claims, notices, queue, refusals, rows
from app.outbox.claims import Claim
from app.outbox.pacing import patience
from app.settings import Settings

log = structlog.get_logger()

LATE = "late"  # what an event says that changed no status
# the status, the wait, the note in the history, how many attempts it had
Step = tuple[LetterStatus, timedelta, str, int]
Ended = list[tuple[Letter, Finished]]
# a row that the database will never take, however often it is asked
HOPELESS = (DataError, IntegrityError, ValueError, TypeError, LookupError)
LONGEST_PAUSE = 60.0
MANY = 300  # results in one commit, where they come as fast as that
GATHERING = 0.05  # seconds to wait for so many of them
OTHERS_FIRST = timedelta(minutes=15)  # longer than a relay ever rests
ATTEMPTS = rows.Insert(
    cast(Table, Attempt.__table__),
    (
        *("letter_id", "notice_id", "number", "started_at", "ended_at", "outcome", "address"),
        *("host", "tls", "code", "enhanced", "reply", "queue_id", "began_data"),
    ),
    ("worker",),
)
# what its supporter may hear of
NEWS = queue.SENT | {LetterStatus.REJECTED, LetterStatus.EXPIRED}


class Settler:
    """Gathers how attempts ended, and commits what has gathered whenever the last commit ended.

    `settled`: told which works are off our hands.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        worker: str,
        settled: Callable[[list[Work]], None],
    ) -> None:
        self.database, self.settings = database, settings
        self.worker, self.settled = worker, settled
        self._finished: list[Finished] = []
        self._unbegun: list[Work] = []
        self._gathered, self._enough = asyncio.Event(), asyncio.Event()
        self._ended = False

    def settle(self, one: Finished) -> None:
        """Write this down soon."""
        self._finished.append(one)
        self._gathered.set()
        if len(self._finished) >= MANY:
            self._enough.set()

    def give_back(self, work: Work) -> None:
        """Return this soon: nobody began it."""
        self._unbegun.append(work)
        self._gathered.set()

    def end(self) -> None:
        """Nothing more comes: end when all is written."""
        self._ended = True
        self._gathered.set()
        self._enough.set()

    async def run(self) -> None:
        last = 0
        while not self._ended or self._finished or self._unbegun:
            await self._gathered.wait()
            if last > MANY / 10:
                await self._gather()
            self._gathered.clear()
            last = len(self._finished)
            finished, self._finished = self._finished, []
            unbegun, self._unbegun = self._unbegun, []
            if finished or unbegun:
                await self._write(finished, unbegun)
                self.settled([*(one.work for one in finished), *unbegun])

    async def _gather(self) -> None:
        """Wait a moment where results come fast: a commit costs the same for more of them."""
        if not self._ended and len(self._finished) < MANY:
            self._enough.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHERING):
                    await self._enough.wait()

    async def _write(self, finished: list[Finished], unbegun: list[Work]) -> None:
        """However long the database is away: an answer is never lost on the way."""
        pause = 0.1
        while True:
            try:
                async with self.database.transaction() as session:
                    await settle(session, finished, worker=self.worker, settings=self.settings)
                    await give_back(session, unbegun, worker=self.worker, paced=self.settings.paced)
                break
            except HOPELESS as error:
                await self._write_apart(finished, unbegun, error)
                return
            except Exception as error:
                log.warning("could not settle", worker=self.worker, error=reason(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
        endings = Counter(one.outcome.word for one in finished)
        log.debug("settled", worker=self.worker, given_back=len(unbegun), **endings)

    async def _write_apart(
        self, finished: list[Finished], unbegun: list[Work], error: Exception
    ) -> None:
        """One of a group that cannot be written must not hold the others; its lease frees it."""
        if len(finished) + len(unbegun) == 1:
            work = unbegun[0] if unbegun else finished[0].work
            kind = type(error).__name__
            log.error("cannot be settled", worker=self.worker, work=name_of(work), error=kind)
            return
        for one in finished:
            await self._write([one], [])
        for work in unbegun:
            await self._write([], [work])


def reason(error: Exception) -> str:
    """The database's own first line, without the statement's values: they are people's words."""
    said = str(error.orig if isinstance(error, DBAPIError) else "").split("\n")[0]
    return said or type(error).__name__


async def settle(
    session: AsyncSession, finished: Sequence[Finished], *, worker: str, settings: Settings
) -> None:
    """Attempts on record; letters and notices moved on, where this worker still holds them."""
    unwell = [one for one in finished if not isinstance(one.outcome, Taken)]
    resting: frozenset[str] = frozenset()
    if unwell:
        spared, resting = await sparing.spared(
            session, unwell, finished, by=worker, settings=settings
        )
        await _spare(session, spared, worker=worker, paced=settings.paced)
        finished = [one for one in finished if one not in spared] if spared else finished
    letters = [(one.work.letter, one) for one in finished if isinstance(one.work, Claim)]
    others = [(one.work.notice, one) for one in finished if not isinstance(one.work, Claim)]
    failures = await _failures(session, Attempt.letter_id, letters)
    failures_of_notices = await _failures(session, Attempt.notice_id, others)
    of_letters = [(letter.id, None, *_attempt(letter, one)) for letter, one in letters]
    of_notices = [(None, notice.id, *_attempt(notice, one)) for notice, one in others]
    await ATTEMPTS.write(session, of_letters + of_notices, worker)
    steps: dict[Step, Ended] = defaultdict(list)
    for letter, one in letters:
        waited = await _waited(session, one, settings)
        steps[_step(letter, one, waited, failures)].append((letter, one))
    news: list[int] = []
    for step in sorted(steps):
        moved = await _move(session, steps[step], step, worker)
        news += moved if step[0] in NEWS else ()
    await _refuse(
        session, [one for one in unwell if one.outcome.host not in resting], worker, settings
    )
    if news:
        await notices.follow(session, sorted(news), mail_domain=settings.mail_domain)
    for notice, one in others:
        waited = clock.now() - (notice.first_attempt_at or clock.now())
        to, wait, _, _ = _step(notice, one, waited, failures_of_notices)
        await notices.settle(session, notice, worker=worker, to=to, wait=wait)


async def give_back(
    session: AsyncSession, unbegun: Sequence[Work], *, worker: str, paced: bool = False
) -> None:
    """Return what was claimed and never begun."""
    letters = [work.letter.id for work in unbegun if isinstance(work, Claim)]
    others = [work.notice.id for work in unbegun if not isinstance(work, Claim)]
    if letters:
        await claims.give_back(session, worker, letters, paced=paced)
    if others:
        await notices.give_back(session, worker, others)


async def _spare(
    session: AsyncSession, spared: Sequence[Finished], *, worker: str, paced: bool
) -> None:
    """Return what our own relay turned away: it was never tried, but others try first, or one
    that only looks like the relay's affair would hold them all."""
    by_words: dict[str, list[int]] = defaultdict(list)
    for one in spared:
        if isinstance(one.work, Claim):
            by_words[_note(one.outcome)].append(one.work.letter.id)
    for words, letters in sorted(by_words.items()):
        note = f"our relay turned it away; given back {words}".rstrip()
        await claims.give_back(session, worker, letters, paced=paced, wait=OTHERS_FIRST, note=note)
    others = [one.work.notice.id for one in spared if not isinstance(one.work, Claim)]
    if others:
        await notices.give_back(session, worker, others, wait=OTHERS_FIRST)


async def _move(session: AsyncSession, group: Ended, step: Step, worker: str) -> set[int]:
    """Move letters that ended alike; one that is no longer ours gets a line in its history."""
    to, wait, note, attempts = step
    letters = [letter for letter, _ in group]
    settled = await queue.finish(
        session, letters, worker=worker, attempts=attempts, to=to, wait=wait, note=note
    )
    if len(settled) == len(group):
        return settled
    return settled | await _move_late(
        session, [(letter, one) for letter, one in group if letter.id not in settled], to, worker
    )


async def _move_late(
    session: AsyncSession, group: Ended, to: LetterStatus, worker: str
) -> set[int]:
    """What was taken and waits to be sent again needs no second time; all else is only noted."""
    moved: set[int] = set()
    if to in queue.SENT:
        which = [Letter.id.in_([letter.id for letter, _ in group])]
        said = "taken after the lease had run out"
        found = await queue.move(session, which, frm=queue.QUEUED, to=to, by=worker, note=said)
        moved = {row.id for row in found}
    for letter, one in group:
        if letter.id not in moved:
            late = f"{one.outcome.word} after the lease had run out"
            await queue.note_event(session, letter.id, LATE, worker, late)
    return moved


async def _refuse(
    session: AsyncSession, unwell: Sequence[Finished], worker: str, settings: Settings
) -> None:
    """What follows from each refusal, once for an address; in one order, or two workers whose
    letters were refused by the same offices would wait for each other."""
    refused = {
        (one.address.lower(), one.outcome.enhanced): one.outcome.reply
        for one in unwell
        if isinstance(one.work, Claim) and _is_refusal(one.outcome)
    }
    for (address, enhanced), reply in sorted(refused.items()):
        said = {"enhanced": enhanced, "reply": reply, "by": worker}
        await refusals.refused(session, address, **said, settings=settings)


def _is_refusal(outcome: Answer) -> bool:
    """Whether it is to be counted: a letter's own, or an office's policy, which turned us away
    before it heard of the letter and so left that waiting."""
    if isinstance(outcome, Deferred):
        final = outcome.by_exchange and (outcome.code or 0) >= 500
        return final and outcome.enhanced.startswith(refusals.POLICY)
    return isinstance(outcome, Rejected)


async def _waited(session: AsyncSession, one: Finished, settings: Settings) -> timedelta:
    """What patience counts; asked only where it decides."""
    if not isinstance(one.work, Claim) or not is_deferred(one.outcome):
        return NO_WAIT
    work = one.work
    return await patience.waited(session, work.letter, work.contact, work.target.country, settings)


def _step(
    outgoing: Letter | Notice, one: Finished, waited: timedelta, failures: dict[int, int]
) -> Step:
    deferred = is_deferred(one.outcome)
    to, wait = next_step(
        one.outcome,
        attempts=outgoing.attempts,
        waited=waited,
        surprises=failures.get(outgoing.id, 0),
        chance=_chance(outgoing.message_id, outgoing.attempts) if deferred else 0.0,
    )
    return to, wait, _note(one.outcome), outgoing.attempts


def _chance(message_id: str, attempts: int) -> float:
    """From 0 to 1 in eighths: what was deferred together comes back in a few groups."""
    return zlib.crc32(f"{message_id} {attempts}".encode()) % 9 / 8


def _note(outcome: Answer) -> str:
    """In short, so that letters that ended alike are moved together; the attempt has the words."""
    match outcome:
        case Taken():
            return ""
        case Failed():
            return outcome.reply
        case Deferred(began_data=True):
            return "the reply to it was lost: it may have arrived"
        case _:
            return " ".join(filter(None, (str(outcome.code or ""), outcome.enhanced)))


def _attempt(outgoing: Letter | Notice, one: Finished) -> tuple[Any, ...]:
    """What `ATTEMPTS` wants to know after whose it was."""
    outcome = one.outcome
    return (
        outgoing.attempts,
        one.started_at,
        one.ended_at,
        outcome.word,
        one.address,
        outcome.host,
        outcome.tls,
        outcome.code,
        outcome.enhanced,
        outcome.reply,
        outcome.queue_id if isinstance(outcome, Taken) else "",
        isinstance(outcome, Deferred) and outcome.began_data,
    )


async def _failures(
    session: AsyncSession,
    owner: InstrumentedAttribute[int | None],
    group: Sequence[tuple[Letter | Notice, Finished]],
) -> dict[int, int]:
    """How often each of those that surprised us had failed before."""
    surprising = [
        outgoing.id
        for outgoing, one in group
        if isinstance(one.outcome, Failed) and one.outcome.surprise
    ]
    if not surprising:
        return {}
    found = await session.execute(
        select(owner, func.count())
        .where(owner.in_(surprising), Attempt.outcome == Failed.word)
        .group_by(owner)
    )
    return {int(owned): n for owned, n in found if owned is not None}
