"""What a server's hard no says of an address, or of everybody behind its host."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.models import Attempt, Contact, Letter, Mailbox, MailDomain, NoticeKind, Returned
from app.outbox import freezes, notices
from app.outbox.freezes import Scope
from app.outbox.pacing import hosts
from app.settings import Settings

# bad mailbox, bad system, bad syntax, has moved, null MX: RFC 3463 3.2, RFC 7505 4.2
NO_SUCH_ADDRESS = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10"})
POLICY = "5.7."  # security or policy: RFC 3463 3.8
POLICY_REFUSALS = 10
OF_THE_LETTER = ("5.5.", "5.6.")  # protocol, and content or media: RFC 3463 3.6, 3.7
AN_HOUR = timedelta(hours=1)


async def refused(
    session: AsyncSession, email: str, *, enhanced: str, reply: str, by: str, settings: Settings
) -> None:
    """Draw what follows from a 5xx to this address, whether said at once or by returned mail.

    A policy refusal speaks of us, and the tenth in an hour freezes the host, also where it came
    before any letter was spoken of, so that none was lost by it; one of a letter's
    content speaks of that letter. Any other marks the contact for review, and where there is no
    such address its letters wait for that review: each would only be lost. The organisers
    concerned are told of either freeze by mail.
    """
    if enhanced.startswith(OF_THE_LETTER):
        return
    if enhanced.startswith(POLICY):
        await _count_policy(session, email, reply, by, settings)
        return
    current = (func.lower(Contact.email) == email.lower(), Contact.retired_at.is_(None))
    marked = await session.scalars(
        update(Contact)
        .where(*current)
        .values(
            review_at=func.coalesce(Contact.review_at, clock.now()), review_why=reply or enhanced
        )
        .returning(Contact.id)
        .execution_options(synchronize_session=False)
    )
    if enhanced in NO_SUCH_ADDRESS:
        ids = sorted(marked.all())
        made = [one for one in ids if await _freeze(session, "contact", one, reply, by)]
        if made:  # one address of several offices is one mail
            await _tell(session, "contact", made[0], NoticeKind.NO_SUCH_ADDRESS, settings)


async def taken_back(
    session: AsyncSession, emails: Collection[str], *, since: datetime, by: str
) -> None:
    """What refusals said of these addresses since then was not true: it was our relay's affair."""
    for email in sorted({one.lower() for one in emails}):  # in the order in which they are marked
        cleared = await session.scalars(
            update(Contact)
            .where(
                func.lower(Contact.email) == email,
                Contact.retired_at.is_(None),
                Contact.review_at >= since,
            )
            .values(review_at=None, review_why="")
            .returning(Contact.id)
            .execution_options(synchronize_session=False)
        )
        await reviewed(session, sorted(cleared.all()), by=by)


async def reviewed(session: AsyncSession, contact_ids: Sequence[int], *, by: str) -> int:
    """An organiser has seen these addresses: what the program held back goes on; gives how many.

    A hold that a person made is theirs to release.
    """
    released = 0
    for contact_id in contact_ids:
        hold = await freezes.standing(session, "contact", contact_id)
        if hold and "@" not in hold.by:
            released += await freezes.release(session, scope="contact", ref=contact_id, by=by)
    return released


async def _count_policy(
    session: AsyncSession, email: str, reply: str, by: str, settings: Settings
) -> None:
    if not await _is_an_offices(session, email):
        return  # reflected to its supporter, whose server says nothing of any office
    host = await hosts.of(session, email)
    if await _policy_refusals(session, host.id) < POLICY_REFUSALS:
        return
    if await _freeze(session, "host", host.id, reply, by):
        await hosts.know_contacts(session)  # those not written to yet lie behind it too
        await _tell(session, "host", host.id, NoticeKind.HOST_REFUSES, settings)


async def _freeze(session: AsyncSession, scope: Scope, ref: int, why: str, by: str) -> bool:
    return await freezes.freeze(session, scope=scope, ref=ref, why=why, by=by)


async def _tell(
    session: AsyncSession, scope: Scope, ref: int, kind: NoticeKind, settings: Settings
) -> None:
    hold = await freezes.standing(session, scope, ref)
    if hold:
        await notices.alarm(session, hold, kind, settings)


async def _is_an_offices(session: AsyncSession, email: str) -> bool:
    known = select(Contact.id).where(func.lower(Contact.email) == email.lower()).limit(1)
    return await session.scalar(known) is not None


async def _policy_refusals(session: AsyncSession, host_id: int) -> int:
    """How often this host said so within the last hour, in a dialogue or in a bounce."""
    since = clock.now() - AN_HOUR
    behind = (
        select(Mailbox.email)
        .join(MailDomain, MailDomain.name == Mailbox.domain)
        .where(MailDomain.host_id == host_id)
    )
    told = select(func.count(Attempt.id)).where(
        Attempt.enhanced.like(f"{POLICY}%"),
        Attempt.ended_at > since,
        func.lower(Attempt.address).in_(behind),
    )
    returned = (
        select(func.count(Returned.id))
        .join(Letter, Letter.id == Returned.letter_id)
        .join(Contact, Contact.target_id == Letter.target_id)
        .where(
            Returned.enhanced.like(f"{POLICY}%"),
            Returned.received_at > since,
            Contact.retired_at.is_(None),
            func.lower(Contact.email).in_(behind),
        )
    )
    return (await session.scalar(told) or 0) + (await session.scalar(returned) or 0)
