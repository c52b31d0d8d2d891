"""Fills a template with a person's words, having read it once for everybody in their place.

For one office and stage, and as long as the same words are left empty, the text around a person's
words is always the same. It is rendered once with marks in their place and cut at the marks; from
then on a letter is those parts with the words between them.
"""

import re
import secrets
from functools import lru_cache
from typing import NamedTuple

from jinja2 import Template, nodes

from app.wording.allowed import CHOICES, PERSON, PIECES, environment

# Through these a word reaches the page unchanged, or only whether it is empty decides. What
# compares or wraps a word, or is allowed in templates one day, is rendered anew for each letter.
PASSES_ON = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.If,
    nodes.Name,
    nodes.Const,
    nodes.And,
    nodes.Or,
    nodes.Not,
)

_token = secrets.token_hex(16)  # no template can hold what nobody could know
_mark = re.compile(f"{_token}:([0-9]):")


class Plan(NamedTuple):
    """Every second part is a gap; `gaps` says which word goes into each."""

    parts: tuple[str, ...]
    gaps: tuple[int, ...]


def fill(
    text: str, pieces: tuple[str, ...], choices: tuple[str, ...], words: tuple[str, ...]
) -> str:
    """The same text as `rendered` gives, from its plan where it has one.

    `pieces`, `choices` and `words` follow the order of PIECES, CHOICES and PERSON.
    """
    known = plan(text, pieces, choices, tuple(map(bool, words)))
    if known is None:
        return rendered(text, pieces, choices, words)
    filled = list(known.parts)
    filled[1::2] = [words[gap] for gap in known.gaps]
    return "".join(filled)


def rendered(
    text: str, pieces: tuple[str, ...], choices: tuple[str, ...], words: tuple[str, ...]
) -> str:
    """The text with its pieces, each rendered first, and with the person's words."""
    values = dict(zip(CHOICES + PERSON, choices + words, strict=True))
    if pieces:
        found = [_compiled(piece).render(values) for piece in pieces]
        values |= zip(PIECES, found, strict=True)
    return _compiled(text).render(values)


@lru_cache(maxsize=2048)
def plan(
    text: str, pieces: tuple[str, ...], choices: tuple[str, ...], given: tuple[bool, ...]
) -> Plan | None:
    """Read once for all who give the same words; None where a mark would not do for one."""
    if not all(map(_only_passes_on, (text, *pieces))):
        return None
    marks = tuple(f"{_token}:{n}:" if there else "" for n, there in enumerate(given))
    parts = _mark.split(rendered(text, pieces, choices, marks))
    return Plan(tuple(parts), tuple(map(int, parts[1::2])))


@lru_cache(maxsize=1024)
def _only_passes_on(text: str) -> bool:
    return not any(
        name.name not in CHOICES
        for node in environment.parse(text).find_all(nodes.Node)
        if not isinstance(node, PASSES_ON)
        for name in node.find_all(nodes.Name)
    )


@lru_cache(maxsize=1024)
def _compiled(text: str) -> Template:
    return environment.from_string(text)
