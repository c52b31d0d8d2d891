"""How alike two texts are, in per cent.

A text is folded (NFKC, no capitals, no punctuation, marks of a template as words) and cut into
windows of three words that overlap; each window is kept as a hash of 64 bits. The likeness is
Dice's: twice the windows both have, over the windows of the one plus those of the other. A word
changed in the middle of a short sentence takes three windows away, one moved to its end takes
two: what filters of identical mail look at. A text of fewer than three words is one window.
"""

import re
import unicodedata
from hashlib import blake2b

WINDOW = 3  # words

_word = re.compile(r"\w+")


def windows(text: str, key: bytes = b"") -> frozenset[int]:
    """The hashed windows of a text: kept once, compared often.

    `key`: at most 64 bytes; without it, nobody can try texts against what is kept.
    """
    words = folded(text)
    starts = range(max(1, len(words) - WINDOW + 1)) if words else ()
    return frozenset(_hash(" ".join(words[n : n + WINDOW]), key) for n in starts)


def folded(text: str) -> list[str]:
    """The words of a text as they are compared."""
    return _word.findall(unicodedata.normalize("NFKC", text).casefold())


def of(one: frozenset[int], other: frozenset[int]) -> int:
    """Per cent, rounded down: 100 for the same windows, 0 where a text has none."""
    both = len(one) + len(other)
    return 200 * len(one & other) // both if one and other else 0


def _hash(window: str, key: bytes) -> int:
    hashed = blake2b(window.encode(errors="replace"), digest_size=8, key=key)
    return int.from_bytes(hashed.digest())
