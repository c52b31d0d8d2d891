"""People with a confirmed letter, each counted once per alert and once per campaign."""

from sqlalchemy.ext.asyncio import AsyncSession

from app import clock
from app.db import add_up, insert_for
from app.models import Participation, Submission, SupporterCount


async def count(session: AsyncSession, submission: Submission) -> None:
    """Count this submission's person where nobody has yet. `submission.alert` must be loaded.

    The row decides, not a look at it: the same person may confirm in two alerts at one moment.
    """
    places = {"alert": submission.alert_id, "campaign": submission.alert.campaign_id}
    counted = []
    for scope, ref in places.items():
        place = {"scope": scope, "ref": ref, "delivery": submission.delivery}
        new = await session.scalar(
            insert_for(session)(Participation)
            .values(**place, person_key=submission.person_key, at=clock.now())
            .on_conflict_do_nothing()
            .returning(Participation.ref)
        )
        if new is not None:
            counted.append(place | {"n": 1})
    add_up(session, SupporterCount.__table__, counted)  # type: ignore[arg-type]
