"""Which mail host an address lies behind: the server its MX names, or its domain until we know."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import insert_for
from app.models import Contact, Mailbox, MailDomain, MailHost

FRESH = timedelta(days=1)  # how long an answer about MX records is believed


async def of(session: AsyncSession, email: str) -> MailHost:
    """The host of an address; an address never met gets its rows."""
    await know(session, [email])
    found = await session.scalars(
        select(MailHost)
        .join(MailDomain, MailDomain.host_id == MailHost.id)
        .where(MailDomain.name == domain_of(email))
    )
    return found.one()


async def know(session: AsyncSession, emails: Iterable[str]) -> None:
    """Make the rows of mailboxes, domains and hosts that are not there yet."""
    mailboxes = {email.lower(): domain_of(email) for email in emails}
    domains = sorted(set(mailboxes.values()))
    if not domains:
        return
    insert = insert_for(session)
    hosts = [{"name": name} for name in domains]
    await session.execute(insert(MailHost).on_conflict_do_nothing(), hosts)
    ids = await session.execute(
        select(MailHost.name, MailHost.id).where(MailHost.name.in_(domains))
    )
    rows = [{"name": name, "host_id": host_id, "exchanges": []} for name, host_id in ids]
    await session.execute(insert(MailDomain).on_conflict_do_nothing(), rows)
    boxes = [
        {"email": email, "domain": domain, "today_n": 0}
        for email, domain in sorted(mailboxes.items())  # two that make them meet at the first
    ]
    await session.execute(insert(Mailbox).on_conflict_do_nothing(), boxes)


async def know_contacts(session: AsyncSession) -> int:
    """Make the rows of every address that letters may go to; gives how many were new."""
    email = func.lower(Contact.email)
    current = select(email).where(Contact.retired_at.is_(None))
    new = (await session.scalars(current.where(email.not_in(select(Mailbox.email))))).all()
    await know(session, new)
    return len(set(new))


async def to_look_up(session: AsyncSession) -> Sequence[str]:
    """The domains whose MX records nobody has asked for today."""
    old = or_(MailDomain.looked_up_at.is_(None), MailDomain.looked_up_at < clock.now() - FRESH)
    return (await session.scalars(select(MailDomain.name).where(old))).all()


async def learn(session: AsyncSession, domain: str, exchanges: Sequence[str]) -> None:
    """Keep what the MX of a domain says: all domains with one first exchange share its host.

    Without an answer (no exchanges) the domain stays where it was.
    """
    names = [name.lower().rstrip(".") for name in exchanges]
    values: dict[str, object] = {"looked_up_at": clock.now()}
    if names:
        home = await _home(session, domain, names)
        insert = insert_for(session)(MailHost).values(name=home)
        await session.execute(insert.on_conflict_do_nothing())
        host_id = await session.scalar(select(MailHost.id).where(MailHost.name == home))
        values |= {"exchanges": names, "host_id": host_id}
    await session.execute(
        update(MailDomain)
        .where(MailDomain.name == domain)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


async def _home(session: AsyncSession, domain: str, names: Sequence[str]) -> str:
    """Exchanges of equal preference come in another order each time: the domain stays with the
    one it has, or goes where a domain with the same exchanges is. Else a host that is frozen, or
    has had its turns, would be left for its twin the next day."""
    rows = await session.execute(
        select(MailDomain.name, MailDomain.exchanges, MailHost.name)
        .join(MailHost, MailHost.id == MailDomain.host_id)
        .order_by(MailHost.id)
    )
    homes = [
        (name != domain, home)
        for name, exchanges, home in rows
        if home in names and (name == domain or set(exchanges) == set(names))
    ]
    return min(homes, key=lambda one: one[0])[1] if homes else names[0]


def domain_of(email: str) -> str:
    return email.rpartition("@")[2].lower()
