"""Forms as a browser posts them, and what is said at a field that cannot be taken as it is."""

import re
from collections.abc import Mapping

from starlette.datastructures import FormData, QueryParams

from app.languages import marked, translations
from app.letters.form import LIMITS, SOURCE_KEYS, Form
from app.letters.words import edits
from app.letters.words.edits import Edit

TEXTS = ("name", "email", "city", "country", "postal_address", "own_words", "subject")
# as they follow each other on the alert's page; "edit": the fields of a letter written anew
ON_THE_PAGE = (
    *("name", "email", "city", "country", "countries", "offices"),
    *("own_words", "subject", "postal_address", "edit", "consent"),
)
A_SEED = 2**31
EDITED = re.compile(r"edit-(\d{1,11})-(stage|subject|body|begun)")

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
    "slip": marked(
        "Did you mean %(piece)s? If so, please correct it. If your address is right as it stands, "
        "send the form once more."
    ),
    "address_not_ascii": marked(
        "We cannot write to an address with letters like these before the @ yet."
    ),
    "an_office": marked("This is the address of an office. Please write your own."),
    "country_not_in_alert": marked("This action does not write to that country."),
    "no_country": marked("Please choose at least one country to write to."),
    "code.missing": marked("Please type the six digits from our message."),
    "not_a_code": marked("A code has six digits, as in 123 456. Please look at it once more."),
    "wrong_code": marked(
        "This code does not fit these letters. Please look once more at our newest message. If "
        "the letters were sent already, the code is used up."
    ),
    "link": marked(
        "“%(piece)s” looks like a link. Mail filters stop letters with links, so please say it in "
        "words."
    ),
    "markup": marked(
        "“%(piece)s” is code for web pages. An office would see it as it stands here; please "
        "write plain words."
    ),
    "capitals": marked(
        "Much of this is in capital letters (“%(piece)s …”). It reads like shouting, and mail "
        "filters stop it. Please write it in ordinary letters; a single word may stay."
    ),
    "insult": marked(
        "Please find another word for “%(piece)s”. A letter that insults nobody is read further."
    ),
    "repeated": marked(
        "“%(piece)s” stands here many times. Mail filters take that for unwanted mail; once is "
        "enough."
    ),
    "senseless": marked(
        "We cannot find words in this: “%(piece)s”. Please write it as you would say it."
    ),
    "spam": marked(
        "Mail filters look for “%(piece)s” and stop such letters. Please say it in another way."
    ),
    "nameless": marked(
        "Your name is missing from this letter: “%(piece)s”. Please sign it, as an office wants "
        "to know who writes."
    ),
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
        edits=_edits(data),
        source={key: str(data[key]) for key in SOURCE_KEYS if key in data},
        seed=int(seed) % A_SEED if _is_number(seed) else None,
        email_as_is=str(data.get("email_as_is", "")),
        page=str(data.get("page", ""))[:64],
    )


def _edits(data: FormData) -> dict[int, Edit]:
    """Letters that are being written anew, with what the buttons beside them ask for."""
    typed: dict[int, dict[str, str]] = {}
    for key, value in data.multi_items():
        if found := EDITED.fullmatch(key):
            typed.setdefault(int(found[1]), {})[found[2]] = str(value)
    anew = {target_id: Edit(**parts) for target_id, parts in typed.items()}
    begin, back = str(data.get("edit", "")), str(data.get("ours", ""))
    if _is_number(begin):
        # what was written for an earlier stage is taken for the one of today
        anew[int(begin)] = anew.get(int(begin), edits.BEGUN)._replace(stage="")
    if _is_number(back):
        anew.pop(int(back), None)
    return anew


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 12


def source_of(query: QueryParams) -> dict[str, str]:
    """Where a visitor came from, as the link they followed says; handed on in hidden fields."""
    return {key: query[key][:200] for key in SOURCE_KEYS if key in query}


def is_caught(data: FormData) -> bool:
    """Whether something filled the field that people do not see."""
    return bool(str(data.get("website", "")).strip())


def sentences(fields: Mapping[str, str], language: str) -> dict[str, str]:
    """What to say at each field, in the reader's language; in the order of the page."""
    return {name: _sentence(name, fields[name], language) for name in sorted(fields, key=_place)}


def _place(field: str) -> int:
    part = field.partition("-")[0]
    return ON_THE_PAGE.index(part) if part in ON_THE_PAGE else 0


def _sentence(field: str, reason: str, language: str) -> str:
    source = SENTENCES.get(f"{field}.{reason}") or SENTENCES.get(reason) or reason
    said = translations(language).gettext(source)
    facts = {"limit": limit(field), "piece": getattr(reason, "piece", "")}
    return said % facts if "%(" in said else said


def limit(field: str) -> int:
    """How many characters fit into a field."""
    if field.startswith("edit-"):
        return edits.BODY if field.endswith("-body") else edits.SUBJECT
    return LIMITS.get(field, 0)
