"""Our relays as the settings name them; what would not be safe is refused in one sentence."""

from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.delivery.routes.relays import Relay, Tls, relays_of, share_out
from app.errors import SettingsRefused
from app.settings import Settings


def of(smtp_url: str) -> tuple[Relay, ...]:
    return relays_of(Settings(_env_file=None, smtp_url=smtp_url))


def test_a_relay_is_read_from_its_address() -> None:
    relay = Relay.from_url("smtp://letters%40example.org:p%2Fw@relay.example.org")
    assert relay == Relay("relay.example.org", 587, "letters@example.org", "p/w")
    assert not relay.on_this_machine
    assert relay.encryption is Tls.REQUIRE
    assert relay.name == "relay.example.org:587"
    secure = Relay.from_url("smtps://Relay.example.org")
    assert (secure.host, secure.port, secure.implicit_tls) == ("relay.example.org", 465, True)
    local = Relay.from_url("smtp://localhost:2525")
    assert local.on_this_machine
    assert local.encryption is Tls.OPPORTUNISTIC


def test_a_relay_has_its_options() -> None:
    relay = Relay.from_url(
        "smtp://[2001:db8::1]:25/?weight=3&tls=opportunistic&per_second=0.5&connections=4"
    )
    assert relay.host == "2001:db8::1"
    assert relay.tls is Tls.OPPORTUNISTIC
    assert (relay.weight, relay.per_second, relay.connections) == (3, 0.5, 4)


def test_several_relays_are_separated_by_spaces() -> None:
    first, second = of(" smtp://one.example.org  smtps://two.example.org?weight=2 ")
    assert (first.host, second.host, second.weight) == ("one.example.org", "two.example.org", 2)
    assert of("") == ()


def test_a_password_is_in_no_log() -> None:
    assert "secret" not in repr(Relay.from_url("smtp://us:secret@relay.example.org"))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://relay.example.org", "begins with smtp://"),
        ("relay.example.org:587", "begins with smtp://"),
        ("smtp://", "names no host"),
        ("smtp://a_b!c", "names no host"),
        ("smtp://relay.example.org:99999", "port"),
        ("smtp://relay.example.org:x", "port"),
        ("smtp://relay.example.org/inbox", "nothing follows"),
        ("smtp://us:p#w@relay.example.org", "nothing follows|names no host|port"),
        ("smtp://relay.example.org?wieght=3", "no option “wieght”"),
        ("smtp://relay.example.org?weight=0", "weight is a whole number above 0"),
        ("smtp://relay.example.org?weight=1.5", "weight is a whole number above 0"),
        ("smtp://relay.example.org?per_second=-1", "per_second is a number above 0"),
        ("smtp://relay.example.org?per_second=nan", "per_second is a number above 0"),
        ("smtp://relay.example.org?connections=", "connections is a whole number"),
        ("smtp://relay.example.org?tls=maybe", "tls is require, opportunistic or none"),
        ("smtp://relay.example.org?tls=none", "only for a relay on this machine"),
        ("smtp://u:p@relay.example.org?tls=opportunistic", "only sent with tls=require"),
        ("smtps://localhost?tls=none", "always encrypted"),
        ("smtp://one.example.org smtp://ONE.example.org:587", "twice"),
    ],
)
def test_a_relay_that_would_not_do_is_refused(url: str, said: str) -> None:
    with pytest.raises(SettingsRefused, match=said):
        of(url)


@given(st.text(max_size=40))
def test_whatever_the_setting_holds_it_is_read_or_refused(text: str) -> None:
    try:
        relays = of(f"smtp://{text}")
    except SettingsRefused:
        return
    assert all(relay.host and 0 < relay.port < 65536 for relay in relays)


def test_connections_are_shared_out_by_weight() -> None:
    light, heavy = of("smtp://one.example.org smtp://two.example.org?weight=3")
    assert Counter(share_out([light, heavy], 8)) == {light: 2, heavy: 6}
    assert share_out([light, heavy], 1) == (heavy,)
    assert share_out([], 3) == ()


def test_a_relay_gets_no_more_connections_than_it_takes() -> None:
    small, other = of("smtp://one.example.org?connections=1&weight=9 smtp://two.example.org")
    assert Counter(share_out([small, other], 5)) == {small: 1, other: 4}
    assert share_out([small], 5) == (small,)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=5), st.integers(0, 60))
def test_every_share_is_fair_to_one_connection(weights: list[int], n: int) -> None:
    relays = [Relay(f"{i}.example.org", 587, weight=weight) for i, weight in enumerate(weights)]
    shares = Counter(share_out(relays, n))
    assert sum(shares.values()) == n
    for one, other in permutations(relays, 2):  # nobody has one that another needs more
        assert (2 * shares[one] - 1) / one.weight <= (2 * shares[other] + 1) / other.weight
