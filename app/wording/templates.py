"""A letter template: its front matter and its body, read and checked."""

import re
import tomllib
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import product
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from app.errors import TemplateBroken
from app.wording import allowed

FENCE = "+++"
LONGEST_SOURCE = 60_000  # characters; the longest letter that ships has a fifth of them
DEEPEST_KEY = 30  # parts; tomllib takes a quarter of a minute for one of thirty thousand
ROLES = ("prime_minister", "defence", "foreign", "president", "speaker", "committee")

NO_PLACE = "the reasons stand nowhere in the letter: write {{ reasons }} where they belong"

_reasons = re.compile(r"\{\{[-+]?\s*reasons\s*[-+]?\}\}")
_with_or_without = re.compile(r"\{%[-+]?\s*(?:el)?if\s+reasons\b")
_part_of_a_key = re.compile(r"\s*[^\s=\[\]]+\s*")


def _a_role(role: str) -> str:
    if role not in ROLES:
        raise ValueError(f"not one of {', '.join(ROLES)}")
    return role


TargetRole = Annotated[str, AfterValidator(_a_role)]  # of the office addressed, in files


class Variant(BaseModel):
    """One of several texts for a place; without stages or roles it fits them all."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    text: str
    stages: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    def fits(self, role: str, stage: str) -> bool:
        return (not self.roles or role in self.roles) and (not self.stages or stage in self.stages)


class FrontMatter(BaseModel):
    """What stands between the fences: the pieces a body is filled with."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    reviewed: bool
    note: str = ""
    salutations: dict[str, str]
    subjects: tuple[Variant, ...]
    openings: tuple[Variant, ...]
    reasons: tuple[Variant, ...] = ()
    closings: tuple[Variant, ...]
    asks: dict[str, str]


# in a letter, each with its variants: of the reasons all stand in it, of the others one
Place = Literal["subjects", "openings", "reasons", "closings"]


@dataclass(frozen=True)
class LetterSource:
    """A template that has passed every check; read once."""

    front: FrontMatter
    body: str
    found: dict[tuple[str, str, str], tuple[str, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def fitting(self, place: Place, role: str, stage: str) -> tuple[str, ...]:
        """The texts of a place that fit an office and a stage, in the template's order."""
        fitting = self.found.get((place, role, stage))
        if fitting is None:
            variants: tuple[Variant, ...] = getattr(self.front, place)
            fitting = tuple(one.text.strip("\n") for one in variants if one.fits(role, stage))
            self.found[place, role, stage] = fitting
        return fitting

    @cached_property
    def asks(self) -> dict[str, str]:
        return {stage: text.strip("\n") for stage, text in self.front.asks.items()}

    @cached_property
    def stages(self) -> tuple[str, ...]:
        return tuple(self.front.asks)


@lru_cache(maxsize=512)
def parse(source: str, name: str = "the letter template") -> LetterSource:
    """Read and check a template's text. Raises TemplateBroken with the line and the reason."""
    head, body, body_line = split(source, name)
    front = _front(head, name)
    for text in [*front.asks.values(), *front.salutations.values(), *_variants(front)]:
        allowed.check(text, allowed.IN_A_PIECE, where=name, first_line=_line_of(source, text))
    allowed.check(body, allowed.IN_A_BODY, where=name, first_line=body_line)
    _complete(front, name)
    _reasoned(front, body, name, body_line)
    return LetterSource(front, body)


def split(source: str, name: str) -> tuple[str, str, int]:
    """Front matter, body, and the line at which the body begins. Raises TemplateBroken."""
    if len(source) > LONGEST_SOURCE:
        reason = f"it is {len(source):,} characters long; at most {LONGEST_SOURCE:,} fit"
        raise TemplateBroken(name, 1, reason)
    lines = source.replace("\r\n", "\n").split("\n")
    if lines[0].strip() != FENCE:
        raise TemplateBroken(name, 1, f"the first line is not {FENCE}")
    try:
        end = next(n for n, line in enumerate(lines[1:], 1) if line.strip() == FENCE)
    except StopIteration:
        raise TemplateBroken(name, len(lines), f"no second {FENCE} ends the front matter") from None
    rest = lines[end + 1 :]
    empty = next((n for n, line in enumerate(rest) if line), 0)
    return "\n".join(lines[1:end]), "\n".join(rest).strip("\n"), end + 2 + empty


def tables(head: str, name: str) -> dict[str, Any]:
    """The front matter as TOML has it, before it is compared. Raises TemplateBroken."""
    deep = _deep_key(head)
    if deep:
        raise TemplateBroken(name, deep + 1, "there are too many dots in a row")
    try:
        return tomllib.loads(head)
    except tomllib.TOMLDecodeError as fault:
        raise TemplateBroken(name, _line_in(fault) + 1, str(fault)) from None
    except (RecursionError, ValueError, OverflowError):
        raise TemplateBroken(name, 1, "there are too many brackets, or too long a number") from None


def _front(head: str, name: str) -> FrontMatter:
    try:
        return FrontMatter.model_validate(tables(head, name))
    except ValidationError as fault:
        first = fault.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        line = _line_of(head, str(first["loc"][0])) + 1
        raise TemplateBroken(name, line, f"{place}: {first['msg']}") from None


def _line_in(fault: tomllib.TOMLDecodeError) -> int:
    """Python 3.11 says it only in the message."""
    found = re.search(r"at line (\d+)", str(fault))
    return int(found[1]) if found else 0


def _deep_key(head: str) -> int:
    """The line of a key of more parts than any reader would write; 0 when there is none."""
    run, line = 0, 1
    for part in head.split("."):
        run = run + 1 if _part_of_a_key.fullmatch(part) else 0
        line += part.count("\n")
        if run > DEEPEST_KEY:
            return line
    return 0


def _complete(front: FrontMatter, name: str) -> None:
    """Every office at every stage needs a salutation, and at least one of each variant."""
    for role in ROLES:
        if role not in front.salutations:
            raise TemplateBroken(name, 1, f"no salutation for the role “{role}”")
        for stage in front.asks:
            for place in ("subjects", "openings", "closings"):
                if not any(one.fits(role, stage) for one in getattr(front, place)):
                    reason = f"none of the {place} fits {role} at the stage “{stage}”"
                    raise TemplateBroken(name, 1, reason)


def shows_reasons(body: str) -> bool:
    return bool(_reasons.search(body))


def needs_reasons(body: str) -> bool:
    """Whether the letter would have a hole without them; `{% if reasons %}` says that it can do."""
    return shows_reasons(body) and not _with_or_without.search(body)


def _reasoned(front: FrontMatter, body: str, name: str, body_line: int) -> None:
    """Reasons stand in the letter, and where it shows them every office gets one."""
    if front.reasons and not shows_reasons(body):
        raise TemplateBroken(name, body_line, NO_PLACE)
    if not needs_reasons(body):
        return
    for role, stage in product(ROLES, front.asks):
        if not any(one.fits(role, stage) for one in front.reasons):
            reason = f"none of the reasons fits {role} at the stage “{stage}”"
            raise TemplateBroken(name, 1, reason)


def _variants(front: FrontMatter) -> list[str]:
    places = (front.subjects, front.openings, front.reasons, front.closings)
    return [one.text for place in places for one in place]


def _line_of(source: str, text: str) -> int:
    """The line where a piece begins, as far as it can be told after TOML has unfolded it."""
    first = text.strip("\n").split("\n")[0]
    for number, line in enumerate(source.split("\n"), 1):
        if first and first in line:
            return number
    return 1
