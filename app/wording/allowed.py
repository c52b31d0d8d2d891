"""What an organiser's template may contain: text, the letter's own words, and choices.

Jinja's sandbox still renders `{{ 'a' * 100000000 }}`, so the syntax tree is compared with a list
of what is allowed. There is nothing in it that can call, repeat or grow.
"""

from jinja2 import StrictUndefined, nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.errors import TemplateBroken

CHOICES = ("role", "office", "stage")
PERSON = ("name", "city", "country", "postal_address", "own_words")
PIECES = ("salutation", "opening", "closing", "ask")
IN_A_PIECE = frozenset(CHOICES + PERSON) - {"postal_address", "own_words"}
IN_A_BODY = frozenset(CHOICES + PERSON + PIECES)

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

environment = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined,
    autoescape=False,  # letters are plain text; pages escape them when they show them
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=False,
    cache_size=0,
)
environment.globals.clear()


def check(text: str, names: frozenset[str], *, where: str, first_line: int = 1) -> None:
    """Refuse a template text that uses more than it may.

    Raises TemplateBroken with the line in the file: `first_line` is where the text begins.
    """
    try:
        tree = environment.parse(text)
    except TemplateSyntaxError as fault:
        line = first_line + fault.lineno - 1
        raise TemplateBroken(where, line, fault.message or "it cannot be read") from None
    for node in tree.find_all(nodes.Node):
        line = first_line + (node.lineno or 1) - 1  # some nodes have none
        if not isinstance(node, ALLOWED):
            raise TemplateBroken(where, line, f"{type(node).__name__} is not allowed here")
        if isinstance(node, nodes.Name) and node.name not in names:
            raise TemplateBroken(where, line, f"there is no variable “{node.name}” here")
