"""DMARC policies and DKIM keys: no text makes the reader raise, and what is wrong is said."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.doctor.arrived import Arrived
from app.delivery.domain.findings import heard
from app.delivery.domain.reading.tags import POLICIES, is_dmarc, read_key, read_policy, tags

TEXT = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.builds(
            "{}={}".format,
            st.sampled_from(["v", "p", "sp", "k", "t", "rua", "adkim", " V "]),
            st.one_of(st.sampled_from(["DMARC1", "DKIM1", "none", "reject", "y"]), st.text()),
        )
    ).map(";".join),
)
STRONG = base64.b64encode(bytes(294)).decode()
SHORT = base64.b64encode(bytes(162)).decode()


@given(TEXT)
def test_any_text_gives_a_policy_that_is_known_or_none(text: str) -> None:
    assert read_policy(text).policy in {"", *POLICIES}
    assert read_policy(text).below in {"", *POLICIES}


@given(TEXT)
def test_a_key_is_good_only_where_the_text_holds_one(text: str) -> None:
    if not read_key(text).fault:
        assert tags(text)["p"]


@given(st.sampled_from(POLICIES), st.sampled_from(POLICIES))
def test_a_policy_is_read_as_it_was_written(policy: str, below: str) -> None:
    read = read_policy(f"v=DMARC1; p={policy} ;sp={below}; rua=mailto:me@letters.test; adkim=s")
    assert (read.policy, read.below, read.reports) == (policy, below, True)
    assert (read.strict_dkim, read.strict_spf) == (True, False)


def test_without_a_word_for_names_below_the_policy_holds_there_too() -> None:
    assert read_policy("v=DMARC1; p=reject").below == "reject"


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("v=DMARC1; p=none", True),
        ("v=DMARC1;p=none", True),
        ("v = DMARC1 ; p=none", True),
        ("v=dmarc1; p=none", False),
        ("v=DMARC12", False),
        ("p=none; v=DMARC1", False),
    ],
)
def test_a_record_is_dmarc_by_its_first_tag(text: str, ours: bool) -> None:
    assert is_dmarc(text) is ours


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("v=DKIM1; k=rsa", "holds no key"),
        ("v=DKIM1; p=", "was withdrawn"),
        ("v=DKIM1; p=not*base64", "is no base64"),
        ("v=spf1 -all", "no DKIM key"),
        (f"v=DKIM1; k=ed25519; p={STRONG}", "wrong length"),
        ("v=DKIM1; p=AAAA", "shorter than 1024 bits"),
    ],
)
def test_a_key_that_checks_nothing_says_why(text: str, fault: str) -> None:
    assert fault in read_key(text).fault


def test_a_good_key_is_good_and_a_short_or_testing_one_is_weak() -> None:
    assert read_key(f"v=DKIM1; k=rsa; p={STRONG[:100]} {STRONG[100:]}") == read_key(f"p={STRONG}")
    assert (read_key(f"p={STRONG}").fault, read_key(f"p={STRONG}").weak) == ("", "")
    assert "2048" in read_key(f"p={SHORT}").weak
    assert "t=y" in read_key(f"t=y; p={STRONG}").weak


@given(st.text())
def test_words_of_others_stay_on_one_short_line(words: str) -> None:
    shown = heard(words)
    assert shown.isprintable()
    assert len(shown) <= 300


def arrived(*lines: str) -> Arrived:
    return Arrived("\r\n".join([*lines, "", "Dear Prime Minister"]).encode())


@given(st.binary())
def test_any_file_can_be_given_as_the_letter_that_arrived(raw: bytes) -> None:
    assert Arrived(raw).findings("letters.test")


def test_what_the_receiving_server_found_is_said() -> None:
    letter = arrived(
        "Authentication-Results: mx.host.test; spf=pass (host.test: 192.0.2.1 may, dkim=fail)",
        "  smtp.mailfrom=letters.test; dkim=pass header.d=letters.test; dmarc=fail (p=NONE)",
        "Authentication-Results: forged.test; dmarc=pass",
        "DKIM-Signature: v=1; a=rsa-sha256; d=letters.test; s=mail1;",
        "  bh=abc=; b=def",
    )
    said = [(one.mark, one.sentence.partition(",")[0]) for one in letter.findings("letters.test")]
    assert said[0] == ("well", "Arrived: spf=pass")
    assert said[1] == ("well", "Arrived: dkim=pass")
    assert said[2][0] == "NOT WELL"
    assert "dmarc=fail" in said[2][1]
    assert said[3] == ("well", "Arrived: it is signed in the name of letters.test.")
    assert [one.place for one in letter.signatures()] == ["mail1._domainkey.letters.test"]


def test_a_signature_of_somebody_else_does_not_count_for_us() -> None:
    letter = arrived(
        "Authentication-Results: mx.test; dkim=pass", "DKIM-Signature: d=relay.test; s=a; b=c"
    )
    last = letter.findings("letters.test")[-1]
    assert last.mark == "look"
    assert "signed by relay.test and not by letters.test" in last.sentence


def test_a_letter_saved_without_its_headers_says_so() -> None:
    found = arrived("Subject: hello").findings("letters.test")
    assert ["Authentication-Results" in one.sentence for one in found] == [True]
