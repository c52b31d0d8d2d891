"""What the seal lets pass, every reader takes for exactly the headers that were meant."""

from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser

import pytest
from hypothesis import event, given
from hypothesis import settings as pace
from hypothesis import strategies as st

from app.delivery.messages import headers
from app.errors import MessageRefused

# of free text: what an address looks like is not the seal's affair
GOOD = b"Note: a@example.org\r\nSubject: =?utf-8?q?M=C3=A4gi?=\r\n goes on\r\nX: y\r\n"
MEANT = ["Note", "Subject", "X"]
SNIPPETS = st.sampled_from(
    [
        *(b"\r\n", b"\n", b"\r", b"\r\n ", b"\r\n\t", b"\r\n \r\n", b" ", b"\t", b"\0", b"\x0b"),
        *(b"\x0c", b"\x1c", b"\x85", b"\xc3\xa4", b":", b"=?", b"?=", b"=0A", b"=0D", b"=", b""),
        *(b"Bcc: b@example.org", b"Subject: ", b"X: y\r\n", b"From x", b"From: ", b"a" * 990),
        *(b" =?utf-8?q?Hi=0ABcc:_x?=", b" =?utf-8?b?SGkKQmNjOiB4?=", b" =?utf-16?q?a?="),
        *(b" =?utf-8?q?a?= =?utf-8?q?b?=", b" =?utf-8?b?0J7Qu9C10L3QsA==?="),
    ]
)
PLAIN = st.text("abF=?_ :09.", min_size=0, max_size=3).map(str.encode)
CHANGED = st.lists(
    st.tuples(st.integers(0, len(GOOD)), st.integers(0, 4), st.one_of(PLAIN, SNIPPETS)),
    min_size=1,
    max_size=2,
)


def passes(head: bytes, meant: list[str]) -> bool:
    try:
        return headers.seal(head, meant) == head
    except MessageRefused:
        return False


def reads_as_meant(head: bytes, meant: list[str]) -> bool:
    """By the standard library's strictest and newest readers, and with every text decoded."""
    found = BytesHeaderParser().parsebytes(head + b"\r\n")
    newer = message_from_bytes(head + b"\r\n", policy=policy.default)
    unfolded = [value.replace("\r\n ", " ") for value in found.values()]
    values = [str(make_header(decode_header(value))) for value in unfolded]
    values += [str(value) for value in newer.values()]
    return (
        found.keys() == newer.keys() == meant
        and not found.get_payload()
        and not found.defects
        and not newer.defects
        and not any(control in value for value in values for control in "\r\n\0")
        and all(len(line) <= 998 for line in head.split(b"\r\n"))
        and b"\0" not in head
    )


@pace(deadline=None, max_examples=400)
@given(CHANGED)
def test_what_passes_is_read_as_it_was_meant(changes: list[tuple[int, int, bytes]]) -> None:
    head = GOOD
    for place, gone, put in changes:
        head = head[:place] + put + head[place + gone :]
    event("passes" if passes(head, MEANT) else "refused")
    assert not passes(head, MEANT) or reads_as_meant(head, MEANT)


@pace(deadline=None)
@given(st.lists(SNIPPETS, max_size=8).map(b"".join))
def test_whatever_is_put_into_a_header_it_stays_one_header(value: bytes) -> None:
    head = b"Subject: " + value + b"\r\n"
    assert not passes(head, ["Subject"]) or reads_as_meant(head, ["Subject"])


@pace(deadline=None)
@given(st.text(max_size=40), st.lists(st.text(max_size=12), max_size=3))
def test_only_the_names_that_were_meant_pass(value: str, names: list[str]) -> None:
    head = "".join(f"{name}: {value}\r\n" for name in names).encode()
    assert not passes(head, names) or reads_as_meant(head, names)


@pytest.mark.parametrize(
    "head",
    [
        GOOD,
        b"Note: \r\nSubject: \r\n and more\r\nX: " + b"x" * 995 + b"\r\n",
        b"Note: a\r\n " + b"x" * 997 + b"\r\nSubject: a=10 = 0A\r\nX: y\r\n",
        b"Note: a\r\nSubject: =?utf-8?b?0J7Qu9C10L3QsA==?=\r\n =?utf-8?q?=7E_b?= <x>\r\nX: y\r\n",
    ],
)
def test_what_we_write_passes(head: bytes) -> None:
    assert passes(head, MEANT)
    assert reads_as_meant(head, MEANT)


@pytest.mark.parametrize(
    "subject",
    [
        *(b"a\r\nBcc: b", b"a\r\n\r\nb", b"a\0b", b"a\nb", b"a\rb", b"a\r\n \r\n b", b"a\r\n\tb"),
        *(b"a\tb", b"a\x7f", b"\xc3\xa4", b"a" * 990, b"a\r\n " + b"b" * 998, b"a\r\n b\r\n "),
        *(b"=?utf-8?q?Hi=0ABcc:_x@y?=", b"=?utf-8?q?Hi=0DBcc:_x@y?=", b"=?utf-8?q?=00?="),
        *(b"=?utf-8?q?=0aBcc:_x@y?=", b"=?utf-8?q?=1F=7F?=", b"=?utf-8?q?a=?=", b"=?utf-8?q?=4?="),
        *(b"=?utf-8?q?=C3?= =?utf-8?q?=A4?=", b"=?utf-8?q?=A4?="),
        *(
            b"=?utf-8?b?SGkKQmNjOiB4?=",
            b"=?utf-8?b?SGkNQmNjOiB4?=",
            b"=?utf-8?b?SGk?=",
            b"=?utf-8?b?/w==?=",
            b"=?utf-8?b?QQ====?=",
        ),
        *(b"=?utf-8?q??=", b"=?utf-8?b??=", b"=?UTF-8?q?a?=", b"=?utf-7?q?a?=", b"=?utf-8?x?a?="),
        *(b"a=?utf-8?q?b?=", b"=?utf-8?q?a?=b", b"=?utf-8?q?a b?=", b"=?utf-8?q?a", b"=? hello"),
    ],
)
def test_what_could_be_read_otherwise_is_refused(subject: bytes) -> None:
    assert not passes(b"Note: a\r\nSubject: " + subject + b"\r\nX: y\r\n", MEANT)
    assert passes(b"Note: a\r\nSubject: a\r\nX: y\r\n", MEANT)


@pytest.mark.parametrize(
    "meant",
    [["Note", "Subject"], ["Note", "X", "Subject"], ["Note", "Subject", "X", "X"], [], ["N.te"]],
)
def test_a_header_too_many_too_few_or_out_of_order_is_refused(meant: list[str]) -> None:
    assert not passes(GOOD, meant)


@pytest.mark.parametrize("name", ["", "A b", "A:", "Ä", "A\r\nB", "From "])
def test_a_name_that_is_not_one_is_refused(name: str) -> None:
    assert not passes(f"{name}: a\r\n".encode(), [name])
