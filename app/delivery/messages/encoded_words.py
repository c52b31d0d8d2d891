"""What ASCII cannot carry in a header, as encoded-words (RFC 2047)."""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence

# of a line that holds one, without what stands around its text: RFC 2047 2
ROOM = 76 - len("=?utf-8?q?") - len("?=")
BULKY = 3  # octets a character from which Q can no longer be read, and base64 is shorter
# what stands for itself in the Q encoding at its strictest, which a name needs: RFC 2047 5 (3)
AS_IT_IS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/"
LATIN = 0x250  # most names are written with what comes before
# one by itself, as we write it: glued to other text it would not be read as one
IN_Q = re.compile(rb" =\?utf-8\?q\?([A-Za-z0-9!*+/_=-]++)\?=(?=[ \r])")
IN_BASE64 = re.compile(rb" =\?utf-8\?b\?([A-Za-z0-9+/]++=*+)\?=(?=[ \r])")
NO_OCTET = re.compile(rb"=(?![0-9A-F]{2})")
CONTROL = re.compile("[\x00-\x1f\x7f]")


class _Quoted(dict[str, str]):
    """Each character in the Q encoding."""

    def __missing__(self, character: str) -> str:
        return "".join(f"={octet:02X}" for octet in character.encode())


Q = _Quoted()
Q |= {one: Q[one] for one in map(chr, range(LATIN))} | {one: one for one in AS_IT_IS} | {" ": "_"}


def written(text: str, column: int) -> str:
    """The text as encoded-words, one a line; the first line begins at `column`."""
    quoted = [Q[one] for one in text]
    whole = "".join(quoted)
    if len(whole) > BULKY * len(text):
        sizes = [len(one.encode()) for one in text]
        # in base64 four characters carry three octets
        cuts = _cut(sizes, (ROOM - column) // 4 * 3, (ROOM - 1) // 4 * 3)
        return "\r\n ".join(f"=?utf-8?b?{_base64(text[start:stop])}?=" for start, stop in cuts)
    if len(whole) <= ROOM - column:
        return f"=?utf-8?q?{whole}?="
    cuts = _cut([len(one) for one in quoted], ROOM - column, ROOM - 1)
    return "\r\n ".join(f"=?utf-8?q?{''.join(quoted[start:stop])}?=" for start, stop in cuts)


def harmless(head: bytes) -> bool:
    """Whether all that could be taken for an encoded-word is one, and hides no control."""
    if b"=?" not in head:
        return True
    rest, quoted = _parted(IN_Q, head)
    if NO_OCTET.search(quoted) or not _is_text(binascii.a2b_qp(quoted)):
        return False
    if b"=?" not in rest:
        return True
    rest, _ = _parted(IN_BASE64, rest)
    return b"=?" not in rest and all(map(_is_text_in_base64, IN_BASE64.findall(head)))


def _parted(words: re.Pattern[bytes], head: bytes) -> tuple[bytes, bytes]:
    """What stands around such words, and what stands in them."""
    parts = words.split(head)
    return b" -".join(parts[::2]), b" ".join(parts[1::2])


def _is_text(octets: bytes) -> bool:
    try:
        return not CONTROL.search(octets.decode())
    except UnicodeDecodeError:
        return False


def _is_text_in_base64(packed: bytes) -> bool:
    try:
        return _is_text(binascii.a2b_base64(packed, strict_mode=True))
    except binascii.Error:
        return False


def _cut(sizes: Sequence[int], first: int, others: int) -> Iterator[tuple[int, int]]:
    """Where each word begins and ends: no character is cut in two."""
    start, room = 0, first
    for place, size in enumerate(sizes):
        if size > room:
            yield start, place
            start, room = place, others
        room -= size
    yield start, len(sizes)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
