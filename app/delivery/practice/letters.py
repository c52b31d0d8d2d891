"""A few letters to whoever tries an alert out, sent at once the way that every letter goes.

What is still a draft is in no table yet, so nothing of this is in the outbox or in the counts.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TypedDict

from dns.exception import DNSException

from app.campaigns.offices import Office
from app.delivery import sandbox
from app.delivery.messages import message
from app.delivery.messages.message import Message
from app.delivery.outcome import Outcome, Taken, Unreached
from app.delivery.routes.connection import Connection, Sender
from app.delivery.routes.direct import Direct
from app.delivery.routes.exchanges import SMTP_PORT, Finder
from app.delivery.routes.relays import Relay, relays_of
from app.errors import MessageRefused, SettingsRefused, TemplateBroken
from app.models import Letter, Submission
from app.outbox.claims import Claim
from app.settings import Delivery, Route, Settings
from app.wording import render
from app.wording.render import Words

NO_LETTER = 0  # its number: what comes back for it belongs to nobody
ONE_REPLY = 60.0  # seconds
END_OF_DATA = 120.0
FOR_A_PAGE = 25.0  # seconds for all of them: somebody waits for the page
MOST = 60  # letters


class Patience(TypedDict):
    """How we greet, and how long we wait for answers, in seconds."""

    hello: str
    timeout: float
    data_timeout: float


@dataclass(frozen=True)
class Tried:
    """One office's letter and what became of it. `said`: the server's words, or why none spoke."""

    office: Office
    subject: str
    taken: bool
    said: str
    message_id: str = ""


@dataclass(frozen=True)
class _Written:
    office: Office
    subject: str
    message: Message | None
    why_not: str = ""


async def send(
    settings: Settings,
    offices: Sequence[Office],
    words: Words,
    *,
    to: str,
    seed: int,
    port: int = SMTP_PORT,
) -> list[Tried]:
    """Send the letters of one made-up supporter to `to`, and tell what became of each.

    No transaction may be open. `port`: of the servers that a domain's MX names.
    """
    written = [_write(settings, one, words, to, seed) for one in offices[:MOST]]
    outcomes: dict[int, Outcome] = {}
    trouble = "there was no time left for it"
    try:
        async with asyncio.timeout(FOR_A_PAGE), way(settings, port) as sender:
            for number, one in enumerate(written):
                if one.message:
                    outcomes[number] = await sender.send(one.message)
                    if isinstance(outcomes[number], Unreached):
                        trouble = f"{outcomes[number].host or 'the server'} was not reached"
                        break
    except TimeoutError:
        pass
    except (SettingsRefused, DNSException, MessageRefused) as fault:
        trouble = str(fault) or type(fault).__name__
    return [_tried(one, outcomes.get(number), trouble) for number, one in enumerate(written)]


@asynccontextmanager
async def way(settings: Settings, port: int = SMTP_PORT) -> AsyncIterator[Sender]:
    """The sender that a worker would use; in the sandbox whatever is set stays unused."""
    async with AsyncExitStack() as stack:
        sender: Sender
        if settings.delivery is Delivery.SANDBOX:
            relay = await stack.enter_async_context(sandbox.serving(settings.database))
            sender = Connection(relay, **_patience(settings))
        elif settings.route is Route.MX:
            sender = Direct(Finder(settings.nameserver), port=port, **_patience(settings))
        else:
            sender = Connection(_first_relay(settings), **_patience(settings))
        stack.push_async_callback(sender.close)
        yield sender


def _first_relay(settings: Settings) -> Relay:
    relays = relays_of(settings)
    if not relays:
        raise SettingsRefused("there is no relay: set ONE_EMAIL_SMTP_URL")
    return relays[0]


def _patience(settings: Settings) -> Patience:
    timeout = min(ONE_REPLY, settings.smtp_timeout)
    return {"hello": settings.mail_domain, "timeout": timeout, "data_timeout": END_OF_DATA}


def _write(settings: Settings, office: Office, words: Words, to: str, seed: int) -> _Written:
    words = render.address_only_where_required(words, office.country, office.target.role)
    letter = Letter(
        id=NO_LETTER,
        delivery=Delivery.TRIAL,
        message_id=f"<{secrets.token_hex(14)}@{settings.mail_domain}>",
    )
    submission = Submission(name=words.name, email=to)
    claim = Claim(
        letter, submission, office.target, office.contact, office.template, office.country
    )
    try:
        text = render.letter(
            office.template, office.target, stage=office.stage, seed=seed, words=words
        )
        return _Written(office, text.subject, message.of_letter(claim, text, settings))
    except (TemplateBroken, MessageRefused) as refusal:
        return _Written(office, "", None, str(refusal))


def _tried(one: _Written, outcome: Outcome | None, trouble: str) -> Tried:
    if one.message is None:
        return Tried(one.office, one.subject, False, one.why_not)
    if outcome is None:
        return Tried(one.office, one.subject, False, trouble)
    said = f"{outcome.code or ''} {outcome.reply}".strip()
    mine = one.message.envelope_id
    return Tried(one.office, one.subject, isinstance(outcome, Taken), said, f"<{mine}>")
