"""A template that is wrong is told at once, at its line; one that is right cannot run away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import TemplateBroken
from app.wording import allowed
from app.wording.templates import ROLES, parse

FRONT = (
    "+++\nreviewed = true\n[salutations]\n"
    + "".join(f'{role} = "Dear you,"\n' for role in ROLES)
    + '[[subjects]]\ntext = "A subject"\n[[openings]]\ntext = "An opening."\n'
    + '[[closings]]\ntext = "A closing."\n[asks]\nannounced = "- stay;"\n+++\n'
)
LONG = FRONT + "x" * 60_000
DOTS = "+++\n" + "a." * 20_000 + "a = 1\n+++\n"
DEEP = "+++\na = " + "[" * 50_000 + "\n+++\n"
BODY_LINE = FRONT.count("\n") + 1


def source(body: str) -> str:
    return FRONT + body


def test_a_template_within_the_rules_is_taken() -> None:
    found = parse(source("{{ salutation }}\n\n{% if role == 'defence' %}you{% endif %} {{ ask }}"))
    assert found.front.reviewed
    assert found.stages == ("announced",)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{{ 'a' * 100000000 }}", "multiplied"),
        ("{{ name.__class__ }}", "a dot"),
        ("{{ name['x'] }}", "[ ]"),
        ("{{ range(10) }}", "called"),
        ("{{ name|upper }}", "“|”"),
        ("{% for x in name %}{{ x }}{% endfor %}", "repeated"),
        ("{% set x = 1 %}", "set"),
        ("{% include 'other' %}", "include"),
        ("{% macro x() %}{% endmacro %}", "macro"),
        ("{{ name ~ name }}", "joined"),
        ("{{ 'a' if role else 'b' }}", "{% else %}"),
        ("{{ nickname }}", "no variable “nickname”"),
        ("{{ 7 +  }}", "unexpected"),
        ("{{ name", "these {{ are never closed; write }} after the word"),
        ("{% if role", "this {% is never closed; write %} after it"),
        ("{# a note", "this {# is never closed; write #} after it"),
        ("{{ name city }}", "between {{ and }} stands one word alone"),
        ("{% if role %}", "{% endif %}"),
        ("{% endif %}", "has no {% if … %} before it"),
        ("{% when role %}", "no {% when %}"),
        ("{% if role < 'x' %}{% endif %}", "comparison"),
        ("{% if name in true %}{% endif %}", "number"),
        ("{{ 99 }}", "number"),
        ("{{ '\\ud800' }}", "U+D800"),
        ("bell \x07", "U+0007"),
        ("{% if role %}" * 30 + "{% endif %}" * 30, "one inside the other"),
    ],
)
def test_what_a_template_may_not_do_is_refused_at_its_line(body: str, said: str) -> None:
    with pytest.raises(TemplateBroken) as refusal:
        parse(source("A line.\n\n" + body), "XA.en.txt")
    assert said in refusal.value.reason
    assert refusal.value.line == BODY_LINE + 2
    assert refusal.value.name == "XA.en.txt"


def test_a_missing_salutation_and_a_missing_variant_are_told() -> None:
    with pytest.raises(TemplateBroken, match="no salutation for the role “committee”"):
        parse(source("x").replace('committee = "Dear you,"\n', ""))
    only_voted = FRONT.replace('text = "An opening."', 'text = "An opening."\nstages = ["voted"]')
    with pytest.raises(TemplateBroken, match="none of the openings fits prime_minister"):
        parse(only_voted)


A_REASON = '[[reasons]]\ntext = "A reason."\n'


def with_reasons(body: str, reasons: str) -> str:
    return FRONT.replace("[[closings]]", f"{reasons}[[closings]]") + body


@pytest.mark.parametrize(
    ("body", "reasons"),
    [
        ("{{ reasons }}", A_REASON * 2),
        ("{{reasons}}", A_REASON + 'roles = ["defence"]\n' + A_REASON),
        ("{% if reasons %}{{ reasons }}{% endif %}", A_REASON + 'stages = ["announced"]\n'),
        ("{% if reasons %}{{ reasons }}{% endif %}", A_REASON + 'roles = ["defence"]\n'),
        ("{% if reasons %}{{ reasons }}{% endif %}", ""),
        ("A letter without any.", ""),
    ],
)
def test_reasons_stand_where_the_body_shows_them(body: str, reasons: str) -> None:
    assert len(parse(with_reasons(body, reasons)).front.reasons) == reasons.count("[[")


@pytest.mark.parametrize(
    ("body", "reasons", "said"),
    [
        ("{{ reasons }}", "", "none of the reasons fits prime_minister"),
        ("{{ reasons }}", A_REASON + 'roles = ["defence"]\n', "none of the reasons fits"),
        ("{{ reasons }}", A_REASON + 'stages = ["voted"]\n', "none of the reasons fits"),
        ("No place.", A_REASON, "stand nowhere"),
        ("{% if reasons %}why{% endif %}", A_REASON, "stand nowhere"),
        ("{{ reasons }}", '[[reasons]]\ntext = "{{ own_words }}"\n', "in the body only"),
        ("{{ reasons }}", '[[reasons]]\ntext = "{{ reasons }}"\n', "in the body only"),
    ],
)
def test_reasons_that_no_letter_shows_or_that_are_missing_are_told(
    body: str, reasons: str, said: str
) -> None:
    with pytest.raises(TemplateBroken, match=said):
        parse(with_reasons(body, reasons))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{{ " + "9" * 9_000 + " }}", "number"),
        ("{{ " + "(" * 1_400 + ")" * 1_400 + " }}", "one inside the other"),
        ("{{ name }}" * 2_000, "too much"),
    ],
    ids=["digits", "deep", "much"],
)
def test_what_would_take_for_ever_to_read_is_refused(body: str, said: str) -> None:
    with pytest.raises(TemplateBroken, match=said):
        parse(source(body))


def test_the_variable_that_was_meant_is_named_and_one_of_the_body_only_is_told_so() -> None:
    with pytest.raises(TemplateBroken, match="did you mean “own_words”"):
        parse(source("{{ ownwords }}"))
    with pytest.raises(TemplateBroken, match="“own_words” can stand in the body only"):
        parse(source("x").replace("A closing.", "{{ own_words }}"))


@pytest.mark.parametrize(
    "text", ["", "no fence", "+++\nreviewed = true\n", "+++\n= 1\n+++\n", LONG, DOTS, DEEP]
)
def test_a_file_without_front_matter_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(TemplateBroken) as refusal:
        parse(text)
    assert "\n" not in str(refusal.value)


@given(st.text(max_size=300))
def test_no_template_text_does_anything_but_pass_or_be_refused(text: str) -> None:
    try:
        allowed.check(text, allowed.IN_A_BODY, where="a test")
    except TemplateBroken:
        return
    values = dict.fromkeys(allowed.IN_A_BODY, "word")
    longest = len(text) + len("word") * text.count("{{")
    assert len(allowed.environment.from_string(text).render(values)) <= longest


PARTS = [
    "{{ name }}",
    "{% if ",
    "{% elif ",
    "role",
    " == ",
    " in ",
    "('a', 'b')",
    "'x'",
    " and not ",
]
PARTS += [" %}", "{% else %}", "{% endif %}", "stage", "own_words", "Dear you,\n", "(", ")", " or "]


@given(st.lists(st.sampled_from(PARTS), max_size=30).map("".join))
def test_whatever_is_let_through_can_be_written_with_any_words(text: str) -> None:
    try:
        allowed.check(text, allowed.IN_A_BODY, where="a test")
    except TemplateBroken:
        return
    for word in ("", "x", "a"):
        allowed.environment.from_string(text).render(dict.fromkeys(allowed.IN_A_BODY, word))
