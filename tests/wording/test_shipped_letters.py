"""Reads every letter that ships, for every office and stage, as text."""

import itertools
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from app.contacts import imports
from app.models import LetterTemplate, Target
from app.wording import plans, render
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
SEEDS = range(3)
LONGEST_LINE = 400  # characters: a paragraph is one line, which mail programs fold
# braces, gaps, empty lines and spaces too many, signs twice, a space before a sign
STAINS = re.compile(
    r"[\[\]{}\t]|%\w|\b(None|Undefined|undefined)\b|\n\n\n| \n|  |\.\.|[,;:]{2}| [,;:.?!]|,\."
)
SIGNED = {  # how a letter is closed, and what the supporter's country is called
    "en": ("Yours respectfully,", "Switzerland"),
    "et": ("Lugupidamisega", "Šveits"),
    "lv": ("Ar cieņu", "Šveice"),
    "lt": ("Pagarbiai", "Šveicarija"),
    "pl": ("Z wyrazami szacunku", "Szwajcaria"),
    "fi": ("Kunnioittavasti", "Sveitsi"),
}
ASKED = {  # what is asked at one stage only, in the order of STAGES
    "en": (
        "before (any decision|anything is decided|Finland decides)",
        "deposit|sign the withdrawal|withdrawal unsigned",
        "withdraw the notification before it takes effect",
        "not use, produce, stockpile",
    ),
    "et": ("enne otsust", "ei esitaks teadet", "lahkumisteate tagasi", "ei kasuta, tooda"),
    "lv": ("pirms lēmuma", "neiesniegtu paziņojumu", "atsauktu paziņojumu", "neizmantos"),
    "lt": ("prieš priimdama", "nepateiktų pranešimo", "atšauktų pranešimą", "nenaudos"),
    "pl": ("przed podjęciem", "nie składała zawiad", "wycofała zawiad", "nie będzie używać"),
    "fi": ("ennen päätöstä", "ei tee ilmoitusta", "peruu irtautumisilm", "ettei se käytä"),
}
OTHERS_WORDS = {
    "defence": ("your defence minister", "your committee"),
    "committee": ("your government", "your ministry"),
    "president": ("your government", "your committee", "your ministry"),
    "speaker": ("your government", "your ministry"),
    "foreign": ("your committee",),
    "prime_minister": ("your committee", "your ministry"),
}
GREETINGS = {  # in the order of ROLES
    "en": (
        "Dear Prime Minister,",
        "Dear Minister,",
        "Dear Minister,",
        "Dear President,",
        "Dear Speaker,",
        "Dear Chair and Members of the Committee,",
    ),
    "et": (
        "Lugupeetud peaminister",
        "Lugupeetud kaitseminister",
        "Lugupeetud välisminister",
        "Austatud Vabariigi President",
        "Lugupeetud Riigikogu esimees",
        "Lugupeetud komisjoni esimees ja liikmed",
    ),
    "lv": (
        "Godātais Ministru kabinet!",
        "Godātā Aizsardzības ministrija!",
        "Godātā Ārlietu ministrija!",
        "Godātā Valsts prezidenta kanceleja!",
        "Godātā Saeima!",
        "Godātā Saeimas komisija!",
    ),
    "lt": (
        "Gerbiama Vyriausybe,",
        "Gerbiama Krašto apsaugos ministerija,",
        "Gerbiama Užsienio reikalų ministerija,",
        "Gerbiama Prezidento kanceliarija,",
        "Gerbiami Seimo nariai,",
        "Gerbiami Komiteto nariai,",
    ),
    "pl": ("Szanowni Państwo,",) * 6,
    "fi": (
        "Arvoisa pääministeri",
        "Arvoisa puolustusministeri",
        "Arvoisa ulkoministeri",
        "Arvoisa Tasavallan presidentti",
        "Arvoisa puhemies",
        "Arvoisa valiokunta",
    ),
}


class Reading(NamedTuple):
    office: Target
    stage: str
    words: Words
    language: str
    subject: str
    body: str


def template(file: Path) -> LetterTemplate:
    country, language, _ = file.name.split(".")
    return LetterTemplate(country=country, language=language, source=file.read_text())


@cache
def directory() -> list[imports.ContactRow]:
    return [row for one in sorted((ROOT / "contacts").glob("*.csv")) for row in imports.read(one)]


def offices(file: Path) -> list[Target]:
    """The offices of the country as the contact list has them."""
    found = [row for row in directory() if row.country == file.name[:2]]
    return [
        Target(id=n, country=row.country, office=row.office, role=row.role)
        for n, row in enumerate(found, 1)
    ]


@cache
def readings(file: Path, words: Words = WORDS) -> list[Reading]:
    """To the offices of the list, and to one of each role that it does not have."""
    shipped = template(file)
    written = offices(file)
    missing = [role for role in ROLES if role not in {one.role for one in written}]
    written += [Target(id=90 + n, role=role, office=role) for n, role in enumerate(missing)]
    return [
        Reading(office, stage, words, shipped.language, text.subject, text.body)
        for office, stage, seed in itertools.product(written, parse(shipped.source).stages, SEEDS)
        for text in [render.letter(shipped, office, stage=stage, seed=seed, words=words)]
    ]


