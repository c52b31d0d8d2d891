"""Moments to come, as people say them: today around 15:40, on Tuesday, on 3 December."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel import dates

from app import languages
from app.languages import marked
from app.reporting.departures import Leaving

ROUNDED = timedelta(minutes=10)  # a forecast knows no better
WEEKDAYS_AHEAD = 6  # further ahead, a weekday could be taken for this week's

SOON = marked("It leaves in a moment.")
NEXT_MINUTES = marked("It leaves in the next minutes.")
TODAY = marked("It leaves today around %(time)s.")
TOMORROW = marked("It leaves tomorrow around %(time)s.")
ON_WEEKDAY = marked("It leaves on %(weekday)s around %(time)s.")
ON_DAY = marked("It leaves on %(day)s around %(time)s.")
REFUSING = marked(
    "The office's mail server turns letters like this one away at the moment. "
    "Yours is kept, and leaves when that ends."
)
UNKNOWN = marked(
    "So many letters wait for this office that we cannot say yet when yours leaves. It is kept."
)
# the same of the first to leave among several
THE_NEXT = {
    SOON: marked("The next leaves in a moment."),
    NEXT_MINUTES: marked("The next leaves in the next minutes."),
    TODAY: marked("The next leaves today around %(time)s."),
    TOMORROW: marked("The next leaves tomorrow around %(time)s."),
    ON_WEEKDAY: marked("The next leaves on %(weekday)s around %(time)s."),
    ON_DAY: marked("The next leaves on %(day)s around %(time)s."),
}


def leaves(
    leaving: Leaving, *, now: datetime, zone: str, language: str, of_several: bool = False
) -> str:
    """What a supporter reads about a letter that waits, or about the first of several."""
    source, at = _sentence(leaving, now, zone), leaving.at or now
    source = THE_NEXT.get(source, source) if of_several else source
    said = languages.translations(language).gettext(source)
    return said % _words(_round(at, zone), now, language) if "%(" in said else said


def point(at: datetime | None, *, now: datetime, zone: str, language: str) -> str:
    """A day and an hour in a headline: today 14:10, Thursday 14:10, 3 December 14:10."""
    if at is None:
        return ""
    local = _round(at, zone)
    ahead = (local.date() - now.astimezone(local.tzinfo).date()).days
    words = _words(local, now, language)
    if ahead == 0:
        return languages.translations(language).gettext(marked("today %(time)s")) % words
    day = words["weekday"] if 0 < ahead <= WEEKDAYS_AHEAD else words["day"]
    return f"{day} {words['time']}"


def _sentence(leaving: Leaving, now: datetime, zone: str) -> str:
    if leaving.soon:
        return SOON
    if leaving.refusing:
        return REFUSING
    if leaving.at is None:
        return UNKNOWN
    if leaving.at - now < ROUNDED:
        return NEXT_MINUTES
    local = _round(leaving.at, zone)
    ahead = (local.date() - now.astimezone(local.tzinfo).date()).days
    if ahead <= 1:
        return (TODAY, TOMORROW)[ahead]
    return ON_WEEKDAY if ahead <= WEEKDAYS_AHEAD else ON_DAY


def _round(at: datetime, zone: str) -> datetime:
    seconds = ROUNDED.total_seconds()
    nearest = round(at.timestamp() / seconds) * seconds
    return datetime.fromtimestamp(nearest, ZoneInfo(zone))


def _words(local: datetime, now: datetime, language: str) -> dict[str, str]:
    locale = languages.locale(language)
    this_year = local.year == now.astimezone(local.tzinfo).year
    return {
        "time": dates.format_time(local.time(), "HH:mm", locale=locale),
        "weekday": dates.format_date(local.date(), "EEEE", locale=locale),
        "day": dates.format_skeleton("MMMMd", local, locale=locale)
        if this_year
        else dates.format_date(local.date(), "long", locale=locale),
    }
