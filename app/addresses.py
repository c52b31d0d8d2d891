"""When two spellings of an address are one mailbox, and so one person."""

import re
import unicodedata
from contextlib import suppress

from email_validator import EmailNotValidError, validate_email

# what the slow look below would give back as it is, but for its capitals
PLAIN = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
# one mailbox under two names, in which a dot makes no other (Gmail Help: “Dots don't matter”)
GMAIL, OF_GMAIL = "gmail.com", ("gmail.com", "googlemail.com")


def fold(email: str) -> str:
    """An address as it is compared: lower case, no tag (`mari+mines@` is `mari@`), and at Gmail no
    dots: else one mailbox is a thousand people, each with notices of its own."""
    folded = without_tag(email)
    local, _, domain = folded.rpartition("@")
    return f"{local.replace('.', '')}@{GMAIL}" if domain in OF_GMAIL else folded


def without_tag(email: str) -> str:
    """The same with Gmail's dots and its two names kept."""
    email = email.strip()
    if not PLAIN.fullmatch(email):
        with suppress(EmailNotValidError):  # else compared as it stands; the form has refused it
            email = validate_email(email, check_deliverability=False).ascii_email or email
    local, _, domain = unicodedata.normalize("NFC", email).casefold().rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def is_address(text: str) -> bool:
    """Whether mail could be written to it; nobody asks whether it arrives."""
    try:
        return bool(validate_email(text.strip(), check_deliverability=False).ascii_email)
    except EmailNotValidError:
        return False
