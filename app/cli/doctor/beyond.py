"""What lies beyond this machine: the relays that our letters leave through, and our domain."""

import asyncio
from collections.abc import Awaitable, Sequence

from app.cli.doctor import relay, trial
from app.delivery.domain import standing
from app.delivery.domain.findings import Finding
from app.delivery.domain.signing import Signature
from app.delivery.routes.relays import relays_of
from app.errors import SettingsRefused
from app.settings import Route, Settings

Part = Awaitable[list[Finding]]


async def examine(
    settings: Settings, *, recipient: str, address: str = "", signatures: Sequence[Signature] = ()
) -> list[Finding]:
    """Relays and domain, all looked at together; nothing is sent.

    `recipient`: whom a relay is asked to take a letter for; `address`: the one the world sees us
    by, where it is known; `signatures`: under which selectors our letters are signed.
    """
    if nobody := standing.nobodys(settings):
        return [nobody]
    try:
        relays = relays_of(settings) if settings.route is Route.RELAY else ()
    except SettingsRefused:
        relays = ()  # the settings have said so already
    ours = {"hello": settings.mail_domain, "sender": trial.sender_address(settings)}
    parts: list[Part] = [relay.examine(one, recipient=recipient, **ours) for one in relays]
    parts.append(_domain(settings, address, signatures))
    found = await asyncio.gather(*parts)
    return [finding for part in found for finding in part]


async def _domain(
    settings: Settings, address: str, signatures: Sequence[Signature]
) -> list[Finding]:
    found = await standing.examine(settings, address=address, signatures=signatures)
    return list(found.findings)
