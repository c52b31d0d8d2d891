"""The mails to organisers: what they say when a server refuses, and how they are set."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models import Freeze, Notice, Organiser
from app.settings import Settings
from app.wording import alarms
from app.wording.alarms import Alarm, WaitingOffice
from app.wording.render import LetterText

SETTINGS = Settings(_env_file=None, secret_key="for tests", public_url="https://write.example.org/")
MINUTE = datetime(2026, 11, 22, 14, 10, tzinfo=UTC)
BLOCKED = "5.7.1 Client host [192.0.2.1] blocked; see https://postmaster.example/192.0.2.1"
OFFICES = (
    WaitingOffice("EE", "Prime Minister", "pm@example.org", 12),
    WaitingOffice("LV", "Minister of Defence", "defence@example.org", 3),
)
SCOPES = {"host_refuses": "host", "no_such_address": "contact"}


def written(
    kind: str = "host_refuses",
    *,
    said: str = BLOCKED,
    place: str = "mx.example.org",
    offices: tuple[WaitingOffice, ...] = OFFICES,
    delivery: str = "live",
) -> LetterText:
    organiser = Organiser(name="Liis", email="liis@example.org")
    freeze = Freeze(scope=SCOPES[kind], ref=7, why=said, at=MINUTE)
    notice = Notice(kind=kind, delivery=delivery)
    return alarms.write(notice, Alarm(organiser, freeze, place, offices), settings=SETTINGS)


def flat(text: str) -> str:
    return " ".join(text.split())


def test_a_refusing_host_is_told_in_its_own_words_with_what_waits_and_what_to_do() -> None:
    text = written()
    assert text.subject == "Letters are refused: mx.example.org"
    body = flat(text.body)
    for said in (
        "Hello Liis, letters to the offices behind the mail host mx.example.org are refused",
        "ten of them within one hour",
        "since 2026-11-22 14:10 UTC",
        f"in the server's own words: {BLOCKED} 15 letters of yours wait:",
        "- Prime Minister, Estonia: 12 - Minister of Defence, Latvia: 3",
        "https://write.example.org/organise/outbox/hosts/7",
        'outbox release host mx.example.org \\ --by liis@example.org --why "..."',
        "from their own mailbox",
    ):
        assert said in body


def test_an_address_that_does_not_exist_is_told_with_the_two_ways_on() -> None:
    text = written("no_such_address", said="5.1.1 User unknown", place="pm@example.org")
    assert text.subject == "No such address: pm@example.org"
    body = flat(text.body)
    for said in (
        "a letter to pm@example.org was refused because there is no such address",
        "own words: 5.1.1 User unknown",
        "contacts import FILE",
        "contacts check pm@example.org \\ --source URL --by liis@example.org",
        "https://write.example.org/organise/outbox/contacts/7",
    ):
        assert said in body
    assert "own mailbox" not in body  # that would not reach anybody either


def test_when_nothing_waits_the_mail_says_so() -> None:
    body = flat(written(offices=()).body)
    assert "No confirmed letter of yours waits" in body
    assert "wait:" not in body


@pytest.mark.parametrize("kind", SCOPES)
def test_practice_is_said_and_a_wordless_refusal_quotes_nothing(kind: str) -> None:
    body = flat(written(kind, said="", delivery="sandbox").body)
    assert "This is practice: nothing left this machine." in body
    assert "own words" not in body
    assert "practice" not in flat(written(kind).body)


@given(
    kind=st.sampled_from(sorted(SCOPES)),
    said=st.text(st.characters(exclude_categories=["Cs"]), max_size=900),
    n=st.integers(0, 3),
)
def test_whatever_a_server_says_is_quoted_and_never_a_template(
    kind: str, said: str, n: int
) -> None:
    text = written(kind, said=f"{{{{ 7*7 }}}} {said}", offices=OFFICES[:1] * n)
    assert "\n\n\n" not in text.body
    assert "{{ 7*7 }}" in flat(text.body)
    assert text.body.endswith(f"\n{SETTINGS.organisation_name}\n")


@pytest.mark.parametrize("kind", SCOPES)
def test_a_paragraph_of_ours_is_one_line(kind: str) -> None:
    text = written(kind)
    assert not re.search(r"[ \t]$", text.body, re.MULTILINE)
    paragraphs = text.body.strip().split("\n\n")
    broken = [one for one in paragraphs if "\n" in one and not one.startswith(("- ", "    "))]
    assert broken == []
