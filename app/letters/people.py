"""One key for one person, however they type their address."""

import hashlib
import hmac
import unicodedata
from contextlib import suppress

from email_validator import EmailNotValidError, validate_email

from app.settings import Settings


def fold(email: str) -> str:
    """An address as it is compared: lower case, no tag (`mari+mines@` is `mari@`)."""
    with suppress(EmailNotValidError):  # else compared as it stands; the form has refused it
        email = validate_email(email.strip(), check_deliverability=False).ascii_email or email
    local, _, domain = unicodedata.normalize("NFC", email).casefold().rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def person_key(settings: Settings, email: str) -> str:
    """A keyed hash of the folded address, 64 hex digits: tells people apart, names nobody."""
    return hmac.new(settings.secret, fold(email).encode(), hashlib.sha256).hexdigest()
