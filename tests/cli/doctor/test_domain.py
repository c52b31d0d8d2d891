"""What the doctor says of the domain our letters come from, asked of a real name system."""

import base64
from time import monotonic
from typing import Any

import pytest

from app.cli.doctor import beyond
from app.delivery.domain import authority, direct, lookups, policy, returning, signing
from app.delivery.domain.authority import Senders
from app.delivery.domain.findings import Finding
from app.delivery.domain.lookups import Lookups
from app.delivery.domain.signing import Signature
from app.settings import Delivery, Route, Settings
from tests.grounds.dns import DnsServer

OURS = "letters.test"
ADDRESS = "192.0.2.7"
KEY = f"v=DKIM1; k=rsa; p={base64.b64encode(bytes(294)).decode()}"
TROUBLED = ("mx", "spf", "dkim", "dmarc", "ptr", "ehlo")
WELL = {
    "mx": f"well: MX: mail to {OURS} goes to mx.{OURS}.",
    "spf": f"well: SPF: {OURS} has one record, and to strangers it answers fail.",
    "ours": f"well: SPF: {OURS} lets {ADDRESS} send.",
    "dkim": f"well: DKIM: a key is published at mail1._domainkey.{OURS}.",
    "dmarc": (
        f"well: DMARC: the record at _dmarc.{OURS} asks servers to put letters that fail the check"
        f" aside as spam (p=quarantine); our From and our bounce address are both at {OURS}, so"
        " SPF counts."
    ),
    "ptr": f"well: PTR: {ADDRESS} is called {OURS}, and that leads back to it.",
    "ehlo": f"well: EHLO: we greet as {OURS}, which has an address.",
}


@pytest.fixture
def good(names: DnsServer) -> DnsServer:
    """A domain with everything in order."""
    names.mx(OURS, (10, f"mx.{OURS}"))
    names.a(f"mx.{OURS}", "127.0.0.1")
    names.a(OURS, ADDRESS)
    names.txt(OURS, "unrelated", f"v=spf1 ip4:{ADDRESS} -all")
    names.txt(f"_dmarc.{OURS}", f"v=DMARC1; p=quarantine; rua=mailto:reports@{OURS}")
    names.txt(f"mail1._domainkey.{OURS}", KEY)
    names.ptr(ADDRESS, OURS)
    return names


def settings_for(names: DnsServer, **others: Any) -> Settings:
    given = {"mail_domain": OURS, "nameserver": names.address, "secret_key": "for tests only"}
    given |= {"delivery": Delivery.LIVE, "route": Route.MX}
    return Settings(_env_file=None, **(given | others))


def shown(findings: list[Finding]) -> list[str]:
    return [f"{one.mark}: {one.sentence}" for one in findings]


async def examined(names: DnsServer, *, selector: str = "", **given: Any) -> list[str]:
    settings = settings_for(names, **given)
    signatures = [Signature(selector, OURS)] if selector else []
    return shown(
        await beyond.examine(
            settings, recipient="me@x.test", address=ADDRESS, signatures=signatures
        )
    )


async def test_a_domain_in_order_is_well_throughout(good: DnsServer) -> None:
    lines = await examined(good, selector="mail1", returns_lmtp="127.0.0.1:2400")
    taken_in = "well: What comes back is taken in by LMTP at 127.0.0.1:2400."
    assert lines == [*WELL.values(), taken_in]


async def test_what_a_new_domain_must_publish_is_said_exactly(names: DnsServer) -> None:
    names.txt(OURS, "nothing of interest")
    lines = "\n".join(await examined(names, selector="mail1"))
    assert f"Publish at {OURS} the MX record “10 ” and the name of your mail server" in lines
    assert f"Publish at {OURS} the TXT record “v=spf1 ip4:{ADDRESS} ~all”." in lines
    assert f"there is no record at mail1._domainkey.{OURS}" in lines
    dmarc = f"v=DMARC1; p=none; rua=mailto:postmaster@{OURS}"
    assert f"Publish at _dmarc.{OURS} the TXT record “{dmarc}”." in lines
    assert f"NOT WELL: PTR: {ADDRESS} has no reverse name" in lines
    assert f"Publish at {OURS} the A record “{ADDRESS}”." in lines
    assert "look: Nothing takes in what comes back" in lines


