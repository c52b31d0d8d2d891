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
        ("{{ 'a' * 100000000 }}", "Mul"),
        ("{{ name.__class__ }}", "Getattr"),
        ("{{ name['x'] }}", "Getitem"),
        ("{{ range(10) }}", "Call"),
        ("{{ name|upper }}", "Filter"),
        ("{% for x in name %}{{ x }}{% endfor %}", "For"),
        ("{% set x = 1 %}", "Assign"),
        ("{% include 'other' %}", "Include"),
        ("{% macro x() %}{% endmacro %}", "Macro"),
        ("{{ name ~ name }}", "Concat"),
        ("{{ nickname }}", "nickname"),
        ("{{ 7 +  }}", "unexpected"),
        ("{% if role %}", "end of template"),
    ],
)
def test_what_a_template_may_not_do_is_refused_at_its_line(body: str, said: str) -> None:
    with pytest.raises(TemplateBroken) as refusal:
        parse(source("A line.\n\n" + body), "XA.en.txt")
    assert said.lower() in refusal.value.reason.lower()
    assert refusal.value.line == BODY_LINE + 2
    assert refusal.value.name == "XA.en.txt"


def test_a_missing_salutation_and_a_missing_variant_are_told() -> None:
    with pytest.raises(TemplateBroken, match="no salutation for the role “committee”"):
        parse(source("x").replace('committee = "Dear you,"\n', ""))
    only_voted = FRONT.replace('text = "An opening."', 'text = "An opening."\nstages = ["voted"]')
    with pytest.raises(TemplateBroken, match="none of the openings fits prime_minister"):
        parse(only_voted)


@pytest.mark.parametrize("text", ["", "no fence", "+++\nreviewed = true\n", "+++\n= 1\n+++\n"])
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
