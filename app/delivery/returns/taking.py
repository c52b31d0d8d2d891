"""Takes in one returned message: reads it, finds its letter, passes an answer on, writes it down.

An answer is passed on before the return is acknowledged, and no transaction is open meanwhile.
If writing it down fails after that, it comes again and the supporter may get it twice, under one
Message-ID; it is never lost.
"""

import asyncio
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import Database
from app.delivery.messages.message import Message
from app.delivery.returns import acting, forwarding, matching, reading
from app.delivery.returns.acting import BY
from app.delivery.returns.matching import About
from app.delivery.returns.parsing import parts
from app.delivery.returns.reading import Kind, Read
from app.delivery.settle import HOPELESS
from app.errors import ComeAgain, MessageRefused
from app.models import GUESSED_LETTER, GUESSED_NOTICE, Returned
from app.settings import Settings

log = structlog.get_logger("returns")


@dataclass(frozen=True)
class Took:
    """What was made of it. `hard`: True for 5.x.x; `changed`: the status the letter reached."""

    kind: str
    letter: int | None = None
    action: str = ""
    status: str = ""
    hard: bool | None = None
    changed: str = ""


async def take(database: Database, settings: Settings, raw: bytes, *, envelope_to: str) -> Took:
    """Take in a message that came to `envelope_to` (empty where nobody knows).

    Raises ComeAgain where it has to be brought again later, and TakesNoAnswers where nobody may.
    """
    read = await asyncio.to_thread(reading.read, raw)
    answer = await _answer(database, settings, raw, read, envelope_to)
    if answer and answer.leaves:
        await forwarding.send(answer.message, settings)
    try:
        async with database.transaction() as session:
            if answer and not answer.leaves:
                await forwarding.keep_in_sandbox(session, answer.message)
            found = await matching.about(session, settings, read, envelope_to=envelope_to)
            passed_on = answer is not None
            return await write_down(session, settings, raw, read, found, passed_on=passed_on)
    except HOPELESS as error:
        if answer:  # not ours to keep
            raise
        log.error("a return cannot be written down as read", error=type(error).__name__)
        return await _keep_unread(database, raw)


async def _keep_unread(database: Database, raw: bytes) -> Took:
    """However often it came again, it could not be written down otherwise: a person reads it."""
    async with database.transaction() as session:
        kept = raw[: parts.LARGEST]
        session.add(Returned(received_at=clock.now(), kind=Kind.UNREADABLE, raw=kept))
    return Took(Kind.UNREADABLE)


@dataclass(frozen=True)
class _Answer:
    message: Message
    leaves: bool


async def _answer(
    database: Database, settings: Settings, raw: bytes, read: Read, envelope_to: str
) -> _Answer | None:
    """A person's answer to one of our letters, ready to be passed on; what else comes, is not."""
    ours = read.sender.lower().endswith(f"@{settings.mail_domain.lower()}")
    if read.kind is not Kind.REPLY or ours:
        return None
    async with database.reading() as session:
        found = await matching.about(session, settings, read, envelope_to=envelope_to)
        if found.letter_id is None:
            return None
        supporter = await forwarding.supporter_of(session, found.letter_id)
    try:
        message = forwarding.write(raw, read, supporter, settings)
    except MessageRefused as refusal:
        raise ComeAgain(f"the answer could not be passed on: {refusal}") from None
    return _Answer(message, forwarding.leaves_this_machine(supporter, settings))


async def write_down(
    session: AsyncSession,
    settings: Settings,
    raw: bytes,
    read: Read,
    about: About,
    *,
    passed_on: bool,
) -> Took:
    """Put the return on record and do to its letter what follows. Raises ComeAgain."""
    kind = await _kind(session, read, about, passed_on=passed_on)
    automatic = kind is Kind.AUTOMATIC  # it says nothing of any delivery, even if it seemed to
    told = acting.NOTHING if automatic else await acting.telling(session, read, about)
    row = Returned(
        received_at=clock.now(),
        kind=kind,
        action=told.action or read.feedback,
        enhanced=told.enhanced,
        reply=acting.words(told),
        remote_mta=told.remote_mta,
        reporting_mta=read.reporting_mta,
    )
    if about.signed or kind in {Kind.AUTOMATIC, Kind.REPLY}:
        row.letter_id, row.notice_id = about.letter_id, about.notice_id
    if kind in {Kind.UNMATCHED, Kind.UNREADABLE}:
        row.raw = raw[: parts.LARGEST]
        row.reply = row.reply or _hint(about)
    elif kind is not Kind.COMPLAINT:  # of which organisers should know
        row.settled_at, row.settled_by = row.received_at, BY
    changed = ""
    known = await acting.is_known(session, row)
    session.add(row)
    await session.flush()
    if row.letter_id is not None:
        changed = await acting.act(
            session, settings, kind, row.letter_id, told, read.reporting_mta, known=known
        )
    hard = told.hard if kind in {Kind.REPORT, Kind.BOUNCE} else None
    return Took(kind, row.letter_id, row.action, told.enhanced, hard, changed)


async def _kind(session: AsyncSession, read: Read, about: About, *, passed_on: bool) -> Kind:
    """What it is, once it is known whether it is about anything of ours."""
    match read.kind:
        case Kind.REPLY:
            return Kind.REPLY if passed_on else Kind.UNMATCHED
        case Kind.BOUNCE if read.doubtful and not await acting.names_office(session, read, about):
            return Kind.AUTOMATIC
        case Kind.REPORT | Kind.BOUNCE:
            if not about.signed:
                # the reply in it belongs to two people, and neither of them is we
                return read.kind if read.of_forward else Kind.UNMATCHED
            stale = await acting.is_stale(session, about)
            return Kind.UNMATCHED if stale else read.kind
        case Kind.COMPLAINT:
            return read.kind if about.signed else Kind.UNMATCHED
        case _:
            return read.kind


def _hint(about: About) -> str:
    if about.letter_id is not None:
        return f"{GUESSED_LETTER}{about.letter_id}"
    return f"{GUESSED_NOTICE}{about.notice_id}" if about.notice_id is not None else ""
