"""A message taken apart within limits, whatever it claims to be.

Parts of type message/… stay closed: the standard parser reads an encoded delivery-status part as
garbage, takes an internationalised one (RFC 6533) for a mail, and would mix the returned message
with the one that returns it.
"""

import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import Header, decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from itertools import islice
from typing import Any

LARGEST = 2**20  # octets that are parsed; the rest is an attachment that nobody here reads
MOST_LINES = 50_000
MOST_PARTS = 100
DEEPEST = 30  # parts within parts: the parser asks every line of each of them
LONGEST_HEADER = 5_000
# a message that was sent before, or its headers
RETURNED_TYPES = frozenset(
    {"closed/rfc822", "closed/global", "text/rfc822-headers", "closed/global-headers"}
)


class Part(Message):
    """A part whose type message/x reads closed/x, so that its content stays text."""

    def get_content_type(self) -> str:
        return re.sub("^message/", "closed/", super().get_content_type())

    def get(self, name: str, failobj: Any = None) -> Any:
        """A header as text, and not endless: its parameters take the square of its length."""
        value = super().get(name, failobj)
        return str(value)[:LONGEST_HEADER] if isinstance(value, str | Header) else value


def take_apart(raw: bytes) -> Message | None:
    """The message, or None where it is built to be endless."""
    part = raw[:LARGEST]
    if part.count(b"\n") > MOST_LINES:
        part = b"\n".join(part.split(b"\n", MOST_LINES)[:-1])
    if part.lower().count(b"multipart/") > DEEPEST:
        return None
    return BytesParser(Part, policy=compat32).parsebytes(part)


def leaves(message: Message) -> Iterator[Message]:
    """The parts that hold no others, in their order."""
    return islice((one for one in message.walk() if not one.is_multipart()), MOST_PARTS)


def octets_of(part: Message) -> bytes:
    """A part's content, its transfer encoding undone."""
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def text_of(part: Message) -> str:
    """A part's text with plain line ends; what cannot be decoded is replaced."""
    octets = octets_of(part)
    for charset in (part.get_content_charset(), "utf-8"):
        try:
            return _plain_ends(octets.decode(charset or "utf-8"))
        except (LookupError, ValueError):
            continue
    return _plain_ends(octets.decode("utf-8", "replace"))


def _plain_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def headers(part: Message, *names: str) -> list[str]:
    """The values of every header so named, in the order of the names, decoded, on one line each."""
    lines = list(part.raw_items())
    return [
        decoded(str(value)[:LONGEST_HEADER])
        for name in names
        for found, value in lines
        if found.lower() == name.lower()
    ]


def header(part: Message, name: str) -> str:
    """The first header so named; empty where there is none."""
    return next(iter(headers(part, name)), "")


def decoded(value: str) -> str:
    """A header's value as people read it: UTF-8 octets and encoded-words (RFC 2047) undone."""
    line = " ".join(value.encode("utf-8", "surrogateescape").decode("utf-8", "replace").split())
    if "=?" not in line:
        return line
    try:
        return " ".join(str(make_header(decode_header(line))).split())
    except (HeaderParseError, LookupError, ValueError):
        return line
