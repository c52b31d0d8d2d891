"""Header lines written by hand and sealed: nobody's words become a header of their own.

Some Python 3.11 and 3.12 releases turn an encoded newline in a subject into a header line, and
the standard library's writer is the slowest part of sending.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from app.delivery.messages import encoded_words
from app.errors import MessageRefused

LINE = 78  # RFC 5322 2.1.1, as is the next
LONGEST = 998
FIELD_NAME = re.compile(r"[!-9;-~]{1,76}")  # RFC 5322 2.2
# an address that needs no second look: RFC 5322 dot-atom at a plain domain name
PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
LONGEST_PLAIN = 320
# embeddings, overrides and isolates reorder what a reader sees beyond the name that holds them
REORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """A person's words as one line of header text, in NFC, with nothing that could act."""
    if not text.isprintable():
        text = "".join(
            " " if unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"} else one
            for one in REORDERING.sub("", text)
        )
    line = " ".join(unicodedata.normalize("NFC", text).split())
    # an encoded-word that somebody typed would be decoded by the reader's program
    return line.replace("=?", "= ?")


def text_line(name: str, value: str) -> str:
    """A header of free text, folded; the reader gets back exactly `clean(value)`."""
    value = clean(value)
    folded = _folded(name, value) if value.isascii() else None
    if folded is None:
        folded = encoded_words.written(value, len(name) + 2)
    return f"{name}: {folded}\r\n"


def address_line(name: str, address: str, phrase: str = "") -> str:
    """A header with one mailbox: `"phrase" <address>`. Raises MessageRefused."""
    return _with_address(name, ascii_address(address), _phrase(name, phrase))


def sealed_address(name: str, address: str, phrase: str = "") -> bytes:
    """The same, sealed: a plain address cannot break the seal of what stands before it.

    Raises MessageRefused.
    """
    address = ascii_address(address)
    if len(address) > LONGEST_PLAIN or not PLAIN_ADDRESS.fullmatch(address):
        return sealed(name, _with_address(name, address, _phrase(name, phrase)))
    return _with_address(name, address, _sealed_phrase(name, phrase)).encode("ascii")


def _with_address(name: str, address: str, quoted: str) -> str:
    if not quoted:
        return f"{name}: {address}\r\n"
    last = len(quoted.rpartition("\n")[2]) + len(name) + 2
    gap = " " if last + len(address) + 3 <= LINE else "\r\n "
    return f"{name}: {quoted}{gap}<{address}>\r\n"


def _phrase(name: str, phrase: str) -> str:
    """What stands before an address in a header of that name."""
    phrase = clean(phrase)
    quoted = _quoted(phrase) if phrase.isascii() and phrase else ""
    if phrase and (not quoted or len(name) + len(quoted) > LINE - 2):
        quoted = encoded_words.written(phrase, len(name) + 2)
    return quoted


@lru_cache(maxsize=4096)  # a person writes to several offices
def _sealed_phrase(name: str, phrase: str) -> str:
    """The same, if no plain address behind it breaks its seal. Raises MessageRefused."""
    quoted = _phrase(name, phrase)
    for shortest_and_longest in ("a@b", f"{'a' * (LONGEST_PLAIN - 2)}@b"):
        line = _with_address(name, shortest_and_longest, quoted)
        seal(line.encode("ascii"), (name,))
    return quoted


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
    """The header lines, if a reader finds exactly the headers that were meant, in their order.

    Raises MessageRefused.
    """
    if not _shape(tuple(meant)).fullmatch(head) or not encoded_words.harmless(head):
        raise MessageRefused("its headers would not be read as they were meant")
    return head


@lru_cache(maxsize=1024)  # many letters share a subject
def sealed_text(name: str, value: str) -> bytes:
    """A header of free text, sealed. Raises MessageRefused."""
    return sealed(name, text_line(name, value))


def sealed(name: str, line: str) -> bytes:
    """One header with its line end, if a reader finds in it the one that was meant.

    Each is closed in itself, so a head of sealed lines is sealed. Raises MessageRefused.
    """
    return seal(line.encode("ascii"), (name,))


@lru_cache(maxsize=64)
def _shape(meant: tuple[str, ...]) -> re.Pattern[bytes]:
    """Each name with its text, in printable ASCII; what is folded goes on after a space.

    No line is blank, ends without CRLF or is longer than 998: RFC 5322 2.1.1, 2.2 and 3.2.2.
    """
    if not all(map(FIELD_NAME.fullmatch, meant)):
        raise MessageRefused("a header's name is not one")
    return re.compile(
        b"".join(
            rb"%b: [ -~]{0,%d}+\r\n(?:(?! *+\r) [ -~]{0,%d}+\r\n)*+"
            % (re.escape(name).encode(), LONGEST - len(name) - 2, LONGEST - 1)
            for name in meant
        )
    )


def _quoted(phrase: str) -> str:
    return '"' + phrase.replace("\\", "\\\\").replace('"', '\\"') + '"'


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
