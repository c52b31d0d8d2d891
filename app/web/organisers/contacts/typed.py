"""An office as a form posts it, and what is said at a field that cannot be taken as it is."""

from starlette.datastructures import FormData

from app.contacts import editing
from app.contacts.files import columns
from app.errors import FormRefused
from app.languages import marked, translations

OF_OFFICE = ("country", "office", "role", "institution", "institution_local")
# how good an address is known to be; a file may bring words of its own
EVIDENCES = {
    "official-page": marked("an official page shows it"),
    "seen-elsewhere": marked("seen elsewhere"),
    "unconfirmed": marked("not confirmed"),
    "imported": marked("from a file"),
    "made-up": marked("made up"),
}
SENTENCES = {
    "country": marked("Please choose the country."),
    "office": marked("Please write the office's name in English, in at most 200 characters."),
    "role": marked("Please choose the role: it picks how the letter begins."),
    "institution": marked("Please write the institution's name, in at most 200 characters."),
    "institution_local": marked("At most 200 characters fit."),
    "email": marked("Please write one email address, such as minister@example.org."),
    "languages": marked("Please write languages as codes, parted by spaces: et en."),
    "evidence": marked("Please choose how the address is known."),
    "source_url": marked("A web address begins with https:// and has no spaces."),
}
OTHERS = {
    "office_taken": marked("This country has an office of this name already."),
    "not_a_web_address": marked("Please give the web page that shows the address: https://…"),
}


def of(data: FormData) -> dict[str, str]:
    """As it was typed, to be shown again if need be."""
    return {name: str(data.get(name, "")) for name in editing.FIELDS}


def blank(country: str) -> dict[str, str]:
    """The fields of a new office, as far as its country fills them."""
    code = columns.country(country)
    known = {"country": code, "languages": columns.languages_of(code)} if len(code) == 2 else {}
    return dict.fromkeys(editing.FIELDS, "") | known


def sentences(refusal: FormRefused | None, language: str) -> dict[str, str]:
    """At each field what is right there, in the reader's language."""
    said = translations(language).gettext
    fields = refusal.fields if refusal else {}
    return {
        field: said(OTHERS.get(reason) or SENTENCES.get(field, reason))
        for field, reason in fields.items()
    }
