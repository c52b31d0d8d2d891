"""A zip file from anywhere becomes a pack, or a sentence that says why not.

What the file says of itself is not believed: names and kinds are checked before anything is
unpacked, and what comes out is counted while it comes. Nothing is written to a disk.
"""

import re
import stat
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from app.campaigns.other_languages.file_format import LANGUAGE_FILE
from app.campaigns.pack_folder import ALERT_FILE, LETTER_FILE, Pack, load_files
from app.contacts.files.reading import read_file
from app.contacts.files.rows import ContactRow
from app.errors import FileRefused, PackBroken

FILES = 200
LARGEST = 5 * 1024 * 1024  # bytes, unpacked
LARGEST_ZIP = LARGEST + 256 * 1024  # with its directory
LARGEST_TEXT = 1024 * 1024  # bytes of the alert, or of one letter
RATIO = 200  # text packs to a tenth or so; a bomb to a thousandth
SMALL = 64 * 1024  # bytes; below, a text may well repeat itself so often
A_SHARE = 64 * 1024  # bytes unpacked at a time
ENTRY = b"PK\x01\x02"  # begins each line of a zip's directory
ENCRYPTED = 0x1 | 0x40 | 0x2000  # flags: of the file, of a strong kind, of the directory
README = "README.txt"
CONTACTS = re.compile(r"contacts/(?P<country>[A-Z]{2})\.csv")
# what two operating systems leave in a zip of a folder; never read
LEFT_BY_SYSTEMS = re.compile(r"(^|.*/)(__MACOSX(/.*)?|\.DS_Store|Thumbs\.db|desktop\.ini)")
# what a zip file that was tampered with makes of the library that reads it
BROKEN = (
    *(NotImplementedError, RuntimeError, OSError, EOFError, ValueError, OverflowError),
    *(zlib.error, struct.error),
)
NOT_A_ZIP = "this is not a zip file"
DAMAGED = "the zip file is damaged; please make or fetch it again"


@dataclass(frozen=True)
class Bundle:
    """A pack, and the addresses of its countries' offices by country."""

    pack: Pack
    contacts: Mapping[str, tuple[ContactRow, ...]] = field(default_factory=dict)


def read(data: bytes, name: str = "the zip") -> Bundle:
    """The pack in a zip file; `name`: what it is called. Raises PackBroken or TemplateBroken."""
    try:
        files = _unpacked(data)
        contacts = {}
        for path in [path for path in files if CONTACTS.fullmatch(path)]:
            contacts[path[9:11]] = _contacts(path, files.pop(path))
        files.pop(README, None)
        bundle = Bundle(load_files(files), contacts)
        strange = set(contacts) - {one.code for one in bundle.pack.alert.countries}
        if strange:
            listed = ", ".join(sorted(strange))
            raise PackBroken(f"contacts of {listed}, to which the alert does not write")
        return bundle
    except PackBroken as fault:
        raise PackBroken(f"{name}: {fault}") from None


def _unpacked(data: bytes) -> dict[str, bytes]:
    if len(data) > LARGEST_ZIP:
        raise PackBroken(f"it is larger than {LARGEST >> 20} MB")
    if (n := data.count(ENTRY)) > 10 * FILES:  # so many that even to list them takes a while
        raise PackBroken(f"{n} files are in it; a pack has at most {FILES}")
    try:
        with ZipFile(BytesIO(data)) as opened:
            entries = opened.infolist()
            if len(entries) > FILES:
                raise PackBroken(f"{len(entries)} files are in it; a pack has at most {FILES}")
            return _files(opened, list(_wanted(entries)))
    except BadZipFile:
        raise PackBroken(DAMAGED if data.startswith(b"PK") else NOT_A_ZIP) from None
    except BROKEN:
        raise PackBroken(DAMAGED) from None


