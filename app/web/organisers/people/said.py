"""What is said at a field of the pages about people that cannot be taken as it is."""

from collections.abc import Mapping

from app.accounts.organisers import LONGEST_PASSWORD, SHORTEST_PASSWORD
from app.languages import marked, translations

SENTENCES = {
    "missing": marked("Please fill this in."),
    "too_long": marked("This is too long. Please make it shorter."),
    "email.invalid": marked("This does not look like an email address: mari@example.org"),
    "email.taken": marked("Somebody with this address signs in here already."),
    "email.invited": marked("This person is invited already. The invitation can be sent again."),
    "role.role": marked("Please choose what they may do."),
    "password.short": marked("Please take at least %(shortest)s characters. A sentence is good."),
    "password.too_long": marked("Please take at most %(longest)s characters."),
    "old_password.wrong": marked("This is not your password. Nothing was changed."),
    "code.code": marked("This code does not fit, or was used already. Wait for the next one."),
    "scopes.missing": marked("Please choose at least one thing that the program may do."),
    "scopes.role": marked("Your own role does not cover this, so a token of yours cannot either."),
    "days.days": marked("Please write a whole number of days from 1 to 3650, or leave it empty."),
    "name.too_many": marked("You have many tokens that work. Please revoke one first."),
}


def sentences(fields: Mapping[str, str], language: str) -> dict[str, str]:
    """At each field, in the reader's language."""
    facts = {"shortest": SHORTEST_PASSWORD, "longest": LONGEST_PASSWORD}
    said = {}
    for field, reason in fields.items():
        sentence = SENTENCES.get(f"{field}.{reason}") or SENTENCES.get(reason) or reason
        translated = translations(language).gettext(sentence)
        said[field] = translated % facts if "%(" in translated else translated
    return said
