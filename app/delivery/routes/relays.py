"""The servers that we dial, and our own relays as the setting `SMTP_URL` names them.

    smtp://user:pass@host:587?weight=3&tls=require&per_second=5&connections=4
    smtps://user:pass@host:465

Several are separated by spaces. `relays_of(settings)` reads them (raises SettingsRefused), and
`share_out(relays, n)` says which relay each of n connections leads to.
"""

import ipaddress
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from app.errors import SettingsRefused
from app.settings import Settings

HOST = re.compile(r"(?=.{1,253}$)[0-9a-z_]([0-9a-z_.-]*[0-9a-z])?", re.IGNORECASE)
OPTIONS = {"weight", "tls", "per_second", "connections"}
PORTS = {"smtp": 587, "smtps": 465}
SETTING = "ONE_EMAIL_SMTP_URL"


class Tls(StrEnum):
    """What we ask of a connection."""

    REQUIRE = "require"  # encrypted, to a server whose certificate is good
    OPPORTUNISTIC = "opportunistic"  # encrypted where offered, by whoever offers it
    NONE = "none"


@dataclass(frozen=True)
class Server:
    """A mail server as we dial it.

    `tls`: None asks for what its place asks for; `address`: dialled instead of looking up `host`;
    `by_exchange`: the MX of the recipient's domain names it.
    """

    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)
    implicit_tls: bool = False
    tls: Tls | None = None
    address: str = ""
    by_exchange: bool = False

    @property
    def on_this_machine(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def encryption(self) -> Tls:
        return self.tls or (Tls.OPPORTUNISTIC if self.on_this_machine else Tls.REQUIRE)


@dataclass(frozen=True)
class Relay(Server):
    """A server of our own that passes messages on. None: as the settings say for every relay."""

    weight: int = 1
    per_second: float | None = None
    connections: int | None = None

    @cached_property
    def name(self) -> str:
        """As the table of relays knows it."""
        return f"{self.host}:{self.port}"

    @classmethod
    def from_url(cls, url: str) -> "Relay":
        """smtp://user:pass@host:587 or smtps://user:pass@host:465. Raises SettingsRefused."""
        parts, port = _split(url)
        given = dict(parse_qsl(parts.query, keep_blank_values=True))
        if unknown := sorted(given.keys() - OPTIONS):
            raise SettingsRefused(f"{SETTING} has no option “{unknown[0]}”: {sorted(OPTIONS)}")
        relay = cls(
            host=(parts.hostname or "").lower(),
            port=port or PORTS[parts.scheme],
            username=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            implicit_tls=parts.scheme == "smtps",
            tls=_tls(given.get("tls")),
            weight=int(_number(given, "weight", whole=True) or 1),
            per_second=_number(given, "per_second"),
            connections=int(_number(given, "connections", whole=True) or 0) or None,
        )
        _refuse_unsafe(relay)
        return relay


def relays_of(settings: Settings) -> tuple[Relay, ...]:
    """Every relay of the settings, in their order. Raises SettingsRefused."""
    relays = tuple(map(Relay.from_url, settings.smtp_url.split()))
    names = [relay.name for relay in relays]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SettingsRefused(f"{SETTING} names {twice[0]} twice")
    return relays


def share_out(relays: Sequence[Relay], n: int) -> tuple[Relay, ...]:
    """A relay for each of n connections, by weight: the first of them are shared out as well.

    Fewer than n where the relays allow no more connections.
    """
    shares: Counter[Relay] = Counter()
    order: list[Relay] = []
    while len(order) < n:
        open_to = [one for one in relays if shares[one] < (one.connections or n)]
        if not open_to:
            break
        # as seats are given out by Sainte-Laguë: small relays are not passed over
        chosen = min(open_to, key=lambda one: (2 * shares[one] + 1) / one.weight)
        shares[chosen] += 1
        order.append(chosen)
    return tuple(order)


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise SettingsRefused(f"{SETTING} holds an address with a port that is none") from None
    if parts.scheme not in PORTS:
        raise SettingsRefused(f"{SETTING} begins with smtp:// or smtps://")
    host = parts.hostname or ""
    if not HOST.fullmatch(host) and not _is_address(host):
        raise SettingsRefused(f"{SETTING} names no host: write smtp://user:pass@host:587")
    if parts.path not in {"", "/"} or parts.fragment:
        raise SettingsRefused(
            f"{SETTING}: nothing follows host and port of {host} but ?options; a “/”, “?” or “#”"
            " in a password is written %2F, %3F or %23"
        )
    return parts, port


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _tls(word: str | None) -> Tls | None:
    try:
        return None if word is None else Tls(word)
    except ValueError:
        raise SettingsRefused(f"{SETTING}: tls is require, opportunistic or none") from None


def _number(given: dict[str, str], option: str, *, whole: bool = False) -> float | None:
    if option not in given:
        return None
    pattern = r"[0-9]{1,6}" if whole else r"[0-9]{1,6}(\.[0-9]{1,6})?"
    if not re.fullmatch(pattern, given[option], re.ASCII) or not float(given[option]):
        kind = "a whole number" if whole else "a number"
        raise SettingsRefused(f"{SETTING}: {option} is {kind} above 0")
    return float(given[option])


def _refuse_unsafe(relay: Relay) -> None:
    if relay.implicit_tls and relay.tls is Tls.NONE:
        raise SettingsRefused(f"{SETTING}: smtps:// is always encrypted, tls=none is not")
    if relay.on_this_machine:
        return
    if relay.tls is Tls.NONE:
        raise SettingsRefused(
            f"{SETTING}: tls=none would send letters to {relay.host} for all to read; it is only"
            " for a relay on this machine"
        )
    if relay.username and relay.encryption is not Tls.REQUIRE:
        raise SettingsRefused(
            f"{SETTING}: the password for {relay.host} is only sent with tls=require"
        )
