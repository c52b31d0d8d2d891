"""A body as every server carries it unharmed: short lines of ASCII, RFC 2045 6."""

import binascii
from functools import lru_cache

from app.errors import MessageRefused

# octets a character from which quoted-printable can no longer be read, and base64 is shorter
BULKY = 3
LINE = 76  # RFC 2045 6.8


def encoded(body: str) -> tuple[str, bytes]:
    """The Content-Transfer-Encoding and the octets, in lines of at most 78. Raises MessageRefused.

    Lines end as they may, and the last one may not: a reader gets CRLF after each. None of the
    lines begins with a dot.
    """
    text = body.replace("\r\n", "\n").replace("\r", "\n") if "\r" in body else body
    if not text.endswith("\n"):
        text += "\n"
    octets = b"\r\n".join(map(_quoted, text.split("\n")))
    if len(octets) <= BULKY * len(text):
        return "quoted-printable", octets
    packed = binascii.b2a_base64(text.replace("\n", "\r\n").encode(), newline=False)
    lines = [packed[start : start + LINE] for start in range(0, len(packed), LINE)]
    return "base64", b"\r\n".join(lines) + b"\r\n"


@lru_cache(maxsize=2048)
def _quoted(line: str) -> bytes:
    """One line in quoted-printable; most lines of a letter stand in thousands of others.

    A person's own lines are forgotten when as many others have passed.
    """
    if "\0" in line:
        raise MessageRefused("its text holds a NUL")
    quoted = b"\n" + binascii.b2a_qp(line.encode(), istext=True)
    # a mailbox file would put a > before the one, and a mail server a dot before the other
    quoted = quoted.replace(b"\nFrom ", b"\n=46rom ").replace(b"\n.", b"\n=2E")
    return quoted[1:].replace(b"\n", b"\r\n")
