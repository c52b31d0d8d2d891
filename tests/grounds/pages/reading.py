"""A page as a reader meets it: each text, the language it is marked as, and where it stands."""

from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})
READ_OUT = ("alt", "aria-label", "title", "placeholder", "data-label")
FOR_A_BUTTON = ("data-copy", "data-copied")  # that a script puts beside the element
SAID = {"description", "og:title", "og:description", "og:image:alt", "og:site_name"}
NOT_READ = frozenset({"script", "style"})

Attributes = dict[str, str]


@dataclass(frozen=True)
class Text:
    """A piece of text, the nearest `lang` above it, and the elements it stands in."""

    said: str
    language: str
    inside: tuple[tuple[str, Attributes], ...]

    def stands_in(self, tag: str, **attributes: str) -> bool:
        return any(
            tag in (name, "*") and attributes.items() <= here.items() for name, here in self.inside
        )


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, Attributes]] = []
        self.found: list[Text] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        here = {name: value or "" for name, value in attrs}
        for name in FOR_A_BUTTON:
            self._take(here.get(name, ""))
        self.open.append((tag, here))
        for name in READ_OUT:
            self._take(here.get(name, ""))
        if tag == "meta" and _is_said(here):
            self._take(here.get("content", ""))
        if tag in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if any(name == tag for name, _ in self.open):
            while self.open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1][0] not in NOT_READ:
            self._take(data)

    def _take(self, text: str) -> None:
        if text.strip():
            said = " ".join(text.split())
            self.found.append(Text(said, self._language(), tuple(self.open)))

    def _language(self) -> str:
        return next((here["lang"] for _, here in reversed(self.open) if "lang" in here), "")


def _is_said(meta: Attributes) -> bool:
    return bool({meta.get("name"), meta.get("property")} & SAID)


def texts(page: str) -> Iterator[Text]:
    """All that is read or read out, from the first element on."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    yield from reader.found
