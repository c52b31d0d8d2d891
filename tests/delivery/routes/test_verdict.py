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
    assert code >= 500 or isinstance(outcome, Deferred)
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
