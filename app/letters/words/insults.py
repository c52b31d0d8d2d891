"""The words that an alert's organisers do not want in letters, found however they are disguised.

Each is a whole word, or several; a star at its end takes every word that begins so, for languages
that change the ends of their words. Capitals, accents and signs that look like letters make no
difference: “ÍD!0T” is “idiot”.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

# signs and letters of other scripts that are read as these
ALIKE = str.maketrans(
    {"0": "o", "1": "i", "l": "i", "!": "i", "|": "i", "3": "e", "4": "a", "@": "a", "5": "s"}
    | {"$": "s", "7": "t", "€": "e"}
    | dict(zip("авекмнорстухіјѕԁ", "abekmhopctyxijsd", strict=True))
    | dict(zip("αβεικνορτυχ", "abeikvoptux", strict=True))
)
INVISIBLE = frozenset({"Mn", "Me", "Cf"})


def among(text: str, refused_words: Sequence[str]) -> str:
    """The first of the words that stands in the text, as it was written there; or nothing."""
    pattern = _pattern(tuple(refused_words))
    if pattern is None:
        return ""
    signs, places = _folded(text)
    for found in pattern.finditer(signs):
        piece = text[places[found.start()] : places[found.end() - 1] + 1]
        letters = sum(one.isalpha() for one in piece)
        # a road called A55 is no insult
        if letters * 2 >= len(piece.replace(" ", "")):
            return piece
    return ""


def in_a_name(text: str, refused_words: Sequence[str]) -> str:
    """The same for a name or a place: with a star only the word itself and its plural.

    Moroney and Moroni are people, Morón is a town.
    """
    whole = [one.rstrip("*") for one in refused_words]
    plural = [f"{word}s" for word, one in zip(whole, refused_words, strict=True) if word != one]
    piece = among(text, [*whole, *plural])
    accented = piece.isalpha() and unicodedata.normalize("NFD", piece) != piece
    return "" if accented and piece.casefold() not in map(str.casefold, whole) else piece


@lru_cache(maxsize=64)
def _pattern(refused_words: tuple[str, ...]) -> re.Pattern[str] | None:
    entries = []
    for one in dict.fromkeys(refused_words):
        word = " ".join(one.split())
        folded = re.escape(_folded(word.rstrip("*"))[0].strip())
        if folded:
            entries.append(folded.replace(r"\ ", r"\s+") + (r"\w*" if word.endswith("*") else ""))
    return re.compile(rf"(?<!\w)(?:{'|'.join(entries)})(?!\w)") if entries else None


def _folded(text: str) -> tuple[str, list[int]]:
    """The text as it is compared, and where each of its signs stood."""
    signs: list[str] = []
    places: list[int] = []
    for place, sign in enumerate(text):
        # at the end of a sentence it is no i
        ends = sign == "!" and not text[place + 1 : place + 2].isalnum()
        if compared := " " if ends else _compared(sign):
            signs.append(compared)
            places.append(place)
    return "".join(signs), places


@lru_cache(maxsize=4096)
def _compared(sign: str) -> str:
    """Without accent and capital; nothing for one that nobody sees.

    A syllable that is made of letters (Hangul) stays whole.
    """
    if unicodedata.category(sign) in INVISIBLE:
        return ""
    parts = unicodedata.normalize("NFKD", sign)
    plain = parts[0] if all(unicodedata.combining(one) for one in parts[1:]) else sign
    return plain.casefold()[0].translate(ALIKE)
