"""No page mixes languages: with a catalogue that marks its sentences, every text is marked."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from sqlalchemy import select

from app import languages
from app.db import Database
from app.languages import country_name, language_name, language_name_in
from app.models import Alert, AlertTranslation
from app.settings import Settings
from tests.grounds.alerts import ROOT
from tests.grounds.pages.reading import Text, texts
from tests.grounds.pages.supporters import everywhere
from tests.languages.test_catalogues import forms, said, sentences, sources

__all__ = ["sentences"]

FINNISH = "fi"
PACKS = ROOT / "templates" / "letters"
# what code fills in, and tags, stand between the marks: what is filled in has to be marked itself
BETWEEN = re.compile(r"(%\(\w+\)[sd]|%%|<[^>]+>|\{\w+\})")
MARKED = re.compile("⟦[^⟦⟧]*⟧")
A_WORD = re.compile(r"[^\W\d_]{2,}")
ADDRESS = re.compile(r"\S+@\S+|https?://\S+|(?:[\w-]+\.)+(?:org|example)\b")
# names of people, places, servers and of things that every language calls so
NAMES = ("Mine Ban Campaign", "Mari Mägi", "Juhan", "Leida", "Tartu", "Message-ID", "UTC", "TLSv")
SHARED_ON = ("Bluesky", "Facebook", "Mastodon", "Signal", "Telegram", "WhatsApp")


def marked(sentence: str) -> str:
    pieces = BETWEEN.split(sentence)
    return "".join(one if n % 2 or not one.strip() else f"⟦{one}⟧" for n, one in enumerate(pieces))


@pytest.fixture
def marking(sentences: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Finnish catalogue that says each English sentence between marks."""
    made = Catalog(locale=FINNISH)
    for one in said(sentences):
        here = tuple(marked(source) for source in sources(one))
        made.add(one.id, here if one.pluralizable else here[0], flags=one.flags)
    assert any(forms(one) for one in said(made))
    path = tmp_path / FINNISH / "LC_MESSAGES" / "messages.po"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        write_po(file, made)
    monkeypatch.setattr(languages, "CATALOGUES", tmp_path)
    for read in (languages.translations, languages.is_reviewed):
        read.cache_clear()
    yield
    for read in (languages.translations, languages.is_reviewed):
        read.cache_clear()


async def mark_the_alerts(database: Database) -> None:
    """What organisers have translated is marked too: an English text of theirs is found."""
    async with database.transaction() as session:
        for alert in await session.scalars(select(Alert)):
            told = tomllib.loads((PACKS / alert.slug / f"alert.{FINNISH}.toml").read_text("utf-8"))
            content = all_marked(told | {"body": "The whole of it"})
            values = {"alert_id": alert.id, "language": FINNISH, "reviewed": True}
            await session.merge(AlertTranslation(**values, content=content))


def all_marked(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: all_marked(value) for key, value in content.items()}
    if isinstance(content, list):
        return [all_marked(one) for one in content]
    return marked(" ".join(content.split())) if isinstance(content, str) else content


def unmarked(text: Text) -> str:
    """The words of a text that no catalogue gave, if it is to be in the page's language."""
    if text.language != FINNISH or text.stands_in("time") or text.stands_in("code"):
        return ""
    rest = ADDRESS.sub("", MARKED.sub("", text.said))
    for name in (*NAMES, *SHARED_ON, *CALLED):
        rest = rest.replace(name, "")
    return " ".join(A_WORD.findall(rest))


def mislabelled(text: Text) -> str:
    """Words of a catalogue that a screen reader would read as if they were English; where a
    letter lacks its writer's name, their own language stands in for it."""
    in_a_letter = text.stands_in("div", **{"class": "sheet-body"}) or text.stands_in("dd")
    if text.language in (FINNISH, "") or in_a_letter:
        return ""
    return text.said if MARKED.search(text.said) else ""


CALLED = sorted(
    {country_name(code, FINNISH) for code, _ in languages.countries(FINNISH)}
    | {language_name(FINNISH)}
    | {language_name_in(code, FINNISH) for code in languages.LANGUAGES}
    | set(languages.locale(FINNISH).months["format"]["wide"].values())
    | set(languages.locale(FINNISH).months["stand-alone"]["abbreviated"].values()),
    key=len,
    reverse=True,
)


async def test_no_supporters_page_has_a_word_that_no_catalogue_knows(
    client: httpx.AsyncClient,
    database: Database,
    settings: Settings,
    furnished: None,
    marking: None,
) -> None:
    found: dict[str, list[str]] = {}
    pages = await everywhere(database, settings)
    await mark_the_alerts(database)
    for page in pages:
        answer = await page.by(client, FINNISH)
        assert answer.status_code == page.status, page.name
        assert "⟦" in answer.text, page.name
        html = answer.text
        if not html.lstrip().startswith("<!doctype"):
            html = f'<html lang="{FINNISH}">{html}</html>'
        left = [rest for text in texts(html) if (rest := unmarked(text) or mislabelled(text))]
        if left:
            found[page.name] = sorted(set(left))
    assert not found, "\n".join(f"{name}: {words}" for name, words in found.items())
