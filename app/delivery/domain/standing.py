"""How the domain stands that our letters come from: all its records, looked at together."""

import asyncio
import ipaddress
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from time import monotonic

from app.delivery.domain import authority, direct, policy, returning, signing
from app.delivery.domain.authority import Senders
from app.delivery.domain.findings import Finding, Mark, heard, look, not_well
from app.delivery.domain.lookups import ALL_TOGETHER, Address, Lookups, NotLookedUp
from app.delivery.domain.signing import Signature
from app.delivery.routes.relays import relays_of
from app.errors import SettingsRefused
from app.settings import Route, Settings

EXAMPLE = ".example"  # nobody's domain: RFC 2606
FOR_A_PAGE = 3.0  # seconds that whoever waits for a page waits for the name system
KEPT_FOR = 300.0  # seconds; what is not well is looked at again sooner, for somebody mends it
KEPT_FOR_WHEN_ILL = 20.0

Part = Awaitable[list[Finding]]


@dataclass(frozen=True)
class Standing:
    """What was found. `told`: whether the name system answered every question."""

    findings: tuple[Finding, ...]
    told: bool

    @property
    def well(self) -> bool:
        return self.told and not any(one.mark is Mark.NOT_WELL for one in self.findings)


_kept: dict[tuple[str, ...], tuple[float, Standing]] = {}


def nobodys(settings: Settings) -> Finding | None:
    """A sentence where our letters come from a domain that belongs to nobody."""
    domain = settings.mail_domain
    if domain.isascii() and not domain.lower().endswith(EXAMPLE):
        return None
    return not_well(
        f"{domain} is nobody's domain, and servers refuse letters from it: set"
        " ONE_EMAIL_MAIL_DOMAIN to your own, and the relay and the domain are looked at."
    )


async def for_a_page(settings: Settings) -> Standing:
    """The same within seconds, and kept for some minutes."""
    key = (settings.mail_domain, settings.nameserver, settings.route, settings.smtp_url)
    at, known = _kept.get(key, (0.0, None))
    if known and monotonic() - at < (KEPT_FOR if known.well else KEPT_FOR_WHEN_ILL):
        return known
    nobody = nobodys(settings)
    found = Standing((nobody,), True) if nobody else await examine(settings, patience=FOR_A_PAGE)
    _kept[key] = (monotonic(), found)
    return found


async def examine(
    settings: Settings,
    *,
    address: str = "",
    signatures: Sequence[Signature] = (),
    patience: float = ALL_TOGETHER,
) -> Standing:
    """MX, SPF, DKIM and DMARC, and what direct delivery needs.

    `address`: the one the world sees us by, where it is known; `signatures`: under which selectors
    our letters are signed; `patience`: seconds for all questions together.
    """
    domain, straight = settings.mail_domain, settings.route is Route.MX
    lookups = Lookups(settings.nameserver, patience=patience)
    ours, unknown = await _address(lookups, address, domain, straight=straight)
    senders = Senders(addresses=(ours,)) if ours else Senders(relays=_relays(settings))
    silent: list[str] = []
    parts = [
        _told("MX", returning.mx(lookups, domain), silent),
        _told("SPF", authority.spf(lookups, domain, senders), silent),
        *(_told("DKIM", signing.dkim(lookups, one), silent) for one in dict.fromkeys(signatures)),
        _told("DMARC", policy.dmarc(lookups, domain), silent),
    ]
    if straight and ours:
        parts.append(_told("PTR", direct.ptr(lookups, ours), silent))
    if straight:
        parts.append(_told("EHLO", direct.greeting(lookups, domain, ours), silent))
    found = [finding for part in await asyncio.gather(*parts) for finding in part]
    unsigned = [] if signatures else [signing.unknown(domain, direct=straight)]
    findings = (*found, *unsigned, *unknown, returning.taken_in(settings))
    return Standing(findings, told=not silent)


def _relays(settings: Settings) -> tuple[str, ...]:
    try:
        return tuple(one.host for one in relays_of(settings) if settings.route is Route.RELAY)
    except SettingsRefused:
        return ()  # the settings say so themselves


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


async def _told(what: str, questions: Part, silent: list[str]) -> list[Finding]:
    """What was found, or the sentence that it could not be looked up."""
    try:
        return await questions
    except NotLookedUp as fault:
        silent.append(what)
        advice = "Run the doctor again; if it stays so, look at the name server."
        return [look(f"{what}: {heard(fault)}. {advice}")]
