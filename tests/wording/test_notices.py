"""The mails to supporters: what they say in each case, and how they look as plain text."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models import Alert, AlertCountry, Letter, LetterTemplate, Notice, Submission, Target
from app.settings import Settings
from app.tokens import confirm_code, confirm_url, stop_url
from app.wording import notices, render
from app.wording.notices import Enclosed
from app.wording.render import LetterText
from tests.grounds.letters import SOURCE, STAGE

SETTINGS = Settings(_env_file=None, secret_key="for tests", public_url="https://write.example.org")
OFFICES = (
    ("Prime Minister", "Government Office of Estonia"),
    ("Minister of Defence", "Ministry of Defence"),
    ("Committee on National Security and Foreign Affairs", "Riigikogu, parliament of Estonia"),
)
STATUSES = ["queued", "sending", "handed_over", "accepted", "bounced", "rejected", "expired"]
ENDS = ["bounced", "rejected", "expired"]
DELIVERIES = ["sandbox", "reflect", "live"]


def a_form(**changes: Any) -> Submission:
    values = {
        "public_id": "a" * 22,
        "name": "Mari Mägi",
        "email": "mari@example.org",
        "city": "Tartu",
        "country": "EE",
        "language": "en",
        "variant_seed": 3,
        "postal_address": "",
        "own_words": "My grandmother still remembers the mines.",
        "subject": "",
    }
    submission = Submission(**(values | changes))
    submission.alert = Alert(title="Send One Email", slug="send-one-email")
    return submission


def enclosed(
    submission: Submission, nth: int, status: str, *, sealed: bool = True, **known: Any
) -> Enclosed:
    office, institution = OFFICES[nth]
    letter = Letter(id=nth, status=status, stage=STAGE, text_sha256="")
    target = Target(
        id=nth, country="EE", office=office, institution=institution, role="prime_minister"
    )
    template = LetterTemplate(country="EE", language="en", source=SOURCE)
    country = AlertCountry(country="EE", name="Estonia", postal_address="")
    text = render.of_submission(submission, target, template, country, stage=STAGE)
    letter.text_sha256 = text.sha256 if sealed else "another"
    address = known.pop("address", f"office{nth}@example.org")
    return Enclosed(letter, target, template, country, address, **known)


def written(kind: str, delivery: str, submission: Submission, *letters: Enclosed) -> LetterText:
    notice = Notice(kind=kind, delivery=delivery)
    return notices.write(notice, submission, letters, settings=SETTINGS)


def flat(text: str) -> str:
    """As a person reads it: where lines break does not matter."""
    return " ".join(text.split())


def test_a_copy_says_what_has_left_and_holds_each_letter_as_it_was_written() -> None:
    form = a_form()
    letters = [enclosed(form, 0, "accepted"), enclosed(form, 1, "queued")]
    letters.append(enclosed(form, 2, "rejected"))
    text = written("copy", "live", form, *letters)
    assert text.subject == "Copies of your 3 letters: “Send One Email”"
    for said in (
        "Below are copies of your 3 letters. 1 of 3 has left.",
        "The others leave when their office's turn comes.",
        "- Prime Minister, Estonia: has left, and the office's mail server took it",
        "- Minister of Defence, Estonia: waits for its turn",
        "was not taken; another mail tells you more",
        "comes straight to your own address",
    ):
        assert said in flat(text.body)
    assert "https://write.example.org/letters/" in text.body
    assert "office0@example.org" not in text.body
    for one in letters:
        said = render.confirmed(one.letter, form, one.target, one.template, one.country)
        assert f"Subject: {said.subject}\n\n{said.body}" in text.body


def test_a_copy_of_one_letter_speaks_of_one() -> None:
    form = a_form()
    text = written("copy", "live", form, enclosed(form, 0, "handed_over"))
    assert text.subject == "A copy of your letter: “Send One Email”"
    assert "Below is a copy of your letter. It has left." in flat(text.body)
    assert "Letter 1 of" not in text.body
    assert "others" not in text.body


def test_when_all_have_left_nothing_is_said_to_wait() -> None:
    form = a_form()
    both = [enclosed(form, 0, "accepted"), enclosed(form, 1, "handed_over")]
    body = flat(written("copy", "live", form, *both).body)
    assert "All of them have left." in body
    assert "turn" not in body


def test_a_letter_that_can_no_longer_be_written_as_confirmed_is_left_out_and_said_so() -> None:
    form = a_form()
    broken = enclosed(form, 1, "queued")
    broken.template.source = "{{ broken"
    letters = [enclosed(form, 0, "handed_over"), broken, enclosed(form, 2, "queued", sealed=False)]
    body = written("copy", "live", form, *letters).body
    assert body.count("Dear Prime Minister,") == 1
    assert flat(body).count("The text of this letter is left out") == 2


def test_a_failure_says_what_the_server_said_and_what_can_be_done() -> None:
    form = a_form()
    letters = [
        enclosed(form, 0, "rejected", said="550 5.1.1 no such mailbox"),
        enclosed(form, 1, "expired", in_doubt=True),
        enclosed(form, 2, "bounced", said="552 5.2.2 full", address=""),
    ]
    text = written("failed", "live", form, *letters)
    assert text.subject.startswith("3 of your letters did not get through")
    body = flat(text.body)
    for said in (
        "The mail server would not take the letter. It said: 550 5.1.1 no such mailbox",
        "until we stopped trying. Once the connection broke",
        "it may have arrived all the same. - Committee",
        "returned it later. It said: 552 5.2.2 full",
        "- Prime Minister, Estonia: office0@example.org",
        "- Minister of Defence, Estonia: office1@example.org",
        "write by post or call",
        "https://write.example.org/letters/",
    ):
        assert said in body
    assert body.count("Dear Prime Minister,") == 3


@pytest.mark.parametrize(
    ("delivery", "said"),
    [("sandbox", "nothing left this machine"), ("reflect", "no office")],
)
def test_practice_says_so_and_names_no_address(delivery: str, said: str) -> None:
    form = a_form()
    for kind, status in (("copy", "handed_over"), ("failed", "rejected")):
        body = flat(written(kind, delivery, form, enclosed(form, 0, status)).body)
        assert said in body
        assert "This is practice" in body
        assert "office0@example.org" not in body
        assert "has left" not in body


def test_a_server_that_answers_with_a_page_is_cut_short() -> None:
    form = a_form()
    words = "550 " + "no\r\n and again " * 500
    body = written("failed", "live", form, enclosed(form, 0, "rejected", said=words)).body
    assert len(body) < 2500
    assert "…" in body


@given(
    kind=st.sampled_from(["copy", "failed"]),
    delivery=st.sampled_from(DELIVERIES),
    statuses=st.lists(st.sampled_from(STATUSES), min_size=1, max_size=3),
    in_doubt=st.booleans(),
    sealed=st.booleans(),
    address=st.sampled_from(["", "office@example.org"]),
    said=st.sampled_from(["", "451 4.7.1 " + "please try again later " * 6]),
)
def test_our_own_words_are_set_as_plain_text_is_read_best(
    kind: str,
    delivery: str,
    statuses: list[str],
    in_doubt: bool,
    sealed: bool,
    address: str,
    said: str,
) -> None:
    form = a_form()
    if kind == "failed":
        statuses = [ENDS[len(status) % 3] for status in statuses]
    known = {"in_doubt": in_doubt, "sealed": sealed, "address": address, "said": said}
    letters = [enclosed(form, nth, status, **known) for nth, status in enumerate(statuses)]
    text = written(kind, delivery, form, *letters)
    assert "\n" not in text.subject
    assert text.body == text.body.strip("\n") + "\n"
    assert "\n\n\n" not in text.body
    assert not re.search(r"[ \t]$", text.body, re.MULTILINE)
    assert "delivered" not in text.body


@pytest.mark.parametrize("language", ["en", "lv", "fi"])
@pytest.mark.parametrize("kind", ["confirm", "reminder", "copy", "failed"])
def test_a_paragraph_of_ours_is_one_line_which_a_telephone_breaks_as_it_is_wide(
    kind: str, language: str
) -> None:
    form = a_form(language=language)
    said = "550 5.1.1 no such mailbox " * 10
    body = written(kind, "live", form, enclosed(form, 0, "rejected", said=said)).body
    ours = body.split("-" * 32)[0]  # the letter itself keeps the lines it was confirmed with
    for paragraph in ours.strip().split("\n\n"):
        lines = paragraph.split("\n")
        assert len(lines) == 1 or all(line.startswith("- ") for line in lines), paragraph


@pytest.mark.parametrize("delivery", ["live", "sandbox", "reflect"])
@pytest.mark.parametrize("kind", ["confirm", "reminder", "duplicate"])
def test_the_other_notices_are_set_so_too(kind: str, delivery: str) -> None:
    text = written(kind, delivery, a_form())
    assert "\n\n\n" not in text.body
    practice = kind != "duplicate" and delivery != "live"
    assert ("This is practice" in text.body) is practice


@pytest.mark.parametrize("kind", ["confirm", "reminder"])
def test_a_request_to_confirm_says_first_how_many_letters_wait_and_to_where(kind: str) -> None:
    form = a_form()
    places = [("EE", "Estonia"), ("EE", "Estonia"), ("LV", "Latvia")]
    waiting = [AlertCountry(country=code, name=name) for code, name in places]
    for countries, said in (
        (waiting, "3 letters of yours wait to be confirmed, to offices in: Estonia, Latvia."),
        (waiting[:1], "One letter of yours waits to be confirmed, to an office in: Estonia."),
    ):
        notice = Notice(kind=kind, delivery="live")
        text = notices.write(notice, form, waiting=countries, settings=SETTINGS)
        assert flat(text.body).startswith(said)
    code = confirm_code(SETTINGS, form.public_id)
    lines = text.body.split("\n")
    assert confirm_url(SETTINGS, form.public_id) in lines
    at = lines.index(f"    {code[:3]} {code[3:]}")
    assert lines[at - 1] == lines[at + 1] == ""


@given(name=st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=60))
def test_what_people_type_is_never_a_template(name: str) -> None:
    typed = f"{name} {{{{ 7*7 }}}} {{% for %}} %(title)s"
    form = a_form(name=typed, own_words=typed)
    body = written("copy", "live", form, enclosed(form, 0, "handed_over")).body
    assert f"Hello {typed}," in body
    assert "49" not in body.replace(name, "")


@pytest.mark.parametrize("language", ["en", "et", "lv", "lt", "pl", "fi"])
@pytest.mark.parametrize("kind", ["confirm", "reminder"])
def test_before_the_address_is_proven_nothing_that_was_typed_goes_to_it(
    kind: str, language: str
) -> None:
    """Anybody can have these sent to a stranger."""
    typed = {"name": "Win 1000", "city": "Casino", "own_words": "Rich", "subject": "Prize"}
    text = written(kind, "live", a_form(language=language, postal_address="Prize 1", **typed))
    for one in (*typed.values(), "Prize 1"):
        assert one not in text.subject + text.body
    assert stop_url(SETTINGS, "a" * 22) in text.body.split("\n")
    assert text.body.count("://") == (2 if kind == "confirm" else 3)


def test_the_first_mails_say_what_their_stop_link_is_for() -> None:
    for kind in ("confirm", "reminder"):
        body = written(kind, "live", a_form()).body
        before, _, _ = body.partition(f"\n\n{stop_url(SETTINGS, 'a' * 22)}")
        assert before.endswith("\nThis was not me: never write to me again")
    assert "/stop/" not in written("duplicate", "live", a_form()).body
