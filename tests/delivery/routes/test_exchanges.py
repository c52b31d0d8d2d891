"""Which servers take mail for a domain, as a real name server tells it."""

import ipaddress
from collections.abc import Iterator

import pytest

from app.delivery.routes import exchanges
from app.delivery.routes.exchanges import Exchanges, Finder, nowhere
from app.delivery.routes.relays import Tls
from app.errors import SettingsRefused
from tests.grounds import dns
from tests.grounds.dns import DnsServer


@pytest.fixture
def names() -> Iterator[DnsServer]:
    with dns.running() as server:
        yield server


@pytest.fixture
def finder(names: DnsServer, monkeypatch: pytest.MonkeyPatch) -> Finder:
    monkeypatch.setattr(exchanges, "LIFETIME", 0.3)
    return Finder(names.address)


async def test_the_exchanges_come_in_order_of_preference(names: DnsServer, finder: Finder) -> None:
    names.mx("gov.example", (20, "mx2.gov.example"), (10, "MX1.gov.example"))
    found = await finder.find("GOV.example")
    assert found.names == ("mx1.gov.example", "mx2.gov.example")
    assert not found.implicit


async def test_exchanges_of_equal_preference_take_turns(names: DnsServer, finder: Finder) -> None:
    names.mx("gov.example", (10, "a.example"), (10, "b.example"), (20, "c.example"))
    orders = {(await finder.find("gov.example")).names for _ in range(60)}
    assert orders == {
        ("a.example", "b.example", "c.example"),
        ("b.example", "a.example", "c.example"),
    }


async def test_a_domain_without_mx_is_its_own_exchange(names: DnsServer, finder: Finder) -> None:
    names.a("gov.example", "192.0.2.1")
    assert await finder.find("gov.example") == Exchanges(
        "gov.example", ("gov.example",), implicit=True
    )


async def test_a_null_mx_takes_no_mail(names: DnsServer, finder: Finder) -> None:
    names.null_mx("gov.example")
    names.a("gov.example", "127.0.0.1")
    found = await finder.find("gov.example")
    assert found.null
    assert found.names == ()
    assert nowhere(found).startswith("5.1.10 ")


async def test_a_domain_that_does_not_exist_or_takes_nothing_is_missing(
    names: DnsServer, finder: Finder
) -> None:
    names.txt("silent.example", "v=spf1 -all")
    for domain in ("nowhere.example", "silent.example"):
        found = await finder.find(domain)
        assert found.missing
        assert nowhere(found).startswith("5.1.2 ")


async def test_a_failure_is_not_an_answer(names: DnsServer, finder: Finder) -> None:
    names.fails("failing.example")
    names.refuses("refusing.example")
    names.is_silent("silent.example")
    for domain in ("failing.example", "refusing.example", "silent.example", "x" * 64, "a..b"):
        found = await finder.find(domain)
        assert found.trouble
        assert not found.missing
        assert nowhere(found).startswith("4.4.3 ")


async def test_a_failure_of_the_address_of_a_domain_without_mx_is_no_answer_either(
    names: DnsServer, finder: Finder
) -> None:
    real = names.answer

    def without_aaaa(question: bytes) -> bytes | None:
        answer = real(question)
        return None if names.asked[-1][1] == "AAAA" else answer

    names.txt("gov.example", "it exists")
    names.answer = without_aaaa  # type: ignore[method-assign]
    found = await finder.find("gov.example")
    assert found.trouble
    assert not found.missing


async def test_an_answer_is_kept_as_long_as_it_says(names: DnsServer, finder: Finder) -> None:
    names.mx("gov.example", (10, "mx.gov.example"))
    names.mx("fleeting.example", (10, "mx.gov.example"), ttl=0)
    for _ in range(3):
        await finder.find("gov.example")
        await finder.find("fleeting.example")
        await finder.find("nowhere.example")
    assert names.asked.count(("gov.example", "MX")) == 1
    assert names.asked.count(("nowhere.example", "MX")) == 1
    assert names.asked.count(("fleeting.example", "MX")) == 3


