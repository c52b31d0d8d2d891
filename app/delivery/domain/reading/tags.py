"""Reads the records that are lists of tags, `v=DMARC1; p=none`: pure, and no text makes it raise.

DMARC policies (RFC 7489 6.3) and DKIM keys (RFC 6376 3.6.1).
"""

import base64
import binascii
import re
from dataclasses import dataclass

POLICIES = ("none", "quarantine", "reject")
DMARC = re.compile(r"v\s*=\s*DMARC1\s*(;|$)")  # its first tag, in capitals
ROOM_2048 = 290  # octets of a public RSA key of 2048 bits in its wrapping, a few to spare
ROOM_1024 = 158


def tags(text: str) -> dict[str, str]:
    """Tag → value, the first of each; what is no tag is left out."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if equals and name.strip():
            found.setdefault(name.strip().lower(), value.strip())
    return found


def is_dmarc(text: str) -> bool:
    return bool(DMARC.match(text.strip()))


@dataclass(frozen=True)
class Policy:
    """What a domain asks servers to do with mail that is not proved to be its own."""

    policy: str  # none, quarantine, reject; empty where it says none of these
    below: str  # the same for names below the domain
    reports: bool
    strict_dkim: bool
    strict_spf: bool


def read_policy(text: str) -> Policy:
    found = tags(text)
    policy = _one_of(found.get("p", ""))
    return Policy(
        policy=policy,
        below=_one_of(found.get("sp", "")) or policy,
        reports="mailto:" in found.get("rua", "").lower(),
        strict_dkim=found.get("adkim", "r").lower() == "s",
        strict_spf=found.get("aspf", "r").lower() == "s",
    )


def _one_of(word: str) -> str:
    return word.lower() if word.lower() in POLICIES else ""


@dataclass(frozen=True)
class Key:
    """A public key that checks signatures. `fault`: why it checks none; `weak`: why it may not."""

    fault: str = ""
    weak: str = ""


def read_key(text: str) -> Key:
    found = tags(text)
    if found.get("v", "DKIM1") != "DKIM1":
        return Key(fault="it is no DKIM key: it does not say v=DKIM1")
    if "p" not in found:
        return Key(fault="it holds no key: there is no “p=” in it")
    encoded = "".join(found["p"].split())
    if not encoded:
        return Key(fault="its “p=” is empty, which means that the key was withdrawn")
    try:
        octets = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return Key(fault="its key is not whole: “p=” is no base64")
    kind = found.get("k", "rsa").lower()
    if kind == "ed25519":
        return Key() if len(octets) == 32 else Key(fault="its key has the wrong length")
    if len(octets) < ROOM_1024:
        return Key(fault="its key is shorter than 1024 bits, which servers do not accept")
    if len(octets) < ROOM_2048:
        return Key(weak="its key is shorter than 2048 bits: ask for a longer one")
    if "y" in found.get("t", "").split(":"):
        return Key(weak="it says “t=y”, only testing: servers may not count the signature")
    return Key()
