"""Reads an SPF record (RFC 7208): pure, and no text makes it raise."""

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Literal

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Qualifier = Literal["+", "-", "~", "?"]

VERSION = "v=spf1"
MECHANISMS = frozenset({"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"})
ASKING = frozenset({"include", "a", "mx", "ptr", "exists"})  # with redirect: RFC 7208 4.6.4
NEEDS_A_DOMAIN = frozenset({"include", "exists"})
MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)=(.*)")
DIRECTIVE = re.compile(
    r"([+?~-]?)([A-Za-z][A-Za-z0-9_.-]*)(?::([^/]+))?"
    r"(?:/([0-9]{1,3}))?(?://([0-9]{1,3}))?"
)


@dataclass(frozen=True)
class Term:
    """One mechanism. `prefix4` and `prefix6`: how much of an address must fit, in bits."""

    qualifier: Qualifier
    name: str
    domain: str = ""
    network: Network | None = None
    prefix4: int = 32
    prefix6: int = 128

    @property
    def has_macro(self) -> bool:
        return "%" in self.domain


@dataclass(frozen=True)
class Spf:
    """A record as it reads; `faults` are sentences about what is no SPF in it."""

    terms: tuple[Term, ...]
    redirect: str = ""
    faults: tuple[str, ...] = ()

    @property
    def has_all(self) -> bool:
        return any(term.name == "all" for term in self.terms)


@dataclass
class _Reading:
    terms: list[Term] = field(default_factory=list)
    redirects: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def is_spf(text: str) -> bool:
    """Whether a TXT record is one, RFC 7208 4.5."""
    lowered = text.lower()
    return lowered == VERSION or lowered.startswith(f"{VERSION} ")


def read(text: str) -> Spf:
    """What a record says; what cannot be read is a fault, and the rest is read all the same."""
    reading = _Reading()
    for word in text.split()[1:]:
        modifier = MODIFIER.fullmatch(word)
        if modifier is None:
            _read_directive(reading, word)
        elif modifier[1].lower() == "redirect":
            reading.redirects.append(modifier[2].rstrip("."))
    if len(reading.redirects) > 1:
        reading.faults.append("it has “redirect=” twice")
    redirect = reading.redirects[0] if reading.redirects else ""
    if reading.redirects and not redirect:
        reading.faults.append("“redirect=” names no domain")
    return Spf(tuple(reading.terms), redirect, tuple(reading.faults))


def _read_directive(reading: _Reading, word: str) -> None:
    found = DIRECTIVE.fullmatch(word)
    name = found[2].lower() if found else ""
    if found is None or name not in MECHANISMS:
        reading.faults.append(f"“{word}” is nothing that SPF knows")
        return
    qualifier: Qualifier = found[1] or "+"  # type: ignore[assignment]  # as the pattern says
    value = (found[3] or "").rstrip(".")
    if name in {"ip4", "ip6"}:
        network = _network(name, found[3] or "", found[4])
        if network is None or found[5]:
            reading.faults.append(f"“{word}” holds no address that fits “{name}”")
        else:
            reading.terms.append(Term(qualifier, name, network=network))
        return
    prefix4, prefix6 = int(found[4] or 32), int(found[5] or 128)
    if prefix4 > 32 or prefix6 > 128:
        reading.faults.append(f"“{word}” asks for more bits than an address has")
    elif name in NEEDS_A_DOMAIN and not value:
        reading.faults.append(f"“{word}” names no domain (no space after the colon)")
    elif name == "all" and (value or found[4] or found[5]):
        reading.faults.append(f"“{word}”: “all” stands alone")
    else:
        term = Term(qualifier, name, domain=value, prefix4=prefix4, prefix6=prefix6)
        reading.terms.append(term)


def _network(name: str, value: str, prefix: str | None) -> Network | None:
    kind = ipaddress.IPv4Network if name == "ip4" else ipaddress.IPv6Network
    try:
        return kind(f"{value}/{prefix}" if prefix else value, strict=False)
    except ValueError:
        return None
