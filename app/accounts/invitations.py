"""Invitations by mail: a row that cannot sign in yet, and a signed link that opens it once."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import audit, buckets, clock
from app.accounts import organisers, people
from app.errors import FormRefused, InvitationOver, LinkExpired, Missing, TooMany
from app.models import Organiser, Role
from app.outbox import notices
from app.settings import Settings
from app.tokens import INVITATION, read_timed

A_DAY = timedelta(days=1)
A_DAY_AT_MOST = 30  # of one organisation: an owner's sign-in must not become a way to send mail


async def invite(
    session: AsyncSession, by: Organiser, *, email: str, role: Role, settings: Settings
) -> Organiser:
    """Ask somebody to join. Raises NotAllowed, FormRefused (invalid, taken, invited), TooMany."""
    await people.acting(session, by)
    address = organisers.folded(email)
    kept = await organisers.find(session, address)
    if kept is not None and (kept.password_hash or not kept.disabled_at):
        ours = kept.organisation_id == by.organisation_id
        raise FormRefused({"email": "taken" if kept.password_hash or not ours else "invited"})
    invited = kept or Organiser(email=address, password_hash="", created_at=clock.now())
    invited.organisation_id = by.organisation_id
    invited.name, invited.role, invited.invited_by = address, role, by.email
    invited.disabled_at = None
    session.add(invited)
    await session.flush()
    await _mail(session, by, invited, settings)
    said = f"Invited {address} as {role}"
    await audit.note(session, by.email, said, organisation_id=by.organisation_id)
    return invited


async def again(
    session: AsyncSession, by: Organiser, organiser_id: int, settings: Settings
) -> Organiser:
    """Send the invitation once more. Raises NotAllowed, Missing, InvitationOver, TooMany."""
    await people.acting(session, by)
    invited = await people.another(session, by, organiser_id)
    if invited.password_hash or invited.disabled_at:
        raise InvitationOver
    await _mail(session, by, invited, settings)
    said = f"Sent the invitation of {invited.email} again"
    await audit.note(session, by.email, said, organisation_id=by.organisation_id)
    return invited


async def opened(
    session: AsyncSession, settings: Settings, token: str, *, joining: bool = False
) -> Organiser:
    """Whom the link invites; nobody else joins with it meanwhile, if they are `joining`.

    Raises Missing, or InvitationOver: too old, taken, or taken back.
    """
    try:
        organiser_id = int(read_timed(settings, INVITATION, token))
    except LinkExpired:
        raise InvitationOver from None
    found = select(Organiser).where(Organiser.id == organiser_id)
    invited = await session.scalar(found.with_for_update() if joining else found)
    if invited is None:
        raise Missing("invitation")
    if invited.password_hash or invited.disabled_at:
        raise InvitationOver
    return invited


async def join(session: AsyncSession, invited: Organiser, *, name: str, password_hash: str) -> None:
    """They are one of the organisation's from now on, and the link is spent."""
    invited.name = organisers.called(name) or invited.email
    invited.password_hash = password_hash
    invited.created_at = clock.now()
    said = f"{invited.name} took the invitation of {invited.invited_by} and joined"
    said = f"{said} as {invited.role}"
    await audit.note(session, invited.email, said, organisation_id=invited.organisation_id)


async def _mail(
    session: AsyncSession, by: Organiser, invited: Organiser, settings: Settings
) -> None:
    key = f"invitations:{by.organisation_id}"
    wait = await buckets.take(session, key, every=A_DAY / A_DAY_AT_MOST, burst=A_DAY_AT_MOST)
    if wait:
        raise TooMany(wait.total_seconds())
    await notices.invite(session, invited.id, settings)
