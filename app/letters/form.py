"""What a supporter filled in, cleaned: every character they meant, none that could do harm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from email_validator import EmailNotValidError, validate_email

from app.errors import FormRefused
from app.languages import LANGUAGES, SOURCE, countries
from app.letters.words import edits, refused
from app.letters.words.edits import Edit
from app.letters.words.texts import clean

LIMITS = {"name": 120, "city": 120, "postal_address": 400, "subject": 150, "own_words": 10_000}
ONE_LINE = ("name", "city", "subject")
THEIR_OWN = ("own_words", "subject")  # what they write
WHO = ("name", "city", "postal_address")  # anybody can have these sent, so they carry no message
SOURCE_KEYS = ("utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "partner")


@dataclass(frozen=True)
class Form:
    """One filled form. `countries`, `roles`, `offices` (target ids): None means the default."""

    name: str = ""
    email: str = ""
    city: str = ""
    country: str = ""
    postal_address: str = ""
    own_words: str = ""
    subject: str = ""
    language: str = "en"
    consent: bool = False
    countries: Sequence[str] | None = None
    roles: Sequence[str] | None = None
    offices: Sequence[int] | None = None
    edits: Mapping[int, Edit] = field(default_factory=dict)  # by the office's target id
    source: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None  # the preview's choice of variants, so that what was read is sent
    email_as_is: str = ""  # an address that looked mistyped, and was sent once more
    page: str = ""  # drawn at random: a letter opened twice from one page counts once


def tidy(form: Form) -> Form:
    """The same form with its texts cleaned; refuses nothing, so that a preview can use it."""
    texts: dict[str, Any] = {
        name: clean(getattr(form, name), one_line=name in ONE_LINE) for name in LIMITS
    }
    source = {key: clean(form.source[key])[:200] for key in SOURCE_KEYS if key in form.source}
    language = form.language if form.language in LANGUAGES else SOURCE
    return replace(
        form,
        **texts,
        edits={target_id: edits.tidy(one) for target_id, one in form.edits.items()},
        email=form.email.strip(),
        country=form.country.strip().upper(),
        language=language,
        source=source,
    )


def too_long(form: Form) -> dict[str, str]:
    """The fields of a tidied form that are longer than they may be."""
    return {name: "too_long" for name, most in LIMITS.items() if len(getattr(form, name)) > most}


def checked(form: Form, refused_words: Sequence[str] = ()) -> Form:
    """The tidied form, when it can be taken. Raises FormRefused with a reason for each field.

    `refused_words`: the insults that the alert's organisers listed.
    """
    form = tidy(form)
    faults = {
        name: "missing" for name in ("name", "email", "city", "country") if not getattr(form, name)
    }
    faults |= edits.faults(form.edits, name=form.name, refused_words=refused_words)
    faults |= unkind(form, refused_words) | too_long(form)
    if form.country and form.country not in dict(countries(SOURCE)):
        faults["country"] = "unknown_country"
    if not form.consent:
        faults["consent"] = "missing_consent"
    address, fault = _address(form.email)
    if fault:
        faults.setdefault("email", fault)
    if faults:
        raise FormRefused(faults)
    return replace(form, email=address)


def unkind(form: Form, refused_words: Sequence[str]) -> dict[str, str]:
    """What a letter may not say, in the fields of a tidied form that are theirs to write."""
    found: dict[str, str] = {}
    for name in (*THEIR_OWN, *WHO):
        text, look = getattr(form, name), refused.why_of_a_name if name in WHO else refused.why
        if len(text) <= LIMITS[name] and (reason := look(text, refused_words)):
            found[name] = reason
    return found


def _address(email: str) -> tuple[str, str]:
    """The address as it can be written to, or the reason why it cannot."""
    if not email:
        return "", "missing"
    try:
        # strict: RFC 5321 section 4.5.3.1.1, at most 64 octets before the @
        found = validate_email(email, check_deliverability=False, strict=True)
    except EmailNotValidError:
        return "", "not_an_address"
    return (found.ascii_email, "") if found.ascii_email else ("", "address_not_ascii")
