"""What people type comes back as they typed it, and never as a header."""

from email import message_from_bytes

import pytest
from hypothesis import example, given
from hypothesis import settings as pace
from hypothesis import strategies as st

from app.delivery.messages import headers
from app.errors import MessageRefused
from app.wording.render import LetterText
from tests.delivery.messages.writing import name_and_address, read, typed, written

unhurried = pace(deadline=None)


@unhurried
@given(typed)
@example("=?utf-8?q?Hi=0ABcc:_x@y?=")
@example("Hello\r\nBcc: everybody@example.org")
@example("a long subject of plain words that has to be folded at least once, or even twice or so")
def test_a_subject_comes_back_as_it_went_in(subject: str) -> None:
    raw = written(LetterText(subject, "text")).raw
    assert read(raw)["Subject"] == headers.clean(subject)
    assert len(message_from_bytes(raw).keys()) == 10


@unhurried
@given(typed)
@example('Mari "the Voice" \\ Mägi')
@example("Mari, <everybody@example.org>")
@example("=?utf-8?q?=0D=0ABcc:_x@y?=")
def test_a_name_comes_back_as_it_went_in(name: str) -> None:
    raw = written(name=name).raw
    assert name_and_address(raw, "Reply-To") == (headers.clean(name), "mari@example.org")
    sender = headers.clean(f"{name} (via Mine Ban Campaign)")
    assert name_and_address(raw, "From") == (sender, "letters@letters.example.org")
    assert len(message_from_bytes(raw).keys()) == 10


@unhurried
@given(typed)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert headers.clean(headers.clean(text)) == headers.clean(text)


def test_what_reorders_letters_is_kept_in_a_body_and_removed_from_a_header() -> None:
    parsed = read(written(LetterText("gnp.\u202etxt", "abc\u202edef\n")).raw)
    assert parsed["Subject"] == "gnp.txt"
    assert parsed.get_content() == "abc\u202edef\r\n"


def test_an_international_domain_is_written_as_servers_know_it() -> None:
    assert headers.ascii_address("mari@mägi.example.org") == "mari@xn--mgi-qla.example.org"


@pytest.mark.parametrize(
    "address",
    ["mägi@example.org", "no address", "a@b@c", "=?utf-8?q?a?=@example.org", "a@b\r\nBcc: c@d"],
)
def test_an_address_that_not_every_server_can_carry_is_refused(address: str) -> None:
    with pytest.raises(MessageRefused):
        headers.ascii_address(address)


@unhurried
@given(typed, st.sampled_from(["mari@example.org", f"{'a' * 60}@{'b' * 60}.example.org"]))
def test_no_name_or_subject_that_people_type_breaks_the_seal(text: str, address: str) -> None:
    lines = headers.address_line("Reply-To", address, text) + headers.text_line("Subject", text)
    head = lines.encode("ascii")
    assert headers.seal(head, ["Reply-To", "Subject"]) == head


@unhurried
@given(
    typed,
    st.sampled_from(
        [
            *("mari@example.org", "mari+x@mägi.example.org", f"{'a' * 60}@{'b' * 60}.example.org"),
            *('"a b"@example.org', "a@b", "=?utf-8?q?a?=@example.org", f"a@{'b' * 990}"),
        ]
    ),
)
def test_a_line_sealed_by_its_parts_is_the_one_that_is_sealed_whole(name: str, to: str) -> None:
    try:
        line = headers.address_line("Reply-To", to, name).encode("ascii")
        whole = headers.seal(line, ["Reply-To"])
    except MessageRefused:
        with pytest.raises(MessageRefused):
            headers.sealed_address("Reply-To", to, name)
    else:
        assert headers.sealed_address("Reply-To", to, name) == whole


def test_names_of_europe_stay_readable_in_the_source() -> None:
    for name, seen in (
        ("Mari Mägi", "=?utf-8?q?Mari_M=C3=A4gi?="),
        ("Žygimantas Kazlauskaitė", "=?utf-8?q?=C5=BDygimantas_Kazlauskait=C4=97?="),
        ("Олена", "=?utf-8?b?0J7Qu9C10L3QsA==?="),
    ):
        line = headers.address_line("Reply-To", "a@example.org", name)
        assert line == f"Reply-To: {seen} <a@example.org>\r\n"
