"""Direct delivery: the address we send from, its reverse name, and the name we greet with."""

import ipaddress
import socket

from app.delivery.domain.findings import Finding, heard, look, not_well, well
from app.delivery.domain.lookups import Address, Lookups

SMTP_PORT = 25


async def own_address(lookups: Lookups, domain: str) -> Address | None:
    """The address this machine would use towards the domain's first mail server, if any.

    Raises NotLookedUp.
    """
    for exchange in await lookups.exchanges(domain):
        for address in await lookups.addresses(exchange.name) if exchange.name else []:
            if own := _towards(address):
                return own
    return None


def _towards(address: Address) -> Address | None:
    """A datagram socket only picks its own end: nothing is sent."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as picked:
            picked.connect((str(address), SMTP_PORT))
            return ipaddress.ip_address(picked.getsockname()[0])
    except OSError:
        return None  # this machine has no way there


def not_public(address: Address | None) -> Finding | None:
    """A sentence where the world sees us by another address, or by none that we know."""
    if address is None:
        return look(
            "PTR: the address that this machine sends from is not known; name it with --address IP."
        )
    if address.is_private or address.is_loopback:
        return look(
            f"PTR: this machine knows itself as {address}, which the world does not see; name the"
            " public address with --address IP."
        )
    return None


async def ptr(lookups: Lookups, address: Address) -> list[Finding]:
    """The reverse name, there and back. Raises NotLookedUp."""
    names = await lookups.names_of(address)
    if not names:
        return [
            not_well(
                f"PTR: {address} has no reverse name, and many servers refuse such a sender. Ask"
                " whoever gives you the address to set one."
            )
        ]
    for name in names:
        if address in await lookups.addresses(name):
            return [well(f"PTR: {address} is called {heard(name)}, and that leads back to it.")]
    said = heard(", ".join(names))
    return [
        not_well(
            f"PTR: {address} is called {said}, which does not lead back to it. Publish the address"
            f" record “{address}” at {heard(names[0])}, or have the reverse name changed."
        )
    ]


async def greeting(lookups: Lookups, domain: str, address: Address | None) -> list[Finding]:
    """The name after EHLO: servers look whether it exists and is ours. Raises NotLookedUp."""
    there = await lookups.addresses(domain)
    kind = "AAAA" if address and address.version == 6 else "A"
    ours = str(address) if address else "with our address"
    if not there:
        return [
            not_well(
                f"EHLO: we greet as {domain}, which has no address, and many servers refuse that."
                f" Publish at {domain} the {kind} record “{ours}”."
            )
        ]
    if address and address not in there:
        return [
            look(
                f"EHLO: we greet as {domain}, which leads to {', '.join(map(str, there))} and not"
                f" to {address}. Best publish at {domain} the {kind} record “{ours}” too."
            )
        ]
    return [well(f"EHLO: we greet as {domain}, which has an address.")]
