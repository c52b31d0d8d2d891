"""What a returned message does to its letter: a status that moves, or a line in its history."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.delivery.outcome import spoken
from app.delivery.returns.matching import About
from app.delivery.returns.parsing.reports import Recipient
from app.delivery.returns.reading import Kind, Read
from app.errors import ComeAgain
from app.models import Attempt, Contact, Letter, LetterStatus, MailDomain, Returned
from app.outbox import notices, queue, refusals
from app.outbox.queue import ACCEPTED, BOUNCED, EXPIRED, HANDED_OVER, QUEUED, SENT
from app.settings import TO_THE_WRITER, Settings

BY = "returns"
# servers give a message up within a week (RFC 5321 4.5.4.1), and several may stand in a row
STALE = timedelta(days=30)
SUCCESSES = frozenset({"delivered", "relayed"})
# of several recipients behind one address, any that got it counts before those that did not
ORDER = ("delivered", "relayed", "failed", "delayed", "expanded", "")
EVENTS = {
    Kind.AUTOMATIC: "automatic reply",
    Kind.COMPLAINT: "complaint",
    Kind.REPLY: "answer passed on",
}
NOTHING = Recipient("")


async def telling(session: AsyncSession, read: Read, about: About) -> Recipient:
    """The part of a report that speaks of our letter: of its address, where one is named."""
    if not read.recipients:
        return NOTHING
    address = ""
    if about.letter_id is not None and len(read.recipients) > 1:
        address = (await address_of(session, about.letter_id)).lower()
    named = [
        one
        for one in read.recipients
        if address and address in {one.final.lower(), one.original.lower()}
    ]
    return min(named or read.recipients, key=lambda one: ORDER.index(one.action))


async def names_office(session: AsyncSession, read: Read, about: About) -> bool:
    """Whether a message names the address that the letter went to."""
    if about.letter_id is None:
        return False
    address = (await address_of(session, about.letter_id)).lower()
    return bool(address) and address in {one.final.lower() for one in read.recipients}


def words(told: Recipient) -> str:
    """The server's own, led by the code where they do not hold it."""
    code = "" if told.enhanced in told.diagnostic else told.enhanced
    return spoken(" ".join(filter(None, (code, told.diagnostic))))


async def is_stale(session: AsyncSession, about: About) -> bool:
    """Whether no server could still speak of that letter: a copied address, not a report."""
    if about.letter_id is None:
        return False
    left_at = await session.scalar(
        select(Letter.status_at).where(
            Letter.id == about.letter_id, Letter.status.in_(SENT | {EXPIRED})
        )
    )
    return left_at is not None and left_at < clock.now() - STALE


async def is_known(session: AsyncSession, row: Returned) -> bool:
    """Whether the same was said of the same letter before: a report may come twice."""
    if row.letter_id is None or row.kind not in {Kind.REPORT, Kind.BOUNCE}:
        return False
    same = [
        getattr(Returned, name) == getattr(row, name)
        for name in (
            *("letter_id", "kind", "action", "enhanced", "reply", "remote_mta", "reporting_mta"),
        )
    ]
    return bool(await session.scalar(select(exists().where(*same))))


async def act(
    session: AsyncSession,
    settings: Settings,
    kind: Kind,
    letter_id: int,
    told: Recipient,
    reporting_mta: str,
    *,
    known: bool = False,
) -> str:
    """Do what follows; gives the status that the letter reached, or nothing. Raises ComeAgain.

    `known`: the same was said before, which its history need not tell twice. It may yet change
    something: a letter that was queued then, and was sent again since.
    """
    if kind in EVENTS:
        await queue.note_event(session, letter_id, EVENTS[kind], BY, "")
        return ""
    if kind not in {Kind.REPORT, Kind.BOUNCE}:
        return ""
    if await _status(session, letter_id) == LetterStatus.SENDING:
        # the server was quicker than our own settling; what it says would find nothing to change
        raise ComeAgain("the letter is still being sent")
    reached = ""
    if told.action in SUCCESSES:
        reached = await _arrived(session, settings, letter_id, told, reporting_mta)
    elif told.action == "failed":
        reached = await _failed(session, settings, letter_id, told)
    if not (reached or known):
        what, note = _line(told, reporting_mta)
        await queue.note_event(session, letter_id, what, BY, note)
    return reached


