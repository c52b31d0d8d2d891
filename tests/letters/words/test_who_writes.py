"""A stranger's name for a form: no link, no markup, no insult; and every real name is taken."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import FormRefused
from app.letters import form as forms
from app.letters.form import Form
from tests.grounds.alerts import filled
from tests.letters.words.names import NAMES, PLACES, TOWNS

LISTED = ("idiot*", "moron*", "bastard*", "scum", "traitor*", "whore*", "fuck*", "pärdik*")


def faults(form: Form) -> dict[str, str]:
    try:
        forms.checked(form, LISTED)
    except FormRefused as refusal:
        return dict(refusal.fields)
    return {}


@pytest.mark.parametrize("field", ["name", "city", "postal_address"])
@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("Win 1000 EUR now http://evil.example/win", "link"),
        ("visit https://evil.example", "link"),
        ("www.evil.example", "link"),
        ("Prize evil.com/win", "link"),
        ("<a href=x>Mari</a>", "markup"),
        ("[url=x]Mari[/url]", "markup"),
        ("Click here", "spam"),
        ("Online casino Mari", "spam"),
        ("Idiot Minister", "insult"),
        ("All of you 1D!0TS", "insult"),
        ("Vana pärdik", "insult"),
    ],
)
def test_what_no_name_and_no_place_holds_is_told_at_its_field(
    field: str, typed: str, reason: str
) -> None:
    assert faults(replace(filled(), **{field: typed})) == {field: reason}


@given(
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=3),
    st.sampled_from([" ", "-", ", ", " & ", " / ", "/"]),
    st.sampled_from(TOWNS),
    st.sampled_from(PLACES),
)
def test_names_and_places_of_six_languages_are_taken_as_they_are(
    names: list[str], between: str, town: str, place: str
) -> None:
    name = between.join(names)[:120]
    assert faults(replace(filled(), name=name, city=town, postal_address=place)) == {}


@given(st.text(max_size=130), st.text(max_size=130), st.text(max_size=420))
def test_whatever_is_typed_gets_an_answer(name: str, city: str, place: str) -> None:
    found = faults(replace(filled(), name=name, city=city, postal_address=place))
    assert found.keys() <= {"name", "city", "postal_address"}