def _wanted(entries: list[ZipInfo]) -> Iterator[tuple[str, ZipInfo]]:
    """The files of the pack by their names in it. A folder around all of it is taken off."""
    for entry in entries:
        _check_kind(entry)
    files = [one for one in entries if not _is_left_over(one)]
    top = _top([one.orig_filename for one in files])
    seen: set[str] = set()
    for entry in files:
        name = entry.orig_filename.removeprefix(top)
        if not name or name == "contacts/":
            continue
        if name.lower() in seen:
            raise PackBroken(f"{name} is in it twice")
        seen.add(name.lower())
        _check_name(name)
        yield name, entry


def _check_kind(entry: ZipInfo) -> None:
    name = entry.orig_filename
    if not name.isascii() or not name.isprintable():
        raise PackBroken(f"{_shown(name)}: the names in a pack are plain letters and digits")
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or name.startswith(("/", "\\")) or ":" in name:
        raise PackBroken(f"{_shown(name)} points out of the folder")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        what = "a link" if stat.S_ISLNK(entry.external_attr >> 16) else "not a plain file"
        raise PackBroken(f"{_shown(name)} is {what}; a pack holds plain files")
    if entry.flag_bits & ENCRYPTED:
        raise PackBroken("it is locked with a password; please make one without")
    if entry.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        raise PackBroken(f"{_shown(name)} is packed in a way that we do not unpack: use plain zip")


def _check_name(name: str) -> None:
    shapes = (LETTER_FILE, LANGUAGE_FILE, CONTACTS)
    known = name in {ALERT_FILE, README} or any(one.fullmatch(name) for one in shapes)
    if name.lower().endswith(".zip"):
        raise PackBroken(f"{_shown(name)}: a zip within the zip is not unpacked")
    if not known:
        raise PackBroken(
            f"{_shown(name)} is no part of a pack: it holds alert.toml, translations like"
            " alert.et.toml, letters like EE.et.txt and contacts like contacts/EE.csv"
        )


def _top(names: list[str]) -> str:
    """The one folder in which everything lies, with its stroke, or nothing."""
    first = names[0].partition("/")[0] + "/" if names else "/"
    alone = all(name.startswith(first) for name in names)
    return first if alone and first not in {"/", "contacts/"} else ""


def _is_left_over(entry: ZipInfo) -> bool:
    return LEFT_BY_SYSTEMS.fullmatch(entry.orig_filename) is not None


def _files(opened: ZipFile, wanted: list[tuple[str, ZipInfo]]) -> dict[str, bytes]:
    room = LARGEST
    files = {}
    for name, entry in wanted:
        files[name] = b"".join(_shares(opened, name, entry, room))
        room -= len(files[name])
        if files[name].startswith(b"PK\x03\x04"):
            raise PackBroken(f"{name}: a zip within the zip is not unpacked")
    return files


def _shares(opened: ZipFile, name: str, entry: ZipInfo, room: int) -> Iterator[bytes]:
    """What comes out, a share at a time, until it is too much."""
    most = min(room, max(SMALL, RATIO * entry.compress_size))
    if not CONTACTS.fullmatch(name):
        most = min(most, LARGEST_TEXT)
    with opened.open(entry) as file:
        while share := file.read(A_SHARE):
            most -= len(share)
            if most < 0:
                raise PackBroken(f"{name} unpacks to far more than a pack holds")
            yield share


def _contacts(name: str, octets: bytes) -> tuple[ContactRow, ...]:
    try:
        reading = read_file(name, octets)
    except FileRefused as fault:
        raise PackBroken(str(fault)) from None
    if reading.refused:
        first = reading.refused[0]
        raise PackBroken(f"{name}, line {first.line}: {first.reason}")
    strange = {row.country for row in reading.rows} - {name[9:11]}
    if strange:
        raise PackBroken(f"{name}: an office of {', '.join(sorted(strange))}")
    return reading.rows


def _shown(name: str) -> str:
    """A name from anywhere, so that it can stand in a sentence."""
    plain = "".join(one if one.isprintable() else "�" for one in name)
    return plain if len(plain) <= 80 else f"{plain[:80]}…"
