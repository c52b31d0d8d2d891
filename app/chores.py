"""Timed work, done by the worker's process every minute; each chore stands alone."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import structlog
from sqlalchemy import delete, or_
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.accounts import sign_in
from app.campaigns.stage_moves import deciding, noticing
from app.db import Database
from app.delivery.returns import waiting
from app.letters import confirmation, erasure, submission
from app.letters.mine import forgetting
from app.letters.words import prints
from app.models import Bucket, SignIn
from app.outbox import notices
from app.outbox.pacing import hosts
from app.settings import Settings

EVERY = timedelta(minutes=1)
A_DAY = timedelta(days=1)

log = structlog.get_logger("chores")


async def lapse(session: AsyncSession, settings: Settings) -> int:
    """End the letters whose supporters never confirmed."""
    return await confirmation.lapse(session)


async def remind(session: AsyncSession, settings: Settings) -> int:
    """Write once more to those who filled in a form a day ago and have not confirmed it."""
    return await notices.remind(session, settings, waited=submission.PATIENCE)


async def erase(session: AsyncSession, settings: Settings) -> int:
    """Empty the forms that have been settled for long enough."""
    return await erasure.erase_old(session, settings)


async def forget_people(session: AsyncSession, settings: Settings) -> int:
    """Forget those whose letters were at a mail server when they asked for it."""
    return await forgetting.finish(session, settings)


async def forget_sign_ins(session: AsyncSession, settings: Settings) -> int:
    """Remove the sign-ins that open nothing any more."""
    now = clock.now()
    over = or_(SignIn.expires_at <= now, SignIn.seen_at <= now - sign_in.IDLE)
    done = await session.execute(delete(SignIn).where(over))
    return int(done.rowcount)  # type: ignore[attr-defined]


async def forget_buckets(session: AsyncSession, settings: Settings) -> int:
    """Remove the limits that have limited nothing for a day."""
    done = await session.execute(delete(Bucket).where(Bucket.next_at < clock.now() - A_DAY))
    return int(done.rowcount)  # type: ignore[attr-defined]


async def meet_mailboxes(session: AsyncSession, settings: Settings) -> int:
    """Know every address that letters may go to, and its mail host: both can be held and paced."""
    return await hosts.know_contacts(session)


async def notice_stages(session: AsyncSession, settings: Settings) -> int:
    """Hold the letters of a country that has moved on since they were confirmed."""
    return await noticing.notice_days(session)


async def forget_prints(session: AsyncSession, settings: Settings) -> int:
    """Drop the hashes of letters that no new one is compared with any more."""
    return await prints.forget(session, settings.delivery)


async def call_off(session: AsyncSession, settings: Settings) -> int:
    """Call off what an organiser has called off while it was at a mail server."""
    return await deciding.finish(session, mail_domain=settings.mail_domain)


async def forget_returns(session: AsyncSession, settings: Settings) -> int:
    """Drop the octets of returned mail that has waited for a person for as long as data is kept."""
    return await waiting.forget_old(session, settings.keep_days)


Chore = Callable[[AsyncSession, Settings], Awaitable[int]]
CHORES: tuple[Chore, ...] = (
    lapse,
    remind,
    erase,
    forget_people,
    forget_sign_ins,
    forget_buckets,
    forget_returns,
    forget_prints,
    meet_mailboxes,
    notice_stages,
    call_off,
)


async def run(settings: Settings, database: Database, stop: asyncio.Event) -> None:
    """Do every chore, then wait a minute, until `stop` is set."""
    while not stop.is_set():
        await do_all(settings, database)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), EVERY.total_seconds())


async def do_all(settings: Settings, database: Database) -> None:
    """One round of the chores."""
    for chore in CHORES:
        await _do(chore, settings, database)


async def _do(chore: Chore, settings: Settings, database: Database) -> None:
    """Do one in its own transaction; what goes wrong is logged, and the others are still done."""
    try:
        async with database.transaction() as session:
            n = await chore(session, settings)
    except Exception:
        log.exception("a chore failed", chore=chore.__name__)
        return
    if n:
        log.info("a chore was done", chore=chore.__name__, n=n)
