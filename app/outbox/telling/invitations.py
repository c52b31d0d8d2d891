"""Mail to somebody who is asked to join the organisers."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.models import Notice, NoticeKind, Organisation, Organiser
from app.outbox.telling.alarms import AlarmClaim
from app.wording.alarms import Invitation

LASTS = timedelta(days=7)
UNNAMED = "first"  # the slug of the organisation that the first migration makes


async def claimed(session: AsyncSession, notice_ids: Sequence[int]) -> list[AlarmClaim]:
    """Those of the notices that are invitations, and still neither taken nor taken back."""
    rows = await session.execute(
        select(Notice, Organiser, Organisation)
        .join(Organiser, Organiser.id == Notice.organiser_id)
        .join(Organisation, Organisation.id == Organiser.organisation_id)
        .where(
            Notice.id.in_(notice_ids),
            Notice.kind == NoticeKind.INVITATION,
            Notice.created_at > clock.now() - LASTS,
            Organiser.password_hash == "",
            Organiser.disabled_at.is_(None),
        )
        .order_by(Notice.id)
    )
    found = []
    for notice, organiser, organisation in rows:
        name = "" if organisation.slug == UNNAMED else organisation.name
        invitation = Invitation(organiser, name, notice.created_at + LASTS)
        found.append(AlarmClaim(notice, invitation))
    return found
