"""Which servers take mail for a domain: its MX records, or the domain itself (RFC 5321 5.1).

    finder = Finder(settings.nameserver)            # "127.0.0.1:5353", or "" for the system's
    exchanges = await finder.find("gov.example")    # never raises
    servers = await finder.servers(exchanges)       # each address of each of them, in order

Answers are kept in the process for as long as DNS says (their TTL).
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, zip_longest
from random import SystemRandom
from urllib.parse import urlsplit

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver

from app.delivery.routes.relays import Server, Tls
from app.errors import SettingsRefused

LIFETIME = 10.0  # seconds for one name, all nameservers and tries together
MOST_NAMES = 10_000
SMTP_PORT = 25
RANDOM = SystemRandom()

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Record = tuple[int, str]  # preference, name


@dataclass(frozen=True)
class Exchanges:
    """`names`: in order of preference, those of equal preference shuffled.

    Without names: `null`, the domain says that it takes no mail (RFC 7505); `missing`, there is
    no such domain or nothing in it that takes mail; else `trouble`, why it cannot be known now.
    `implicit`: without an MX the domain itself is its exchange.
    """

    domain: str
    names: tuple[str, ...] = ()
    null: bool = False
    implicit: bool = False
    missing: bool = False
    trouble: str = ""


class Finder:
    """Asks DNS. `nameserver`: host:port; empty: the system's. Raises SettingsRefused."""

    def __init__(self, nameserver: str = "") -> None:
        self._resolver = _resolver(nameserver)
        self._resolver.lifetime = LIFETIME
        self._resolver.cache = dns.resolver.LRUCache(MOST_NAMES)
        # a loopback address in somebody's public zone leads to our own machine, not to theirs;
        # only a nameserver on this machine may lead here
        self._loopback = bool(nameserver) and _split(nameserver)[0].is_loopback

    async def find(self, domain: str) -> Exchanges:
        """The servers that the domain's MX names."""
        try:
            answer = await self._resolver.resolve(f"{domain}.", "MX")
        except dns.resolver.NXDOMAIN:
            return Exchanges(domain, missing=True)
        except dns.resolver.NoAnswer:
            return await self._implicit(domain)
        except (dns.exception.DNSException, OSError) as error:
            return Exchanges(domain, trouble=_reason(error))
        records = sorted((int(mx.preference), _plain(mx.exchange)) for mx in answer)
        if [name for _, name in records] == [""]:
            return Exchanges(domain, null=True)
        return Exchanges(domain, tuple(filter(None, _shuffled(records))))

    async def servers(self, exchanges: Exchanges, *, port: int = SMTP_PORT) -> tuple[Server, ...]:
        """Every public address of every exchange, IPv6 and IPv4 in turn."""
        found = await asyncio.gather(*map(self._addresses, exchanges.names))
        return tuple(
            Server(name, port, tls=Tls.OPPORTUNISTIC, address=str(address), by_exchange=True)
            for name, addresses in zip(exchanges.names, found, strict=True)
            for address in addresses
        )

    async def _implicit(self, domain: str) -> Exchanges:
        six, four = await asyncio.gather(self._ask(domain, "AAAA"), self._ask(domain, "A"))
        if six or four:
            return Exchanges(domain, (domain,), implicit=True)
        if six is None or four is None:
            return Exchanges(domain, trouble="its address cannot be looked up now")
        return Exchanges(domain, missing=True)

    async def _addresses(self, name: str) -> list[IpAddress]:
        six, four = await asyncio.gather(self._ask(name, "AAAA"), self._ask(name, "A"))
        in_turn = chain.from_iterable(zip_longest(six or [], four or []))
        return [one for one in in_turn if one is not None and self._may_be_dialled(one)]

    async def _ask(self, name: str, kind: str) -> list[IpAddress] | None:
        """None: it cannot be known now."""
        try:
            answer = await self._resolver.resolve(f"{name}.", kind)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError):
            return None
        return [ipaddress.ip_address(one.address) for one in answer]

    def _may_be_dialled(self, address: IpAddress) -> bool:
        inner = getattr(address, "ipv4_mapped", None) or address
        if inner.is_loopback:
            return self._loopback
        return inner.is_global and not inner.is_multicast and not _ours(address)


def nowhere(exchanges: Exchanges) -> str:
    """Why nothing can be sent to the domain, in our own words, with an enhanced code."""
    if exchanges.null:
        return f"5.1.10 {exchanges.domain} says that it takes no mail (null MX)"
    if exchanges.missing:
        return f"5.1.2 {exchanges.domain} has no mail server"
    return f"4.4.3 {exchanges.domain}: {exchanges.trouble or 'no mail server has an address'}"


def _resolver(nameserver: str) -> dns.asyncresolver.Resolver:
    if not nameserver:
        try:
            return dns.asyncresolver.Resolver()
        except dns.resolver.NoResolverConfiguration:
            raise SettingsRefused(
                "this machine knows no nameserver: set ONE_EMAIL_NAMESERVER"
            ) from None
    host, port = _split(nameserver)
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [str(host)]
    resolver.port = port
    return resolver


def _split(nameserver: str) -> tuple[IpAddress, int]:
    try:
        parts = urlsplit(f"//{nameserver}")
        return ipaddress.ip_address(parts.hostname or ""), parts.port or 53
    except ValueError:
        raise SettingsRefused(
            "ONE_EMAIL_NAMESERVER is an address and a port: 127.0.0.1:53 or [::1]:53"
        ) from None


def _shuffled(records: Sequence[Record]) -> Iterable[str]:
    for _, group in groupby(records, key=lambda record: record[0]):
        names = [name for _, name in group]
        RANDOM.shuffle(names)
        yield from names


def _plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() if len(name) > 1 else ""


def _reason(error: Exception) -> str:
    if isinstance(error, dns.exception.Timeout):
        return "its nameservers do not answer"
    if isinstance(error, dns.resolver.NoNameservers):
        return "its nameservers fail to answer"
    return f"its MX cannot be looked up now ({type(error).__name__})"


def _ours(address: IpAddress) -> bool:
    """Whether it is an address of this machine: only on those can one listen."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as door:
            door.bind((str(address), 0))
    except OSError:
        return False
    return True
