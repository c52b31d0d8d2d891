"""One mailbox is one person, however its address is typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.addresses import fold

AT_GMAIL = st.text("abcxyz0189", min_size=1, max_size=12)


@given(AT_GMAIL, st.data())
def test_gmail_has_one_mailbox_for_all_dots_capitals_tags_and_both_its_names(
    name: str, data: st.DataObject
) -> None:
    dotted = "".join(one + data.draw(st.sampled_from(["", "."])) for one in name).strip(".")
    tag = data.draw(st.sampled_from(["", "+mines", "+a.b"]))
    domain = data.draw(st.sampled_from(["gmail.com", "GoogleMail.com", "GMAIL.COM"]))
    typed = data.draw(st.sampled_from([dotted, dotted.upper()]))
    assert fold(f"{typed}{tag}@{domain}") == f"{name}@gmail.com"


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("Mari.Magi+mines@Example.org", "mari.magi@example.org"),
        ("m.ari@gmail.com.example.org", "m.ari@gmail.com.example.org"),
        ("m.ari@mail.gmail.com", "m.ari@mail.gmail.com"),
        (" mari@Õunad.ee ", "mari@xn--unad-zqa.ee"),
        ("+tag@example.org", "+tag@example.org"),
        ("no address", "@no address"),
    ],
)
def test_elsewhere_dots_and_domains_stay(typed: str, folded: str) -> None:
    assert fold(typed) == folded
