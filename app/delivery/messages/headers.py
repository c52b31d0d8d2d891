"""Header lines written by hand and sealed: nobody's words become a header of their own.

Some Python 3.11 and 3.12 releases turn an encoded newline in a subject into a header line, and
the standard library's writer is the slowest part of sending.
"""

import base64
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from email.parser import BytesHeaderParser

from email_validator import EmailNotValidError, validate_email

from app.errors import MessageRefused

LINE = 78  # RFC 5322 2.1.1
WORD = 75  # an encoded-word, RFC 2047 2
FRAME = len("=?utf-8?q?") + len("?=")
# an address that needs no second look: RFC 5322 dot-atom at a plain domain name
PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
# embeddings, overrides and isolates reorder what a reader sees beyond the name that holds them
REORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")
AS_IT_IS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/"
# each octet in the Q encoding at its strictest, which may stand in a name too: RFC 2047 5 (3)
Q = tuple(
    chr(octet) if octet in AS_IT_IS else "_" if octet == 0x20 else f"={octet:02X}"
    for octet in range(256)
)

_parser = BytesHeaderParser()


def clean(text: str) -> str:
    """A person's words as one line of header text, in NFC, with nothing that could act."""
    text = REORDERING.sub("", unicodedata.normalize("NFC", text))
    spaced = (" " if unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"} else one for one in text)
    line = " ".join("".join(spaced).split())
    # an encoded-word that somebody typed would be decoded by the reader's program
    return line.replace("=?", "= ?")


def text_line(name: str, value: str) -> str:
    """A header of free text, folded; the reader gets back exactly `clean(value)`."""
    value = clean(value)
    folded = _folded(name, value) if value.isascii() else None
    return f"{name}: {folded if folded is not None else _encoded(value, len(name) + 2)}\r\n"


def address_line(name: str, address: str, phrase: str = "") -> str:
    """A header with one mailbox: `"phrase" <address>`. Raises MessageRefused."""
    phrase, address = clean(phrase), ascii_address(address)
    if not phrase:
        return f"{name}: {address}\r\n"
    quoted = '"' + phrase.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if not phrase.isascii() or len(name) + len(quoted) > LINE - 2:
        quoted = _encoded(phrase, len(name) + 2)
    last = len(quoted.rpartition("\n")[2]) + len(name) + 2
    gap = " " if last + len(address) + 3 <= LINE else "\r\n "
    return f"{name}: {quoted}{gap}<{address}>\r\n"


def ascii_address(address: str) -> str:
    """The address as every mail server understands it. Raises MessageRefused.

    The standard library writes invalid addresses for international domains and local parts.
    """
    if "=?" in address:
        raise MessageRefused("an address that reads like an encoded word")
    if PLAIN_ADDRESS.fullmatch(address):
        return address
    try:
        found = validate_email(address, check_deliverability=False).ascii_email
    except EmailNotValidError:
        raise MessageRefused("an address that is not one") from None
    if found is None:
        raise MessageRefused("an address that only SMTPUTF8 can carry, which we do not speak yet")
    return found


def seal(head: bytes, meant: Sequence[str]) -> bytes:
    """The header lines, if a reader finds exactly the headers that were meant.

    Raises MessageRefused.
    """
    found = _parser.parsebytes(head + b"\r\n")
    if found.keys() != list(meant) or found.get_payload() or found.defects or b"\0" in head:
        raise MessageRefused("its headers would not be read as they were meant")
    return head


def _folded(name: str, value: str) -> str | None:
    """ASCII text broken at its spaces, or None where a word is too long for a line."""
    lines, column = [""], len(name) + 2
    for word in value.split(" "):
        if lines[-1] and column + len(lines[-1]) + 1 + len(word) > LINE:
            lines.append(word)
            column = 1
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    longest = max(len(lines[0]) + len(name) + 1, *(len(line) for line in lines))
    return "\r\n ".join(lines) if longest < LINE else None


def _encoded(text: str, column: int) -> str:
    """As encoded-words (RFC 2047), one a line; the first line begins at `column`."""
    octets = text.encode()
    if len(_quoted(octets)) <= len(octets) * 4 / 3:
        words = [f"q?{_quoted(piece)}" for piece in _split(text, column, _quoted_length)]
    else:
        words = [f"b?{_base64(piece)}" for piece in _split(text, column, _base64_length)]
    return "\r\n ".join(f"=?utf-8?{word}?=" for word in words)


def _split(text: str, column: int, length: Callable[[bytes], float]) -> Iterator[bytes]:
    """Pieces that fit into an encoded-word each; no character is cut in two."""
    room, piece, filled = (WORD - FRAME - column) // 4 * 4, b"", 0.0
    if length(text.encode()) <= room:
        yield text.encode()
        return
    for character in text:
        octets = character.encode()
        if piece and filled + length(octets) > room:
            yield piece
            room, piece, filled = (WORD - FRAME) // 4 * 4, b"", 0.0
        piece += octets
        filled += length(octets)
    yield piece


def _quoted(octets: bytes) -> str:
    return "".join(map(Q.__getitem__, octets))


def _quoted_length(octets: bytes) -> float:
    return len(_quoted(octets))


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _base64_length(octets: bytes) -> float:
    return len(octets) * 4 / 3
