"""One real letter to the person who asks, the way every letter goes, and what the server said."""

import secrets

from dns.exception import DNSException
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from app import migrating
from app.cli import opening
from app.db import Database
from app.delivery.domain.findings import Finding, heard, look, not_well, well
from app.delivery.messages import message
from app.delivery.messages.message import Message
from app.delivery.outcome import Deferred, Outcome, Taken, Unreached
from app.delivery.practice.letters import NO_LETTER, way
from app.delivery.routes.exchanges import SMTP_PORT
from app.errors import MessageRefused, SettingsRefused
from app.models import AlertCountry, Contact, Letter, LetterTemplate, Submission, Target
from app.outbox.claims import Claim
from app.settings import Delivery, Settings
from app.wording.render import LetterText

REFUSED = 500  # and above: for good, RFC 5321 4.2.1
NAME = "Mari Mägi"  # a name beyond ASCII, as many have
SUBJECT = "A trial letter: õ, š, ż and ä arrive unharmed"
BODY = """\
Dear Prime Minister,

this is a trial letter of Send One Email. It went the way every letter of this service goes, and
nobody but you got it.

Please look at three things.

1. It lies in your inbox and not among spam.
2. Its headers (“show original”) hold a line Authentication-Results with spf=pass, dkim=pass and
   dmarc=pass. Save the letter as a file and “doctor --arrived FILE” reads them for you.
3. An answer to it goes to you, as an answer to a supporter's letter goes to the supporter.

Yours sincerely,
{name}
"""


def sender_address(settings: Settings) -> str:
    """The signed envelope sender of a trial letter; a bounce to it changes nothing."""
    return message.bounce_address("b", NO_LETTER, settings)


async def addressee(settings: Settings, to: str) -> str | Finding:
    """The address that a trial letter may go to, or the sentence why none may."""
    try:
        address = validate_email(to, check_deliverability=False).ascii_email
    except EmailNotValidError as fault:
        return _not_sent(f"“{heard(to)}” is no address to write to: {fault}")
    if address is None:
        return _not_sent("an address outside ASCII cannot be written to yet")
    why = await _forbidden(settings, address)
    return _not_sent(why) if why else address


async def examine(settings: Settings, to: str, *, port: int = SMTP_PORT) -> list[Finding]:
    """Send one letter to an `addressee`, and say what became of it.

    `port`: of the servers that a domain's MX names.
    """
    try:
        letter = write(settings, to)
        async with way(settings, port) as sender:
            outcome = await sender.send(letter)
    except MessageRefused as refusal:
        return [_not_sent(f"it cannot be written: {refusal}")]
    except (SettingsRefused, DNSException) as fault:
        return [_not_sent(heard(fault))]
    return tell(settings, letter, outcome)


def write(settings: Settings, to: str) -> Message:
    """The letter as an office would get it, with the asking person as office and as supporter."""
    claim = Claim(
        Letter(
            id=NO_LETTER,
            delivery=str(Delivery.LIVE),
            message_id=f"<{secrets.token_hex(14)}@{settings.mail_domain}>",
        ),
        Submission(name=NAME, email=to),
        Target(),
        Contact(email=to),
        LetterTemplate(language="en"),
        AlertCountry(),
    )
    return message.of_letter(claim, LetterText(SUBJECT, BODY.format(name=NAME)), settings)


async def _forbidden(settings: Settings, address: str) -> str:
    """Why nothing may be sent there, or an empty text."""
    if not opening.is_there(settings):
        return "the contacts cannot be read, and no office may get a trial letter: run “migrate”"
    database = Database(settings.database)
    local, _, domain = address.lower().rpartition("@")
    plain = f"{local.partition('+')[0]}@{domain}"
    try:
        if not await migrating.is_current(database):
            return "the contacts cannot be read before “migrate”"
        async with database.reading() as session:
            found = await session.scalar(
                select(Contact.id)
                .where(func.lower(Contact.email).in_({address.lower(), plain}))
                .limit(1)
            )
    except (SQLAlchemyError, OSError):
        return "the contacts cannot be read, and no office may get a trial letter"
    finally:
        await database.close()
    return f"{address} is an office's address. Name your own" if found else ""


# ── what the server said ──


def tell(settings: Settings, letter: Message, outcome: Outcome) -> list[Finding]:
    """The ending in sentences, the server's own words in quotes."""
    said = f"“{heard(f'{outcome.code or str()} {outcome.reply}')}”"
    if not isinstance(outcome, Taken):
        return [_refused(letter, outcome, said)]
    if settings.delivery is Delivery.SANDBOX:
        return [
            well(
                f"Delivery is sandbox, so the trial letter did not leave this machine: it lies at"
                f" {settings.public_url.rstrip('/')}/sandbox."
            )
        ]
    name = f", which calls it {heard(outcome.queue_id)}" if outcome.queue_id else ""
    travelled = f"encrypted with {heard(outcome.tls)}" if outcome.tls else "unencrypted"
    taken = f"{heard(outcome.host)} took the trial letter to {letter.rcpt_to}{name}"
    return [
        well(f"{taken}; it went there {travelled}, and the answer was {said}."),
        look(
            f"Open the letter that arrives at {letter.rcpt_to}, and look: is it in the inbox; do"
            " its headers hold Authentication-Results with spf=pass, dkim=pass and dmarc=pass; is"
            f" its Return-Path {letter.mail_from}? Save it and run “doctor --arrived FILE”."
        ),
    ]


def _refused(letter: Message, outcome: Outcome, said: str) -> Finding:
    where = heard(outcome.host) or "nobody"
    if isinstance(outcome, Unreached) and outcome.why != "refused":
        return not_well(f"The trial letter was not sent, for {where} was not reached: {said}.")
    if isinstance(outcome, Deferred) and outcome.code and outcome.code < REFUSED:
        return look(
            f"{where} does not take the trial letter to {letter.rcpt_to} now: {said}. A worker"
            " would try again; do so in a quarter of an hour."
        )
    if isinstance(outcome, Deferred) and not outcome.code:
        perhaps = " It may have arrived all the same." if outcome.began_data else ""
        return not_well(f"The dialogue with {where} broke off: {said}.{perhaps} Try again.")
    return not_well(
        f"{where} refuses the trial letter to {letter.rcpt_to}: {said}. Its words say what to mend."
    )


def _not_sent(why: str) -> Finding:
    return not_well(f"The trial letter was not sent: {why.rstrip('.')}.")
