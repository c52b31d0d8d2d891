"""One attempt: the text rendered once more and compared, the message written, the dialogue held."""

import traceback

import structlog

from app import clock
from app.delivery.messages import message
from app.delivery.messages.message import Message
from app.delivery.outcome import Failed, Finished, Outcome, Work, name_of
from app.delivery.routes.connection import Connection
from app.errors import MessageRefused, TemplateBroken
from app.outbox.claims import Claim
from app.settings import Settings
from app.wording import notices, render

log = structlog.get_logger()

OTHERWISE = "renders otherwise than confirmed"


class RendersOtherwise(Exception):
    """What was confirmed is what leaves, or nothing."""


async def attempt(work: Work, connection: Connection, settings: Settings) -> Finished:
    """Send it, and tell how that ended; whatever goes wrong with one letter is its own affair."""
    started_at = clock.now()
    address = work.contact.email if isinstance(work, Claim) else work.submission.email
    outcome: Outcome
    try:
        written = write(work, settings)
        address = written.rcpt_to
        outcome = await connection.send(written)
    except RendersOtherwise:
        outcome = Failed(reply=OTHERWISE)
    except (TemplateBroken, MessageRefused) as refusal:
        outcome = Failed(reply=str(refusal))
    except Exception as surprise:
        where = _where(surprise)
        log.error("an attempt that nobody foresaw", work=name_of(work), error=where)
        outcome = Failed(reply=where, surprise=True)
    return Finished(work, outcome, address, started_at, clock.now())


def write(work: Work, settings: Settings) -> Message:
    """The message as it leaves. Raises RendersOtherwise, TemplateBroken or MessageRefused."""
    if not isinstance(work, Claim):
        notice = notices.write(work.notice, work.submission, settings=settings)
        return message.of_notice(work, notice, settings)
    text = render.confirmed(work.letter, work.submission, work.target, work.template, work.country)
    if text.sha256 != work.letter.text_sha256:
        raise RendersOtherwise
    return message.of_letter(work, text, settings)


def _where(error: Exception) -> str:
    """The kind of an error and the place in the code; its words could be somebody's letter."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].name}, line {frames[-1].lineno}" if frames else "nowhere"
    return f"{type(error).__name__} in {place}"
