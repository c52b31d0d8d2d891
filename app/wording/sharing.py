"""Texts for passing an alert on, and the links that open them where people talk.

Links only: nothing of these places is loaded here, and none learns of a reader before a touch.
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from app.models import Alert
from app.wording.language.translated import AlertWords, Spoken

URL = "{url}"
SHORT, LONG = "short", "long"
# what each asks for in its address; Mastodon has many servers, so a page of ours asks which
PLACES = {
    "bluesky": ("Bluesky", "https://bsky.app/intent/compose", ("text",)),
    "x": ("X", "https://x.com/intent/post", ("text",)),
    "facebook": ("Facebook", "https://www.facebook.com/sharer/sharer.php", ("u",)),
    "whatsapp": ("WhatsApp", "https://wa.me/", ("text",)),
    "telegram": ("Telegram", "https://t.me/share/url", ("url", "text")),
}
FOR_LONG = ("whatsapp", "telegram")  # all others cut a text of more than a few lines
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])")


@dataclass(frozen=True)
class Link:
    """`key`: a place of PLACES, mastodon or mail. `here`: it leads to a page of ours first."""

    key: str
    name: str
    href: str
    here: bool = False


@dataclass(frozen=True)
class Shared:
    """A text to pass on: as it is copied, and its links."""

    key: str
    channel: str
    shown: Spoken
    links: list[Link]


def texts(words: AlertWords, public_url: str, *, ended: bool = False) -> list[Shared]:
    """The alert's texts to share in the reader's language, with their links."""
    return [
        shared(text, words.alert, public_url, key=str(n), channel=channel, title=words.title)
        for n, (channel, text) in enumerate(templates(words, ended=ended), 1)
    ]


def templates(words: AlertWords, *, ended: bool = False) -> list[tuple[str, Spoken]]:
    """(channel, text with {url}), the short ones first.

    An alert that ended, or has none, is passed on by its title: its texts ask people to write.
    """
    told = [] if ended else sorted(words.share, key=lambda one: one[0] == LONG)
    return told or [(SHORT, by_title(words))]


def by_title(words: AlertWords) -> Spoken:
    """What anybody can say of an alert, whether they wrote or not."""
    return Spoken(f"{words.title}: {URL}", words.title.language)


def for_anybody(words: AlertWords, public_url: str, *, ended: bool) -> list[Shared]:
    """The same, led by one that does not say “I have just written”."""
    found = texts(words, public_url, ended=ended)
    if ended or not words.share:
        return found
    key, title = str(len(found) + 1), words.title
    first = shared(by_title(words), words.alert, public_url, key=key, channel=SHORT, title=title)
    return [first, *found]


def guide_texts(words: AlertWords, about: Alert, public_url: str) -> list[dict[str, Any]]:
    """A guide's texts as `alerts/guide.html` shows them; `about`: the alert their links lead to.

    `links`: for texts that are posted or mailed; letters to governments have none.
    """
    return [_of_guide(words, one, about, public_url) for one in words.alert.texts]


def shared(
    text: Spoken, about: Alert, public_url: str, *, key: str, channel: str, title: str
) -> Shared:
    """One text with its links. `key` finds it again on the page that asks for a Mastodon server.

    A text that names no place for the address gets it at its end.
    """
    whole = text if URL in text else f"{text} {URL}"
    to = f"{public_url.rstrip('/')}/alerts/{about.slug}"
    links = [_link(place, whole, to) for place in PLACES if channel != LONG or place in FOR_LONG]
    if channel != LONG:
        links.insert(0, Link("mastodon", "Mastodon", "", here=True))
    body = whole.replace(URL, counted(to, "mail"))
    links.append(Link("mail", "", f"mailto:?subject={quote(title)}&body={quote(body, safe='')}"))
    shown = Spoken(whole.replace(URL, counted(to, "copy")), text.language)
    return Shared(key, channel, shown, links)


def counted(address: str, source: str) -> str:
    """An address that tells where its reader came from, and nothing of who passed it on."""
    return f"{address}?{urlencode({'utm_source': source, 'utm_medium': 'share'})}"


def post(text: str, about: Alert, public_url: str) -> str:
    """A text as it stands on Mastodon, its link with it."""
    to = f"{public_url.rstrip('/')}/alerts/{about.slug}"
    return (text if URL in text else f"{text} {URL}").replace(URL, counted(to, "mastodon"))


def mastodon(posted: str, host: str) -> str:
    """The address that opens a post on somebody's own server."""
    return f"https://{host}/share?{urlencode({'text': posted}, quote_via=quote)}"


def server(typed: str) -> str:
    """The name of a server, from what somebody typed: mastodon.example, its address, or
    @mari@mastodon.example; empty where it names none."""
    name = re.sub(r"^https?://", "", typed.strip().lower())
    name = name.partition("/")[0].rpartition("@")[2].rstrip(".")
    try:
        name = name.encode("idna").decode() if not name.isascii() else name
    except UnicodeError:
        return ""
    return name if len(name) <= 253 and _HOST.fullmatch(name) else ""


def _link(place: str, text: str, to: str) -> Link:
    name, address, asks = PLACES[place]
    url = counted(to, place)
    without = " ".join(text.replace(URL, "").split(" ")).strip()
    said = {"text": text.replace(URL, url), "url": url, "u": url}
    if "url" in asks:  # it is shown beside the text, and would stand there twice
        said["text"] = without
    return Link(
        place, name, f"{address}?{urlencode({one: said[one] for one in asks}, quote_via=quote)}"
    )


def _of_guide(
    words: AlertWords, one: dict[str, Any], about: Alert, public_url: str
) -> dict[str, Any]:
    text = words.copied(one["key"], "text", one["text"])
    url = f"{public_url.rstrip('/')}/alerts/{about.slug}"
    shown = Spoken(text.replace(URL, url), text.language)
    if one["audience"] == "governments":
        return one | {"text": shown, "links": []}
    channel = SHORT if one["audience"] == "social" else LONG
    title = words.copied(one["key"], "title", one["title"])
    made = shared(text, about, public_url, key=one["key"], channel=channel, title=title)
    links = [link for link in made.links if one["audience"] == "social" or link.key == "mail"]
    return one | {"text": shown, "links": links}
