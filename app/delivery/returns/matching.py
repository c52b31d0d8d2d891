"""Which letter or notice a returned message is about, and how surely we know it."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.delivery.messages.message import BounceAddress, read_bounce_address
from app.delivery.returns.reading import OURS, Read
from app.models import Letter, Notice
from app.settings import Settings


@dataclass(frozen=True)
class About:
    """A letter or a notice, or neither.

    `signed`: proved by an address that only we can write. All else can be guessed or copied, and
    helps a person or shows an answer its way, but changes no status.
    """

    letter_id: int | None = None
    notice_id: int | None = None
    signed: bool = False


async def about(
    session: AsyncSession, settings: Settings, read: Read, *, envelope_to: str
) -> About:
    """The envelope recipient says it first, then the headers; at last the Message-IDs."""
    for address in (*OURS.findall(envelope_to), *read.addresses):
        named = read_bounce_address(address, settings)
        if named:
            found = await _still_there(session, named)
            if found:
                return found
    return await _by_message_id(session, read.message_ids)


async def _still_there(session: AsyncSession, named: BounceAddress) -> About | None:
    table = Letter if named.kind == "letter" else Notice
    found = await session.scalar(select(table.id).where(table.id == named.id))
    if found is None:
        return None
    if named.kind == "letter":
        return About(letter_id=found, signed=True)
    return About(notice_id=found, signed=True)


async def _by_message_id(session: AsyncSession, message_ids: tuple[str, ...]) -> About:
    if not message_ids:
        return About()
    letter_id = await session.scalar(
        select(Letter.id).where(Letter.message_id.in_(message_ids)).order_by(Letter.id).limit(1)
    )
    if letter_id is not None:
        return About(letter_id=letter_id)
    return About(
        notice_id=await session.scalar(
            select(Notice.id).where(Notice.message_id.in_(message_ids)).order_by(Notice.id).limit(1)
        )
    )
