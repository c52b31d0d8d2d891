"""An alert as a folder of plain files: read, checked, and written so that it never varies."""

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from app.campaigns import pack_format
from app.campaigns.other_languages import file_format
from app.campaigns.other_languages.file_format import Translation, TranslationFile
from app.campaigns.pack_format import AlertFile, Part
from app.errors import PackBroken
from app.wording import templates

ALERT_FILE = "alert.toml"
TABLES = ".toml"
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
    """An alert with its campaign, its countries, its letter templates, and what it says in other
    languages than English."""

    alert: AlertFile
    letters: tuple[LetterFile, ...]
    translations: tuple[Translation, ...] = ()


def load_folder(path: Path) -> Pack:
    """Read a pack. Raises PackBroken or TemplateBroken with the file and the reason."""
    names = [ALERT_FILE, *sorted(_others(path))]
    return load_files({name: _octets(path / name) for name in names}, where=f"{path}/")


def load_files(files: Mapping[str, bytes], *, where: str = "") -> Pack:
    """The same from its files by name: alert.toml, translations of it, and the letters. `where`:
    before each name.

    Raises PackBroken or TemplateBroken with the file and the reason.
    """
    texts = {name: _text(f"{where}{name}", octets) for name, octets in files.items()}
    if ALERT_FILE not in texts:
        raise PackBroken(f"{where}{ALERT_FILE} is missing: without it there is no alert")
    name = f"{where}{ALERT_FILE}"
    alert = pack_format.check(name, _tables(name, texts.pop(ALERT_FILE)))
    translations = {
        file_format.language_of(file): file_format.check(
            f"{where}{file}", _tables(f"{where}{file}", texts.pop(file))
        )
        for file in sorted(texts)
        if file.endswith(TABLES)
    }
    return whole(alert, texts, translations, where=where)


def whole(
    alert: AlertFile,
    texts: Mapping[str, str],
    translations: Mapping[str, TranslationFile] | None = None,
    *,
    where: str = "",
) -> Pack:
    """An alert with its letters by file name and its translations by language, which agree.
    Raises PackBroken or TemplateBroken."""
    made = [Translation(*one) for one in sorted((translations or {}).items())]
    pack = Pack(alert, tuple(_letters(texts, where)), tuple(made))
    _check_countries(pack)
    check_stages(pack, [stage.key for stage in pack.alert.campaign.stages])
    for one in made:
        file_format.agree(f"{where}{one.name}", one.file, alert.model_dump())
    return pack


def write_folder(pack: Pack, path: Path) -> None:
    """Write a pack, over an older copy of itself too. Raises PackBroken before writing a byte
    when the folder holds a letter or a translation that the pack does not know."""
    strange = set(_others(path)) - files_of(pack).keys()
    if strange:
        raise PackBroken(f"{path}: {_names(strange)} is not part of this alert; move it away first")
    path.mkdir(parents=True, exist_ok=True)
    for name, octets in files_of(pack).items():
        (path / name).write_bytes(octets)


def files_of(pack: Pack) -> dict[str, bytes]:
    """A pack's files by name; the same pack gives the same bytes."""
    translations = sorted(pack.translations, key=lambda one: one.language)
    letters = sorted(pack.letters, key=lambda letter: letter.name)
    return (
        {ALERT_FILE: _written(pack.alert)}
        | {one.name: _written(one.file) for one in translations}
        | {one.name: one.source.encode() for one in letters}
    )


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
    variants = (*front.subjects, *front.openings, *front.reasons, *front.closings)
    asks = set(front.asks)
    return asks, asks.union(*(one.stages for one in variants))


def _letters(texts: Mapping[str, str], where: str) -> Iterator[LetterFile]:
    for name, text in texts.items():
        found = LETTER_FILE.fullmatch(name)
        if not found:
            raise PackBroken(f"{where}{name}: a letter is named <COUNTRY>.<language>.txt")
        yield LetterFile(found["country"], found["language"], text)


def _check_countries(pack: Pack) -> None:
    wanted = {country.code for country in pack.alert.countries}
    written = {letter.country for letter in pack.letters}
    if pack.alert.kind == "guide" and written:
        raise PackBroken(f"{ALERT_FILE}: kind: a guide has no letters, but there are some")
    if written - wanted:
        raise PackBroken(f"{ALERT_FILE}: countries: a letter for {_names(written - wanted)} only")
    if pack.alert.kind == "letters" and wanted - written:
        raise PackBroken(f"{ALERT_FILE}: countries: no letter for {_names(wanted - written)}")


def _others(path: Path) -> Iterator[str]:
    """The names of a folder's letters and translations."""
    for pattern in ("*.txt", "alert.*.toml"):
        yield from (file.name for file in path.glob(pattern))


def _tables(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise PackBroken(f"{name}: {fault}") from None
    except RecursionError:
        raise PackBroken(f"{name}: lists within lists, too deep to read") from None


def _written(file: Part) -> bytes:
    tables = file.model_dump(exclude_defaults=True)
    return tomli_w.dumps(tables, multiline_strings=True, indent=2).encode()


def _octets(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as fault:
        raise PackBroken(f"{file}: {fault.strerror or fault}") from None


def _text(name: str, octets: bytes) -> str:
    try:
        text = octets.decode("utf-8-sig")  # some editors begin a file with a mark
    except UnicodeDecodeError:
        raise PackBroken(f"{name}: not UTF-8") from None
    return plain(name, text)


def plain(name: str, text: str) -> str:
    """A file's text with lines that end as ours do. Raises PackBroken."""
    if "\x00" in text:
        raise PackBroken(f"{name}: a NUL character")
    return text.replace("\r\n", "\n")


def _names(some: set[str]) -> str:
    return ", ".join(sorted(some))