async def test_a_failure_is_not_kept(names: DnsServer, finder: Finder) -> None:
    names.mx("gov.example", (10, "mx.gov.example"))
    names.fails("gov.example")
    assert (await finder.find("gov.example")).trouble
    names.recovers()
    assert (await finder.find("gov.example")).names == ("mx.gov.example",)


async def test_both_kinds_of_address_are_tried_in_turn(names: DnsServer, finder: Finder) -> None:
    names.mx("gov.example", (10, "mx1.gov.example"), (20, "mx2.gov.example"))
    names.a("mx1.gov.example", "127.0.0.1")
    names.aaaa("mx1.gov.example", "::1", "::ffff:127.0.0.2")
    names.a("mx2.gov.example", "127.0.0.3")
    servers = await finder.servers(await finder.find("gov.example"), port=2525)
    assert [(one.host, ":" in one.address) for one in servers] == [
        ("mx1.gov.example", True),
        ("mx1.gov.example", False),
        ("mx1.gov.example", True),
        ("mx2.gov.example", False),
    ]
    assert servers[1].address == "127.0.0.1"
    assert {(one.port, one.tls, one.by_exchange) for one in servers} == {
        (2525, Tls.OPPORTUNISTIC, True)
    }


INSIDE = ["10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"]
INSIDE += ["224.0.0.1", "255.255.255.255"]
INSIDE_6 = ["fe80::1", "fc00::1", "::", "ff02::1", "::ffff:10.0.0.1", "::ffff:192.168.0.1"]


async def test_no_zone_leads_us_into_a_private_network(names: DnsServer, finder: Finder) -> None:
    names.mx("evil.example", (10, "inside.example"))
    names.a("inside.example", *INSIDE)
    names.aaaa("inside.example", *INSIDE_6)
    assert await finder.servers(await finder.find("evil.example")) == ()


async def test_only_a_nameserver_of_this_machine_leads_to_this_machine(
    names: DnsServer, finder: Finder, monkeypatch: pytest.MonkeyPatch
) -> None:
    names.mx("evil.example", (10, "inside.example"))
    names.a("inside.example", "127.0.0.1")
    names.aaaa("inside.example", "::1", "::ffff:127.0.0.1")
    found = await finder.find("evil.example")
    assert len(await finder.servers(found)) == 3
    monkeypatch.setattr(finder, "_loopback", False)  # as with a nameserver elsewhere
    assert await finder.servers(found) == ()


async def test_a_public_address_may_be_dialled_and_one_of_our_own_may_not(
    names: DnsServer, finder: Finder, monkeypatch: pytest.MonkeyPatch
) -> None:
    names.mx("gov.example", (10, "mx.gov.example"))
    names.a("mx.gov.example", "93.184.216.34")
    names.aaaa("mx.gov.example", "2606:2800:220:1::1")
    found = await finder.find("gov.example")
    dialled = [one.address for one in await finder.servers(found)]
    assert dialled == ["2606:2800:220:1::1", "93.184.216.34"]
    monkeypatch.setattr(exchanges, "_ours", lambda address: address.version == 4)
    assert [one.address for one in await finder.servers(found)] == ["2606:2800:220:1::1"]


def test_an_address_is_ours_where_one_can_listen_on_it() -> None:
    assert exchanges._ours(ipaddress.ip_address("127.0.0.1"))
    assert not exchanges._ours(ipaddress.ip_address("192.0.2.7"))


@pytest.mark.parametrize("nameserver", ["dns.example.org", "127.0.0.1:x", "127.0.0.1:99999", ":53"])
def test_a_nameserver_that_is_no_address_is_refused(nameserver: str) -> None:
    with pytest.raises(SettingsRefused, match="ONE_EMAIL_NAMESERVER"):
        Finder(nameserver)


@pytest.mark.parametrize("nameserver", ["127.0.0.1", "[::1]:5353", "192.0.2.53:53"])
def test_a_nameserver_is_an_address_and_perhaps_a_port(nameserver: str) -> None:
    assert Finder(nameserver)._loopback == (not nameserver.startswith("192"))
