"""What is found in a letter template, and where in its text each of its pieces stands."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from app.wording.letter_fields import PLACES, LetterFields

_table = re.compile(r"\s*\[\[?\s*\"?([\w-]+)\"?\s*\]?\]")
_key = re.compile(r"\s*\"?([\w-]+)\"?\s*=\s*(\"\"\"|''')?(.*)")


@dataclass(frozen=True)
class Finding:
    """Something at a place of a template: `subjects.2` (counted from one), `asks.voted`,
    `salutations.president`, `body`, `reviewed`, `front`. `serious`: it may not be published so."""

    place: str
    line: int
    serious: bool
    sentence: str


@dataclass(frozen=True)
class Spot:
    """Where a piece's text begins, and whether its lines are lines of the file."""

    line: int
    spread: bool = False

    def at(self, line: int) -> int:
        """The file's line for a line of the piece, both counted from one."""
        return self.line + line - 1 if self.spread else self.line


@dataclass(frozen=True)
class Examined:
    """A template that could be taken apart, with what it is compared with."""

    fields: LetterFields
    spots: Mapping[str, Spot]
    language: str
    stages: tuple[str, ...]

    def spot(self, place: str) -> Spot:
        return self.spots.get(place) or self.spots.get(place.partition(".")[0]) or Spot(1)

    def told(self, place: str, sentence: str, *, line: int = 1, serious: bool = True) -> Finding:
        """A finding at a line of a piece. Sentences begin small where they come from a refusal."""
        whole = f"{sentence[:1].upper()}{sentence[1:]}"
        ended = whole if whole.endswith((".", "?", "!")) else f"{whole}."
        return Finding(place, self.spot(place).at(line), serious, ended)

    @property
    def pieces(self) -> dict[str, str]:
        """Every text but the body, by its place."""
        fields = self.fields
        found = {f"salutations.{role}": text for role, text in fields.salutations.items()}
        for place in PLACES:
            found |= {f"{place}.{n}": one.text for n, one in enumerate(fields.variants(place), 1)}
        return found | {f"asks.{stage}": text for stage, text in fields.asks.items()}


def spots(head: str, body_line: int) -> dict[str, Spot]:
    """Where the pieces of a front matter stand. `body_line`: where the body begins."""
    found = {"body": Spot(body_line, spread=True)}
    table, until, times = "", "", dict.fromkeys(PLACES, 0)
    for number, line in enumerate(head.split("\n"), 2):  # the first line is the fence
        if until:
            until = "" if until in line else until
            continue
        if header := _table.match(line):
            table = header[1]
            found.setdefault(table, Spot(number))
            if table in times:
                times[table] += 1
        elif pair := _key.match(line):
            place = _place(table, pair[1], times)
            spread = bool(pair[2]) and not pair[3].strip()
            found.setdefault(place, Spot(number + 1 if spread else number, spread or bool(pair[2])))
            until = pair[2] if pair[2] and pair[2] not in pair[3] else ""
    return found


def _place(table: str, key: str, times: Mapping[str, int]) -> str:
    if table in times:
        return f"{table}.{times[table]}" if key == "text" else f"{table}.{times[table]}.{key}"
    return f"{table}.{key}" if table else key
