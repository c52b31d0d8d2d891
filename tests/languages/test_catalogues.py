"""Each catalogue says everything that pages and notices say, in whole sentences of its own."""

import re
import shlex
import tomllib
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

from app.languages import CATALOGUES, LANGUAGES, SOURCE

ROOT = Path(__file__).parents[2]
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%%|\{\w+\}|</?\w+")
NAMED = re.compile(r"%\((\w+)\)s")
TRANSLATED = [language for language in LANGUAGES if language != SOURCE]
EVERY = pytest.mark.parametrize("language", TRANSLATED)


@pytest.fixture
def sentences() -> Catalog:
    """What `make words` would gather now, with its own command."""
    return _gathered()


@cache  # another file of tests asks for it too
def _gathered() -> Catalog:
    (command,) = re.findall(
        r"pybabel (-q extract (?:.*\\\n)*.*)", (ROOT / "Makefile").read_text("utf-8")
    )
    *words, _ = shlex.split(command.replace("\\\n", " "))
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as here:
        gathered = Path(folder) / "messages.pot"
        words[words.index("-o") + 1] = str(gathered)
        here.chdir(ROOT)
        CommandLineInterface().run(["pybabel", *words, "."])
        with gathered.open("rb") as file:
            return read_po(file)


@cache
def catalogue(language: str) -> Catalog:
    with (CATALOGUES / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def sources(message: Message) -> tuple[str, ...]:
    return message.id if isinstance(message.id, tuple) else (message.id,)


def forms(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string,)


def said(found: Catalog) -> list[Message]:
    return [message for message in found if message.id]


def placeholders(text: str) -> list[str]:
    """What code fills in, and the tags: a translation has the same."""
    return sorted(hit.group() for hit in PLACEHOLDER.finditer(text))


def test_there_are_five_beside_the_source() -> None:
    assert TRANSLATED == ["et", "fi", "lt", "lv", "pl"]


@EVERY
def test_no_sentence_is_missing_and_none_is_left_over(sentences: Catalog, language: str) -> None:
    wanted = {sources(one) for one in said(sentences)}
    translated = {sources(one) for one in said(catalogue(language)) if all(forms(one))}
    assert len(wanted) > 300
    assert sorted(wanted - translated) == []
    assert sorted(translated - wanted) == []
    assert list(catalogue(language).obsolete) == []


@EVERY
def test_no_sentence_is_a_guess_or_empty(language: str) -> None:
    assert [one.id for one in said(catalogue(language)) if one.fuzzy or not all(forms(one))] == []


@EVERY
def test_what_is_filled_in_stands_in_every_translation(language: str) -> None:
    """A form that says one thing alone may leave its number out."""
    wrong = []
    for message in said(catalogue(language)):
        of_one, of_many = sources(message)[0], sources(message)[-1]
        for form, text in enumerate(forms(message)):
            may = [placeholders(of_many)] + ([placeholders(of_one)] if form == 0 else [])
            if text and placeholders(text) not in may:
                wrong.append((of_one, text))
    assert wrong == []


@EVERY
def test_babels_own_checks_find_nothing(language: str) -> None:
    """Except where it would forbid a number that English leaves out of its singular."""
    found = catalogue(language)
    faults = [
        (sources(one)[0], str(fault))
        for one in said(found)
        for fault in one.check(found)
        if not any(f"'{named}'" in str(fault) for named in NAMED.findall(sources(one)[-1]))
    ]
    assert faults == []


@EVERY
def test_a_plural_has_as_many_forms_as_its_language(language: str) -> None:
    found = catalogue(language)
    plural = [one for one in said(found) if one.pluralizable]
    assert plural
    assert [one.id for one in plural if len(forms(one)) != found.num_plurals] == []


@EVERY
def test_a_translation_begins_and_ends_as_its_sentence_does(language: str) -> None:
    """A space lost at an edge glues two words together on the page."""
    wrong = [
        (source, text)
        for one in said(catalogue(language))
        for source, text in zip((sources(one)[0], *sources(one)[-1:] * 9), forms(one), strict=False)
        if text and edges(source) != edges(text)
    ]
    assert wrong == []


def edges(text: str) -> tuple[str, str]:
    inside = text.strip()
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :] if inside else ""


def translated_notices() -> list[str]:
    """Those to supporters; what goes to organisers is in English, as pyproject.toml says."""
    mapping = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    ignored = mapping["tool"]["babel"]["mappings"][0]["pattern"]
    found = sorted((ROOT / "templates" / "notices").glob("*.txt"))
    return [one.name for one in found if f"templates/notices/{one.name}" not in ignored]


@pytest.mark.parametrize("name", translated_notices())
def test_a_notice_says_nothing_past_the_catalogues(name: str) -> None:
    source = (ROOT / "templates" / "notices" / name).read_text("utf-8")
    read = Environment(extensions=["jinja2.ext.i18n"]).parse(source)  # noqa: S701  plain text
    literal = [piece.data for piece in read.find_all(nodes.TemplateData)]
    assert [one for one in literal if re.search(r"[^\W\d_]{2,}", one)] == []
