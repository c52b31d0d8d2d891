"""SPF: whether our domain lets the servers send that our letters leave through."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.delivery.domain.findings import Finding, heard, look, not_well, well
from app.delivery.domain.lookups import Address, Lookups, NotLookedUp
from app.delivery.domain.reading.spf import Spf, is_spf, read
from app.delivery.domain.senders import MOST_LOOKUPS, MOST_VOID, Broken, Walk

ANSWERS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
ENDS = re.compile(r"[+?~-]?all|redirect=.*", re.IGNORECASE)


@dataclass(frozen=True)
class Senders:
    """Who hands our letters to the world. `addresses`: those that are known for certain."""

    addresses: tuple[Address, ...] = ()
    relays: tuple[str, ...] = ()  # their host names, where the address they send from is not known


async def spf(lookups: Lookups, domain: str, senders: Senders) -> list[Finding]:
    """The record, and whom it lets send. Raises NotLookedUp."""
    found = [text for text in await lookups.texts(domain) if is_spf(text)]
    if not found:
        return [not_well(f"SPF: {domain} has no record. {_publish(domain, _first(senders))}")]
    if len(found) > 1:
        return [
            not_well(
                f"SPF: {domain} has {len(found)} records, and servers then read none: keep one TXT"
                f" record that begins with “v=spf1” and holds what all of them say."
            )
        ]
    record = read(found[0])
    if record.faults:
        faults = "; ".join(heard(fault) for fault in record.faults)
        return [
            not_well(
                f"SPF: the record of {domain} cannot be read: {faults}. Correct the TXT record at"
                f" {domain}; it reads “{heard(found[0])}”."
            )
        ]
    try:
        walk = Walk(lookups)
        stranger = await walk.judge(domain, record)
        findings = [_strangers(domain, stranger, found[0]), *_costs(domain, walk)]
        return findings + await _ours(lookups, domain, found[0], senders, walk)
    except Broken as broken:
        why = heard(broken)
        return [not_well(f"SPF: servers reject the record of {domain}: {why}. Correct that first.")]


def _strangers(domain: str, answer: str, text: str) -> Finding:
    """What the record says of everybody it does not name."""
    record = read(text)
    beyond = record.redirect if not record.has_all else ""
    if answer == "+":
        return not_well(
            f"SPF: {domain} lets the whole world send in its name."
            f" {_end_with(domain, text, '-all', beyond)}"
        )
    if answer == "?":
        return look(
            f"SPF: {domain} names its servers and says nothing of all others."
            f" {_end_with(domain, text, '~all', beyond)}"
        )
    return well(f"SPF: {domain} has one record, and to strangers it answers {ANSWERS[answer]}.")


def _costs(domain: str, walk: Walk) -> list[Finding]:
    findings = []
    if walk.asked > MOST_LOOKUPS:
        findings.append(
            not_well(
                f"SPF: the record of {domain} takes {walk.asked} lookups; servers stop at"
                f" {MOST_LOOKUPS} and count it as none. Take out the includes you do not use:"
                f" {', '.join(map(heard, walk.included))}."
            )
        )
    if walk.void > MOST_VOID:
        findings.append(
            look(
                f"SPF: {walk.void} names in the record of {domain} have no address; many servers"
                f" give up after {MOST_VOID}. Take out what is gone."
            )
        )
    if walk.old:
        findings.append(
            look(f"SPF: the record of {domain} uses “ptr”, which servers may not follow any more.")
        )
    return findings


async def _ours(
    lookups: Lookups, domain: str, text: str, senders: Senders, whole: Walk
) -> list[Finding]:
    """Whether the record covers each server that sends for us."""
    record = read(text)
    findings = [
        await _covers(lookups, domain, text, record, address) for address in senders.addresses
    ]
    for host in senders.relays:
        findings.append(await _covers_relay(lookups, domain, text, host, whole))
    return findings


async def _covers(
    lookups: Lookups, domain: str, text: str, record: Spf, address: Address
) -> Finding:
    walk = Walk(lookups, address)
    answer = await walk.judge(domain, record)
    if answer == "+":
        return well(f"SPF: {domain} lets {address} send.")
    if walk.unread:
        return look(
            f"SPF: whether {domain} lets {address} send cannot be told here, for the record uses"
            f" macros ({', '.join(map(heard, walk.unread))}): the trial letter shows it."
        )
    return not_well(
        f"SPF: {domain} does not let {address} send (it answers {ANSWERS[answer]})."
        f" {_change(domain, _with(text, _mechanism(address)))}"
    )


async def _covers_relay(
    lookups: Lookups, domain: str, text: str, host: str, whole: Walk
) -> Finding:
    """A relay may send from other addresses than the one it listens on."""
    known_to_it = "from which addresses it sends is known to whoever runs it"
    try:
        listening = await lookups.addresses(host)
    except NotLookedUp:
        listening = []
    if any(one.is_private or one.is_loopback for one in listening):
        return look(
            f"SPF: the relay at {host} is on this machine or near it; name the address that the"
            " world sees it by with --address IP, and the record is compared with that."
        )
    for address in listening:
        if await Walk(lookups, address).judge(domain, read(text)) == "+":
            return well(f"SPF: {domain} lets the relay {host} ({address}) send; {known_to_it}.")
    kin = [name for name in whole.included if _near(name) == _near(host)]
    if kin:
        return well(f"SPF: {domain} includes {heard(kin[0])} for the relay {host}; {known_to_it}.")
    return look(
        f"SPF: nothing in the record of {domain} names the relay {host}; {known_to_it}. Look in its"
        f" documentation for what to include (often “include:{_near(host)}”), or give the"
        " address with --address IP."
    )


def _near(name: str) -> str:
    return ".".join(name.lower().rstrip(".").split(".")[-2:])


def _mechanism(address: Address) -> str:
    return f"ip{address.version}:{address}"


def _first(senders: Senders) -> str:
    """The record for a domain that has none."""
    named = [_mechanism(address) for address in senders.addresses]
    named += [f"a:{host}" for host in senders.relays if _is_name(host)]
    return " ".join(["v=spf1", *named, "~all"])


def _is_name(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host != "localhost"
    return False


def _with(text: str, mechanism: str) -> str:
    """The same record with one mechanism more, before its end."""
    words = text.split()
    ends = [number for number, word in enumerate(words) if ENDS.fullmatch(word)]
    at = ends[0] if ends else len(words)
    return " ".join([*words[:at], mechanism, *words[at:]])


def _end_with(domain: str, text: str, end: str, beyond: str) -> str:
    """`beyond`: the domain whose record says how this one ends."""
    if beyond:
        return f"The record of {heard(beyond)}, which it redirects to, should end in “{end}”."
    kept: Sequence[str] = [word for word in text.split() if not ENDS.fullmatch(word)]
    return _change(domain, " ".join([*kept, end]))


def _change(domain: str, value: str) -> str:
    return f"Change the TXT record at {domain} to “{heard(value, longest=2000)}”."


def _publish(domain: str, value: str) -> str:
    return f"Publish at {domain} the TXT record “{value}”."
