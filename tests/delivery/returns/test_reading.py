"""Every kind of message that comes back is told apart, and no bytes make the reader stumble."""

import base64
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.delivery.returns.parsing.reports import read as read_report
from app.delivery.returns.reading import Kind, Read, read
from tests.delivery.returns import sample

KINDS = {
    Kind.REPORT: {
        *("postfix-unknown-user", "postfix-relayed", "postfix-delayed", "postfix-mailbox-full"),
        *("several-recipients", "exim-report", "office365", "gmail", "sendmail"),
        *("global-status", "base64-status", "missing-boundary", "lying-type", "lotus"),
    },
    Kind.BOUNCE: {
        *("exim-plain", "qmail", "qmail-remote", "exchange-plain", "office365-plain"),
        *("postfix-plain", "yandex", "gateway-with-letter"),
    },
    Kind.AUTOMATIC: {
        *(f"out-of-office-{language}" for language in ("en", "et", "lv", "lt", "pl", "fi")),
        *("responder-without-words", "read-receipt"),
    },
    Kind.COMPLAINT: {"arf-abuse"},
    Kind.REPLY: {"reply", "reply-with-attachment"},
}
EXPECTED = {name: kind for kind, names in KINDS.items() for name in names}


@pytest.mark.parametrize("name", sample.NAMES)
def test_each_sample_is_what_it_is(name: str) -> None:
    assert read(sample.raw(name)).kind is EXPECTED[name]


@pytest.mark.parametrize("name", sample.NAMES)
def test_each_sample_names_the_address_that_we_signed(name: str) -> None:
    assert sample.ADDRESS in read(sample.raw(name)).addresses


@pytest.mark.parametrize(
    ("name", "action", "enhanced", "hard"),
    [
        ("postfix-unknown-user", "failed", "5.1.1", True),
        ("postfix-relayed", "relayed", "2.0.0", None),
        ("postfix-delayed", "delayed", "4.4.1", False),
        ("postfix-mailbox-full", "failed", "4.2.2", False),
        ("exim-report", "failed", "5.1.1", True),  # 5.0.0 with the code in the server's words
        ("exim-plain", "failed", "5.1.1", True),
        ("office365", "failed", "5.1.10", True),
        ("gmail", "failed", "5.1.1", True),
        ("qmail", "failed", "5.1.1", True),
        ("sendmail", "failed", "5.2.1", True),
        ("global-status", "failed", "5.1.1", True),
        ("base64-status", "failed", "5.1.1", True),
        ("missing-boundary", "failed", "5.4.4", True),
        ("lying-type", "failed", "5.1.2", True),
    ],
)
def test_a_server_says_what_became_of_it(
    name: str, action: str, enhanced: str, hard: bool | None
) -> None:
    (told,) = read(sample.raw(name)).recipients
    assert (told.action, told.enhanced, told.hard) == (action, enhanced, hard)


def test_a_report_keeps_the_servers_and_their_words() -> None:
    found = read(sample.raw("postfix-relayed"))
    (told,) = found.recipients
    assert found.reporting_mta == "relay.example.net"
    assert told.remote_mta == "mx1.government.example"
    assert told.diagnostic == "250 2.0.0 Ok: queued as 7D1B22C0A1"
    assert (told.final, told.original) == ("pm@government.example", "pm@government.example")
    assert found.message_ids[0] == sample.MESSAGE_ID  # by way of Original-Envelope-Id


def test_an_envelope_id_in_xtext_is_a_message_id_again() -> None:
    report = read_report(
        "Reporting-MTA: dns; x.example\nOriginal-Envelope-Id: a+2Bb+3Dc@letters.example\n\n"
        "Final-Recipient: rfc822;pm@x.example\nAction: delivered\nStatus: 2.0.0\n"
    )
    assert report
    assert report.envelope_id == "a+b=c@letters.example"


def test_one_report_may_speak_of_several_recipients() -> None:
    told = read(sample.raw("several-recipients")).recipients
    assert [(one.final.split("@")[0], one.action, one.enhanced) for one in told] == [
        ("assistant", "delayed", "4.4.1"),
        ("pm", "failed", "5.7.1"),
        ("former", "failed", "5.1.1"),
    ]