def everything(file: Path) -> Iterator[Reading]:
    """Every letter, with and without a supporter's own words and postal address."""
    for own_words, address in itertools.product((WORDS.own_words, ""), (WORDS.postal_address, "")):
        yield from readings(file, WORDS._replace(own_words=own_words, postal_address=address))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_letter_is_clean(file: Path) -> None:
    for one in everything(file):
        assert not STAINS.search(one.body), one
        assert not STAINS.search(one.subject), one
        assert one.body == one.body.strip() + "\n", one
        assert max(map(len, one.body.splitlines())) <= LONGEST_LINE, one
        assert one.subject == one.subject.strip(), one
        assert 10 <= len(one.subject) <= 78, one


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_letter_greets_its_office_and_is_signed(file: Path) -> None:
    for one in everything(file):
        greeting = GREETINGS[one.language][ROLES.index(one.office.role)]
        if (file.name, one.office.role) == ("PL.en.txt", "speaker"):
            greeting = "Dear Marshal,"
        assert one.body.startswith(f"{greeting}\n\n"), one
        closing, country = SIGNED[one.language]
        where = one.words.postal_address or f"Sankt Gallen, {country}"
        signature = f"\n\n{closing}\nZoë O'Hara\n{where}\n"
        assert one.body.endswith(signature), one
        said = one.body.removesuffix(signature)
        assert "Zoë O'Hara" not in said, one
        assert said.count(f"Sankt Gallen, {country}") == 1, one


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_letter_asks_what_is_asked_at_its_stage_and_nothing_else(file: Path) -> None:
    for one in everything(file):
        asked = [line for line in one.body.splitlines() if line.startswith("- ")]
        assert f":\n{chr(10).join(asked)}\n\n" in one.body, one  # together, after a colon
        assert 2 <= len(asked) <= 4, one
        assert [line[-1] for line in asked] == [";"] * (len(asked) - 1) + ["."], one
        marks = zip(STAGES, ASKED[one.language], strict=True)
        found = [stage for stage, mark in marks if re.search(mark, " ".join(asked))]
        assert found == [one.stage], one


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_letter_is_made_of_whole_paragraphs_in_its_language(file: Path) -> None:
    for one in everything(file):
        said = one.body.split("\n\n")[1:-1]
        if one.words.own_words:
            assert said.count(one.words.own_words) == 1, one
            said.remove(one.words.own_words)
        goes_on = one.language in {"lt", "pl"}  # there a letter goes on after its greeting's comma
        assert [part[0].islower() for part in said] == [goes_on] + [False] * (len(said) - 1), one
        assert all(part[-1] in ".?" for part in said), one
        assert len(set(said)) == len(said), one
        assert (" the " in " ".join(said)) == (one.language == "en"), one


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_letter_gives_all_its_reasons_between_how_things_stand_and_what_is_asked(
    file: Path,
) -> None:
    source, orders = parse(template(file).source), set()
    for one in readings(file):
        role, office = one.office.role, one.office.office
        wanted = [
            plans.rendered(text, (role, office, one.stage), (one.words.name, one.words.city, "x"))
            for text in source.fitting("reasons", role, one.stage)
        ]
        told = one.body.split("\n\n")
        last = next(n for n, part in enumerate(told) if "\n- " in part)
        given = told[last - len(wanted) : last]
        assert sorted(given) == sorted(wanted), one
        orders.add(tuple(map(wanted.index, given)))
    assert len(orders) > 2


@pytest.mark.parametrize("file", ENGLISH, ids=lambda file: file.name)
def test_each_office_is_asked_in_words_for_its_stage_and_role(file: Path) -> None:
    for one in readings(file):
        assert NAMES[file.name[:2]] in one.body
        for strange in OTHERS_WORDS[one.office.role]:
            assert strange not in one.body.lower(), (strange, one)
        if one.stage == "in_effect":
            assert re.search(r"27 December 2025|10 January 2026|20 February 2026", one.body), one
            assert "stay in the treaty" not in one.body, one


@pytest.mark.parametrize("file", ENGLISH, ids=lambda file: file.name)
def test_an_english_letter_is_short_enough_to_be_read(file: Path) -> None:
    for one in readings(file, WORDS._replace(own_words="", postal_address="")):
        assert 150 <= len(one.body.split()) <= 265, one


@pytest.mark.parametrize("file", MINE_BAN, ids=lambda file: file.name)
def test_there_are_three_variants_for_every_role_and_stage(file: Path) -> None:
    front = parse(file.read_text()).front
    assert tuple(front.asks) == STAGES
    for role, stage in itertools.product(ROLES, STAGES):
        for variants in (front.subjects, front.openings, front.reasons, front.closings):
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
