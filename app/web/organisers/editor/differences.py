"""Where two organisers wrote the same part: their text beside yours, with what differs marked."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from app.campaigns.drafts.contents import Content

SEALS = "of"  # of a translation: nothing that anybody typed
MOST_WORDS = 1_500  # of one text; above that whole lines are compared, or it takes seconds


@dataclass(frozen=True)
class Piece:
    """`of`: both have it, only theirs does, or only yours does."""

    of: Literal["both", "theirs", "yours"]
    text: str


@dataclass(frozen=True)
class Difference:
    """A field that is not the same; `row`: of a list, counted from 1, else 0."""

    field: str
    row: int
    theirs: str
    pieces: tuple[Piece, ...]


def between(theirs: Content, yours: Content) -> list[Difference]:
    """Every field in which two contents of a part differ, in the order of the page."""
    ours, mine = dict(_fields(theirs)), dict(_fields(yours))
    return [
        Difference(*place, ours.get(place, ""), pieces(ours.get(place, ""), mine.get(place, "")))
        for place in dict.fromkeys([*mine, *ours])
        if ours.get(place, "") != mine.get(place, "")
    ]


def pieces(theirs: str, yours: str) -> tuple[Piece, ...]:
    """The two texts as one, cut where they part."""
    shape = r"\S+\s*|\s+"
    if len(theirs) + len(yours) > MOST_WORDS * 12:
        shape = r"[^\n]*\n|[^\n]+"
    ours, mine = re.findall(shape, theirs), re.findall(shape, yours)
    if len(ours) + len(mine) > 2 * MOST_WORDS:
        return (Piece("theirs", theirs), Piece("yours", yours))
    found: list[Piece] = []
    for kind, a, b, c, d in SequenceMatcher(None, ours, mine, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(Piece("both", "".join(ours[a:b])))
            continue
        found += [Piece("theirs", "".join(ours[a:b]))] if b > a else []
        found += [Piece("yours", "".join(mine[c:d]))] if d > c else []
    return tuple(found)


def _fields(content: Content) -> Iterator[tuple[tuple[str, int], str]]:
    """Each text of a part by its field and row."""
    for name, value in content.items():
        if name == SEALS:
            continue
        if isinstance(value, dict):
            yield from (((place, 0), str(text)) for place, text in value.items())
            continue
        if not isinstance(value, list):
            yield (name, 0), str(value)
            continue
        for n, row in enumerate(value, 1):
            yield from _of_a_row(name, n, row)


def _of_a_row(name: str, n: int, row: Any) -> Iterator[tuple[tuple[str, int], str]]:
    if not isinstance(row, dict):
        yield (name, n), str(row)
        return
    for field, text in row.items():
        yield (field, n), ", ".join(text) if isinstance(text, list) else str(text)
