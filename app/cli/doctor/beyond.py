"""What lies beyond this machine: the relays that our letters leave through, and our domain."""

import asyncio
import ipaddress
from collections.abc import Awaitable, Sequence

from app.cli.doctor import relay, trial
from app.cli.doctor.domain import authority, direct, policy, returning, signing
from app.cli.doctor.domain.authority import Senders
from app.cli.doctor.domain.lookups import Address, Lookups, NotLookedUp
from app.cli.doctor.domain.signing import Signature
from app.cli.doctor.findings import Finding, heard, look, not_well
from app.delivery.routes.relays import Relay, relays_of
from app.errors import SettingsRefused
from app.settings import Route, Settings

EXAMPLE = ".example"  # nobody's domain: RFC 2606

Part = Awaitable[list[Finding]]


async def examine(
    settings: Settings, *, recipient: str, address: str = "", signatures: Sequence[Signature] = ()
) -> list[Finding]:
    """Relays and domain, all looked at together; nothing is sent.

    `recipient`: whom a relay is asked to take a letter for; `address`: the one the world sees us
    by, where it is known; `signatures`: under which selectors our letters are signed.
    """
    domain = settings.mail_domain
    if not domain.isascii() or domain.lower().endswith(EXAMPLE):
        return [
            not_well(
                f"{domain} is nobody's domain, and servers refuse letters from it: set"
                " ONE_EMAIL_MAIL_DOMAIN to your own, and the relay and the domain are looked at."
            )
        ]
    try:
        relays = relays_of(settings) if settings.route is Route.RELAY else ()
    except SettingsRefused:
        relays = ()  # the settings have said so already
    ours = {"hello": domain, "sender": trial.sender_address(settings)}
    parts: list[Part] = [relay.examine(one, recipient=recipient, **ours) for one in relays]
    parts.append(_domain(settings, address, signatures, relays))
    return await _together(parts)


async def _domain(
    settings: Settings, given: str, signatures: Sequence[Signature], relays: Sequence[Relay]
) -> list[Finding]:
    domain, straight = settings.mail_domain, settings.route is Route.MX
    lookups = Lookups(settings.nameserver)
    address, unknown = await _address(lookups, given, domain, straight=straight)
    senders = (
        Senders(addresses=(address,))
        if address
        else Senders(relays=tuple(one.host for one in relays))
    )
    parts = [
        _told("MX", returning.mx(lookups, domain)),
        _told("SPF", authority.spf(lookups, domain, senders)),
        *(_told("DKIM", signing.dkim(lookups, one)) for one in dict.fromkeys(signatures)),
        _told("DMARC", policy.dmarc(lookups, domain)),
    ]
    if straight and address:
        parts.append(_told("PTR", direct.ptr(lookups, address)))
    if straight:
        parts.append(_told("EHLO", direct.greeting(lookups, domain, address)))
    unsigned = [] if signatures else [signing.unknown(domain, direct=straight)]
    return [*await _together(parts), *unsigned, *unknown, returning.taken_in(settings)]


async def _address(
    lookups: Lookups, given: str, domain: str, *, straight: bool
) -> tuple[Address | None, list[Finding]]:
    """The address the world sees us by; where that is not known, a sentence about it."""
    if given:
        try:
            return ipaddress.ip_address(given), []
        except ValueError:
            return None, [not_well(f"“{given}” is no IP address: write --address 192.0.2.1.")]
    if not straight:
        return None, []
    try:
        found = await direct.own_address(lookups, domain)
    except NotLookedUp:
        found = None
    problem = direct.not_public(found)
    return (None, [problem]) if problem else (found, [])


async def _told(what: str, questions: Part) -> list[Finding]:
    """What was found, or the sentence that it could not be looked up."""
    try:
        return await questions
    except NotLookedUp as silent:
        advice = "Run the doctor again; if it stays so, look at the name server."
        return [look(f"{what}: {heard(silent)}. {advice}")]


async def _together(parts: Sequence[Part]) -> list[Finding]:
    found = await asyncio.gather(*parts)
    return [finding for part in found for finding in part]
