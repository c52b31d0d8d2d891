"""What every kind of contact file is read into first: entries with cells, before any check."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

STOOD = 200  # characters of a refused entry that are shown again
MOST = 100_000  # entries
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass
class Entry:
    """One line, card or object: where it stands, its cells by our columns, and what it was.

    `name`: of the person who holds the office, where the file has persons. `fault`: why it
    cannot be taken, where that is known already. `given`: the columns that it could have filled;
    a column that it could not gets a default, an empty cell does not.
    """

    line: int
    cells: dict[str, str]
    stood: Any
    given: frozenset[str]
    name: str = ""
    fault: str = ""


@dataclass
class Found:
    """The entries of a file, and what was assumed to read them, in sentences."""

    entries: list[Entry] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Refused:
    """An entry that cannot be taken."""

    line: int
    reason: str
    stood: str


def as_it_stood(thing: Any) -> str:
    """What an entry was, for whoever puts it right."""
    if isinstance(thing, str):
        return shortened(thing)
    if isinstance(thing, Sequence):
        return shortened(", ".join(thing[:STOOD]))
    return shortened(json.dumps(thing, ensure_ascii=False))


def shortened(text: str) -> str:
    """As much of it as a list can show, on one line, without what no page can hold."""
    plain = " ".join(printable(text[: STOOD * 2]).split())
    return plain if len(plain) <= STOOD else plain[: STOOD - 1] + "…"


def printable(text: str) -> str:
    """Control characters become spaces, and halves of characters question marks."""
    return CONTROL.sub(" ", text.encode("utf-8", "replace").decode())
