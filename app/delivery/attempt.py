"""One attempt: the text rendered once more and compared, the message written, the dialogue held."""

import traceback
from typing import NamedTuple

import structlog

from app import clock
from app.delivery.messages import message
from app.delivery.messages.message import Message
from app.delivery.outcome import Failed, Finished, Outcome, Work, name_of
from app.delivery.routes.connection import Sender
from app.errors import MessageRefused, TemplateBroken
from app.outbox.claims import Claim
from app.outbox.notices import NoticeClaim
from app.outbox.telling.alarms import AlarmClaim
from app.settings import Settings
from app.wording import alarms, notices, render

log = structlog.get_logger()

OTHERWISE = "renders otherwise than confirmed"


class RendersOtherwise(Exception):
    """What was confirmed is what leaves, or nothing."""


class Prepared(NamedTuple):
    """A message ready to be sent, or why there is none."""

    work: Work
    message: Message | Failed


def prepare(work: Work, settings: Settings) -> Prepared:
    """Write it; whatever goes wrong with one letter is its own affair."""
    try:
        return Prepared(work, write(work, settings))
    except RendersOtherwise:
        return Prepared(work, Failed(reply=OTHERWISE))
    except (TemplateBroken, MessageRefused) as refusal:
        return Prepared(work, Failed(reply=str(refusal)))
    except Exception as surprise:
        return Prepared(work, _surprised(work, surprise))


async def attempt(one: Prepared, following: Prepared | None, sender: Sender) -> Finished:
    """Send it, and tell how that ended. `following`: what this sender sends next."""
    started_at = clock.now()
    if isinstance(one.message, Failed):
        return Finished(one.work, one.message, _address(one.work), started_at, started_at)
    next_message = following.message if following else None
    outcome: Outcome
    try:
        outcome = await sender.send(
            one.message, next_message if isinstance(next_message, Message) else None
        )
    except MessageRefused as refusal:
        outcome = Failed(reply=str(refusal))
    except Exception as surprise:
        outcome = _surprised(one.work, surprise)
    return Finished(one.work, outcome, one.message.rcpt_to, started_at, clock.now())


def write(work: Work, settings: Settings) -> Message:
    """The message as it leaves. Raises RendersOtherwise, TemplateBroken or MessageRefused."""
    if isinstance(work, AlarmClaim):
        return message.of_notice(
            work, alarms.write(work.notice, work.alarm, settings=settings), settings
        )
    if isinstance(work, NoticeClaim):
        notice = notices.write(
            work.notice,
            work.submission,
            work.letters,
            moved=work.moved,
            waiting=work.waiting,
            settings=settings,
        )
        return message.of_notice(work, notice, settings)
    text = render.confirmed(work.letter, work.submission, work.target, work.template, work.country)
    if text is None:
        raise RendersOtherwise
    return message.of_letter(work, text, settings)


def _address(work: Work) -> str:
    return work.contact.email if isinstance(work, Claim) else work.to.email


def _surprised(work: Work, surprise: Exception) -> Failed:
    where = _where(surprise)
    log.error("an attempt that nobody foresaw", work=name_of(work), error=where)
    return Failed(reply=where, surprise=True)


def _where(error: Exception) -> str:
    """The kind of an error and the place in the code; its words could be somebody's letter."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].name}, line {frames[-1].lineno}" if frames else "nowhere"
    return f"{type(error).__name__} in {place}"
