"""The people of one organisation: what each may do, and who may change that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import audit, clock
from app.accounts import api_tokens, organisers, sign_in
from app.errors import FormRefused, LastOwner, Missing, NotAllowed
from app.models import ApiToken, Organisation, Organiser, Role, SignIn


@dataclass(frozen=True)
class Person:
    """One of the organisation's, when they were last seen at a page, and their programs."""

    organiser: Organiser
    seen_at: datetime | None
    tokens: int  # API tokens that work

    @property
    def invited(self) -> bool:
        return not self.organiser.password_hash

    @property
    def second_factor(self) -> bool:
        return self.organiser.totp_since is not None


async def of_organisation(session: AsyncSession, organisation_id: int) -> Sequence[Person]:
    """Everybody by name, without invitations that were taken back."""
    seen = (
        select(func.max(SignIn.seen_at))
        .where(SignIn.organiser_id == Organiser.id)
        .correlate(Organiser)
        .scalar_subquery()
    )
    tokens = (
        select(func.count(ApiToken.id))
        .where(ApiToken.organiser_id == Organiser.id, api_tokens.alive())
        .correlate(Organiser)
        .scalar_subquery()
    )
    rows = await session.execute(
        select(Organiser, seen, tokens)
        .where(
            Organiser.organisation_id == organisation_id,
            or_(Organiser.password_hash != "", Organiser.disabled_at.is_(None)),
        )
        .order_by(Organiser.disabled_at.is_not(None), Organiser.name, Organiser.id)
    )
    return [Person(*row) for row in rows]


async def change_role(
    session: AsyncSession, by: Organiser, organiser_id: int, role: Role
) -> Organiser:
    """Raises Missing, NotAllowed for oneself, LastOwner."""
    await acting(session, by)
    person = await another(session, by, organiser_id)
    if person.role != role:
        await _not_the_last(session, person)
        was, person.role = person.role, role
        await audit.note(
            session,
            by.email,
            f"Made {person.email} {role}, who was {was}",
            organisation_id=by.organisation_id,
        )
    return person


async def disable(session: AsyncSession, by: Organiser, organiser_id: int) -> Organiser:
    """They sign in no more, and are put out at once. Raises Missing, NotAllowed, LastOwner."""
    await acting(session, by)
    person = await another(session, by, organiser_id)
    if person.disabled_at is None:
        await _not_the_last(session, person)
        person.disabled_at = clock.now()
        ended = await end_all(session, person.id)
        what = "Disabled" if person.password_hash else "Took back the invitation of"
        said = f"{what} {person.email}{ended}"
        await audit.note(session, by.email, said, organisation_id=by.organisation_id)
    return person


async def enable(session: AsyncSession, by: Organiser, organiser_id: int) -> Organiser:
    """They may sign in again, as what they were. Raises Missing, NotAllowed."""
    await acting(session, by)
    person = await another(session, by, organiser_id)
    if person.disabled_at is not None:
        person.disabled_at = None
        said = f"Let {person.email} sign in again"
        await audit.note(session, by.email, said, organisation_id=by.organisation_id)
    return person


async def put_out(session: AsyncSession, by: Organiser, organiser_id: int) -> None:
    """End all their sign-ins and API tokens; they may sign in anew. Raises Missing, NotAllowed."""
    await acting(session, by)
    person = await another(session, by, organiser_id)
    said = f"Put {person.email} out everywhere{await end_all(session, person.id)}"
    await audit.note(session, by.email, said, organisation_id=by.organisation_id)


async def end_all(session: AsyncSession, organiser_id: int, *, but: str = "") -> str:
    """End somebody's sign-ins, but the one with this hash, and API tokens: whoever knew their
    password may have made some. Gives what a sentence on record says of it at its end."""
    await sign_in.end_all(session, organiser_id, but=but)
    return api_tokens.which_ended(await api_tokens.revoke_all(session, organiser_id))


async def rename(session: AsyncSession, organiser: Organiser, name: str) -> None:
    """Change one's own name. Raises FormRefused."""
    name = organisers.called(name)
    if not name:
        raise FormRefused({"name": "missing"})
    kept = await session.get_one(Organiser, organiser.id)
    if kept.name != name:
        said = f"Goes by the name of {name}, before: {kept.name}"
        kept.name = name
        await audit.note(session, kept.email, said, organisation_id=kept.organisation_id)


async def change_password(
    session: AsyncSession, organiser: Organiser, password_hash: str, *, here: str
) -> None:
    """A new password (hashed before: it takes long) ends all sign-ins but the one `here`, and all
    API tokens."""
    kept = await session.get_one(Organiser, organiser.id)
    kept.password_hash = password_hash
    said = f"Changed their password{await end_all(session, kept.id, but=here)}"
    await audit.note(session, kept.email, said, organisation_id=kept.organisation_id)


async def acting(session: AsyncSession, by: Organiser) -> None:
    """Whoever acts is an owner at this moment still. Raises NotAllowed.

    The organisation is locked first: two owners who disable each other would else both succeed.
    """
    ours = select(Organisation.id).where(Organisation.id == by.organisation_id)
    await session.execute(ours.with_for_update())
    now = await session.get(Organiser, by.id, populate_existing=True)
    if now is None or now.disabled_at or now.role != Role.OWNER:
        raise NotAllowed("only an owner changes people")


async def another(session: AsyncSession, by: Organiser, organiser_id: int) -> Organiser:
    """Somebody else of the same organisation. Raises Missing, or NotAllowed for oneself."""
    person = await session.get(Organiser, organiser_id, populate_existing=True)
    if person is None or person.organisation_id != by.organisation_id:
        raise Missing("organiser", str(organiser_id))
    if person.id == by.id:
        raise NotAllowed("nobody changes what they may do themselves")
    return person


async def _not_the_last(session: AsyncSession, person: Organiser) -> None:
    left = [one.id for one in await organisers.owners(session, person.organisation_id)]
    if left == [person.id]:
        raise LastOwner
