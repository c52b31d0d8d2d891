"""vCards and JSON as other programs write them."""

import json

from app.contacts.files.reading import read_file

CARD = """BEGIN:VCARD\r
VERSION:3.0\r
N:Lee;Ann;;;\r
FN:Ann Lee\r
ORG:Ministry of Defence;Kaitseminis\r
 teerium\\, office\r
TITLE:Minister of Defence\r
item1.EMAIL;TYPE="work:main";TYPE=INTERNET:other@xa.example\r
EMAIL;PREF=1:Md@xa.example\r
ADR;TYPE=work:;;Street 1;Tallinn;;10111;Estonia\r
URL:https://xa.example/\r
END:VCARD\r
"""
OLD = """BEGIN:VCARD
VERSION:2.1
FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:President of the Republic of =
L=C3=A4=C3=A4nemaa
ADR:;;;;;;EE
EMAIL:p@xa.example
END:VCARD
BEGIN:VCARD
FN:Nobody
END:VCARD
"""


def test_an_address_books_card_becomes_an_office() -> None:
    (row,) = read_file("cards.vcf", CARD.encode()).rows
    assert (row.country, row.office, row.role) == ("EE", "Minister of Defence", "defence")
    assert row.institution == "Ministry of Defence, Kaitseministeerium, office"
    assert row.email == "Md@xa.example"


def test_an_old_card_is_read_and_one_without_address_is_refused_at_its_line() -> None:
    found = read_file("cards.vcf", OLD.encode())
    (row,) = found.rows
    assert row.office == "President of the Republic of Läänemaa"
    (refused,) = found.refused
    assert refused.line == 8
    assert "email: is missing" in refused.reason


def test_popolo_persons_are_found_by_their_memberships() -> None:
    data = {
        "persons": [
            {"id": "p1", "name": "Ann Lee", "email": "ann@xa.example"},
            {"id": "p2", "name": "Bob Ray", "contact_details": [
                {"type": "voice", "value": "1"},
                {"type": "email", "value": "bob@xa.example", "sources": [{"url": "https://xa.example/b"}]},
            ]},
        ],
        "organizations": [{"id": "o1", "name": "Saeima Defence Committee", "area_id": "riga"}],
        "areas": [{"id": "riga", "name": "Rīga", "parent_id": "x"}, {"id": "x", "name": "Latvia"}],
        "memberships": [
            {"person_id": "p1", "organization_id": "o1", "role": "Chair", "end_date": "2020"},
            {"person_id": "p1", "organization_id": "o1", "role": "Committee member"},
            {"person_id": "p2", "organization_id": "o1", "role": "Committee member"},
        ],
    }  # fmt: skip
    found = read_file("popolo.json", json.dumps(data).encode())
    assert [(row.country, row.office, row.email) for row in found.rows] == [
        ("LV", "Committee member Ann Lee", "ann@xa.example"),
        ("LV", "Committee member Bob Ray", "bob@xa.example"),
    ]
    assert found.rows[1].source_url == "https://xa.example/b"
    assert found.rows[0].institution == "Saeima Defence Committee"


def test_procas_list_of_targets_is_read_and_a_blocked_address_is_not_written_to() -> None:
    data = [
        {
            "name": "Ann Lee",
            "area": "FI",
            "externalId": "1",
            "fields": {"description": "Prime Minister"},
            "emails": [
                {"email": "old@xa.example", "emailStatus": "bounce"},
                {"email": "pm@xa.example", "emailStatus": "none"},
            ],
        },
        {
            "name": "Bob Ray",
            "area": "FI",
            "fields": {"description": "Speaker"},
            "emails": [{"email": "bob@xa.example", "emailStatus": "UNSUB"}],
        },
    ]
    found = read_file("targets.json", json.dumps({"targets": data}).encode())
    (row,) = found.rows
    assert (row.country, row.office, row.email) == ("FI", "Prime Minister", "pm@xa.example")
    (refused,) = found.refused
    assert (refused.line, refused.reason) == (2, "email: Proca says of it: unsub")
