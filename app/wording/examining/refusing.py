"""What is said of something that a template may not hold: what it is, and what to write instead."""

import re
from collections.abc import Iterator

from jinja2 import Environment, nodes
from jinja2.exceptions import TemplateSyntaxError

# no letter can carry these: control characters but tab and line breaks, and halves of characters
STRANGE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

TOO_DEEP = "too many braces or choices stand one inside the other; write a plainer text"
TOO_MUCH = "there is too much between braces; write more of it as plain text"
NUMBER = "a number, true, false or none cannot stand between braces; write it as plain text"
COMPARISON = (
    "this comparison is not known here; write {% if stage == 'voted' %} or"
    " {% if role in ('president', 'speaker') %}"
)
CHOICE = "only {% if … %}, {% elif … %}, {% else %} and {% endif %} can stand here"
UNREADABLE = {  # the library's words → ours
    "unexpected end of template, expected 'end of print statement'": (
        "these {{ are never closed; write }} after the word"
    ),
    "unexpected end of template, expected 'end of statement block'": (
        "this {% is never closed; write %} after it"
    ),
    "Missing end of comment tag": "this {# is never closed; write #} after it",
    "expected token 'end of print statement'": (
        "between {{ and }} stands one word alone; write the others outside"
    ),
    "expected token 'end of statement block'": f"this {{% … %}} holds too much: {CHOICE}",
}
CONSTRUCTS: dict[type[nodes.Node], str] = {
    nodes.BinExpr: "nothing can be reckoned or multiplied; write the words as they should read",
    nodes.UnaryExpr: "nothing can be reckoned or multiplied; write the words as they should read",
    nodes.Concat: "words cannot be joined with “~”; write {{ one }} {{ other }}",
    nodes.Getattr: "nothing can be taken out of a variable with a dot; write its name alone",
    nodes.Getitem: "nothing can be taken out of a variable with [ ]; write its name alone",
    nodes.Call: "nothing can be called with ( ); write the name of the variable alone",
    nodes.Filter: "nothing can be changed with “|”; write the words as they should read",
    nodes.Test: "“is” is not known here; write {% if own_words %} or {% if stage == 'voted' %}",
    nodes.CondExpr: "write {% if … %}one{% else %}other{% endif %}, not “one if … else other”",
    nodes.For: "nothing can be repeated with “for”; write each line by itself",
    nodes.Assign: "nothing can be set; write the words where they should stand",
    nodes.AssignBlock: "nothing can be set; write the words where they should stand",
    nodes.Include: "another text cannot be fetched with “include”; write it here",
    nodes.Extends: "another text cannot be fetched with “extends”; write it here",
    nodes.Macro: "nothing can be defined with “macro”; write the words where they should stand",
}


def construct(node: nodes.Node) -> str:
    """What to write instead of a forbidden construct."""
    for kind in type(node).__mro__:
        if kind in CONSTRUCTS:
            return CONSTRUCTS[kind]
    return f"“{type(node).__name__.lower()}” is not known here: {CHOICE}"


def a_character(found: str) -> str:
    return f"there is a character here that no letter can carry (U+{ord(found):04X}); take it out"


def syntax(text: str, fault: TemplateSyntaxError, environment: Environment) -> tuple[int, str]:
    """The line and what is wrong there, when the braces cannot be read."""
    said = fault.message or "it cannot be read"
    if said.startswith("Unexpected end of template"):
        return _open_choice(text, environment) or fault.lineno, (
            "this {% if … %} is never ended; write {% endif %} where its text ends"
        )
    for words, plainly in UNREADABLE.items():
        if words in said:
            return fault.lineno, plainly
    unknown = re.match(r"Encountered unknown tag '(\w+)'", said)
    if unknown and unknown[1] in {"endif", "else", "elif"}:
        return fault.lineno, f"{{% {unknown[1]} %}} has no {{% if … %}} before it"
    if unknown:
        return fault.lineno, f"there is no {{% {unknown[1][:40]} %}} here: {CHOICE}"
    return fault.lineno, f"the braces cannot be read: {said[:200]}"


def _open_choice(text: str, environment: Environment) -> int:
    """The line of the innermost choice that is not ended; 0 when there is none."""
    begun: list[int] = []
    for line, word in _tags(text, environment):
        if word == "if":
            begun.append(line)
        elif word == "endif" and begun:
            begun.pop()
    return begun[-1] if begun else 0


def _tags(text: str, environment: Environment) -> Iterator[tuple[int, str]]:
    before = ""
    for line, kind, word in environment.lex(text):
        if kind == "name" and before == "block_begin":
            yield line, word
        if kind != "whitespace":
            before = kind