@pytest.mark.parametrize(
    ("records", "line"),
    [
        (["v=spf1 -all", "v=spf1 ~all"], "NOT WELL: SPF: letters.test has 2 records"),
        (["v=spf1 ipv4:1.2.3.4 -all"], "cannot be read: “ipv4:1.2.3.4” is nothing that SPF knows"),
        (
            ["v=spf1 ip4:192.0.2.7 +all"],
            "lets the whole world send in its name. Change the TXT record at letters.test to"
            " “v=spf1 ip4:192.0.2.7 -all”.",
        ),
        (["v=spf1 ip4:192.0.2.7"], "at letters.test to “v=spf1 ip4:192.0.2.7 ~all”."),
        (["v=spf1 redirect=host.test"], "The record of host.test, which it redirects to, should"),
        (
            ["v=spf1 mx a:host.test ~all"],
            "NOT WELL: SPF: letters.test does not let 192.0.2.7 send (it answers softfail). Change"
            " the TXT record at letters.test to “v=spf1 mx a:host.test ip4:192.0.2.7 ~all”.",
        ),
        (
            ["v=spf1 redirect=gone.test"],
            "NOT WELL: SPF: servers reject the record of letters.test: it includes gone.test, which"
            " publishes no SPF record. Correct that first.",
        ),
        (
            ["v=spf1 exists:%{i}.list.test -all"],
            "look: SPF: whether letters.test lets 192.0.2.7 send cannot be told here",
        ),
        (["v=spf1 ptr ip4:192.0.2.7 -all"], "look: SPF: the record of letters.test uses “ptr”"),
        (
            ["v=spf1 " + "a:host.test " * 11 + "-all"],
            "NOT WELL: SPF: the record of letters.test takes 11 lookups; servers stop at 10",
        ),
        (["v=spf1 a:x.test a:y.test a:z.test -all"], "look: SPF: 3 names in the record"),
    ],
)
async def test_a_wrong_spf_record_is_told_with_what_to_change(
    names: DnsServer, records: list[str], line: str
) -> None:
    names.txt(OURS, *records)
    names.a("host.test", "192.0.2.99")
    names.txt("host.test", "v=spf1 ip4:192.0.2.7")
    names.mx(OURS, (10, "host.test"))
    senders = Senders(addresses=(lookups.ipaddress.ip_address(ADDRESS),))
    found = shown(await authority.spf(Lookups(names.address), OURS, senders))
    assert any(line in one for one in found), found


@pytest.mark.parametrize(
    ("record", "line"),
    [
        ("v=spf1 a:smtp.relay.test -all", "well: SPF: letters.test lets the relay smtp.relay.test"),
        ("v=spf1 include:spf.relay.test ~all", "well: SPF: letters.test includes spf.relay.test"),
        ("v=spf1 mx -all", "look: SPF: nothing in the record of letters.test names the relay"),
    ],
)
async def test_of_a_relay_elsewhere_only_what_can_be_known_is_said(
    names: DnsServer, record: str, line: str
) -> None:
    names.txt(OURS, record)
    names.a("smtp.relay.test", "8.8.4.4")
    names.txt("spf.relay.test", "v=spf1 ip4:198.51.100.0/24 -all")
    senders = Senders(relays=("smtp.relay.test",))
    found = shown(await authority.spf(Lookups(names.address), OURS, senders))
    assert found[-1].startswith(line)
    assert "is known to whoever runs it" in found[-1]


async def test_a_relay_on_this_machine_sends_from_an_address_to_be_named(names: DnsServer) -> None:
    names.txt(OURS, "v=spf1 mx -all")
    found = await authority.spf(Lookups(names.address), OURS, Senders(relays=("127.0.0.1",)))
    assert "--address IP" in found[-1].sentence


async def test_mail_must_be_able_to_come_back(names: DnsServer) -> None:
    ask = Lookups(names.address)
    names.null_mx("null.test")
    names.mx("lost.test", (5, "mx.lost.test"))
    names.a("bare.test", "192.0.2.1")
    marks = {
        domain: (await returning.mx(ask, domain))[0]
        for domain in ("null.test", "lost.test", "bare.test", "none.test")
    }
    assert [one.mark for one in marks.values()] == ["NOT WELL", "NOT WELL", "look", "NOT WELL"]
    assert "takes no mail at all" in marks["null.test"].sentence
    assert "mx.lost.test, which has no address" in marks["lost.test"].sentence