def _line(told: Recipient, reporting_mta: str) -> tuple[str, str]:
    """What a letter's history says of a report that changed nothing: (what, note)."""
    if told.action in SUCCESSES:
        how = "taken" if told.action == "delivered" else "passed on"
        return "report", spoken(f"{how} by {told.remote_mta or reporting_mta}: {words(told)}")
    what = {"failed": "late failure report", "delayed": "delay report"}
    return what.get(told.action, "report"), words(told)


async def _status(session: AsyncSession, letter_id: int) -> str | None:
    """As it stays until this transaction ends: nobody claims the letter meanwhile."""
    # not its key: another return of the same letter holds that already, by its foreign key
    found = select(Letter.status).where(Letter.id == letter_id).with_for_update(key_share=True)
    return await session.scalar(found)


async def _arrived(
    session: AsyncSession, settings: Settings, letter_id: int, told: Recipient, reporting_mta: str
) -> str:
    """Only a server that the office's own MX names makes a letter accepted; one whose own answer
    was lost does so too, for a letter that waits to be sent again or was given up."""
    said_by = {told.remote_mta, reporting_mta} - {""}
    exchanges = await _exchanges(session, await address_of(session, letter_id))
    if not said_by & exchanges:
        return ""
    if not await _move(session, letter_id, [HANDED_OVER, QUEUED, EXPIRED], ACCEPTED, told):
        return ""
    await notices.follow(session, [letter_id], mail_domain=settings.mail_domain)
    return ACCEPTED


async def _failed(
    session: AsyncSession, settings: Settings, letter_id: int, told: Recipient
) -> str:
    """It will not arrive, whether its code is hard or soft; a soft one says nothing of others."""
    if not await _move(session, letter_id, [HANDED_OVER, ACCEPTED], BOUNCED, told):
        return ""
    delivery = await session.scalar(select(Letter.delivery).where(Letter.id == letter_id))
    # it went to the one who wrote it: nothing was heard of the office
    if told.hard and delivery not in TO_THE_WRITER:
        email = await address_of(session, letter_id)
        said = {"enhanced": told.enhanced, "reply": words(told), "by": BY}
        await refusals.refused(session, email, **said, settings=settings)
    await notices.follow(session, [letter_id], mail_domain=settings.mail_domain)
    return BOUNCED


async def _move(
    session: AsyncSession,
    letter_id: int,
    frm: Sequence[LetterStatus],
    to: LetterStatus,
    told: Recipient,
) -> bool:
    for status in frm:
        which = [Letter.id == letter_id]
        if await queue.move(session, which, frm=status, to=to, by=BY, note=words(told)):
            return True
    return False


async def address_of(session: AsyncSession, letter_id: int) -> str:
    """Where the letter went: its last attempt knows; one without goes to the office's contact."""
    used = await session.scalar(
        select(Attempt.address)
        .where(Attempt.letter_id == letter_id)
        .order_by(Attempt.id.desc())
        .limit(1)
    )
    if used:
        return used
    contact = (
        select(Contact.email)
        .join(Letter, Letter.target_id == Contact.target_id)
        .where(Letter.id == letter_id, Contact.retired_at.is_(None))
    )
    return await session.scalar(contact) or ""


async def _exchanges(session: AsyncSession, address: str) -> set[str]:
    """The servers that the MX of an address names, as far as it was looked up."""
    domain = address.rpartition("@")[2].lower()
    found = await session.scalar(
        select(MailDomain.exchanges).where(func.lower(MailDomain.name) == domain)
    )
    return {name.lower().rstrip(".") for name in found or []}
