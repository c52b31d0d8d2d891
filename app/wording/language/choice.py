"""In which language a letter goes, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.errors import TemplateBroken
from app.models import LetterTemplate

FALLBACK = "en"


@dataclass(frozen=True)
class LanguageChoice:
    """The template that is used, and the languages the office prefers that it is not in.

    `missing`: languages the office reads first for which there is no text at all;
    `unreviewed`: those for which there is one that no native reader has reviewed.
    """

    template: LetterTemplate
    missing: tuple[str, ...]
    unreviewed: tuple[str, ...]


def choose(languages: Sequence[str], templates: Sequence[LetterTemplate]) -> LanguageChoice:
    """The office's first language with a reviewed text, else English.

    `templates`: the newest revision in each language for the office's country.
    Raises TemplateBroken when not even English has a reviewed text.
    """
    by_language = {template.language: template for template in templates}
    passed_over: list[str] = []
    for language in [*languages, FALLBACK]:
        template = by_language.get(language)
        if template and template.reviewed:
            unreviewed = tuple(one for one in passed_over if one in by_language)
            missing = tuple(one for one in passed_over if one not in by_language)
            return LanguageChoice(template, missing, unreviewed)
        passed_over.append(language)
    raise TemplateBroken("the letter", 1, "no reviewed text in any language, nor in English")
