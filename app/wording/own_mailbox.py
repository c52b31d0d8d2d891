"""A letter as links that open it in the supporter's own mail program, or in their webmail."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote

from app.wording.render import LetterText

CRLF = "%0D%0A"  # RFC 6068 5; webmail reads it too


@dataclass(frozen=True)
class Way:
    """A link into one program. `whole`: it carries the text too; if not, it is to be copied."""

    program: str  # mail | gmail | outlook | outlook_com
    link: str
    whole: bool


@dataclass(frozen=True)
class OwnMailbox:
    """A letter for the supporter's own mailbox. `address`: empty in practice."""

    address: str
    ways: tuple[Way, ...]

    @property
    def whole(self) -> bool:
        """Every way carries the text: nothing needs to be copied."""
        return all(way.whole for way in self.ways)


class Program(NamedTuple):
    """How a link into a program begins, what it calls the parts, and how long it may be."""

    begin: Callable[[str], str]  # takes the encoded address
    subject: str
    body: str
    longest: int  # characters


def _mailto(to: str) -> str:
    return f"mailto:{to}?"


def _web(page: str) -> Callable[[str], str]:
    return lambda to: f"{page}&to={to}&" if "?" in page else f"{page}?to={to}&"


PROGRAMS = {
    # RFC 6068; some browsers and mail programs cut what is longer
    "mail": Program(_mailto, "subject", "body", 1_900),
    # whoever is not signed in is sent round by a link half as long again
    "gmail": Program(_web("https://mail.google.com/mail/?view=cm&fs=1"), "su", "body", 8_000),
    # its server takes some 2,048 characters in all, and answers a longer link with an error
    "outlook": Program(
        _web("https://outlook.office.com/mail/deeplink/compose"), "subject", "body", 1_900
    ),
    "outlook_com": Program(
        _web("https://outlook.live.com/mail/0/deeplink/compose"), "subject", "body", 1_900
    ),
}


def offer(address: str, text: LetterText) -> OwnMailbox:
    """The letter to that address, or as much of it as fits into each link.

    Without an address the links open a letter to nobody: so it is in practice.
    """
    ways = (_way(name, program, address, text) for name, program in PROGRAMS.items())
    return OwnMailbox(address, tuple(one for one in ways if one.link))


def _way(name: str, program: Program, address: str, text: LetterText) -> Way:
    local, at, domain = address.rpartition("@")
    to = program.begin(f"{_encoded(local)}{at}{_encoded(domain)}")
    headed = f"{to}{program.subject}={_encoded(text.subject)}"
    body = CRLF.join(map(_encoded, text.body.rstrip("\n").split("\n")))
    whole = f"{headed}&{program.body}={body}"
    fitting = [one for one in (whole, headed, to.rstrip("?&")) if len(one) <= program.longest]
    link = fitting[0] if fitting else ""
    return Way(name, link, link == whole)


def _encoded(text: str) -> str:
    """Everything but letters, digits and - . _ ~: a plus sign would be read as a space."""
    return quote(text, safe="", errors="replace")
