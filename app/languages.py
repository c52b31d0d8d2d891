"""Which languages the pages speak, which one a reader gets, and what countries are called in it.

A language is there when it has a catalogue, `app/locale/<language>/LC_MESSAGES/messages.po`, read
as it is at the start: no build step. English is the source and always there.
"""

import unicodedata
from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

SOURCE = "en"
UNREVIEWED = "Native review: none yet"
CATALOGUES = Path(__file__).parent / "locale"
# no country stands behind these two-letter codes
NOT_COUNTRIES = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"})


def _catalogue(language: str) -> Path:
    return CATALOGUES / language / "LC_MESSAGES" / "messages.po"


LANGUAGES: tuple[str, ...] = (
    SOURCE,
    *sorted(
        folder.name
        for folder in CATALOGUES.glob("*/")
        if folder.name != SOURCE and _catalogue(folder.name).is_file()
    ),
)


def marked(text: str) -> str:
    """Marks a sentence for the catalogues; it is written here and translated where it is read."""
    return text


def negotiate(accept_language: str, chosen: str = "") -> str:
    """The reader's language: the one they chose, else the best of their browser's list."""
    if chosen in LANGUAGES:
        return chosen
    for wanted in _by_preference(accept_language):
        language = wanted.split("-")[0].lower()
        if language in LANGUAGES:
            return language
    return SOURCE


def _by_preference(accept_language: str) -> list[str]:
    weighed: list[tuple[float, str]] = []
    for part in accept_language[:500].split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            weighed.append((float(weight or 1), tag))
        except ValueError:
            continue
    return [tag for weight, tag in sorted(weighed, key=lambda pair: -pair[0]) if weight > 0]


@cache
def translations(language: str) -> NullTranslations:
    """The catalogue of a language; an untranslated sentence stays English."""
    path = _catalogue(language)
    if not path.is_file():
        return NullTranslations()
    packed = BytesIO()
    with path.open("rb") as file:
        write_mo(packed, read_po(file, locale=language))
    packed.seek(0)
    return Translations(packed)


@cache
def is_reviewed(language: str) -> bool:
    """Whether a native reader has reviewed the catalogue, as its own first lines say."""
    if language == SOURCE:
        return True
    with _catalogue(language).open("rb") as file:
        return UNREVIEWED not in (read_po(file, locale=language).header_comment or "")


@cache
def locale(language: str) -> Locale:
    """How a language writes dates and numbers; English the European way, day before month."""
    return Locale.parse("en_GB" if language == SOURCE else language)


def language_name(language: str) -> str:
    """What a language calls itself."""
    return (Locale.parse(language).get_display_name() or language).capitalize()


def language_name_in(language: str, reader: str) -> str:
    """What the reader calls a language."""
    return str(locale(reader).languages.get(language, language))


def country_name(code: str, language: str, otherwise: str = "") -> str:
    """What a country is called; for a code no country has, what it is called otherwise."""
    if code in NOT_COUNTRIES:
        return otherwise or code
    return str(locale(language).territories.get(code, otherwise or code))


@cache
def countries(language: str) -> tuple[tuple[str, str], ...]:
    """Every country as (code, name), in the order of the names."""
    named = (
        (code, str(name))
        for code, name in locale(language).territories.items()
        if len(code) == 2 and code.isalpha() and code not in NOT_COUNTRIES
    )
    return tuple(sorted(named, key=lambda pair: _without_accents(pair[1])))


def _without_accents(name: str) -> str:
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold()
