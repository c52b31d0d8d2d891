"""Tables: other programs' columns, other delimiters, what is guessed and what is refused."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from app.contacts.files.reading import Reading, read_file
from app.errors import FileRefused

ACTION_NETWORK = "title,first_name,last_name,zip_code,country,gender,email,phone"
PROCA = "externalId;name;description;area;locale;email"


def read(text: str, encoding: str = "utf-8") -> Reading:
    return read_file("offices.csv", text.encode(encoding))


def test_action_networks_targets_become_offices() -> None:
    found = read(f"{ACTION_NETWORK}\nPrime Minister,Ann,Lee,,Estonia,F,pm@xa.example,+372 1\n")
    (row,) = found.rows
    assert (row.country, row.office, row.role) == ("EE", "Prime Minister", "prime_minister")
    assert (row.email, row.languages) == ("pm@xa.example", ("et", "en"))
    assert (row.institution, row.evidence) == ("Prime Minister", "imported")
    assert row.model_fields_set == {"country", "office", "email"}
    assert "columns that we do not keep: zip_code, gender, phone" in found.assumed


def test_procas_targets_become_offices() -> None:
    found = read(f"{PROCA}\n7;Ann Lee;Minister of Defence;pl;pl;md@xa.example\n")
    (row,) = found.rows
    assert (row.country, row.office, row.role) == ("PL", "Minister of Defence", "defence")
    assert row.languages == ("pl",)
    assert "cells parted by semicolons" in found.assumed


def test_several_who_hold_one_title_get_their_names_to_it() -> None:
    found = read(
        "title,first_name,last_name,country,email\n"
        "Committee member,Ann,Lee,LV,ann@xa.example\n"
        "Committee member,Bob,Ray,LV,bob@xa.example\n"
        "Committee member,Cid,Roe,LT,cid@xa.example\n"
    )
    assert [row.office for row in found.rows] == [
        *("Committee member Ann Lee", "Committee member Bob Ray", "Committee member")
    ]


@pytest.mark.parametrize(
    ("office", "role"),
    [
        ("Prime Minister", "prime_minister"),
        ("Minister for Foreign Affairs", "foreign"),
        ("Secretary of State for Defence", "defence"),
        ("Chair of the Foreign Affairs Committee", "committee"),
        ("President of the Republic", "president"),
        ("President of the Riigikogu", "speaker"),
        ("Marshal of the Sejm", "speaker"),
    ],
)
def test_a_title_says_the_role(office: str, role: str) -> None:
    (row,) = read(f"office,country,email\n{office},EE,a@xa.example\n").rows
    assert row.role == role


def test_a_title_that_does_not_say_it_is_refused_with_what_is_missing() -> None:
    (refused,) = read("office,country,email\nThe Ombudsman,EE,a@xa.example\n").refused
    assert refused.line == 2
    assert refused.reason == "role: is missing, and the office's name does not say it"
    assert refused.stood == "The Ombudsman, EE, a@xa.example"


@pytest.mark.parametrize("country", ["EE", "ee", "Estonia", "Eesti", "IGAUNIJA", "Estija", "Viro"])
def test_a_country_is_known_by_its_names(country: str) -> None:
    (row,) = read(f"office,country,email\nPresident,{country},a@xa.example\n").rows
    assert row.country == "EE"


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ("2125-01-01,https://xa.example/,Office", "checked_on: this day is still to come"),
        (",,", "institution: is empty"),
    ],
)
def test_what_a_cell_may_not_say_is_said_in_plain_words(cells: str, said: str) -> None:
    head = "office,country,email,role,checked_on,source_url,institution"
    (refused,) = read(f"{head}\nPM,EE,pm@xa.example,prime_minister,{cells}\n").refused
    assert refused.reason == said


def test_one_broken_line_does_not_take_the_others_with_it() -> None:
    found = read(
        "office,country,email\n"
        '"President",EE,a@xa.example\n'
        '"Presi"dent",LV,a@xa.example\n'
        "Prime Minister,Narnia,b@xa.example\n"
        '"Prime\nMinister",LT,c@xa.example\n'
        "President,PL,d@xa.example\n"
    )
    assert [row.country for row in found.rows] == ["EE", "PL"]
    assert [one.line for one in found.refused] == [3, 4, 6]
    assert found.refused[1].reason == "country: no country is called so; a code such as EE is best"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "sep={}\r\n"])
def test_cells_are_parted_as_the_first_line_says(delimiter: str, mark: str) -> None:
    lines = ["country,office,email", "EE,President,p@xa.example"]
    text = mark.format(delimiter) + "\r\n".join(lines).replace(",", delimiter)
    (row,) = read(text).rows
    assert (row.country, row.office) == ("EE", "President")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("office,country\nPresident,EE\n", "first line must name the columns"),
        ("email,e-mail,office,country\na,b,c,d\n", "two columns are both email"),
        ("office,country,email\n", "no contact in it"),
        ("[1, 2", "not JSON"),
        ('{"people": []}', "neither Popolo"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_is_no_contact_file_is_refused_in_one_sentence(text: str, why: str) -> None:
    with pytest.raises(FileRefused, match=why) as refusal:
        read(text)
    assert len(refusal.value.rows) == 1


def test_a_card_that_does_not_end_is_refused() -> None:
    (refused,) = read("BEGIN:VCARD\nEMAIL:a@xa.example\n").refused
    assert (refused.line, refused.reason) == (1, "the card does not end")


def test_a_large_file_is_refused_before_it_is_read() -> None:
    with pytest.raises(FileRefused, match="larger than 10 MB"):
        read_file("offices.csv", b"x" * (10 * 1024 * 1024 + 1))


@given(data=some.binary(max_size=400) | some.text(max_size=400).map(lambda text: text.encode()))
def test_whatever_stands_in_a_file_it_is_read_or_refused(data: bytes) -> None:
    for head in (
        b"",
        b"country,office,email\n",
        b"BEGIN:VCARD\nEMAIL:",
        b'[{"email":"',
        b"PK\x03\x04",
    ):
        try:
            found = read_file("any", head + data)
        except FileRefused:
            continue
        assert all(len(row.country) == 2 and "@" in row.email for row in found.rows)
        assert all(one.reason.isprintable() for one in found.refused)


@given(cells=some.lists(some.text(max_size=30), min_size=1, max_size=12))
def test_json_of_any_kind_is_read_or_refused(cells: list[str]) -> None:
    posts = [{"label": one, "contact_details": cells} for one in cells]
    for data in (cells, {"posts": posts, "persons": cells}, {"targets": [posts]}):
        try:
            found = read_file("any.json", json.dumps(data).encode())
        except FileRefused:
            continue
        assert not found.rows


def test_a_first_line_without_end_is_refused_at_once() -> None:
    began = time.monotonic()
    with pytest.raises(FileRefused, match="more than 100 columns"):
        read("office,country,email" + "," * 3_000_000)
    assert time.monotonic() - began < 5  # every name would be looked up, for each delimiter
