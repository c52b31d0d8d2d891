"""A small DNS server on this machine; the test writes its zones and can make it fail or silent.

    with dns.running() as names:
        names.mx("gov.example", (10, "mx1.gov.example"), (20, "mx2.gov.example"))
        names.a("mx1.gov.example", "127.0.0.1")
        settings.nameserver = names.address        # "127.0.0.1:40123"

A name with records of another kind answers with none; a name without any does not exist.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.reversename
import dns.rrset

HERE = "127.0.0.1"
TTL = 300
END = b"end"
SOA = "ns.test. hostmaster.test. 1 3600 600 86400 60"


class DnsServer:
    """Answers over UDP on a loopback port. `asked`: every question, as (name, kind)."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[tuple[str, str]] = []
        self._records: dict[tuple[str, str], dns.rrset.RRset] = {}
        self._rcodes: dict[str, dns.rcode.Rcode] = {}
        self._silent: set[str] = set()

    @property
    def address(self) -> str:
        """As the setting `nameserver` is written."""
        return f"{HERE}:{self.port}"

    def mx(self, domain: str, *exchanges: tuple[int, str], ttl: int = TTL) -> None:
        """The exchanges with their preferences, replacing those before."""
        self.has(domain, "MX", *(f"{n} {name.rstrip('.')}." for n, name in exchanges), ttl=ttl)

    def null_mx(self, domain: str) -> None:
        """The domain says that it takes no mail, RFC 7505."""
        self.has(domain, "MX", "0 .")

    def a(self, name: str, *addresses: str, ttl: int = TTL) -> None:
        self.has(name, "A", *addresses, ttl=ttl)

    def aaaa(self, name: str, *addresses: str, ttl: int = TTL) -> None:
        self.has(name, "AAAA", *addresses, ttl=ttl)

    def txt(self, name: str, *texts: str, ttl: int = TTL) -> None:
        """One record for each text; a long one in several strings, as DNS wants it."""
        self.has(name, "TXT", *map(_quoted, texts), ttl=ttl)

    def ptr(self, address: str, *names: str) -> None:
        """What an address is called."""
        reverse = dns.reversename.from_address(address).to_text()
        self.has(reverse, "PTR", *(f"{name.rstrip('.')}." for name in names))

    def has(self, name: str, kind: str, *records: str, ttl: int = TTL) -> None:
        """Records of any kind, in the form of a zone file; none: the name loses those it had."""
        key = _folded(name), kind
        self._records.pop(key, None)
        if records:
            self._records[key] = dns.rrset.from_text_list(f"{key[0]}.", ttl, "IN", kind, records)

    def fails(self, *names: str) -> None:
        """SERVFAIL to whatever is asked of these names."""
        self._rcodes |= {_folded(name): dns.rcode.SERVFAIL for name in names}

    def refuses(self, *names: str) -> None:
        """REFUSED to whatever is asked of these names."""
        self._rcodes |= {_folded(name): dns.rcode.REFUSED for name in names}

    def is_silent(self, *names: str) -> None:
        """No answer at all to what is asked of these names."""
        self._silent |= set(map(_folded, names))

    def recovers(self) -> None:
        """Forget failures and silence; the records stay."""
        self._rcodes.clear()
        self._silent.clear()

    def answer(self, question: bytes) -> bytes | None:
        """The answer to one packet, or None where silence is the answer."""
        query = dns.message.from_wire(question)
        asked = query.question[0]
        name, kind = _folded(asked.name.to_text()), dns.rdatatype.to_text(asked.rdtype)
        self.asked.append((name, kind))
        if name in self._silent:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if name in self._rcodes:
            response.set_rcode(self._rcodes[name])
            return response.to_wire(max_size=65535)
        found = self._records.get((name, kind)) or self._records.get((name, "CNAME"))
        if found:
            response.answer.append(found)
        else:
            response.authority.append(dns.rrset.from_text("test.", TTL, "IN", "SOA", SOA))
            if not any(known == name or known.endswith(f".{name}") for known, _ in self._records):
                response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire(max_size=65535)


def _folded(name: str) -> str:
    return name.rstrip(".").lower()


def _quoted(text: str) -> str:
    octets = text.encode()
    parts = [octets[i : i + 255] for i in range(0, len(octets), 255)] or [b""]
    return " ".join('"{}"'.format("".join(f"\\{octet:03d}" for octet in part)) for part in parts)


@contextmanager
def running() -> Iterator[DnsServer]:
    """A server in a thread of its own, until the block ends."""
    server = DnsServer()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind((HERE, 0))
        server.port = door.getsockname()[1]
        thread = Thread(target=_serve, args=(door, server), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            door.sendto(END, (HERE, server.port))
            thread.join(5)


def _serve(door: socket.socket, server: DnsServer) -> None:
    while True:
        question, asker = door.recvfrom(65535)
        if question == END:
            return
        try:
            answer = server.answer(question)
        except dns.exception.DNSException:  # no question of ours
            continue
        if answer:
            door.sendto(answer, asker)
