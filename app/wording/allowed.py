"""What an organiser's template may contain: text, the letter's own words, and choices.

Jinja's sandbox still renders `{{ 'a' * 100000000 }}`, so the syntax tree is compared with a list
of what is allowed. There is nothing in it that can call, repeat, grow or fail.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice, pairwise

from jinja2 import StrictUndefined, nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.errors import TemplateBroken
from app.wording.examining import refusing

CHOICES = ("role", "office", "stage")
SENDER = ("name", "city", "country")
PERSON = (*SENDER, "postal_address", "own_words")
PIECES = ("salutation", "opening", "closing", "ask", "reasons")
IN_A_PIECE = frozenset(CHOICES + SENDER)
IN_A_BODY = frozenset(CHOICES + PERSON + PIECES)

DEEPEST = 20  # one inside the other; Python itself gives up at a hundred
MOST_TOKENS = 3_000  # words and signs between braces, in one text: five of our longest letters
LONGEST_NAME = 40  # characters of a mistyped name that are compared with ours

ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.If,
    nodes.Name,
    nodes.Const,
    nodes.Tuple,
    nodes.List,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
)
SAME = frozenset({"eq", "ne"})
AMONG = frozenset({"in", "notin"})

environment = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined,
    autoescape=False,  # letters are plain text; pages escape them when they show them
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=False,
    cache_size=0,
)
environment.globals.clear()


@dataclass(frozen=True)
class Misuse:
    """What a text may not do, in plain words, at a line counted from its own first."""

    line: int
    sentence: str


def check(text: str, names: frozenset[str], *, where: str, first_line: int = 1) -> None:
    """Refuse a template text that uses more than it may.

    Raises TemplateBroken with the line in the file: `first_line` is where the text begins.
    """
    for misuse in misuses(text, names):
        raise TemplateBroken(where, first_line + misuse.line - 1, misuse.sentence)


def misuses(text: str, names: frozenset[str]) -> Iterator[Misuse]:
    """Everything in a text that may not be there, each once, in the order of the text."""
    strange = refusing.STRANGE.search(text)
    if strange:
        line = text.count("\n", 0, strange.start()) + 1
        yield Misuse(line, refusing.a_character(strange[0]))
        return
    try:
        if tokens(text) > MOST_TOKENS:
            yield Misuse(1, refusing.TOO_MUCH)
            return
        tree = environment.parse(text)
    except TemplateSyntaxError as fault:
        yield Misuse(*refusing.syntax(text, fault, environment))
        return
    except (RecursionError, MemoryError):
        yield Misuse(1, refusing.TOO_DEEP)
        return
    except (ValueError, OverflowError):  # a number of thousands of digits
        yield Misuse(1, refusing.NUMBER)
        return
    told = set()
    for node, sentence in _refused(tree, names):
        if sentence not in told:
            told.add(sentence)
            yield Misuse(node.lineno or 1, sentence)  # some nodes have no line


def tokens(text: str) -> int:
    """How many words and signs stand between braces; counting ends above MOST_TOKENS."""
    if "{" not in text:
        return 0
    between = (1 for _, kind, _ in environment.lex(text) if kind not in {"data", "whitespace"})
    return sum(islice(between, MOST_TOKENS + 1))


def _refused(tree: nodes.Template, names: frozenset[str]) -> Iterator[tuple[nodes.Node, str]]:
    """Walks without recursion: a tree may be deeper than Python's own stack."""
    waiting: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        said = refusing.TOO_DEEP if depth > DEEPEST else _why_not(node, names)
        if said:
            yield node, said
        else:
            waiting += [(child, depth + 1) for child in reversed([*node.iter_child_nodes()])]


def _why_not(node: nodes.Node, names: frozenset[str]) -> str:
    """What is said of one node; nothing when it may stand here."""
    if not isinstance(node, ALLOWED):
        return refusing.construct(node)
    if isinstance(node, nodes.Name) and node.name not in names:
        return _unknown(node.name, names)
    if isinstance(node, nodes.Const):
        return _constant(node.value)
    if isinstance(node, nodes.Compare):
        return _comparison(node)
    return ""


def _unknown(name: str, names: frozenset[str]) -> str:
    if name in IN_A_BODY:
        return f"the variable “{name}” can stand in the body only, not here"
    known = get_close_matches(name[:LONGEST_NAME], sorted(names), n=1, cutoff=0.5)
    hint = f"; did you mean “{known[0]}”?" if known else f"; there are {', '.join(sorted(names))}"
    return f"there is no variable “{name[:LONGEST_NAME]}” here{hint}"


def _constant(value: object) -> str:
    if not isinstance(value, str):
        return refusing.NUMBER
    strange = refusing.STRANGE.search(value)
    return refusing.a_character(strange[0]) if strange else ""


def _comparison(node: nodes.Compare) -> str:
    """Only those that no value can make fail: a letter is not stopped by them when it leaves."""
    sides = [node.expr, *(one.expr for one in node.ops)]
    for (left, right), operation in zip(pairwise(sides), node.ops, strict=True):
        if operation.op in SAME:
            continue
        among = isinstance(right, nodes.Name | nodes.Const | nodes.Tuple | nodes.List)
        if operation.op not in AMONG or not isinstance(left, nodes.Name | nodes.Const) or not among:
            return refusing.COMPARISON
    return ""
