"""Fills a text with a person's words, having read it once for everybody in their place.

For one office and stage, and as long as the same words are left empty, the text around them is
always the same. It is rendered once with marks in their place and cut at the marks; from then on
it is those parts with the words between them. The pieces of a body are such words too: reasons in
another order, or another opening, need no plan of their own.
"""

import re
import secrets
from collections.abc import Iterable
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
_mark = re.compile(f"{_token}:([0-9]+):")

FILLED = PERSON + PIECES
MOST_TEXTS = 512  # of one office and stage; an organiser's every change to a draft is another


class Plan(NamedTuple):
    """Every second part is a gap; `gaps` says which word goes into each."""

    parts: tuple[str, ...]
    gaps: tuple[int, ...]


class Known(dict[str, str | Plan | None]):
    """What is known of texts at one office and stage, for all who leave the same words empty.

    A text stands for itself where Jinja would change nothing in it, and has no plan where it is
    rendered for each letter.
    """

    def __init__(self, choices: tuple[str, ...], given: tuple[bool, ...]) -> None:
        super().__init__()
        self.choices, self.given = choices, given

    def __missing__(self, text: str) -> str | Plan | None:
        if len(self) >= MOST_TEXTS:
            self.clear()
        plain = "{" not in text and "\r" not in text and text[-1:] != "\n"
        known = self[text] = text if plain else plan(text, self.choices, self.given)
        return known

    def fill_all(self, texts: Iterable[str], words: tuple[str, ...]) -> list[str]:
        """Each of them; most pieces of a letter are the same for everybody."""
        return [
            found if isinstance(found := self[text], str) else self.fill(text, words)
            for text in texts
        ]

    def fill(self, text: str, words: tuple[str, ...]) -> str:
        """The same text as `rendered` gives."""
        known = self[text]
        if isinstance(known, str):
            return known
        if known is None:
            return rendered(text, self.choices, words)
        filled = list(known.parts)
        filled[1::2] = [words[gap] for gap in known.gaps]
        return "".join(filled)


@lru_cache(maxsize=256)
def known(choices: tuple[str, ...], given: tuple[bool, ...]) -> Known:
    """Shared by all letters to that office at that stage; `given`: which words are not empty.

    `choices` follow the order of CHOICES, words that of FILLED: a piece of a letter is given those
    of SENDER only, a body all of them, with its pieces filled in first.
    """
    return Known(choices, given)


def rendered(text: str, choices: tuple[str, ...], words: tuple[str, ...]) -> str:
    """The text as Jinja writes it."""
    return _compiled(text).render(zip(CHOICES + FILLED, choices + words, strict=False))


@lru_cache(maxsize=2048)
def plan(text: str, choices: tuple[str, ...], given: tuple[bool, ...]) -> Plan | None:
    """Read once for all who give the same words; None where a mark would not do for one."""
    if not _only_passes_on(text):
        return None
    marks = tuple(f"{_token}:{n}:" if there else "" for n, there in enumerate(given))
    parts = _mark.split(rendered(text, choices, marks))
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
