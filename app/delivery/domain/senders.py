"""Whom an SPF record lets send: follows its mechanisms through the name system, RFC 7208 4 to 6."""

import ipaddress
from dataclasses import dataclass, field

from app.delivery.domain.lookups import Address, Lookups
from app.delivery.domain.reading.spf import ASKING, Qualifier, Spf, Term, is_spf, read

MOST_LOOKUPS = 10  # RFC 7208 4.6.4, and so are the next two
MOST_VOID = 2
MOST_EXCHANGES = 10
PATIENCE = 3 * MOST_LOOKUPS  # a record that goes on for ever is not followed for ever


class Broken(Exception):
    """Servers answer a record like this with “permerror”: they read it as none. The reason."""


@dataclass
class Walk:
    """One way through a record and all it includes.

    `address`: the sender in question; None walks everywhere and gives the answer for a stranger.
    """

    lookups: Lookups
    address: Address | None = None
    asked: int = 0  # mechanisms that cost a lookup
    void: int = 0  # of them, those that found nothing
    included: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)  # what only a mail server can follow
    old: list[str] = field(default_factory=list)  # mechanisms not to be used any more

    async def judge(self, domain: str, record: Spf) -> Qualifier:
        """`+` pass, `-` fail, `~` softfail, `?` neutral. Raises Broken and NotLookedUp."""
        if record.faults:
            raise Broken(f"the record of {domain}: {record.faults[0]}")
        for term in record.terms:
            self._count(term.name)
            if await self._matches(term, domain):
                return term.qualifier
        if not record.redirect or record.has_all:
            return "?"
        self._count("include")
        if "%" in record.redirect:
            self.unread.append(f"redirect={record.redirect}")
            return "?"
        self.included.append(record.redirect)
        return await self.judge(record.redirect, await self._record(record.redirect))

    def _count(self, name: str) -> None:
        self.asked += name in ASKING
        if self.asked > PATIENCE:
            raise Broken(f"it asks for more than {PATIENCE} lookups and may never end")

    async def _matches(self, term: Term, domain: str) -> bool:
        if term.name == "all":
            return True
        if term.network is not None:
            return self.address is not None and self.address in term.network
        if term.name == "ptr":
            self.old.append("ptr")
            return False
        if term.has_macro:
            self.unread.append(f"{term.name}:{term.domain}")
            return False
        if term.name == "include":
            self.included.append(term.domain)
            return await self.judge(term.domain, await self._record(term.domain)) == "+"
        return await self._found_at(term, term.domain or domain)

    async def _found_at(self, term: Term, where: str) -> bool:
        """For “a”, “mx” and “exists”: whether the address is one that these names have."""
        names = [where]
        if term.name == "mx":
            exchanges = await self.lookups.exchanges(where)
            if len(exchanges) > MOST_EXCHANGES:
                raise Broken(f"“mx” of {where} names more than {MOST_EXCHANGES} servers")
            names = [one.name for one in exchanges if one.name]
        there = [one for name in names for one in await self.lookups.addresses(name)]
        self.void += not there
        if term.name == "exists":
            return self.address is not None and any(one.version == 4 for one in there)
        return any(self._is_near(one, term) for one in there)

    def _is_near(self, other: Address, term: Term) -> bool:
        if self.address is None or self.address.version != other.version:
            return False
        prefix = term.prefix4 if other.version == 4 else term.prefix6
        return self.address in ipaddress.ip_network((other, prefix), strict=False)

    async def _record(self, domain: str) -> Spf:
        found = [text for text in await self.lookups.texts(domain) if is_spf(text)]
        if not found:
            raise Broken(f"it includes {domain}, which publishes no SPF record")
        if len(found) > 1:
            raise Broken(f"it includes {domain}, which publishes {len(found)} SPF records")
        return read(found[0])
