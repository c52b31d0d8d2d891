"""A letter as a link that opens it in the supporter's own mail program (RFC 6068)."""

from dataclasses import dataclass
from urllib.parse import quote

from app.wording.render import LetterText

CRLF = "%0D%0A"  # RFC 6068 5
LONGEST_LINK = 1_900  # characters; some browsers and mail programs cut what is longer


@dataclass(frozen=True)
class OwnMailbox:
    """`whole`: the link carries the text too; if not, it is there to be copied."""

    address: str
    link: str
    whole: bool


def offer(address: str, text: LetterText) -> OwnMailbox:
    """The letter to that address, or as much of it as fits into a link."""
    local, _, domain = address.rpartition("@")
    to = f"mailto:{_encoded(local)}@{_encoded(domain)}"
    headed = f"{to}?subject={_encoded(text.subject)}"
    body = CRLF.join(map(_encoded, text.body.rstrip("\n").split("\n")))
    whole = f"{headed}&body={body}"
    fitting = [link for link in (whole, headed, to) if len(link) <= LONGEST_LINK]
    link = fitting[0] if fitting else ""
    return OwnMailbox(address, link, link == whole)


def _encoded(text: str) -> str:
    """Everything but letters, digits and - . _ ~: a plus sign would be read as a space."""
    return quote(text, safe="", errors="replace")
