"""An alert as a folder of plain files: read, checked, and written so that it never varies."""

import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from app.campaigns import pack_format
from app.campaigns.pack_format import AlertFile
from app.errors import PackBroken
from app.wording import templates

ALERT_FILE = "alert.toml"
LETTER_FILE = re.compile(r"(?P<country>[A-Z]{2})\.(?P<language>[a-z]{2,3}(-[A-Za-z]{2,4})?)\.txt")


@dataclass(frozen=True)
class LetterFile:
    """One letter template of a pack, its text exactly as it stands in the file."""

    country: str
    language: str
    source: str

    @property
    def name(self) -> str:
        return f"{self.country}.{self.language}.txt"


@dataclass(frozen=True)
class Pack:
    """An alert with its campaign, its countries and its letter templates."""

    alert: AlertFile
    letters: tuple[LetterFile, ...]


def load_folder(path: Path) -> Pack:
    """Read a pack. Raises PackBroken or TemplateBroken with the file and the reason."""
    file = path / ALERT_FILE
    try:
        tables = tomllib.loads(_text(file))
    except tomllib.TOMLDecodeError as fault:
        raise PackBroken(f"{file}: {fault}") from None
    pack = Pack(pack_format.check(str(file), tables), tuple(_letters(path)))
    _check_countries(pack)
    check_stages(pack, [stage.key for stage in pack.alert.campaign.stages])
    return pack


def write_folder(pack: Pack, path: Path) -> None:
    """Write a pack, over an older copy of itself too. Raises PackBroken before writing a byte
    when the folder holds a letter that the pack does not know."""
    names = {letter.name for letter in pack.letters}
    strange = {file.name for file in path.glob("*.txt")} - names
    if strange:
        raise PackBroken(f"{path}: {_names(strange)} is not part of this alert; move it away first")
    tables = pack.alert.model_dump(exclude_defaults=True)
    path.mkdir(parents=True, exist_ok=True)
    text = tomli_w.dumps(tables, multiline_strings=True, indent=2)
    (path / ALERT_FILE).write_bytes(text.encode())
    for letter in pack.letters:
        (path / letter.name).write_bytes(letter.source.encode())


def check_stages(pack: Pack, known: Collection[str]) -> None:
    """Every step is one of the campaign's stages, and every letter asks something at each.

    `known`: none when another pack holds them; then only that the letters can be read is
    checked. Raises PackBroken or TemplateBroken.
    """
    asked = {letter.name: _stages_of(letter) for letter in pack.letters}
    if not known:
        return
    for country in pack.alert.countries:
        strange = {step.stage for step in country.stages} - set(known)
        if strange:
            raise PackBroken(f"{ALERT_FILE}: {country.code}: no such stage: {_names(strange)}")
    for name, (asks, used) in asked.items():
        if used - set(known):
            raise PackBroken(f"{name}: no such stage: {_names(used - set(known))}")
        if set(known) - asks:
            raise PackBroken(f"{name}: no ask for the stage {_names(set(known) - asks)}")


def _stages_of(letter: LetterFile) -> tuple[set[str], set[str]]:
    """The stages at which a letter asks something, and all that it mentions."""
    front = templates.parse(letter.source, letter.name).front
    variants = (*front.subjects, *front.openings, *front.closings)
    asks = set(front.asks)
    return asks, asks.union(*(one.stages for one in variants))


def _letters(path: Path) -> list[LetterFile]:
    letters = []
    for file in sorted(path.glob("*.txt")):
        found = LETTER_FILE.fullmatch(file.name)
        if not found:
            raise PackBroken(f"{file}: a letter is named <COUNTRY>.<language>.txt")
        letters.append(LetterFile(found["country"], found["language"], _text(file)))
    return letters


def _check_countries(pack: Pack) -> None:
    wanted = {country.code for country in pack.alert.countries}
    written = {letter.country for letter in pack.letters}
    if pack.alert.kind == "guide" and written:
        raise PackBroken(f"{ALERT_FILE}: kind: a guide has no letters, but there are some")
    if written - wanted:
        raise PackBroken(f"{ALERT_FILE}: countries: a letter for {_names(written - wanted)} only")
    if pack.alert.kind == "letters" and wanted - written:
        raise PackBroken(f"{ALERT_FILE}: countries: no letter for {_names(wanted - written)}")


def _text(file: Path) -> str:
    try:
        text = file.read_bytes().decode()
    except UnicodeDecodeError:
        raise PackBroken(f"{file}: not UTF-8") from None
    except OSError as fault:
        raise PackBroken(f"{file}: {fault.strerror or fault}") from None
    if "\x00" in text:
        raise PackBroken(f"{file}: a NUL character")
    return text.replace("\r\n", "\n")


def _names(some: set[str]) -> str:
    return ", ".join(sorted(some))
