"""Everything that can be said of a letter template's text, at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.errors import TemplateBroken
from app.wording.templates import parse


@dataclass(frozen=True)
class Finding:
    """Something at a place of a template: `subjects.2`, `asks.voted`, `body`, `front`."""

    place: str
    line: int
    serious: bool
    sentence: str


def examine(
    source: str,
    *,
    name: str,
    language: str,
    stages: Sequence[str],
    others: Mapping[str, str] | None = None,
    likeness_limit: int = 70,
) -> list[Finding]:
    """The findings, in the order of the text."""
    try:
        found = parse(source, name)
    except TemplateBroken as fault:
        return [Finding("front", fault.line, True, fault.reason)]
    missing = set(stages) - set(found.stages)
    return [Finding(f"asks.{one}", 1, True, "There is no ask.") for one in sorted(missing)]
