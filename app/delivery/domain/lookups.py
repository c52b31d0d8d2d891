"""Questions to the name system, all of them together within a bounded time."""

import asyncio
import ipaddress
from dataclasses import dataclass
from time import monotonic
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rcode
import dns.resolver
import dns.reversename
from dns.rdatatype import RdataType

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

ALL_TOGETHER = 15.0  # seconds
ONE = 4.0  # seconds for one question


class NotLookedUp(Exception):
    """The name system gave no usable answer: whether there is a record is not known."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} could not be looked up: {why}")


@dataclass(frozen=True)
class Exchange:
    """A server that an MX record names; an empty name is the null MX of RFC 7505."""

    preference: int
    name: str


class Lookups:
    """Asks each question once. Every method gives nothing where there is no such record.

    `nameserver`: host:port, or empty for the system's. All methods raise NotLookedUp.
    """

    def __init__(self, nameserver: str = "", *, patience: float = ALL_TOGETHER) -> None:
        self._nameserver = nameserver
        self._until = monotonic() + patience
        self._asked: dict[tuple[str, RdataType], asyncio.Task[list[Any]]] = {}
        self._resolver: dns.asyncresolver.Resolver | None = None

    async def texts(self, name: str) -> list[str]:
        """TXT records, each joined from its strings."""
        found = await self._ask(name, RdataType.TXT)
        return [b"".join(one.strings).decode("utf-8", "replace") for one in found]

    async def exchanges(self, name: str) -> list[Exchange]:
        """MX records in order of preference."""
        found = await self._ask(name, RdataType.MX)
        named = [Exchange(one.preference, _plain(one.exchange)) for one in found]
        return sorted(named, key=lambda one: (one.preference, one.name))

    async def addresses(self, name: str) -> list[Address]:
        """A and AAAA records; the name may be an address already."""
        try:
            return [ipaddress.ip_address(name.strip("[]"))]
        except ValueError:
            pass
        four, six = await asyncio.gather(
            self._ask(name, RdataType.A), self._ask(name, RdataType.AAAA)
        )
        return [ipaddress.ip_address(one.address) for one in [*four, *six]]

    async def names_of(self, address: Address) -> list[str]:
        """PTR records."""
        reverse = dns.reversename.from_address(str(address)).to_text()
        return sorted(_plain(one.target) for one in await self._ask(reverse, RdataType.PTR))

    async def _ask(self, name: str, kind: RdataType) -> list[Any]:
        key = (name.lower().rstrip("."), kind)
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(self._resolve(name, kind))
        return await self._asked[key]

    async def _resolve(self, name: str, kind: RdataType) -> list[Any]:
        left = min(ONE, self._until - monotonic())
        if left <= 0:
            raise NotLookedUp(name, "the time for all questions is over")
        try:
            wanted = dns.name.from_text(name)
        except (dns.exception.DNSException, ValueError):
            return []  # what is no name has no records
        try:
            answer = await self._opened().resolve(
                wanted, kind, lifetime=left, search=False, raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN:
            return []
        except (dns.exception.DNSException, OSError, ValueError) as fault:
            raise NotLookedUp(name, _reason(fault)) from None
        return list(answer.rrset or [])

    def _opened(self) -> dns.asyncresolver.Resolver:
        if self._resolver is None:
            self._resolver = dns.asyncresolver.Resolver(configure=not self._nameserver)
            if self._nameserver:
                host, port = _place(self._nameserver)
                self._resolver.nameservers, self._resolver.port = [host], port
            self._resolver.timeout = ONE / 2  # one lost packet is asked for again
        return self._resolver


def _place(nameserver: str) -> tuple[str, int]:
    host, colon, port = nameserver.rpartition(":")
    if not colon or not port.isdigit() or (":" in host and not host.startswith("[")):
        host, port = nameserver, "53"
    return host.strip("[]"), int(port)


def _plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).removesuffix(".").lower()


def _reason(fault: Exception) -> str:
    if isinstance(fault, dns.resolver.NoResolverConfiguration):
        return "this machine names no name server (set ONE_EMAIL_NAMESERVER)"
    if isinstance(fault, ValueError):
        return "ONE_EMAIL_NAMESERVER is an address and a port, 127.0.0.1:53 or [::1]:53"
    if isinstance(fault, dns.exception.Timeout):
        return "the name server does not answer"
    if isinstance(fault, dns.resolver.NoNameservers):
        answers = [one[-1] for one in fault.kwargs.get("errors", [])]
        codes = {dns.rcode.to_text(one.rcode()) for one in answers if one is not None}
        said = " and ".join(sorted(codes - {"NOERROR"}))
        return f"the name server answers {said}" if said else "no name server answers sensibly"
    return type(fault).__name__ if not str(fault) else str(fault).split("\n")[0]
