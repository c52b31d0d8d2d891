"""What alerts and offices are called in the reader's language, as filters of the templates."""

from typing import Any

from markupsafe import Markup

from app.languages import SOURCE
from app.models import Alert
from app.wording.language import translated
from app.wording.language.translated import AlertWords, Spoken


def filters(language: str) -> dict[str, Any]:
    """For the pages of one language: words, lang, as_written, office, institution."""

    def words(alert: Alert) -> AlertWords:
        return translated.words(alert, language)

    def lang(text: Spoken) -> Markup:
        """The attribute of an element whose text is in another language than its page."""
        if text.language == language:
            return Markup()
        return Markup(' lang="{}"').format(text.language)

    def as_written(text: str) -> Markup:
        """The same for what organisers write once, in English, and nobody translates."""
        return lang(Spoken(text, SOURCE))

    def office(name: str) -> Spoken:
        return translated.office_name(name, language)

    def institution(of: translated.Housed) -> Spoken:
        return translated.institution(of, language)

    return {
        "words": words,
        "lang": lang,
        "as_written": as_written,
        "office": office,
        "institution": institution,
    }
