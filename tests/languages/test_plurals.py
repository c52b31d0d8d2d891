"""Numbers take the form their language gives them, and a form of many says how many."""

import pytest
from babel import Locale

from app.languages import translations
from tests.languages.test_catalogues import EVERY, TRANSLATED, catalogue, forms, said, sources

COUNTED = range(131)
# the form of a catalogue for each category of the CLDR; a category for fractions alone has none
CATEGORIES = {
    "et": {"one": 0, "other": 1},
    "fi": {"one": 0, "other": 1},
    "lt": {"one": 0, "few": 1, "other": 2},
    "lv": {"one": 0, "other": 1, "zero": 2},
    "pl": {"one": 0, "few": 1, "many": 2},
}
A_NUMBER = ("%(num)s", "%(number)s", "%(n)s")


def used_for(language: str) -> dict[int, list[int]]:
    """The numbers that each form of a catalogue is used for."""
    plural = translations(language).plural  # type: ignore[attr-defined]
    found: dict[int, list[int]] = {}
    for n in COUNTED:
        found.setdefault(plural(n), []).append(n)
    return found


@EVERY
def test_the_form_of_a_number_is_the_one_of_the_cldr(language: str) -> None:
    category = Locale.parse(language).plural_form
    wanted: dict[int, list[int]] = {}
    for n in COUNTED:
        wanted.setdefault(CATEGORIES[language][category(n)], []).append(n)
    assert used_for(language) == wanted


@EVERY
def test_a_form_used_for_several_numbers_says_which(language: str) -> None:
    """Latvian and Lithuanian take the form of 1 for 21 too: it cannot leave its number out."""
    silent = [
        (sources(one)[-1], text)
        for one in said(catalogue(language))
        if one.pluralizable and any(number in sources(one)[-1] for number in A_NUMBER)
        for form, text in enumerate(forms(one))
        if len(used_for(language)[form]) > 1 and not any(number in text for number in A_NUMBER)
    ]
    assert silent == []


@pytest.mark.parametrize("n", [0, 1, 2, 5, 11, 21, 22, 25, 101])
def test_every_language_counts_letters(n: int) -> None:
    one, many = "Your letter is ready", "Your %(num)s letters are ready"
    for language in TRANSLATED:
        text = translations(language).ngettext(one, many, n) % {"num": n}
        assert text not in (one, many % {"num": n}), language
        assert n == 1 or str(n) in text, (language, text)
