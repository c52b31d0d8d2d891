"""Bytes become text: Unicode where it is, else the code page that makes letters of them."""

import codecs
import re
from collections import Counter

from app.errors import FileRefused, RowRefused

PAGES = ("windows-1257", "iso-8859-13", "windows-1250", "iso-8859-2")
NAMES = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "windows-1257": "windows-1257 (Baltic)",
    "iso-8859-13": "ISO 8859-13 (Baltic)",
    "windows-1250": "windows-1250 (Polish and Central European)",
    "iso-8859-2": "ISO 8859-2 (Polish and Central European)",
}
# Estonian and Finnish, Latvian, Lithuanian, Polish
LETTERS = frozenset("äöüõšžåāčēģīķļņūąęėįųćłńóśźż")
LETTERS |= {letter.upper() for letter in LETTERS}
HARMLESS = frozenset("„“”‘’‚–—…«»§°€·•№ \u00a0\u00ad")
BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
UNLIKELY = 3  # a sign that no office's name has weighs as much as so many letters
POLISH = (b".pl", b"PL,", b"PL;", b"PL\t", b"Pol")
NULS = 5  # every fifth byte or more: two bytes a letter


def decoded(data: bytes) -> tuple[str, str]:
    """The text, and what it was read as. Raises FileRefused when it is no text at all."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark) and (text := _as(data, encoding)) is not None:
            return text, NAMES[encoding.removesuffix("-sig")]
    if data.count(0) * NULS > len(data):
        little = data[1::2].count(0) >= data[::2].count(0)
        if (text := _as(data, "utf-16-le" if little else "utf-16-be")) is not None:
            return text, NAMES["utf-16"]
    if (text := _as(data, "utf-8")) is not None:
        return text, NAMES["utf-8"]
    return _by_code_page(data)


def _by_code_page(data: bytes) -> tuple[str, str]:
    """The page that makes most letters; where two make as many, what else is Polish decides."""
    polish = any(sign in data for sign in POLISH)
    found = []
    for page in PAGES:
        text = _as(data, page)
        if text is not None and (score := _plausible(text)) > 0:
            found.append((score, polish == (page in PAGES[2:]), -PAGES.index(page), page, text))
    if not found:
        reason = "it is not UTF-8, and no code page that we know makes letters of it"
        raise FileRefused([RowRefused("", 1, reason)])
    *_, page, text = max(found)
    return text, NAMES[page]


def _plausible(text: str) -> int:
    return sum(n * _weight(sign) for sign, n in Counter(BEYOND_ASCII.findall(text)).items())


def _weight(sign: str) -> int:
    if sign in LETTERS:
        return 1
    return 0 if sign in HARMLESS else -UNLIKELY


def _as(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None
