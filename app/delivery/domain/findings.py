"""What the doctor says: one sentence each, what is so and, where not well, what to change."""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    WELL = "well"
    LOOK = "look"  # a person should look at it; nothing is broken
    NOT_WELL = "NOT WELL"  # something does not work


@dataclass(frozen=True)
class Finding:
    """One sentence and its mark."""

    sentence: str
    mark: Mark = Mark.WELL

    @property
    def broken(self) -> bool:
        return self.mark is Mark.NOT_WELL


def well(sentence: str) -> Finding:
    return Finding(sentence)


def look(sentence: str) -> Finding:
    return Finding(sentence, Mark.LOOK)


def not_well(sentence: str) -> Finding:
    return Finding(sentence, Mark.NOT_WELL)


def heard(words: object, longest: int = 300) -> str:
    """Somebody else's words on one line, with nothing in them that moves a terminal."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    shown = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in text)
    line = " ".join(shown.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
