"""Dates, numbers and moments as each language writes them; the README says who has read which."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from app import languages
from app.languages import LANGUAGES
from app.reporting.departures import Leaving
from app.web import pages
from app.web.looks import moments
from tests.languages.test_catalogues import EVERY, ROOT

EVENING = datetime(2025, 4, 2, 18, 5, tzinfo=UTC)  # a Wednesday; 21:05 in Tallinn
DAYS = {
    "en": "2 April 2025",
    "et": "2. aprill 2025",
    "fi": "2. huhtikuuta 2025",
    "lt": "2025 m. balandžio 2 d.",
    "lv": "2025. gada 2. aprīlis",
    "pl": "2 kwietnia 2025",
}
SUMMER_TIME = {
    "en": "EEST",
    "et": "Ida-Euroopa suveaeg",
    "fi": "Itä-Euroopan kesäaika",
    "lt": "Rytų Europos vasaros laikas",
    "lv": "EEST",
    "pl": "EEST",
}
FRIDAYS = {
    "en": "Friday",
    "et": "reede",
    "fi": "perjantai",
    "lt": "penktadienis",
    "lv": "piektdiena",
    "pl": "piątek",
}
IN_ALL_SIX = pytest.mark.parametrize("language", LANGUAGES)


@IN_ALL_SIX
def test_a_day_is_written_as_its_language_writes_it(language: str) -> None:
    assert pages.day(date(2025, 4, 2), language) == DAYS[language]
    assert pages.day(EVENING.replace(hour=22), language, "Europe/Tallinn") != DAYS[language]


@IN_ALL_SIX
def test_a_moment_names_its_time_zone_in_words(language: str) -> None:
    """Three of the six have no short name for it, and an offset tells a reader nothing."""
    moment = str(pages._filters(language)["local_time"](EVENING, "Europe/Tallinn"))
    assert moment == (
        f'<time datetime="2025-04-02T18:05+00:00">{DAYS[language]}, 21:05 {SUMMER_TIME[language]}'
        "</time>"
    )
    assert str(pages._filters(language)["local_time"](EVENING)).endswith("18:05 UTC</time>")


@IN_ALL_SIX
def test_a_large_number_is_grouped_as_its_language_groups_it(language: str) -> None:
    grouped = "1,234,567" if language == "en" else "1\u00a0234\u00a0567"
    assert pages._filters(language)["number"](1_234_567) == grouped


@IN_ALL_SIX
def test_what_comes_is_told_in_the_language_and_by_its_weekday(language: str) -> None:
    friday = Leaving(at=EVENING + timedelta(days=2, minutes=5))
    said = moments.leaves(friday, now=EVENING, zone="Europe/Tallinn", language=language)
    assert FRIDAYS[language] in said
    assert "21:10" in said
    assert "%(" not in said


@EVERY
def test_the_readme_says_which_catalogue_nobody_has_reviewed(language: str) -> None:
    """As the catalogue's own first lines do; a row of a table: | Estonian | … | none yet |."""
    name = languages.language_name_in(language, "en")
    readme = (ROOT / "README.md").read_text("utf-8")
    row = re.search(rf"^\| {name} \|.*\|$", readme, re.MULTILINE)
    assert row, f"the README has no row of {name}"
    assert ("none yet" in row[0]) is not languages.is_reviewed(language)
