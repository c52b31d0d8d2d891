"""What a page says of itself to those who share its link."""

from babel.core import get_global

from app import languages


def open_graph_locale(language: str) -> str:
    """A language with the country most of its readers live in, as Open Graph wants it: et_EE."""
    known = languages.locale(language)
    likely = get_global("likely_subtags").get(language, "")
    return f"{language}_{known.territory or likely.rpartition('_')[2]}"
