"""Forms as a browser posts them, and what is said at a field that cannot be taken as it is."""

from collections.abc import Mapping

from starlette.datastructures import FormData, QueryParams

from app.languages import marked, translations
from app.letters.form import LIMITS, SOURCE_KEYS, Form

TEXTS = ("name", "email", "city", "country", "postal_address", "own_words", "subject")
A_SEED = 2**31

# reason → sentence; a field's own sentence, where it has one, comes first
SENTENCES = {
    "missing": marked("Please fill this in."),
    "name.missing": marked("Please write your name: a letter needs a sender."),
    "email.missing": marked("Please write your email address: the answer goes there."),
    "city.missing": marked("Please write your city: the letter says where it comes from."),
    "country.missing": marked("Please choose your country."),
    "too_long": marked("This is too long: at most %(limit)s characters fit. Nothing was cut."),
    "unknown_country": marked("We do not know this country. Please choose one from the list."),
    "missing_consent": marked("Please tick this box: without your consent we send nothing."),
    "not_an_address": marked(
        "This does not look like an email address. It has a name, an @ and a domain: "
        "mari@example.org"
    ),
    "address_not_ascii": marked(
        "We cannot write to an address with letters like these before the @ yet."
    ),
    "an_office": marked("This is the address of an office. Please write your own."),
    "country_not_in_alert": marked("This action does not write to that country."),
    "no_country": marked("Please choose at least one country to write to."),
    "no_office": marked("Please choose at least one office in each country you ticked."),
}


def read(data: FormData, *, language: str) -> Form:
    """A posted form. The two lists count as given only when the page that has them was posted."""
    listed = "lists" in data
    texts = {name: str(data.get(name, "")) for name in TEXTS}
    seed = str(data.get("seed", ""))
    return Form(
        **texts,
        language=language,
        consent=bool(data.get("consent")),
        countries=[str(one) for one in data.getlist("countries")] if listed else None,
        offices=[int(str(one)) for one in data.getlist("offices") if _is_number(str(one))]
        if listed
        else None,
        source={key: str(data[key]) for key in SOURCE_KEYS if key in data},
        seed=int(seed) % A_SEED if _is_number(seed) else None,
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 12


def source_of(query: QueryParams) -> dict[str, str]:
    """Where a visitor came from, as the link they followed says; handed on in hidden fields."""
    return {key: query[key][:200] for key in SOURCE_KEYS if key in query}


def is_caught(data: FormData) -> bool:
    """Whether something filled the field that people do not see."""
    return bool(str(data.get("website", "")).strip())


def sentences(fields: Mapping[str, str], language: str) -> dict[str, str]:
    """What to say at each field, in the reader's language."""
    return {field: _sentence(field, reason, language) for field, reason in fields.items()}


def _sentence(field: str, reason: str, language: str) -> str:
    source = SENTENCES.get(f"{field}.{reason}") or SENTENCES.get(reason) or reason
    said = translations(language).gettext(source)
    return said % {"limit": LIMITS.get(field, 0)} if "%(" in said else said
