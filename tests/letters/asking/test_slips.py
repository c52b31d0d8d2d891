"""A slip of the finger in an address, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.letters.asking import slips

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gmial.com", "gmail.com"),
        ("gmai.com", "gmail.com"),
        ("gmaill.com", "gmail.com"),
        ("gmail.co", "gmail.com"),
        ("gmail.cm", "gmail.com"),
        ("gmail.con", "gmail.com"),
        ("GMAIL.COMM", "gmail.com"),
        ("hotmial.com", "hotmail.com"),
        ("outlok.com", "outlook.com"),
        ("yaho.com", "yahoo.com"),
        ("inbpx.lv", "inbox.lv"),
        ("inbox.ltt", "inbox.lt"),
        ("wp.lp", "wp.pl"),
        ("o2.p", "o2.pl"),
        ("onte.pl", "onet.pl"),
        ("mial.ee", "mail.ee"),
        ("hot.eee", "hot.ee"),
        ("lukku.com", "luukku.com"),
    ],
)
def test_a_slip_is_seen(typed: str, meant: str) -> None:
    assert slips.meant(f" mari.magi@{typed} ") == meant


@pytest.mark.parametrize(
    "typed",
    [
        *("mail.com", "email.com", "ymail.com", "googlemail.com", "proton.me", "live.com"),
        *("hotmail.fi", "hotmail.co.uk", "yahoo.de", "outlook.lv", "gmx.de", "gmx.net"),
        *("mail.de", "mail.ru", "mail.fi", "gmail.ee", "pw.pl", "o3.pl", "pot.ee", "inbox.ru"),
        *("example.org", "ut.ee", "lu.lv", "vu.lt", "helsinki.fi", "uw.edu.pl", "sejm.gov.pl"),
        *("", "com", "gmail", "kolumbus.com"),
    ],
)
def test_other_domains_are_left_alone(typed: str) -> None:
    assert slips.meant(f"mari@{typed}") == ""


def test_nobody_is_asked_about_a_domain_that_is_right() -> None:
    for domain in (*slips.COMMON, *slips.OTHERS):
        assert slips.meant(f"mari@{domain}") == "", domain


@given(
    word=st.text(LETTERS, min_size=2, max_size=9),
    at=st.integers(0, 9),
    letter=st.sampled_from(LETTERS),
    how=st.sampled_from(["more", "less", "other", "swapped"]),
)
def test_one_edit_is_one_edit_from_either_side(word: str, at: int, letter: str, how: str) -> None:
    at %= len(word) - 1
    slipped = {
        "more": word[:at] + letter + word[at:],
        "less": word[:at] + word[at + 1 :],
        "other": word[:at] + letter + word[at + 1 :],
        "swapped": word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    }[how]
    assert slips.one_edit(word, slipped) is (word != slipped)
    assert slips.one_edit(slipped, word) is (word != slipped)
    assert not slips.one_edit(word, f"{slipped}-+")
