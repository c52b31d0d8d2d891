"""What people type, cleaned: every character they meant, none that could do harm."""

import unicodedata


def clean(text: str, *, one_line: bool = True) -> str:
    """NFC, without control characters; one line where a header or an address line is made of it.

    Directional marks stay: Arabic and Hebrew names need them, and headers strip them on their own.
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = text.replace("\u2028", "\n").replace("\u2029", "\n").replace("\x85", "\n")
    kept = "".join(one for one in text if one in "\n\t" or _printable(one)).replace("\t", " ")
    if one_line:
        return " ".join(kept.split())
    return "\n".join(line.rstrip() for line in kept.split("\n")).strip("\n ")


def _printable(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cs"}
