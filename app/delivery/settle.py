"""Writes down how attempts ended: a gathered group in one transaction."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import func, insert, select, tuple_
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app import clock
from app.db import Database
from app.delivery.outcome import Answer, Failed, Finished, Taken, Work, name_of
from app.delivery.retry import next_step
from app.models import Attempt, Letter, LetterStatus, Notice
from app.outbox import claims, notices, queue
from app.outbox.claims import Claim

log = structlog.get_logger()

LATE = "late"  # what an event says that changed no status
Step = tuple[LetterStatus, timedelta, str]  # the status, the wait, the note in the history
Ended = list[tuple[Letter, Finished]]
# a row that the database will never take, however often it is asked
HOPELESS = (DataError, IntegrityError, ValueError, TypeError, LookupError)
LONGEST_PAUSE = 60.0


class Settler:
    """Gathers how attempts ended, and commits what has gathered whenever the last commit ended.

    `settled`: told how many works it wrote down.
    """

    def __init__(self, database: Database, *, worker: str, settled: Callable[[int], None]) -> None:
        self.database, self.worker, self.settled = database, worker, settled
        self._finished: list[Finished] = []
        self._unbegun: list[Work] = []
        self._gathered = asyncio.Event()
        self._ended = False

    def settle(self, one: Finished) -> None:
        """Write this down soon."""
        self._finished.append(one)
        self._gathered.set()

    def give_back(self, work: Work) -> None:
        """Return this soon: nobody began it."""
        self._unbegun.append(work)
        self._gathered.set()

    def end(self) -> None:
        """Nothing more comes: end when all is written."""
        self._ended = True
        self._gathered.set()

    async def run(self) -> None:
        while not self._ended or self._finished or self._unbegun:
            await self._gathered.wait()
            self._gathered.clear()
            finished, self._finished = self._finished, []
            unbegun, self._unbegun = self._unbegun, []
            if finished or unbegun:
                await self._write(finished, unbegun)
                self.settled(len(finished) + len(unbegun))

    async def _write(self, finished: list[Finished], unbegun: list[Work]) -> None:
        """However long the database is away: an answer is never lost on the way."""
        pause = 0.1
        while True:
            try:
                async with self.database.transaction() as session:
                    await settle(session, finished, worker=self.worker)
                    await give_back(session, unbegun, worker=self.worker)
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


async def settle(session: AsyncSession, finished: Sequence[Finished], *, worker: str) -> None:
    """Attempts on record; letters and notices moved on, where this worker still holds them."""
    letters = [(one.work.letter, one) for one in finished if isinstance(one.work, Claim)]
    others = [(one.work.notice, one) for one in finished if not isinstance(one.work, Claim)]
    failures = await _failures(session, Attempt.letter_id, letters)
    failures_of_notices = await _failures(session, Attempt.notice_id, others)
    rows = [_attempt(letter, one, worker) | {"letter_id": letter.id} for letter, one in letters]
    rows += [_attempt(notice, one, worker) | {"notice_id": notice.id} for notice, one in others]
    if rows:
        await session.execute(
            insert(Attempt), [{"letter_id": None, "notice_id": None} | row for row in rows]
        )
    steps: dict[Step, Ended] = defaultdict(list)
    for letter, one in letters:
        steps[_step(letter, one, failures)].append((letter, one))
    for step in sorted(steps):
        await _move(session, steps[step], step, worker)
    for notice, one in others:
        to, wait, _ = _step(notice, one, failures_of_notices)
        await notices.settle(session, notice, worker=worker, to=to, wait=wait)


async def give_back(session: AsyncSession, unbegun: Sequence[Work], *, worker: str) -> None:
    """Return what was claimed and never begun."""
    letters = [work.letter.id for work in unbegun if isinstance(work, Claim)]
    others = [work.notice.id for work in unbegun if not isinstance(work, Claim)]
    if letters:
        await claims.give_back(session, worker, letters)
    if others:
        await notices.give_back(session, worker, others)


async def _move(session: AsyncSession, group: Ended, step: Step, worker: str) -> None:
    """Move letters that ended alike; one that is no longer ours gets a line in its history."""
    to, wait, note = step
    held = [(letter.id, letter.attempts) for letter, _ in group]
    moved = await queue.move(
        session,
        [tuple_(Letter.id, Letter.attempts).in_(held), Letter.worker == worker],
        frm=LetterStatus.SENDING,
        to=to,
        by=worker,
        note=note,
        values={"worker": "", "lease_until": None, "not_before": clock.now() + wait},
    )
    settled = {row.id for row in moved}
    for letter, one in group:
        if letter.id not in settled:
            late = f"{one.outcome.word} after the lease had run out"
            await queue.note_event(session, letter.id, LATE, worker, late)


def _step(outgoing: Letter | Notice, one: Finished, failures: dict[int, int]) -> Step:
    to, wait = next_step(
        one.outcome,
        attempts=outgoing.attempts,
        first_attempt_at=outgoing.first_attempt_at,
        now=clock.now(),
        surprises=failures.get(outgoing.id, 0),
    )
    return to, wait, _note(one.outcome)


def _note(outcome: Answer) -> str:
    """In short, so that letters that ended alike are moved together; the attempt has the words."""
    match outcome:
        case Taken():
            return ""
        case Failed():
            return outcome.reply
        case _:
            return " ".join(filter(None, (str(outcome.code or ""), outcome.enhanced)))


def _attempt(outgoing: Letter | Notice, one: Finished, worker: str) -> dict[str, Any]:
    return {
        "number": outgoing.attempts,
        "worker": worker,
        "started_at": one.started_at,
        "ended_at": one.ended_at,
        "outcome": one.outcome.word,
        "address": one.address,
        "host": one.outcome.host,
        "tls": one.outcome.tls,
        "code": one.outcome.code,
        "enhanced": one.outcome.enhanced,
        "reply": one.outcome.reply,
    }


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
    rows = await session.execute(
        select(owner, func.count())
        .where(owner.in_(surprising), Attempt.outcome == Failed.word)
        .group_by(owner)
    )
    return {int(owned): n for owned, n in rows if owned is not None}
