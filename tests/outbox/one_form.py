"""One supporter's form with a letter to every office of a small alert, and how its letters end."""

import secrets
from datetime import timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.models import Attempt, Letter, LetterStatus, Submission
from app.outbox import queue
from app.wording import render
from tests.grounds.letters import MAIL_DOMAIN, STAGE, Ground, make_submission

# how a queued letter gets there
ROADS: dict[LetterStatus, tuple[LetterStatus, ...]] = {
    queue.HANDED_OVER: (queue.SENDING, queue.HANDED_OVER),
    queue.ACCEPTED: (queue.SENDING, queue.ACCEPTED),
    queue.BOUNCED: (queue.SENDING, queue.HANDED_OVER, queue.BOUNCED),
    queue.REJECTED: (queue.SENDING, queue.REJECTED),
    queue.EXPIRED: (queue.SENDING, queue.EXPIRED),
    queue.FAILED: (queue.SENDING, queue.FAILED),
    queue.QUEUED: (queue.SENDING, queue.QUEUED),
    queue.CANCELLED: (queue.CANCELLED,),
}


async def make_form(
    session: AsyncSession, ground: Ground, **changes: Any
) -> tuple[Submission, list[int]]:
    """A confirmed form; its letters are queued and sealed, in the order of the offices."""
    submission = await make_submission(session, ground, **changes)
    ids = await queue.hold(
        session,
        [
            {
                "submission_id": submission.id,
                "alert_id": ground.alert.id,
                "target_id": target.id,
                "person_key": submission.person_key,
                "delivery": submission.delivery,
                "template_id": ground.template.id,
                "stage": STAGE,
                "message_id": f"<{secrets.token_hex(14)}@{MAIL_DOMAIN}>",
                "text_sha256": render.of_submission(
                    submission, target, ground.template, ground.country, stage=STAGE
                ).sha256,
            }
            for target in ground.targets
        ],
        by="test",
    )
    await queue.move(session, [Letter.id.in_(ids)], frm=queue.HELD, to=queue.QUEUED, by="test")
    return submission, sorted(ids)


async def end(session: AsyncSession, letter_id: int, to: LetterStatus) -> None:
    """Move a queued letter to where a test wants it."""
    for step in ROADS[to]:
        status = await session.scalar(select(Letter.status).where(Letter.id == letter_id))
        frm = LetterStatus(str(status))
        assert await queue.move(session, [Letter.id == letter_id], frm=frm, to=step, by="test")


async def attempt(session: AsyncSession, letter_id: int, outcome: str, **values: Any) -> None:
    """An attempt on record; `values` say what the server did."""
    row: dict[str, Any] = {
        "letter_id": letter_id,
        "number": 1,
        "worker": "test",
        "started_at": clock.now() - timedelta(seconds=1),
        "ended_at": clock.now(),
        "outcome": outcome,
        "address": "pm@example.org",
        "host": "mx.example.org",
        "tls": "TLSv1.3",
        "code": 250,
        "enhanced": "",
        "reply": "2.0.0 Ok: queued as 4ZB3",
        "queue_id": "4ZB3",
        "began_data": outcome == "taken",
    }
    await session.execute(insert(Attempt).values(row | values))
