"""What the parts of a draft hold, as an organiser typed it: from an alert as it stands."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.campaigns.other_languages.texts import flat
from app.models import Alert, AlertCountry, AlertTranslation, LetterTemplate

CALL, DATES, COUNTRIES, SENDING = "call", "dates", "countries", "sending"
SHARING, RESOURCES, TEXTS = "sharing", "resources", "texts"
OF_LETTERS = (CALL, DATES, COUNTRIES, SENDING, SHARING, RESOURCES)
OF_A_GUIDE = (CALL, DATES, TEXTS, SHARING, RESOURCES)
TRANSLATION = "translation."  # and the language: translation.et
LETTER = "letter:"  # and the country and language: letter:EE.et
OF_A_COUNTRY = ("name", "record", "postal_address", "language_note", "reply_note")
ROLES_OF_A_COUNTRY = ("postal_address_roles", "language_note_roles")

# what drafts of November 2026 and before do not have, as an alert has it that uses none of it
HOW_THEY_SEND = {"own_mailbox": "offered", "editable": False, "refused_words": []}
NO_ROLES: dict[str, Any] = {name: [] for name in ROLES_OF_A_COUNTRY}

Content = dict[str, Any]


def names(alert: Alert) -> tuple[str, ...]:
    """The parts that every alert of this kind has, in the order of the page."""
    return OF_LETTERS if alert.kind == "letters" else OF_A_GUIDE


def translation_name(language: str) -> str:
    return f"{TRANSLATION}{language}"


def letter_name(country: str, language: str) -> str:
    return f"{LETTER}{country}.{language}"


def of_alert(alert: Alert, templates: Iterable[LetterTemplate]) -> dict[str, Content]:
    """Every part of an alert as it stands, as if it had been typed."""
    made: dict[str, Content] = {
        CALL: {"title": alert.title, "summary": alert.summary, "body": alert.body},
        DATES: dates_of(alert),
        COUNTRIES: {"countries": [_country(one) for one in alert.countries]},
        SENDING: {
            "default_roles": list(alert.default_roles),
            "prompts": list(alert.prompts),
            "expected": str(alert.expected or ""),
            "own_mailbox": str(alert.own_mailbox),
            "editable": alert.editable,
            "refused_words": list(alert.refused_words),
        },
        SHARING: {"share": _typed(alert.share)},
        RESOURCES: {"resources": _typed(alert.resources)},
        TEXTS: {"texts": _typed(alert.texts)},
    }
    parts = {name: made[name] for name in names(alert)}
    translations = {translation_name(one.language): _translation(one) for one in alert.translations}
    letters = {letter_name(one.country, one.language): {"source": one.source} for one in templates}
    return parts | translations | letters


def seal(parts: Mapping[str, Content]) -> str:
    """The same parts have the same seal, 64 hex digits."""
    whole = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(whole.encode(errors="surrogatepass")).hexdigest()


def seals(parts: Mapping[str, Content]) -> set[str]:
    """The seal of an alert as it stands; and, where it uses nothing that is newer than drafts that
    may still be there, the one that those were begun with."""
    older = {name: dict(content) for name, content in parts.items()}
    places = [(older.get(SENDING, {}), HOW_THEY_SEND)]
    places += [(row, NO_ROLES) for row in _rows_of_countries(older)]
    for content, untouched in places:
        if {name: content.pop(name, value) for name, value in untouched.items()} != untouched:
            return {seal(parts)}
    return {seal(parts), seal(older)}


def number(content: Content) -> int:
    """A number above zero that stands for a part's text."""
    return int(seal({"part": content})[:7], 16) + 1


def dates_of(alert: Alert) -> Content:
    """Its moments as they are typed: to the minute, on the clocks of its time zone."""
    opens_on, opens_at = _local(alert.opens_at, alert.timezone)
    closes_on, closes_at = _local(alert.closes_at, alert.timezone)
    return {
        "timezone": alert.timezone,
        "opens_on": opens_on,
        "opens_at": opens_at,
        "closes_on": closes_on,
        "closes_at": closes_at,
        "write_before": alert.write_before.isoformat() if alert.write_before else "",
    }


def _local(moment: datetime | None, zone: str) -> tuple[str, str]:
    if moment is None:
        return "", ""
    local = moment.astimezone(ZoneInfo(zone))
    return local.date().isoformat(), local.strftime("%H:%M")


def _country(row: AlertCountry) -> Content:
    return {
        "code": row.country,
        "added_on": row.added_on.isoformat(),
        **{name: getattr(row, name) for name in OF_A_COUNTRY},
        **{name: list(getattr(row, name)) for name in ROLES_OF_A_COUNTRY},
    }


def _translation(row: AlertTranslation) -> Content:
    """`texts`: by their places; `of`: the seal of the English that each was made from."""
    return {
        "reviewed": row.reviewed,
        "note": str(row.content.get("note", "")),
        "texts": flat(row.content),
        "of": dict(row.content.get("of", {})),
    }


def _rows_of_countries(parts: dict[str, Content]) -> list[Content]:
    """The rows, made anew, so that they can be changed."""
    if COUNTRIES not in parts:
        return []
    rows = [dict(row) for row in parts[COUNTRIES]["countries"]]
    parts[COUNTRIES]["countries"] = rows
    return rows


def _typed(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    return [{key: str(value or "") for key, value in row.items()} for row in rows]
