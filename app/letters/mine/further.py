"""The same letter to another country of the alert: the words are there, the address is proven."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns import alerts, offices
from app.campaigns.offices import Office
from app.errors import Missing, Refusal
from app.letters import again
from app.models import AlertCountry, Letter, LetterStatus, OwnMailbox, Submission, Target
from app.settings import Settings

# a letter that ended so leaves its country to be written to
OPEN_AGAIN = (LetterStatus.HELD, LetterStatus.CANCELLED, LetterStatus.LAPSED)


@dataclass(frozen=True)
class Further:
    """A country that the person has not written to in this alert, and its usual offices."""

    country: AlertCountry
    offices: Sequence[Office]


async def countries(
    session: AsyncSession, settings: Settings, submission: Submission
) -> list[Further]:
    """Where the same could go; none when the alert takes no forms now.

    Only under the delivery in which the address was proven: whoever confirmed in practice has
    only shown that they can open the practice mailbox.
    """
    alert = submission.alert
    if not submission.confirmed_at or alert.own_mailbox == OwnMailbox.ONLY:
        return []
    if alerts.delivery_for(alert, settings, submission.email) != submission.delivery:
        return []
    try:
        await alerts.check_open(session, alert)
    except Refusal:
        return []
    written = set(await session.scalars(_written_to(submission)))
    usual = [
        one
        for one in await offices.of_alert(session, alert, submission.delivery)
        if one.standard and one.target.country not in written
    ]
    return [
        Further(country, here)
        for country in alert.countries
        if (here := [one for one in usual if one.target.country == country.country])
    ]


async def write(
    session: AsyncSession, settings: Settings, submission: Submission, country: str
) -> Submission:
    """The same form once more, for one further country: a submission that waits to be confirmed.

    The one that waits already, if there is one. Raises Missing for a country that is not open.
    """
    found = [
        one
        for one in await countries(session, settings, submission)
        if one.country.country == country
    ]
    if not found:
        raise Missing("country", country)
    # locked, so that a button pressed twice makes one
    await session.execute(
        select(Submission.id).where(Submission.id == submission.id).with_for_update()
    )
    usual = found[0].offices
    if waiting := await again.waiting(session, submission, usual):
        return waiting
    return await again.write(session, settings, submission, usual)


def _written_to(submission: Submission) -> Select[str]:
    return (
        select(Target.country)
        .join(Letter, Letter.target_id == Target.id)
        .where(
            Letter.alert_id == submission.alert_id,
            Letter.delivery == submission.delivery,
            Letter.person_key == submission.person_key,
            Letter.status.not_in(OPEN_AGAIN),
        )
    )
