"""How many letters an alert has sent, in a few words that can stand by themselves."""

from typing import NamedTuple

from babel import numbers
from sqlalchemy.ext.asyncio import AsyncSession

from app import languages
from app.models import Alert
from app.reporting import counts
from app.settings import Delivery, Settings


class Sent(NamedTuple):
    """The number as its language writes it, and what it counts; practice says so."""

    number: str
    letters: str


async def said(
    session: AsyncSession, alert: Alert, settings: Settings, language: str
) -> Sent | None:
    """None while nothing has left: a nought invites nobody."""
    n = await counts.sent(session, alert.id, settings.delivery)
    if not n:
        return None
    ngettext = languages.translations(language).ngettext
    if settings.delivery is Delivery.LIVE:
        letters = ngettext("letter sent", "letters sent", n)
    else:
        letters = ngettext("practice letter sent", "practice letters sent", n)
    return Sent(numbers.format_decimal(n, locale=languages.locale(language)), letters)
