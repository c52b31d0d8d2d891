"""The lines to copy: a frame for a partner's page, a link for a newsletter."""

import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from markupsafe import escape

from app.web.supporters.spreading.prefilled import UNFILLED

_TAGS = re.compile(f"({UNFILLED.pattern})")


def frame(public_url: str, slug: str, title: str, carried: Mapping[str, str]) -> str:
    """One line of HTML. It works alone; the script sets its height. `carried`: its query."""
    address = f"{public_url}/alerts/{slug}/embed"
    query = urlencode({name: value for name, value in carried.items() if value})
    address += f"?{query}" if query else ""
    return (
        f'<iframe src="{escape(address)}" title="{escape(title)}"'
        ' style="width:100%;border:0;min-height:40rem" loading="lazy"></iframe>'
        f'<script src="{escape(public_url)}/embed.js" async></script>'
    )


def link(public_url: str, slug: str, carried: Mapping[str, str]) -> str:
    """The alert's page, with what a link may fill in; a newsletter's own tags stay as they are,
    or it would not know them."""
    query = "&".join(f"{name}={_value(value)}" for name, value in carried.items() if value)
    return f"{public_url}/alerts/{slug}" + (f"?{query}" if query else "")


def _value(text: str) -> str:
    return "".join(
        part if n % 2 else quote(part, safe=",") for n, part in enumerate(_TAGS.split(text))
    )