def test_a_recipient_in_estonian_letters_is_read() -> None:
    (told,) = read(sample.raw("global-status")).recipients
    assert told.final == "õiguskantsler@government.example"
    assert told.diagnostic == "550 5.1.1 kasutajat “õiguskantsler” ei ole"


def test_a_full_mailbox_is_soft_whatever_its_class() -> None:
    report = read_report("Final-Recipient: rfc822;a@x.example\nAction: failed\nStatus: 5.2.2\n")
    assert report
    assert report.recipients[0].hard is False


def test_a_person_who_quotes_a_report_answers() -> None:
    found = read(sample.raw("reply"))
    assert (found.kind, found.recipients) == (Kind.REPLY, ())
    assert found.sender == "kadri@government.example"
    assert found.sender_name == "Kadri Tõeleid"
    assert "and so has Tõnu." in found.words


def test_an_answer_goes_to_the_address_that_the_answering_person_asks_for() -> None:
    found = read(sample.raw("reply-with-attachment"))
    assert found.sender == "registry@government.example"
    assert found.words == "Vastus on lisatud. Tervitades, Kadri Õ.\n"


def test_a_complaint_names_its_kind() -> None:
    assert read(sample.raw("arf-abuse")).feedback == "abuse"


SUBJECTS = [
    *("Out of office: back in May", "Auto-Reply: your mail", "[External] Automatic reply: Hello"),
    *("Puhkusel kuni 1.7.", "Automaatne vastus: tere", "Kontorist väljas"),
    *("Ārpus biroja", "Prombūtnē līdz pirmdienai", "Nesu biure", "Atostogos"),
    *("Odpowiedź automatyczna: Traktat", "Jestem na urlopie", "Nieobecność w biurze"),
    *("Poissaoloviesti: loma", "Olen lomalla 1.7. asti"),
]


@pytest.mark.parametrize("subject", SUBJECTS)
def test_the_usual_subjects_alone_tell_an_automatic_reply(subject: str) -> None:
    assert read(mail(f"Subject: {subject}")).kind is Kind.AUTOMATIC
    assert read(mail(f"Subject: Re: {subject}")).kind is Kind.REPLY


@pytest.mark.parametrize(
    "line",
    [
        *("Auto-Submitted: auto-replied", "Auto-Submitted: auto-generated; owner=x"),
        *("Precedence: bulk", "Precedence: auto_reply", "X-Autoreply: yes"),
        *("List-Id: <news.government.example>", "X-Autorespond: x"),
    ],
)
def test_what_says_that_it_is_automatic_is_believed(line: str) -> None:
    assert read(mail(line)).kind is Kind.AUTOMATIC


def test_what_says_that_it_is_not_automatic_is_a_reply() -> None:
    assert read(mail("Auto-Submitted: no")).kind is Kind.REPLY


@pytest.mark.parametrize("sender", ["MAILER-DAEMON@x.example", "postmaster@x.example"])
def test_an_automatic_reply_is_never_a_bounce_whatever_it_says(sender: str) -> None:
    raw = (
        f"Return-Path: <>\nFrom: {sender}\nTo: {sample.ADDRESS}\n"
        "Subject: Automatic reply: 550 5.1.1 user unknown\n\n550 5.1.1 user unknown\n"
    )
    assert read(raw.encode()).kind is Kind.AUTOMATIC


@pytest.mark.parametrize(
    ("text", "action", "enhanced"),
    [
        ("The mailbox is gone: 550 No such user here", "failed", "5.0.0"),
        ("<pm@x.example>: 553 5.3.0 not accepted", "failed", "5.3.0"),
        ("450 4.2.0 greylisted, we will keep trying", "delayed", "4.2.0"),
        ("Your mail is delayed. 550 5.1.1 was said once.", "delayed", "5.1.1"),
    ],
)
def test_a_code_in_a_servers_own_words_is_found(text: str, action: str, enhanced: str) -> None:
    raw = f"Return-Path: <>\nFrom: MAILER-DAEMON@x.example\nSubject: Your mail\n\n{text}\n"
    found = read(raw.encode())
    assert found.kind is Kind.BOUNCE
    assert [(one.action, one.enhanced) for one in found.recipients] == [(action, enhanced)]


