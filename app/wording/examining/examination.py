"""Everything that can be said of a letter template's text, at once."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from jinja2 import TemplateSyntaxError
from pydantic import ValidationError

from app.errors import TemplateBroken
from app.wording import allowed, letter_fields, templates
from app.wording.examining import fitting, pieces, reading
from app.wording.examining.findings import Examined, Finding, spots
from app.wording.letter_fields import LetterFields

__all__ = ["Finding", "examine"]

MOST_FINDINGS = 100  # nobody reads more, and the next examination tells the rest
UNREVIEWED = (
    "no native reader has reviewed this text yet; until somebody has, supporters cannot send it"
)

Others = tuple[tuple[str, str], ...]


def examine(
    source: str,
    *,
    name: str,
    language: str,
    stages: Sequence[str],
    others: Mapping[str, str] | None = None,
    likeness_limit: int = 70,
) -> list[Finding]:
    """The findings, in the order of the text.

    `stages`: those of the campaign. `others`: the alert's other letter templates by country and
    language (LV.en). `likeness_limit`: per cent, above which two variants are too alike.
    """
    same = tuple(
        (one, text)
        for one, text in (others or {}).items()
        if one != name and one.partition(".")[2] == language
    )
    return list(_examined(source, name, language, tuple(stages), same, likeness_limit))


@lru_cache(maxsize=256)
def _examined(
    source: str, name: str, language: str, stages: tuple[str, ...], others: Others, limit: int
) -> tuple[Finding, ...]:
    """Kept: a page of an alert asks for all its letters, and one of them has changed."""
    try:
        head, body, body_line = templates.split(source, name)
        strange = _strange(templates.tables(head, name))
        fields = letter_fields.read(source)
    except TemplateBroken as fault:
        return (
            Finding("front", fault.line, True, f"{fault.reason[:1].upper()}{fault.reason[1:]}"),
        )
    examined = Examined(fields, spots(head, body_line), language, stages)
    if len(examined.pieces) > pieces.MOST_PIECES:
        said = f"there are {len(examined.pieces)} texts in this letter; a few of each are enough"
        return (examined.told("front", said),)
    if _tokens([*examined.pieces.values(), body]) > pieces.MOST_TOKENS:
        return (examined.told("body", "there is too much between braces in this letter"),)
    found = [examined.told(place, said) for place, said in strange]
    found += _of(examined, others, limit)
    found += _strictly(source, name) if not any(one.serious for one in found) else []
    told = {(one.place, one.sentence): one for one in reversed(found)}
    return tuple(sorted(told.values(), key=lambda one: (one.line, not one.serious))[:MOST_FINDINGS])


def _of(examined: Examined, others: Others, limit: int) -> list[Finding]:
    misused = [*pieces.misused(examined)]
    found = [
        *misused,
        *fitting.gaps(examined),
        *fitting.twins(examined, limit),
        *fitting.copies(examined, _bodies(others)),
        *pieces.looked_at(examined),
        *reading.uses(examined),
    ]
    if not misused:
        found += reading.readings(examined)
    if not examined.fields.reviewed:
        found.append(examined.told("reviewed", UNREVIEWED, serious=False))
    return found


def _strange(tables: Mapping[str, object]) -> list[tuple[str, str]]:
    """What the front matter holds that no letter has; what is missing is told elsewhere."""
    try:
        templates.FrontMatter.model_validate(tables)
    except ValidationError as fault:
        return [_told(one["loc"], one["type"], one["msg"]) for one in fault.errors()]
    return []


def _told(loc: tuple[int | str, ...], kind: str, said: str) -> tuple[str, str]:
    parts = [str(part + 1) if isinstance(part, int) else part for part in loc]
    place = ".".join(parts[:2]) if parts[0] in (*letter_fields.PLACES, "asks") else "front"
    what = ".".join(parts)
    if kind == "missing":
        return place, f"“{what}” is missing"
    return place, f"“{what}” is not known here" if "forbidden" in kind else f"“{what}”: {said}"


def _bodies(others: Others) -> dict[str, LetterFields]:
    found = {}
    for name, source in others:
        try:
            found[name] = _read(source)
        except TemplateBroken:
            continue
    return found


_read = lru_cache(maxsize=256)(letter_fields.read)


def _strictly(source: str, name: str) -> Iterator[Finding]:
    """Whatever the letter would be refused for when it is published, should all else pass it."""
    try:
        templates.parse(source, name)
    except TemplateBroken as fault:
        yield Finding("front", fault.line, True, f"{fault.reason[:1].upper()}{fault.reason[1:]}")


def _tokens(texts: Sequence[str]) -> int:
    total = 0
    for text in texts:
        try:
            total += allowed.tokens(text)
        except TemplateSyntaxError:  # told where it stands
            continue
        if total > pieces.MOST_TOKENS:
            break
    return total