@pytest.mark.parametrize(
    ("place", "record", "line"),
    [
        ("_dmarc.letters.test", "v=DMARC1; p=none", "look: DMARC: the record at _dmarc.letters"),
        ("_dmarc.letters.test", "v=DMARC1; p=maybe", "NOT WELL: DMARC: the record at _dmarc.lett"),
        ("elsewhere.test", "v=DMARC1; p=none", "look: DMARC: letters.test has no policy"),
    ],
)
async def test_a_weak_dmarc_policy_is_told(
    names: DnsServer, place: str, record: str, line: str
) -> None:
    names.txt(place, record)
    found = shown(await policy.dmarc(Lookups(names.address), OURS))
    assert [one.startswith(line) for one in found] == [True]


async def test_a_policy_above_our_domain_holds_for_it(names: DnsServer) -> None:
    above = "v=DMARC1; p=none; sp=reject; rua=mailto:a@campaign.test; adkim=s"
    names.txt("_dmarc.campaign.test", above)
    found = await policy.dmarc(Lookups(names.address), "letters.campaign.test")
    assert "at _dmarc.campaign.test asks servers to refuse" in found[0].sentence
    assert "and DKIM only with d=letters.campaign.test itself" in found[0].sentence


@pytest.mark.parametrize(
    ("records", "mark"),
    [([KEY], "well"), ([KEY, KEY + " "], "NOT WELL"), (["v=DKIM1; p="], "NOT WELL")],
)
async def test_the_key_of_a_signature_is_looked_at(
    names: DnsServer, records: list[str], mark: str
) -> None:
    names.txt(f"mail1._domainkey.{OURS}", *records)
    found = await signing.dkim(Lookups(names.address), Signature("mail1", OURS))
    assert [one.mark for one in found] == [mark]


async def test_a_reverse_name_must_lead_back(names: DnsServer) -> None:
    names.ptr(ADDRESS, "host-7.provider.test")
    address = lookups.ipaddress.ip_address(ADDRESS)
    found = await direct.ptr(Lookups(names.address), address)
    assert "host-7.provider.test, which does not lead back" in found[0].sentence
    names.a(OURS, "192.0.2.8")
    greeted = await direct.greeting(Lookups(names.address), OURS, address)
    assert [one.mark for one in greeted] == ["look"]
    assert f"Best publish at {OURS} the A record “{ADDRESS}” too." in greeted[0].sentence


async def test_an_address_that_the_world_does_not_see_is_asked_for(good: DnsServer) -> None:
    """The way to the first exchange begins at 127.0.0.1 here."""
    found = await beyond.examine(settings_for(good), recipient="me@x.test")
    said = "\n".join(shown(found))
    assert "look: PTR: this machine knows itself as 127.0.0.1" in said
    nonsense = await beyond.examine(settings_for(good), recipient="me@x.test", address="ours")
    assert "NOT WELL: “ours” is no IP address" in "\n".join(shown(nonsense))


@pytest.mark.parametrize("trouble", ["fails", "refuses", "is_silent"])
async def test_a_name_system_in_trouble_is_a_sentence_and_soon_over(
    good: DnsServer, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "ONE", 0.4)
    getattr(good, trouble)(OURS, f"_dmarc.{OURS}", f"mail1._domainkey.{OURS}")
    began = monotonic()
    lines = await examined(good, selector="mail1")
    assert monotonic() - began < 3
    unknown = [line for line in lines if "could not be looked up: " in line]
    assert [line.split(":")[1].strip() for line in unknown] == [one.upper() for one in TROUBLED]
    assert all(line.startswith("look: ") for line in unknown)
    assert not any("NOT WELL" in line for line in lines)


async def test_all_questions_together_have_an_end(names: DnsServer) -> None:
    late = Lookups(names.address, patience=0)
    with pytest.raises(lookups.NotLookedUp, match="the time for all questions is over"):
        await late.texts(OURS)
    assert names.asked == []


async def test_a_name_server_that_is_no_address_is_named() -> None:
    with pytest.raises(lookups.NotLookedUp, match="ONE_EMAIL_NAMESERVER is an address"):
        await Lookups("dns.test:53").texts(OURS)


async def test_an_example_is_nobodys_domain(names: DnsServer) -> None:
    lines = await examined(names, mail_domain="letters.example")
    assert len(lines) == 1
    assert lines[0].startswith("NOT WELL: letters.example is nobody's domain")
    assert names.asked == []
