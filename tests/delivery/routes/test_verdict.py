"""What a reply means, and what the server calls the message it took."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.delivery.outcome import LONGEST_QUEUE_ID, Deferred, Rejected, Taken, Unreached, queue_id
from app.delivery.routes.relays import Relay, Server
from app.delivery.routes.verdict import Stage, refused
from app.delivery.routes.wire import GARBLED, Reply

OURS = Relay("relay.example.org", 587)
THEIRS = Server("mx.gov.example", 25, by_exchange=True)
STAGES = get_args(Stage)


@given(
    st.sampled_from(STAGES),
    st.one_of(st.just(GARBLED), st.integers(200, 599)),
    st.text(max_size=30),
    st.sampled_from([OURS, THEIRS]),
)
def test_every_refusal_has_a_verdict_and_only_a_5xx_rejects(
    stage: Stage, code: int, text: str, server: Server
) -> None:
    outcome = refused(server, "TLSv1.3", stage, Reply(code, text))
    assert (outcome.host, outcome.tls) == (server.host, "TLSv1.3")
    assert outcome.by_exchange == server.by_exchange
    assert outcome.code == (code or None)
    assert code >= 500 or not isinstance(outcome, Rejected)
    assert not isinstance(outcome, Unreached) or not server.by_exchange
    if isinstance(outcome, Deferred):
        assert outcome.began_data == (stage == "END" and code == GARBLED)


@pytest.mark.parametrize("stage", ["RCPT", "DATA", "END"])
def test_a_5xx_about_the_recipient_or_the_words_is_final(stage: Stage) -> None:
    reply = Reply(550, "5.1.1 no such user")
    assert refused(THEIRS, "", stage, reply) == Rejected(
        550, "5.1.1 no such user", "mx.gov.example", by_exchange=True
    )


def test_a_5xx_about_our_sender_is_not_the_letters_fault() -> None:
    blocked = Reply(550, "5.7.1 your address is on a list")
    outcome = refused(THEIRS, "", "MAIL", blocked)
    assert isinstance(outcome, Deferred)
    assert (outcome.code, outcome.enhanced) == (550, "5.7.1")


def test_a_relay_that_asks_for_a_sign_in_lets_nobody_in_and_an_office_defers() -> None:
    reply = Reply(530, "5.7.0 authentication required")
    assert isinstance(refused(OURS, "", "MAIL", reply), Unreached)
    assert isinstance(refused(THEIRS, "", "MAIL", reply), Deferred)


OF_THE_RELAY = [
    (
        554,
        "Message rejected: Email address is not verified. The following identities failed the"
        " check in region EU-WEST-1: letters@example.org",
    ),
    (554, "Sending paused for this account. For more information, please check the inbox."),
    (454, "Throttling failure: Maximum sending rate exceeded."),
    (454, "Throttling failure: Daily message quota exceeded."),
    (550, "5.4.5 Daily user sending limit exceeded. For more information, look here."),
    (550, "5.4.5 You have reached a limit for sending mail"),
    (550, "5.1.8 Access denied, bad outbound sender AS(42003)"),
    (550, "5.7.705 Access denied, tenant has exceeded threshold"),
    (550, "5.7.60 SMTP; Client does not have permissions to send as this sender"),
    (550, "The from address does not match a verified Sender Identity. Mail cannot be sent"),
    (550, "Domain example.org is not allowed to send: Account disabled"),
    (550, "Domain example.org has exceeded the max emails per hour (100/100) allowed"),
    (550, "You have exceeded your hourly sending limit"),
    (452, "4.7.1 Too many messages, slow down"),
    (550, "5.7.1 Your account has been suspended"),
    (553, "5.7.1 <us@example.org>: Sender address rejected: not owned by user us"),
    (550, "5.7.1 Sender domain suspended, contact support"),
    (550, "us@example.org is not permitted to relay through this server"),
    (554, "5.7.1 <pm@gov.example>: Relay access denied"),
    (550, "Relaying denied"),
]
OF_THE_LETTER_OR_ITS_OFFICE = [
    "5.7.1 Message rejected due to content restrictions",
    "5.7.1 Our policy does not allow this content; your message was blocked as spam",
    "5.7.1 too many like this; see https://postmaster.example",
    "5.7.1 Your email has been blocked, because it looks like spam",
    "5.7.133 Sender not authorized to send to this group",
    "5.7.1 You are not allowed to send mail to this recipient",
    "5.1.1 no such user",
    "5.2.1 The email account that you tried to reach is disabled",
    "5.2.2 The recipient's mailbox quota exceeded",
    "5.2.2 mail quota exceeded: too many messages",
    "Requested action not taken: user quota exceeded",
    "Domain gov.example has exceeded its disk quota",
    "Recipient address rejected: address not verified: host mx.gov.example said: 550 no",
    "5.7.1 host mx.gov.example[192.0.2.7] said: 550 5.7.1 Your account is blocked (in reply to"
    " end of DATA command)",
    "5.3.4 Message size limit exceeded",
    "Mailbox suspended",
    "Account disabled",
]


@pytest.mark.parametrize(("code", "said"), OF_THE_RELAY)
@pytest.mark.parametrize("stage", ["RCPT", "END"])
def test_what_a_relay_has_against_us_lets_it_rest_and_touches_no_letter(
    code: int, said: str, stage: Stage
) -> None:
    outcome = refused(OURS, "", stage, Reply(code, said))
    assert outcome == Unreached(code, said, OURS.host, why="refused")
    assert not isinstance(refused(THEIRS, "", stage, Reply(code, said)), Unreached)


@pytest.mark.parametrize("said", OF_THE_LETTER_OR_ITS_OFFICE)
def test_what_a_relay_passes_on_of_a_letter_or_an_office_stays_a_refusal(said: str) -> None:
    assert isinstance(refused(OURS, "", "END", Reply(550, said)), Rejected)


def test_a_relay_that_refuses_our_sender_for_good_rests() -> None:
    gone = Reply(550, "5.7.1 no")
    assert refused(OURS, "", "MAIL", gone) == Unreached(550, "5.7.1 no", OURS.host, why="refused")
    assert isinstance(refused(OURS, "", "MAIL", Reply(552, "5.3.4 too large")), Rejected)
    assert isinstance(refused(OURS, "", "MAIL", Reply(451, "4.3.0 later")), Deferred)


@pytest.mark.parametrize(
    ("reply", "name"),
    [
        ("2.0.0 Ok: queued as 4XyZ1c2B3d", "4XyZ1c2B3d"),
        ("Ok: queued as 12345ABCDE.", "12345ABCDE"),
        ("2.6.0 message received, queued as <20261122.7@mx>", "20261122.7@mx"),
        ("OK id=1tEABC-00000001abc-2def", "1tEABC-00000001abc-2def"),
        (
            "2.6.0 <a1@letters.example.org> [InternalId=25314169061458, Hostname=AM0.example] "
            "11428 bytes in 0.250, 44.5 KB/sec Queued mail for delivery",
            "25314169061458",
        ),
        ("2.0.0 4A1BCdef012345 Message accepted for delivery", "4A1BCdef012345"),
        ("2.0.0 3v1abcd8x9-1 Message accepted for delivery", "3v1abcd8x9-1"),
        (
            "2.0.0 OK  1700000000 ab12-20020a17090a.1 - gsmtp",
            "ab12-20020a17090a.1",
        ),
        ("ok 1700000000 qp 12345", "12345"),
        ("Ok 0102018c0ffee-aaaa-bbbb-000000", "0102018c0ffee-aaaa-bbbb-000000"),
        ("Message Queued (9F3C2A1B-1)", "9F3C2A1B-1"),
        ("2.6.0 Queued mail for delivery", ""),
        ("2.0.0 kept in the sandbox; nothing left this machine", ""),
        ("2.0.0 Ok", ""),
        ("", ""),
    ],
)
def test_the_queue_id_is_what_the_server_calls_the_message(reply: str, name: str) -> None:
    assert queue_id(reply) == name
    assert Taken(250, reply).queue_id == name


@given(st.text(max_size=300))
def test_no_reply_is_too_odd_for_a_queue_id(reply: str) -> None:
    found = queue_id(reply)
    assert len(found) <= LONGEST_QUEUE_ID
    assert found in reply


@given(st.from_regex(r"[0-9A-Za-z]{4,30}", fullmatch=True))
def test_any_queue_id_of_postfix_and_exim_is_read(name: str) -> None:
    assert queue_id(f"2.0.0 Ok: queued as {name}") == name
    assert queue_id(f"OK id={name}") == name
