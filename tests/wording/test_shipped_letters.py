"""Reads every letter that ships, for every office and stage, as text."""

import itertools
import re
import tomllib
from pathlib import Path

import pytest

from app.contacts import imports
from app.models import LetterTemplate, Target
from app.wording import render
from app.wording.render import Words
from app.wording.templates import ROLES, parse

ROOT = Path(__file__).parents[2]
STAGES = ("announced", "voted", "notified", "in_effect")
FILES = sorted((ROOT / "templates" / "letters").glob("*/*.txt"))
MINE_BAN = [file for file in FILES if file.parent.name == "send-one-email"]
ENGLISH = [file for file in MINE_BAN if file.name.endswith(".en.txt")]
WORDS = Words(
    name="Zoë O'Hara",
    city="Sankt Gallen",
    country="CH",
    postal_address="Rosenweg 3\n9000 Sankt Gallen",
    own_words="My grandfather cleared mines.",
)
NAMES = {"EE": "Estonia", "LV": "Latvia", "LT": "Lithuania", "PL": "Poland", "FI": "Finland"}
ASKS = {  # the beginning of the word that carries the ask
    "announced": "keep|stay|remain|halt|(membership|place) in the treaty",
    "voted": "deposit|refrain",
    "notified": "withdraw",
    "in_effect": "rejoin|return to the treaty",
}
OTHERS_WORDS = {
    "defence": ("your defence minister", "your committee"),
    "committee": ("your government", "your ministry"),
    "president": ("your government", "your committee", "your ministry"),
    "speaker": ("your government", "your ministry"),
    "foreign": ("your committee",),
    "prime_minister": ("your committee", "your ministry"),
}
GREETINGS = {
    "prime_minister": "Dear Prime Minister,",
    "defence": "Dear Minister,",
    "foreign": "Dear Minister,",
    "president": "Dear President,",
    "speaker": "Dear Speaker,",
    "committee": "Dear Chair and Members of the Committee,",
}


def template(file: Path) -> LetterTemplate:
    country, language, _ = file.name.split(".")
    return LetterTemplate(country=country, language=language, source=file.read_text())


def offices(file: Path) -> list[Target]:
    """The offices of the country as the contact list has them."""
    found = [
        row
        for one in sorted((ROOT / "contacts").glob("*.csv"))
        for row in imports.read(one)
        if row.country == file.name[:2]
    ]
    return [
        Target(id=n, country=row.country, office=row.office, role=row.role)
        for n, row in enumerate(found, 1)
    ]


def readings(file: Path, words: Words = WORDS) -> list[tuple[Target, str, render.LetterText]]:
    shipped = template(file)
    stages = parse(shipped.source).stages
    return [
        (office, stage, render.letter(shipped, office, stage=stage, seed=seed, words=words))
        for office, stage, seed in itertools.product(offices(file), stages, range(6))
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_letter_has_a_gap_a_leftover_or_a_hole(file: Path) -> None:
    bare = Words(name="Zoë O'Hara", city="Sankt Gallen", country="CH")
    for office, stage, text in [*readings(file), *readings(file, bare)]:
        place = f"{office.role} {stage}\n{text.body}"
        assert not re.search(r"[\[\]{}]|%\w|\b(None|Undefined)\b", text.subject + text.body), place
        assert "\n\n\n" not in text.body, place
        assert not text.body.startswith(("\n", " ")), place
        assert text.body.endswith("\n"), place
        assert not re.search(r" \n|  ", text.body), place
        assert text.subject == text.subject.strip()
        assert 10 <= len(text.subject) <= 78, text.subject
        assert "Zoë O'Hara" in text.body.splitlines()[-4:], place


@pytest.mark.parametrize("file", ENGLISH, ids=lambda file: file.name)
def test_each_office_is_greeted_and_asked_as_its_stage_and_role_require(file: Path) -> None:
    country = NAMES[file.name[:2]]
    for office, stage, text in readings(file):
        place = f"{file.name} {office.role} {stage}\n{text.body}"
        greeting = GREETINGS[office.role]
        if (file.name[:2], office.role) == ("PL", "speaker"):
            greeting = "Dear Marshal,"
        assert text.body.splitlines()[0] == greeting, place
        asked = [line for line in text.body.splitlines() if line.startswith("- ")]
        assert 2 <= len(asked) <= 4, place
        lowered = " ".join(asked).lower()
        assert re.search(rf"\b({ASKS[stage]})", lowered), place
        assert country in text.body
        for strange in OTHERS_WORDS[office.role]:
            assert strange not in text.body.lower(), f"{strange}\n{place}"
        if stage == "in_effect":
            assert re.search(r"27 December 2025|10 January 2026|20 February 2026", text.body), place
            assert "stay in the treaty" not in text.body, place


@pytest.mark.parametrize("file", ENGLISH, ids=lambda file: file.name)
def test_an_english_letter_is_short_enough_to_be_read(file: Path) -> None:
    bare = Words(name="Zoë O'Hara", city="Bern", country="CH")
    for office, stage, text in readings(file, bare):
        assert 150 <= len(text.body.split()) <= 265, f"{office.role} {stage}\n{text.body}"


@pytest.mark.parametrize("file", MINE_BAN, ids=lambda file: file.name)
def test_there_are_three_variants_for_every_role_and_stage(file: Path) -> None:
    front = parse(file.read_text()).front
    assert tuple(front.asks) == STAGES
    for role, stage in itertools.product(ROLES, STAGES):
        for variants in (front.subjects, front.openings, front.closings):
            assert sum(one.fits(role, stage) for one in variants) >= 3, (role, stage)


def test_only_english_is_reviewed_until_a_native_reader_says_so() -> None:
    reviewed = {file.name: parse(file.read_text()).front.reviewed for file in MINE_BAN}
    assert {name for name, yes in reviewed.items() if yes} == {file.name for file in ENGLISH}
    assert len(reviewed) == 10


def test_no_letter_says_what_the_facts_forbid() -> None:
    forbidden = re.compile(
        r"193|TASS|iz\.ru|news\.by|caliber|foreign ministers|never owned|\b16[1-6]\b", re.IGNORECASE
    )
    for file in [*FILES, *sorted((ROOT / "templates" / "letters").glob("*/alert.toml"))]:
        for number, line in enumerate(file.read_text().splitlines(), 1):
            assert not forbidden.search(line), f"{file.parent.name}/{file.name}:{number}: {line}"


def test_every_contact_row_is_there_with_evidence_and_no_check() -> None:
    rows = [
        row
        for name in ("estonia", "latvia", "lithuania", "poland", "finland")
        for row in imports.read(ROOT / "contacts" / f"{name}.csv")
    ]
    assert len(rows) == 32
    assert all(row.checked_on is None for row in rows)
    assert {row.evidence for row in rows} == {"official-page", "seen-elsewhere", "unconfirmed"}


def test_finland_joined_the_running_alert_on_the_second_of_april() -> None:
    pack = tomllib.loads((ROOT / "templates/letters/send-one-email/alert.toml").read_text())
    added = {one["code"]: one["added_on"].isoformat() for one in pack["countries"]}
    assert added == {
        "EE": "2025-03-20",
        "LV": "2025-03-20",
        "LT": "2025-03-20",
        "PL": "2025-03-20",
        "FI": "2025-04-02",
    }
