"""Nothing a test does leaves this machine: sockets and names beyond it are refused."""

import ipaddress
import socket
from typing import Any

import pytest


class LeftThisMachine(AssertionError):
    """A test tried to talk to somebody else's machine."""


def stay_on_this_machine(patch: pytest.MonkeyPatch) -> None:
    """Guard every socket that Python opens; what another process opens is not seen here."""
    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
    patch.setattr(socket.socket, "sendto", _guarded(socket.socket.sendto))
    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
        _refuse_beyond(host)
        return look_up(host, *arguments, **named)

    patch.setattr(socket, "getaddrinfo", getaddrinfo)


def _guarded(method: Any) -> Any:
    def stay(self: socket.socket, *arguments: Any) -> Any:
        # the address comes last in each of them; a Unix socket's is a path
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            _refuse_beyond(arguments[-1][0])
        return method(self, *arguments)

    return stay


def _refuse_beyond(host: str | bytes | None) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name in {None, "", "localhost", "localhost.localdomain", socket.gethostname()}:
        return
    try:
        inside = ipaddress.ip_address(str(name).partition("%")[0])
    except ValueError:
        raise LeftThisMachine(f"a test asked for the address of {name}") from None
    if not (inside.is_loopback or inside.is_unspecified):
        raise LeftThisMachine(f"a test tried to reach {name}: tests stay on this machine")
