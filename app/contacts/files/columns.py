"""Whose column is which: the names that other programs give to what we keep, and the defaults.

Read from their own documents: Action Network's custom targets (title, first_name, last_name,
zip_code, country, gender, email, phone), and Proca's targets (name, email or emails, area,
locale, externalId, and `fields` with description, first_name, last_name and country).
"""

import re
from functools import cache, lru_cache

from babel import Locale
from babel.languages import get_official_languages

from app.contacts.files.entries import Entry
from app.contacts.files.rows import COLUMNS
from app.languages import NOT_COUNTRIES

# ours        Action Network      Proca                          others
NAMES: dict[str, tuple[str, ...]] = {
    "country": ("country_code", "area", "land", "nation"),
    "office": ("title", "description", "position", "job_title", "post", "function"),
    "role": (),
    "institution": ("organization", "organisation", "ministry", "company", "org"),
    "institution_local": (),
    "email": ("e_mail", "emails", "email_address", "mail"),
    "languages": ("language", "lang", "locale"),
    "evidence": (),
    "source_url": ("source", "url", "website", "link"),
    "checked_on": (),
}
PERSON = {  # who holds the office; kept only to tell offices of one title apart
    "name": "name",
    "full_name": "name",
    "first_name": "first_name",
    "last_name": "last_name",
}
WHOSE = {ours: ours for ours in COLUMNS} | {
    theirs: ours for ours, names in NAMES.items() for theirs in names
}
# what an office's title says of its role, the first that fits; tested in this order
ROLE_WORDS = (
    ("committee", r"committee|commission"),
    ("prime_minister", r"prime minister|head of government|chancellor|taoiseach|premier\b"),
    ("defence", r"defen[cs]e"),
    ("foreign", r"foreign|external affairs"),
    ("speaker", r"speaker|marshal|president of the (riigikogu|saeima|seimas|sejm|senate"
                r"|parliament|chamber|national assembly)"),
    ("president", r"president\b|head of state"),
)  # fmt: skip
EVIDENCE = "imported"
SPELLED = ("en", "et", "lv", "lt", "pl", "fi", "sv", "ru", "de", "fr", "es")


def column(name: str) -> str:
    """Ours, by the name in a file's first line; the name itself where nothing is known of it."""
    plain = re.sub(r"[\s\-.]+", "_", name.strip().strip("\ufeff\"'").casefold())
    plain = plain.removeprefix("fields_")
    return WHOSE.get(plain) or PERSON.get(plain) or plain


def person(cells: dict[str, str]) -> str:
    """The name of who holds the office, from whatever columns have it."""
    parts = (cells.get("first_name", ""), cells.get("last_name", ""))
    return " ".join(filter(None, parts)) or cells.get("name", "")


def complete(entry: Entry) -> dict[str, str]:
    """Our ten cells; those that this kind of file cannot have are filled as far as one can."""
    cells = {name: cell for name, cell in entry.cells.items() if name in COLUMNS}
    cells["country"] = country(cells.get("country", ""))
    if "office" not in entry.given:
        cells["office"] = entry.name
    if "role" not in entry.given and (role := role_of(cells.get("office", ""))):
        cells["role"] = role
    if "languages" in cells:
        cells["languages"] = _languages(cells["languages"])
    defaults = {
        "institution": cells.get("office", ""),
        "institution_local": "",
        "languages": languages_of(cells["country"]),
        "evidence": EVIDENCE,
        "source_url": "",
        "checked_on": "",
    }
    return {name: cell for name, cell in defaults.items() if name not in entry.given} | cells


@lru_cache(maxsize=4096)
def role_of(office: str) -> str:
    """What an office's title says of its role; empty when it says nothing."""
    title = office.casefold()
    return next((role for role, words in ROLE_WORDS if re.search(words, title)), "")


@lru_cache(maxsize=4096)
def country(text: str) -> str:
    """EE for ee, Estonia, Eesti and Igaunija; what no country is called stays as it is."""
    code = text.strip()
    if len(code) == 2 and code.upper() in _codes() and (code.islower() or code.isupper()):
        return code.upper()
    return _spelled().get(text.strip().casefold(), text)


@cache
def languages_of(code: str) -> str:
    """What a country's offices read: its official languages of two letters, and English."""
    official = [one for one in get_official_languages(code, de_facto=True) if len(one) == 2]
    return " ".join(dict.fromkeys([*official[:3], "en"]))


def _languages(text: str) -> str:
    """“et, en” and “en_GB” as we write them."""
    return " ".join(re.split(r"[\s,;/|]+", text.replace("_", "-").strip()))


@cache
def _codes() -> frozenset[str]:
    known = map(str, Locale("en").territories)
    return frozenset(code for code in known if len(code) == 2) | NOT_COUNTRIES


@cache
def _spelled() -> dict[str, str]:
    return {
        str(name).casefold(): code
        for language in reversed(SPELLED)
        for code, name in Locale(language).territories.items()
        if len(code) == 2 and code.isalpha() and code not in NOT_COUNTRIES
    }
