"""Limits as a form posts them: numbers or nothing; what was typed is kept when it is neither."""

from app.errors import FormRefused
from app.models import Mailbox
from app.outbox.pacing import choices
from app.outbox.pacing.choices import Choice

NUMBERS = ("per_hour", "per_day", "in_all")
OFF_DAYS = {"": None, "yes": True, "no": False}


def of(own: Mailbox | None) -> dict[str, str]:
    """What stands in the fields of a mailbox before anybody types."""
    chosen = choices.of(own)
    words = {value: word for word, value in OFF_DAYS.items()}
    return {name: of_number(getattr(chosen, name)) for name in NUMBERS} | {
        "off_days": words[chosen.off_days]
    }


def of_number(n: int | None) -> str:
    return "" if n is None else str(n)


def choice(typed: dict[str, str]) -> Choice:
    """Raises FormRefused with every field that is no number."""
    numbers: dict[str, int | None] = {}
    wrong: dict[str, str] = {}
    for name in NUMBERS:
        try:
            numbers[name] = limit(name, typed[name])
        except FormRefused as refusal:
            wrong |= refusal.fields
    if wrong:
        raise FormRefused(wrong)
    return Choice(**numbers, off_days=OFF_DAYS.get(typed["off_days"]))


def limit(name: str, typed: str) -> int | None:
    """A number, or None where the field is empty. Raises FormRefused."""
    if not typed.strip():
        return None
    n = number(typed)
    if n is None:
        raise FormRefused({name: "not_a_limit"})
    return n


def number(typed: str) -> int | None:
    """As people write numbers: 1000, 1 000 or 1,000."""
    digits = "".join(typed.split()).replace(",", "")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 12 else None
