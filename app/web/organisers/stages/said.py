"""What is said at a field of a timeline that cannot be taken as it is."""

from collections.abc import Mapping

from app.languages import marked, translations

SENTENCES = {
    "missing": marked("Please fill this in."),
    "too_long": marked("This is too long. Please make it shorter; nothing was cut."),
    "not_a_day": marked("A day is written as 2026-11-22."),
    "not_a_web_address": marked("A web address begins with https://"),
    "twin": marked("Another step has this name already."),
    "in_use": marked(
        "A country has reached this step, or letters wait because of it, so it cannot go."
    ),
}

NAMES = {
    "on": marked("Day"),
    "what": marked("What happened"),
    "source": marked("Who says so"),
    "url": marked("Its web address"),
    "label": marked("Name"),
    "meaning": marked("What it means"),
    "lead": marked("What stands above the form"),
}


def sentences(fields: Mapping[str, str], language: str) -> dict[str, str]:
    """At each field, in the reader's language."""
    translate = translations(language).gettext
    return {field: translate(SENTENCES.get(reason, reason)) for field, reason in fields.items()}


def summary(errors: Mapping[str, str], steps: Mapping[str, str], language: str) -> dict[str, str]:
    """The same for a list of all of them: of which step (`steps`: by the first half of a field's
    name) and of which of its fields."""
    translate = translations(language).gettext
    found = {}
    for field, sentence in errors.items():
        step, _, part = field.rpartition("-")
        named = translate(NAMES[part]) if part in NAMES else ""
        place = ", ".join(one for one in (steps.get(step, ""), named) if one)
        found[field] = f"{place}: {sentence}" if place else sentence
    return found
