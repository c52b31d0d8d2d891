"""SPF records: whatever stands in a TXT record is read, and what is wrong is said."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.delivery.domain.lookups import Lookups
from app.delivery.domain.reading.spf import is_spf, read
from app.delivery.domain.senders import Broken, Walk
from tests.grounds.dns import DnsServer

OURS = "letters.test"
FOUR = ipaddress.ip_address("192.0.2.7")
SIX = ipaddress.ip_address("2001:db8::7")

WORDS = st.one_of(
    st.text(max_size=30),
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "+", "-", "~", "?", "!"]),
        st.sampled_from(["all", "a", "mx", "ip4", "ip6", "include", "exists", "ptr", "redirect"]),
        st.sampled_from(["", ":", "=", "/", "//", ":/"]),
        st.text(alphabet="0123456789abcdef.:/%{}i-", max_size=20),
    ),
)


@given(st.lists(WORDS, max_size=8).map(lambda words: " ".join(["v=spf1", *words])))
def test_no_record_makes_the_reader_raise_and_every_word_is_a_term_or_a_fault(text: str) -> None:
    record = read(text)
    words = [word for word in text.split()[1:] if "=" not in word]
    assert len(record.terms) + len(record.faults) >= len(words)


@given(st.ip_addresses(), st.integers(0, 128))
def test_an_address_block_is_read_as_it_was_written(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, bits: int
) -> None:
    bits = min(bits, address.max_prefixlen)
    record = read(f"v=spf1 ip{address.version}:{address}/{bits} -all")
    assert record.faults == ()
    network = record.terms[0].network
    assert network is not None
    assert address in network
    assert network.prefixlen == bits


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("v=spf1 -all", True),
        ("V=SPF1", True),
        ("v=spf10 -all", False),
        ("v=spf2.0/pra -all", False),
        ("google-site-verification=v=spf1", False),
    ],
)
def test_only_a_record_of_version_one_is_spf(text: str, ours: bool) -> None:
    assert is_spf(text) is ours


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("v=spf1 include: relay.test -all", "“include:” is nothing that SPF knows"),
        ("v=spf1 ipv4:192.0.2.1 -all", "“ipv4:192.0.2.1” is nothing that SPF knows"),
        ("v=spf1 ip4:192.0.2.300 -all", "“ip4:192.0.2.300” holds no address that fits “ip4”"),
        ("v=spf1 ip4:2001:db8::1 -all", "holds no address that fits “ip4”"),
        ("v=spf1 a/33 -all", "more bits than an address has"),
        ("v=spf1 include -all", "names no domain"),
        ("v=spf1 -all:relay.test", "“all” stands alone"),
        ("v=spf1 redirect=", "names no domain"),
        ("v=spf1 redirect=a.test redirect=b.test", "“redirect=” twice"),
    ],
)
def test_what_is_no_spf_is_named(text: str, fault: str) -> None:
    assert any(fault in said for said in read(text).faults)


def test_prefixes_for_both_kinds_of_address_are_told_apart() -> None:
    record = read("v=spf1 a:host.test/24//64 mx//48 -all")
    assert [(one.name, one.domain, one.prefix4, one.prefix6) for one in record.terms[:2]] == [
        ("a", "host.test", 24, 64),
        ("mx", "", 32, 48),
    ]


@pytest.mark.parametrize(
    ("text", "four", "six"),
    [
        ("v=spf1 ip4:192.0.2.0/24 -all", "+", "-"),
        ("v=spf1 ip6:2001:db8::/32 ~all", "~", "+"),
        ("v=spf1 a -all", "+", "+"),
        ("v=spf1 a:far.test/16 -all", "-", "-"),
        ("v=spf1 mx ?all", "+", "?"),
        ("v=spf1 include:relay.test -all", "+", "-"),
        ("v=spf1 -ip4:192.0.2.7 include:relay.test +all", "-", "+"),
        ("v=spf1 redirect=relay.test", "+", "~"),
        ("v=spf1 redirect=relay.test -all", "-", "-"),
        ("v=spf1 exists:there.test -all", "+", "+"),
        ("v=spf1 exists:nowhere.test", "?", "?"),
        ("v=spf1", "?", "?"),
    ],
)
async def test_who_may_send_is_found_as_servers_find_it(
    names: DnsServer, text: str, four: str, six: str
) -> None:
    names.a(OURS, "192.0.2.7")
    names.aaaa(OURS, "2001:db8::7")
    names.a("far.test", "198.51.100.1")
    names.mx(OURS, (10, "mx.test"))
    names.a("mx.test", "192.0.2.7")
    names.a("there.test", "127.0.0.2")
    names.txt("relay.test", "v=spf1 ip4:192.0.2.0/28 ~all")
    lookups = Lookups(names.address)
    answers = [await Walk(lookups, one).judge(OURS, read(text)) for one in (FOUR, SIX)]
    assert answers == [four, six]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("v=spf1 include:nobody.test -all", "nobody.test, which publishes no SPF record"),
        ("v=spf1 include:twice.test -all", "twice.test, which publishes 2 SPF records"),
        ("v=spf1 include:wrong.test -all", "the record of wrong.test: “ipv4:1” is nothing"),
        ("v=spf1 include:circle.test -all", "may never end"),
    ],
)
async def test_a_record_that_servers_give_up_on_says_why(
    names: DnsServer, text: str, why: str
) -> None:
    names.txt("twice.test", "v=spf1 -all", "v=spf1 ~all")
    names.txt("wrong.test", "v=spf1 ipv4:1 -all")
    names.txt("circle.test", "v=spf1 include:circle.test -all")
    with pytest.raises(Broken, match=why):
        await Walk(Lookups(names.address), FOUR).judge(OURS, read(text))


async def test_lookups_are_counted_over_all_that_is_included(names: DnsServer) -> None:
    names.txt("relay.test", "v=spf1 a mx:gone.test include:deep.test ip4:192.0.2.1 -all")
    names.txt("deep.test", "v=spf1 exists:%{i}.deep.test -all")
    names.a("relay.test", "192.0.2.1")
    walk = Walk(Lookups(names.address))
    assert await walk.judge(OURS, read("v=spf1 include:relay.test ptr ~all")) == "~"
    assert (walk.asked, walk.void) == (6, 1)
    assert walk.included == ["relay.test", "deep.test"]
    assert (walk.unread, walk.old) == (["exists:%{i}.deep.test"], ["ptr"])