@pytest.mark.parametrize(
    "text", ["from [5.1.1.7]", "version 5.1.1.2", "on 2026-450-12", "500 people wrote.", "Hello"]
)
def test_a_number_that_is_no_code_makes_no_bounce(text: str) -> None:
    raw = f"From: MAILER-DAEMON@x.example\nSubject: Your mail\n\nIt was {text}"
    assert read(raw.encode()).kind is Kind.UNREADABLE


@pytest.mark.parametrize("raw", [b"", b"\0", b"\r\n\r\n", b"hello", b"From: nobody\n\nx"])
def test_what_has_no_sender_is_unreadable(raw: bytes) -> None:
    assert read(raw).kind is Kind.UNREADABLE


def test_an_encoded_header_cannot_smuggle_a_line() -> None:
    found = read(mail("Subject: =?utf-8?q?Hi=0ABcc:_x@example.org?="))
    assert found.subject == "Hi Bcc: x@example.org"


@given(st.binary(max_size=2000))
def test_random_bytes_give_an_answer(raw: bytes) -> None:
    well_formed(read(raw))


@given(st.data(), st.sampled_from(sample.NAMES))
def test_a_damaged_message_gives_an_answer(data: st.DataObject, name: str) -> None:
    raw = bytearray(sample.raw(name))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw)))
        upto = at + data.draw(st.integers(0, 40))
        raw[at:upto] = data.draw(
            st.one_of(
                st.binary(max_size=8),
                st.sampled_from(
                    [b"\r\n", b"\r\n\r\n", b"=?utf-8?b?", b"multipart/report", b"base64", b"\xff"]
                ),
            )
        )
    well_formed(read(bytes(raw)))


@given(st.text(max_size=300))
def test_any_text_in_a_report_gives_an_answer(text: str) -> None:
    status = base64.b64encode(f"Action: failed\n{text}".encode("utf-8", "replace")).decode()
    well_formed(
        read(
            f"From: MAILER-DAEMON@x\nContent-Type: message/delivery-status\n"
            f"Content-Transfer-Encoding: base64\n\n{status}".encode()
        )
    )


HEAD = b"Return-Path: <>\nFrom: MAILER-DAEMON@x.example\nTo: a@b.example\n"
ENDLESS = {
    "dashes": HEAD + b"\n" + b"-" * 2**21,
    "empty lines": HEAD + b"\n" + b"\n" * 2**21,
    "parameters": HEAD + b"Content-Type: text/plain" + b";a*0*=" * 200_000,
    "parts in parts": HEAD
    + b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(999)
    ),
    "encoded words": HEAD + b"Subject: " + b"=?utf-8?q?" * 100_000,
    "comments": b"From: " + b"(" * 10**6,
}


@pytest.mark.parametrize("name", ENDLESS)
def test_an_endless_message_does_not_hold_the_others_up(name: str) -> None:
    """Each took minutes before it was limited; this is no measurement, only far from that."""
    began = monotonic()
    assert read(ENDLESS[name]).kind is Kind.UNREADABLE
    assert monotonic() - began < 20


def mail(*lines: str) -> bytes:
    """A mail of a person, with these header lines."""
    head = ["From: Kadri <kadri@x.example>", f"To: {sample.ADDRESS}", *lines]
    return "\n".join([*head, "", "Hello."]).encode()


def well_formed(found: Read) -> None:
    """What a database on either side can keep."""
    texts = [found.reporting_mta, found.sender, found.sender_name, found.subject, found.feedback]
    for one in found.recipients:
        texts += [one.action, one.enhanced, one.diagnostic, one.remote_mta, one.final, one.original]
        assert len(one.enhanced) <= 12
        assert len(one.action) <= 20
    assert all("\0" not in text and text.encode() is not None for text in texts)
